#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: as-root.sh TALLY-FILE BUILD-DIR PATH...
#
# Run bats files as root: as we are, or through sudo; in a mount namespace of
# its own (they mount over /sys/fs/cgroup), under a parent that reaps.
set -euo pipefail
tally=$1
build=$2
shift 2
root=""
# When root runs the tests, the unprivileged user has built its own copy.
copy=$(getent passwd bryo-check | cut -d: -f6)/bryo/build
if [ "$(id -u)" = 0 ] && [ -x "$copy/bryo" ]; then
	build=$copy
fi
if [ "$(id -u)" != 0 ]; then
	sudo -n true 2>/dev/null || {
		echo "Error: the tests of root's own containers need root or sudo" >&2
		exit 1
	}
	root="sudo -n"
fi
# shellcheck disable=SC2086
exec $root tini -s -- unshare -m --propagation private \
	"$(dirname "$0")/bats.sh" "$tally" "$build" "$@"
