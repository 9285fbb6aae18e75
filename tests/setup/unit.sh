#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: unit.sh TALLY-FILE BINARY...
#
# Run cmocka programs one after the other; print what failed in full and one
# line for what passed.
set -uo pipefail
tally=$1
shift
mkdir -p "$(dirname "$tally")"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
passed=0 failed=0
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
for bin in "$@"; do
	timeout 900 env CMOCKA_MESSAGE_OUTPUT=TAP "$bin" >"$out" 2>&1
	rc=$?
	ok=$(grep -c '^ok ' "$out")
	bad=$(grep -c '^not ok ' "$out")
	# A crash or a leak after the last test is a failure too.
	[ "$rc" = 0 ] || [ "$bad" != 0 ] || bad=1
	[ "$rc" != 0 ] || [ "$ok" != 0 ] || { bad=1; echo "$bin ran no test"; }
	passed=$((passed + ok)) failed=$((failed + bad))
	name=${bin#*/unit/}
	if [ "$bad" = 0 ]; then
		echo "ok   $name ($ok)"
	else
		echo "FAIL $name (exit $rc)"
		cat "$out"
	fi
done
echo "$passed $failed" >"$tally"
echo "unit: $passed passed, $failed failed"
[ "$failed" = 0 ]
