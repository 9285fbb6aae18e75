#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# usage: docs.sh BRYO: manual pages and completions are those of the binary
set -u
bryo=$1
bad=0

tests/lint/docs.py "$bryo" || bad=1

for page in docs/man/*.scd; do
	scdoc <"$page" >/dev/null || { echo "$page: scdoc refuses it"; bad=1; }
done

fresh()	# SHELL FILE
{
	"$bryo" completion "$1" | cmp -s - "completions/$2" ||
		{ echo "completions/$2 is stale: make completions"; bad=1; }
}
fresh bash bryo.bash
fresh zsh _bryo
fresh fish bryo.fish
exit $bad
