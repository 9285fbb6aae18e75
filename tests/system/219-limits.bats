#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Values of flags that bound a container: what is taken, what is refused.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

teardown() {
	run_bryo rm -fa -t 0
}

@test "--stop-timeout -1 waits for ever, whatever the default is" {
	cat >"$BATS_TEST_TMPDIR/conf" <<-EOF
		[engine]
		stop_timeout=1
	EOF
	run_bryo create --name forever --stop-timeout -1 "$BUSYBOX" true
	run_bryo inspect --format '{{.Config.StopTimeout}}' forever
	assert -1
	# it takes longer to end than the default allows
	CONTAINERS_CONF=$BATS_TEST_TMPDIR/conf run_bryo run -d --name slow \
		--stop-timeout -1 "$BUSYBOX" sh -c \
		'trap "sleep 3; exit 7" TERM; echo ready; while :; do sleep 0.1; done'
	until "$BRYO" logs slow | grep -q ready; do
		sleep 0.1
	done
	run_bryo inspect --format '{{.Config.StopTimeout}}' slow
	assert -1
	run_bryo stop slow
	run_bryo inspect --format '{{.State.ExitCode}}' slow
	assert 7
	CONTAINERS_CONF=$BATS_TEST_TMPDIR/conf run_bryo create --name conf "$BUSYBOX" true
	run_bryo inspect --format '{{.Config.StopTimeout}}' conf
	assert 1
	run_bryo -125 create --stop-timeout 4294967295 "$BUSYBOX" true
	assert "Error: --stop-timeout 4294967295: out of range"
	run_bryo -125 create --timeout -1 "$BUSYBOX" true
	assert "Error: --timeout -1: out of range"
}
