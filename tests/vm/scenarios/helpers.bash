# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For scenarios: what the system tests have (run_bryo, assert, ...), with the
# user's real home, and as_user for those that run as root.

BRYO=/usr/local/bin/bryo
BUSYBOX=localhost/busybox
NGINX=none
REGISTRY_PORT=0
# shellcheck source=tests/system/helpers.bash
. /srv/bryo/system/helpers.bash
. /srv/bryo/scenarios/session.bash

# joe's manager: what is below it is his
# shellcheck disable=SC2034
USER_CG=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

setup_file() {
	:
}

# leaf CONTAINER: the cgroup that its processes are in
leaf() {
	echo "/sys/fs/cgroup$("$BRYO" inspect -f '{{.State.CgroupPath}}' "$1")"
}

gone() {
	[ ! -e "$1" ]
}

# What a scenario leaves behind is its own fault.
teardown_file() {
	[ "$(id -u)" != 0 ] || return 0
	"$BRYO" rm -fa -t 0 >/dev/null
	[ -z "$("$BRYO" ps -aq)" ]
}
