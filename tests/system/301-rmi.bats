#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run --rmi: the image goes with the container.

load helpers

@test "R4: --rmi removes the image too, and implies --rm" {
	run_bryo tag "$BUSYBOX" once
	run_bryo -3 run --rmi --name a once sh -c 'exit 3'
	assert ""
	run_bryo -1 image exists localhost/once
	run_bryo -1 container exists a
	# another name of the image is left alone
	run_bryo image exists "$BUSYBOX"
	run_bryo -125 run --rmi --rm=false "$BUSYBOX" true
	assert "Error: the --rmi option does not work without --rm"
	run_bryo run --rmi --rm -d --name b "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.HostConfig.AutoRemove}} {{.HostConfig.AutoRemoveImage}}' b
	assert "true true"
	# used by another one
	run_bryo create --name other "$BUSYBOX" true
	run_bryo run --rmi "$BUSYBOX" true
	assert_match 'level=warning .*image is in use by a container'
	run_bryo image exists "$BUSYBOX"
	run_bryo rm other
	# in the background, by its monitor
	run_bryo stop -t 0 b
	wait_until 5 sh -c "! '$BRYO' image exists '$BUSYBOX'"
	run_bryo images -aq
	assert ""
}
