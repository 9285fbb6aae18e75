#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: fuzz.sh TALLY-FILE DIR
#
# Replay tests/fuzz/corpus/NAME through DIR/NAME for every fuzz target.
set -uo pipefail
tally=$1 dir=$2
mkdir -p "$(dirname "$tally")"
passed=0 failed=0
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	corpus=tests/fuzz/corpus/$name
	n=$(find "$corpus" -type f 2>/dev/null | wc -l)
	if [ "$n" = 0 ]; then
		echo "FAIL $name: no corpus in $corpus"
		failed=$((failed + 1))
	elif timeout 300 "$dir/$name" "$corpus"; then
		echo "ok   $name ($n inputs)"
		passed=$((passed + n))
	else
		echo "FAIL $name"
		failed=$((failed + 1))
	fi
done
echo "$passed $failed" >"$tally"
echo "fuzz: $passed passed, $failed failed"
[ "$failed" = 0 ]
