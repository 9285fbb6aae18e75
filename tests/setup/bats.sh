#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: bats.sh TALLY-FILE BUILD-DIR PATH...
#
# Run bats files (or all of a folder) against the programs in BUILD-DIR.
# A skipped test is a failure: what cannot run here has to say so in README.
set -uo pipefail
tally=$1
export BRYO_BUILD=$2
shift 2
mkdir -p "$(dirname "$tally")"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# a hang is a failure, not a hung run; the fault loops set their own
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300}
# bats keeps descriptor 3 for itself; a container's monitor must not hold it.
bats --tap --timing "$@" 2>&1 | tee "$out"
rc=${PIPESTATUS[0]}
passed=$(grep -c '^ok ' "$out")
failed=$(grep -c '^not ok ' "$out")
skipped=$(grep -c '^ok .* # skip' "$out")
passed=$((passed - skipped)) failed=$((failed + skipped))
[ "$rc" = 0 ] || [ "$failed" != 0 ] || failed=1
echo "$passed $failed" >"$tally"
echo "$(basename "$tally"): $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
