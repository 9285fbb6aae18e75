#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vm: reboot
# What 900 left, behind a real reboot.

load helpers

@test "F13: after a reboot the first command heals, nothing is asked" {
	[ "$(cat ~/boot_id)" != "$(cat /proc/sys/kernel/random/boot_id)" ]
	run_bryo ps -a --format '{{.Names}} {{.State}}' --sort names
	assert $'ended exited\nruns exited'
	run_bryo inspect --format '{{.State.ExitCode}} {{.State.Running}}' runs
	assert "-1 false"
	run_bryo inspect --format '{{.State.ExitCode}}' ended
	assert 7
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
