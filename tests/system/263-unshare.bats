#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# unshare: root in the user namespace of the containers.

load helpers

@test "unshare: root inside, the caller's files stay the caller's" {
	run_bryo unshare sh -c 'id -u; touch "$0"; stat -c %u "$0"' "$ENGINE_DIR/f"
	assert $'0\n0'
	[ "$(stat -c %U "$ENGINE_DIR/f")" = "$(id -un)" ]
	run_bryo unshare wc -l /proc/self/uid_map
	assert_match "^[2-9]"
	SHELL=/bin/true run_bryo unshare
	assert ""
}

@test "unshare: files of subuids are reachable, mounts are its own" {
	mkdir "$ENGINE_DIR/d" "$ENGINE_DIR/m"
	run_bryo run --rm -v "$ENGINE_DIR/d:/d" "$BUSYBOX" sh -c 'mkdir -m 0700 /d/x; touch /d/x/f; chown -R 33:33 /d/x'
	refute ls "$ENGINE_DIR/d/x"
	run_bryo unshare stat -c %u "$ENGINE_DIR/d/x/f"
	assert 33
	run_bryo unshare sh -c 'mount -t tmpfs none "$0" && touch "$0/x" && ls "$0"' "$ENGINE_DIR/m"
	assert x
	[ -z "$(ls "$ENGINE_DIR/m")" ]
	run_bryo unshare rm -rf "$ENGINE_DIR/d/x"
	refute [ -e "$ENGINE_DIR/d/x" ]
}

@test "unshare: exit codes, and what is not there yet" {
	run_bryo -7 unshare sh -c 'exit 7'
	run_bryo -127 unshare nosuchcommand
	assert_match "nosuchcommand"
	run_bryo -126 unshare /etc/passwd
	run_bryo -125 unshare --rootless-netns true
	assert "Error: --rootless-netns is not supported yet"
}
