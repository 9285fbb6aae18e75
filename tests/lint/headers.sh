#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: headers.sh FLAGS...: every header compiles alone, has the licence
# line and a guard of its own name
set -uo pipefail
cc=${CC:-gcc}
bad=0
while read -r h; do
	guard=$(echo "${h#libpod/}" | tr 'a-z/.-' 'A-Z___')
	short=$(basename "$(dirname "$h")")/$(basename "$h")
	short=$(echo "$short" | tr 'a-z/.-' 'A-Z___')
	grep -q "SPDX-License-Identifier: Apache-2.0" "$h" ||
		{ echo "$h: no SPDX line"; bad=1; }
	grep -q -e "^#ifndef $guard\$" -e "^#ifndef $short\$" "$h" ||
		{ echo "$h: guard is not $guard"; bad=1; }
	printf '#include "%s"\n' "$h" |
		"$cc" -std=gnu17 "$@" -Werror -Wno-unused-function \
			-fsyntax-only -x c - || { echo "$h: not alone"; bad=1; }
done < <(find util storage network libpod cmd -name '*.h' | sort)
[ "$bad" = 0 ] && echo "headers: ok"
exit "$bad"
