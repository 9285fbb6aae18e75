#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The machine is what the other scenarios take for granted, and a container
# runs in it.

load helpers

@test "the machine: cgroup v2, a user manager with delegation, devices" {
	[ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]
	systemctl --user show-environment
	grep -qw memory "$USER_CG/cgroup.controllers"
	grep -qw pids "$USER_CG/cgroup.controllers"
	[ -c /dev/fuse ] && [ -c /dev/net/tun ]
	[ -r /dev/fuse ] && [ -w /dev/net/tun ]
	loginctl show-user joe -p Linger | grep -qx Linger=yes
}

@test "a container runs, with ids of its own and a network" {
	run_bryo run --rm "$BUSYBOX" id -u
	assert 0
	run_bryo run --rm "$BUSYBOX" sh -c 'touch /x; chown 1000:1000 /x; stat -c %u:%g /x'
	assert 1000:1000
	run_bryo run --rm "$BUSYBOX" ip -o addr show tap0
	assert_match 10.0.2.100
}

# first_is NAME: what process 1 of the container has become
first_is() {
	[ "$("$BRYO" exec web cat /proc/1/comm)" = "$1" ]
}

@test "run -d, exec, logs, stop" {
	run_bryo run -d --name web "$BUSYBOX" sh -c 'echo up; exec sleep 1000'
	wait_until 60 first_is sleep
	wait_log web up
	run_bryo logs web
	assert up
	run_bryo rm -f -t 0 web
}
