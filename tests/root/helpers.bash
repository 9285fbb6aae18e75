# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Tests that root runs: containers of root itself, and network rigs and nested
# engines that only root can set up, in which the unprivileged user then
# works.  Everything happens in the private mount namespace that as-root.sh
# made and in network namespaces that a test makes.

load ../system/helpers

CHECK_USER=${CHECK_USER:-bryo-check}

# as_user ENV=VALUE... COMMAND...: the unprivileged user of the test set-up
as_user() {
	local uid gid home
	uid=$(id -u "$CHECK_USER")
	gid=$(id -g "$CHECK_USER")
	home=$(getent passwd "$CHECK_USER" | cut -d: -f6)
	setpriv --reuid "$uid" --regid "$gid" --init-groups env -i \
		HOME="$home" USER="$CHECK_USER" LANG=C.UTF-8 TERM=dumb \
		XDG_RUNTIME_DIR="/run/user/$uid" \
		PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin "$@"
}

# A directory that belongs to the user, for one test's engine.
user_engine() {
	USER_DIR=$(mktemp -d "${TMPDIR:-/tmp}/bryo.XXXXXX")
	mkdir -m 0700 "$USER_DIR/data" "$USER_DIR/run" "$USER_DIR/home"
	chown -R "$CHECK_USER:" "$USER_DIR"
	USER_ENV=(XDG_DATA_HOME="$USER_DIR/data" XDG_RUNTIME_DIR="$USER_DIR/run"
		HOME="$USER_DIR/home")
}

user_bryo() {
	as_user "${USER_ENV[@]}" "$BRYO" "$@"
}

setup_file() {
	:
}

teardown_file() {
	:
}
