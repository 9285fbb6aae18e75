#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: tiers.sh TALLY-DIR TIER...
#
# Run each tier (a make target), go on after a failure, end with one line that
# counts every test of all of them.
set -uo pipefail
tally=$1
shift
mkdir -p "$tally"
failed=""
for tier in "$@"; do
	echo "== $tier"
	start=$SECONDS
	make --no-print-directory "$tier" || failed="$failed $tier"
	echo "== $tier: $((SECONDS - start)) s"
done
"$(dirname "$0")/sum.sh" "$tally"
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
