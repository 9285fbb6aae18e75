#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cgroups by hand: root, a plain cgroup v2 mount, no controllers (they are
# v1's here): the tree, the freezer, what is left.

load helpers

setup_file() {
	if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
		umount -R /sys/fs/cgroup || :
		mount -t cgroup2 none /sys/fs/cgroup
	fi
	engine_setup
	engine_image
	BASE=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
	export BASE=${BASE%/}
}

teardown_file() {
	engine_teardown
}

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null
}

leaf() {
	echo "/sys/fs/cgroup$("$BRYO" inspect -f '{{.State.CgroupPath}}' "$1")"
}

gone() {
	[ ! -e "$1" ]
}

@test "F29: a directory for the container, gone with it" {
	run_bryo run -d --name a "$BUSYBOX" sleep 1000
	id=$out
	l=$(leaf a)
	[ "$l" = "$BASE/bryo-$id" ]
	[ "$(cat "$l/cgroup.procs")" = "$("$BRYO" inspect -f '{{.State.Pid}}' a)" ]
	run_bryo exec a cat /proc/self/cgroup
	assert_match '0::/$'
	run_bryo exec -d a sleep 2000
	wait_until 2 sh -c "[ \$(wc -l <$l/cgroup.procs) = 2 ]"
	run_bryo rm -f -t 0 a
	wait_until 5 gone "$l"
}

@test "P10: the freezer stops it, and thaws it" {
	run_bryo run -d --name a "$BUSYBOX" sleep 1000
	l=$(leaf a)
	run_bryo pause a
	grep -qx 'frozen 1' "$l/cgroup.events"
	run_bryo unpause a
	grep -qx 'frozen 0' "$l/cgroup.events"
	run_bryo pause a
	run_bryo kill a
	run_bryo wait a
	assert 137
	wait_until 5 gone "$l"
}

@test "F02: what a killed monitor leaves goes with rm, or with the next start" {
	run_bryo run -d --name a "$BUSYBOX" sleep 1000
	l=$(leaf a)
	kill_gone "$("$BRYO" inspect -f '{{.State.ConmonPid}}' a)"
	run_bryo stop -t 0 a
	[ -d "$l" ]
	run_bryo start a
	[ "$(leaf a)" = "$l" ]
	kill_gone "$("$BRYO" inspect -f '{{.State.ConmonPid}}' a)"
	run_bryo rm -f -t 0 a
	gone "$l"
}

@test "F29: --pid=host: who is left in the cgroup dies with the container" {
	run_bryo run -d --name a --pid host "$BUSYBOX" sh -c 'sleep 7654 & exec sleep 1000'
	l=$(leaf a)
	wait_until 5 pgrep -x -f 'sleep 7654'
	run_bryo kill a
	run_bryo wait a
	wait_until 5 gone "$l"
	refute pgrep -x -f 'sleep 7654'
}

@test "F29: --cgroup-parent, made where it is missing" {
	run_bryo run -d --name a --cgroup-parent /bryotest/one "$BUSYBOX" sleep 1000
	[[ $(leaf a) == /sys/fs/cgroup/bryotest/one/bryo-* ]]
	run_bryo rm -f -t 0 a
	wait_until 5 rmdir /sys/fs/cgroup/bryotest/one
	rmdir /sys/fs/cgroup/bryotest
	run_bryo run --rm --cgroups=disabled "$BUSYBOX" cat /proc/self/cgroup
	[ -z "$(find "$BASE" -maxdepth 1 -name 'bryo-*')" ]
}
