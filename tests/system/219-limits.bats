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

@test "what is wrong with a ulimit is said in podman's words" {
	local pre="requires name=SOFT:HARD, failed to be parsed:"
	run_bryo -125 create --ulimit nofile "$BUSYBOX" true
	assert "Error: ulimit option \"nofile\" $pre invalid ulimit argument: nofile"
	run_bryo -125 create --ulimit nope=1 "$BUSYBOX" true
	assert "Error: ulimit option \"nope=1\" $pre invalid ulimit type: nope"
	run_bryo -125 create --ulimit nofile=1:2:3 "$BUSYBOX" true
	assert "Error: ulimit option \"nofile=1:2:3\" $pre too many limit value arguments - 1:2:3, can only have up to two, \`soft[:hard]\`"
	run_bryo -125 create --ulimit nofile=x "$BUSYBOX" true
	assert "Error: ulimit option \"nofile=x\" $pre invalid limit: x"
	run_bryo -125 create --ulimit nofile= "$BUSYBOX" true
	assert "Error: ulimit option \"nofile=\" $pre invalid limit: "
}

@test "a device that is to be throttled has to be there" {
	local flag
	for flag in read-bps write-bps read-iops write-iops; do
		run_bryo -125 create --device-$flag /dev/nope:1000 "$BUSYBOX" true
		assert "Error: could not parse throttle device at /dev/nope: no such file or directory"
		run_bryo create --device-$flag /dev/null:1000 "$BUSYBOX" true
	done
}

@test "info says how the processors are used" {
	run_bryo info --format json
	jq -e '.host.cpuUtilization | .userPercent + .systemPercent + .idlePercent
		| . > 99.9 and . < 100.01' <<<"$output"
	# as numbers with at most two decimals, and steady ones
	jq -e '.host.cpuUtilization | keys == ["idlePercent", "systemPercent", "userPercent"]
		and all(.[]; type == "number" and (. * 100 | fabs - round | fabs) < 0.0001)' <<<"$output"
	run_bryo info --format '{{.Host.CPUUtilization.IdlePercent | printf "%T"}}'
	assert float64
}
