#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# Where something takes the user's ids away: what works, what is said, and
# that it ends with the cause.  no_new_privs is such a thing that every user
# can bring about.

load helpers

setup() {
	engine_setup
	engine_image
	"$BRYO" system migrate
}

teardown() {
	engine_teardown
}

# like run_bryo, under no_new_privs
few() {
	cat >"$ENGINE_DIR/few" <<-EOF
		#!/bin/sh
		exec setpriv --no-new-privs "$BRYO" "\$@"
	EOF
	chmod +x "$ENGINE_DIR/few"
	BRYO=$ENGINE_DIR/few run_bryo "$@"
}

@test "one id: one warning with the cause and the fix, then silence" {
	few run --rm "$BUSYBOX" cat /proc/self/uid_map
	assert "         0          0          1" "$out"
	assert_match "level=warning .*system check --repair.*no_new_privs is set.*fix: .*NoNewPrivileges" \
		"$errs"
	few run --rm "$BUSYBOX" id -u
	assert 0
}

@test "one id: what needs more says so" {
	few -126 run --rm --user 5:6 "$BUSYBOX" true
	assert_match "switch to gid 6: no such id .* one only .*bryo doctor"
	few -125 run --rm --userns keep-id "$BUSYBOX" true
	assert_match "subordinate ids: no_new_privs is set.*fix: "
	few -125 run --rm --userns auto "$BUSYBOX" true
	assert_match "subordinate ids: no_new_privs is set.*fix: "
	few -1 doctor
	assert_match "failed +newuidmap .*no_new_privs is set"
	assert_match $'\nok +container +a container runs$'
}

@test "one id is for those who cannot have more" {
	local map=$'         0          0          1\n         1          1'
	few run -d --name poor "$BUSYBOX" sleep 1000
	run_bryo exec poor sh -c 'xargs </proc/self/uid_map'
	assert "0 0 1"
	# its namespace is there to be joined, and is not taken
	run_bryo run --rm "$BUSYBOX" cat /proc/self/uid_map
	assert_match "^$map"
	run_bryo run --rm --user 5:6 "$BUSYBOX" id -u
	assert 5
	# the other way round it is
	few run --rm --user 5:6 "$BUSYBOX" id -u
	assert 5
	run_bryo run --rm --network container:poor "$BUSYBOX" id -u
	assert 0
	run_bryo cp "$ENGINE_DIR/few" poor:/few
	run_bryo exec poor stat -c %u /few
	assert 0
	run_bryo rm -f -t 0 poor
}

@test "one id: images get their owners back when there are more" {
	run_bryo run --name mk "$BUSYBOX" sh -c 'echo x >/own; chown 5:6 /own'
	run_bryo commit -q mk own
	run_bryo rm mk
	run_bryo save -q -o "$ENGINE_DIR/own.tar" own
	run_bryo rmi -fa
	run_bryo system migrate
	few load -q -i "$ENGINE_DIR/own.tar"
	few run --rm own stat -c %u:%g /own
	assert 0:0 "$out"
	run_bryo run --rm own stat -c %u:%g /own
	assert 0:0
	run_bryo -125 system check
	assert_match "damaged at /own"
	run_bryo system check --repair
	run_bryo run --rm own stat -c %u:%g /own
	assert 5:6
}
