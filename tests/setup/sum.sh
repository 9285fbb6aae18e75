#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: sum.sh TALLY-DIR: add up the "PASSED FAILED" lines of its files
set -euo pipefail
cat "$1"/* 2>/dev/null | awk '
	{ p += $1; f += $2 }
	END { printf "%d passed, %d failed\n", p, f; exit f > 0 }'
