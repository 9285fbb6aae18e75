#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: run.sh [ROW...]      (see bench.py --help for the rows)
#
# The benchmark in one run, peers interleaved.  On a host with cgroup v1
# crun, and so podman, refuse to start a container: called by root, this
# gives them a private mount namespace whose /sys/fs/cgroup is a plain
# cgroup2 mount.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top"
if [ "$(id -u)" != 0 ]; then
	exec python3 tests/bench/bench.py "$@"
fi
exec unshare -m --propagation private bash -c '
	if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
		umount -R /sys/fs/cgroup 2>/dev/null || :
		mount -t cgroup2 none /sys/fs/cgroup
	fi
	exec tests/setup/as-user.sh python3 tests/bench/bench.py "$@"' - "$@"
