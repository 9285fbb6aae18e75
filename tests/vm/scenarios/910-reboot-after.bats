#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vm: reboot
# What 900 left, behind a real reboot.

load helpers

@test "F13: after a reboot the first command heals, nothing is asked" {
	[ "$(cat ~/boot_id)" != "$(cat /proc/sys/kernel/random/boot_id)" ]
	run_bryo ps -a --format '{{.Names}} {{.State}}' --sort names
	assert_match $'ended exited\n'
	assert_match $'runs exited\nstopped exited$'
	assert_no_match gone
	run_bryo inspect --format '{{.State.ExitCode}} {{.State.Running}}' runs
	assert "-1 false"
	run_bryo inspect --format '{{.State.ExitCode}}' ended
	assert 7
}

started_twice() {
	[ "$("$BRYO" exec always cat /data/starts)" = $'start\nstart' ]
}

@test "boot: the user's systemd has started what is to run, without a login" {
	wait_until 90 systemctl --user is-active bryo-boot.service
	run_bryo ps --format '{{.Names}}'
	assert always
	wait_until 60 started_twice
	# the unit is not what keeps them alive
	systemctl --user stop bryo-boot.service
	run_bryo exec always true
	run_bryo boot uninstall
	assert_match bryo-boot.service
	run_bryo rm -f -t 0 always stopped
}

@test "F13: volumes are intact, the containers start again" {
	run_bryo run --rm -v keep:/data "$BUSYBOX" cat /data/file
	assert kept
	run_bryo start runs
	run_bryo exec runs cat /data/file
	assert kept
	run_bryo rm -f -t 0 runs ended
	run_bryo volume rm keep
}
