#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: as-root.sh COMMAND [ARG...]
#
# Run a command as root: as we are, or through sudo; in a mount namespace of
# its own, under a parent that reaps.
set -euo pipefail
root=""
# When root runs the tests, the unprivileged user has built its own copy.
copy=$(getent passwd bryo-check | cut -d: -f6)/bryo/build
if [ "$(id -u)" = 0 ] && [ -x "$copy/bryo" ]; then
	export BRYO_BUILD=$copy
fi
if [ "$(id -u)" != 0 ]; then
	sudo -n true 2>/dev/null || {
		echo "Error: the tests of root's own containers need root or sudo" >&2
		exit 1
	}
	root="sudo -n"
fi
# shellcheck disable=SC2086
exec $root tini -s -- unshare -m --propagation private "$@"
