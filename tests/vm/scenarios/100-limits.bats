#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Limits on a machine that enforces them: cgroup v2, a user manager, delegation.
load helpers

uptime_ms() {
	sed 's/^\([0-9]*\)\.\([0-9]*\) .*/\1\20/' /proc/uptime
}

# throttled CGROUP N: it was, more than N times
throttled() {
	[ "$(sed -n 's/^nr_throttled //p' "$1/cpu.stat")" -gt "$2" ]
}

# Nothing comes any more: what was written before is in the log by now.
rests() {
	local n
	n=$("$BRYO" logs "$1" | wc -l)
	sleep 1
	[ "$("$BRYO" logs "$1" | wc -l)" = "$n" ]
}

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null
}

@test "F29: a container with a limit gets a scope of systemd with two leaves" {
	run_bryo run -d --name a -m 64m --cpus 0.5 --pids-limit 30 -c 512 \
		--memory-reservation 32m "$BUSYBOX" sleep 1000
	[ -z "$errs" ]
	id=$out
	l=$(leaf a)
	[ "$l" = "$USER_CG/app.slice/bryo-$id.scope/container" ]
	[ "$(cat "$l/memory.max")" = 67108864 ]
	[ "$(cat "$l/memory.low")" = 33554432 ]
	[ "$(cat "$l/cpu.max")" = "50000 100000" ]
	[ "$(cat "$l/cpu.weight")" = 20 ]
	[ "$(cat "$l/pids.max")" = 30 ]
	[ "$(cat "$l/cgroup.procs")" = "$("$BRYO" inspect -f '{{.State.Pid}}' a)" ]
	grep -qx "$("$BRYO" inspect -f '{{.State.ConmonPid}}' a)" "$l/../monitor/cgroup.procs"
	systemctl --user is-active "bryo-$id.scope"
	[ "$(systemctl --user show -P Delegate "bryo-$id.scope")" = yes ]
	run_bryo inspect -f '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.CgroupManager}}' a
	assert "67108864 30 systemd"
	# inside: its own namespace, its leaf is the root
	run_bryo exec a cat /proc/self/cgroup /sys/fs/cgroup/memory.max
	assert $'0::/\n67108864'
	run_bryo -1 exec a mkdir /sys/fs/cgroup/x
	run_bryo rm -f -t 0 a
	wait_until 60 gone "$l/.."
}

@test "F04: out of memory is 137 and OOMKilled" {
	run_bryo -137 run --name hungry -m 32m --memory-swap 32m "$BUSYBOX" \
		sh -c 'x=a; while :; do x=$x$x$x; done'
	run_bryo inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' hungry
	assert "true 137"
	run_bryo events --stream=false --filter container=hungry --format '{{.Status}}'
	assert_match $'(^|\n)oom(\n|$)'
	run_bryo run --name b -m 32m "$BUSYBOX" true
	run_bryo inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' b
	assert "false 0"
}

@test "F04: a kill from outside is 137 and no OOM" {
	run_bryo run -d --name a -m 64m "$BUSYBOX" sleep 1000
	run_bryo kill a
	run_bryo wait a
	assert 137
	run_bryo inspect -f '{{.State.OOMKilled}}' a
	assert false
}

@test "F10: the limit of processes holds, and the container goes on" {
	run_bryo run -d --name a --pids-limit 10 "$BUSYBOX" sleep 1000
	run_bryo exec a sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 10 & done; wait' || :
	assert_match "can't fork"
	[ "$(sed -n 's/^max //p' "$(leaf a)/pids.events")" -gt 0 ]
	run_bryo run -d --name b "$BUSYBOX" sleep 1000
	[ "$(cat "$(leaf b)/pids.max")" = 2048 ]
	run_bryo run -d --name c --pids-limit -1 "$BUSYBOX" sleep 1000
	[ "$(cat "$(leaf c)/pids.max")" = max ]
}

@test "R19: the processor's quota is kept" {
	run_bryo run -d --name a --cpus 0.2 "$BUSYBOX" sh -c 'while :; do :; done'
	l=$(leaf a)
	wait_until 60 throttled "$l" 5
	start=$(uptime_ms)
	before=$(sed -n 's/^usage_usec //p' "$l/cpu.stat")
	sleep 4
	used=$(($(sed -n 's/^usage_usec //p' "$l/cpu.stat") - before))
	took=$(($(uptime_ms) - start))
	echo "used $used us in $took ms"
	# a fifth of it, and not more than half as much again
	[ "$used" -lt "$((took * 300))" ]
	run_bryo -126 run --rm --cgroup-conf memory.high=lots "$BUSYBOX" true
	assert_match 'cgroup-conf: write lots into memory.high'
	run_bryo run --rm --cgroup-conf memory.high=50000000 "$BUSYBOX" \
		cat /sys/fs/cgroup/memory.high
	assert 49999872
}

@test "F29: a controller that is not delegated is one warning with the drop-in file" {
	run_bryo run --rm -m 64m --cpuset-cpus 0 "$BUSYBOX" cat /sys/fs/cgroup/memory.max
	[ "$out" = 67108864 ]
	[ "$(grep -c level=warning <<<"$errs")" = 1 ]
	assert_match '--cpuset-cpus not in force, the cpuset controller of cgroup v2 missing: not delegated' "$errs"
	assert_match 'user@.service.d/delegate.conf' "$errs"
	run_bryo -125 run --rm --limits=strict --cpuset-cpus 0 "$BUSYBOX" true
}

@test "P16: update changes the limits of a running container" {
	run_bryo run -d --name a -m 64m "$BUSYBOX" sleep 1000
	l=$(leaf a)
	run_bryo update -m 128m --cpus 1.5 --pids-limit 77 --memory-reservation 16m a
	[ -z "$errs" ]
	[ "$(cat "$l/memory.max" "$l/cpu.max" "$l/pids.max" "$l/memory.low" | xargs)" = "134217728 150000 100000 77 16777216" ]
	run_bryo inspect -f '{{.HostConfig.Memory}}' a
	assert 134217728
	run_bryo -125 update --cgroup-conf memory.high=lots a
	run_bryo update --cpuset-cpus 0 a
	assert_match '--cpuset-cpus not in force' "$errs"
	run_bryo inspect -f '{{.HostConfig.CpusetCpus}}{{.HostConfig.Memory}}' a
	assert 134217728
	[ "$("$BRYO" stats --no-stream --format '{{.MemUsage}}' a | sed 's,.* / ,,')" = 134.2MB ]
	run_bryo restart -t 0 a
	[ "$(cat "$(leaf a)/memory.max")" = 134217728 ]
}

@test "P10: pause by the freezer, no process of it is stopped by a signal" {
	run_bryo run -d --name a "$BUSYBOX" sh -c 'while :; do echo x; sleep 0.1; done'
	l=$(leaf a)
	run_bryo pause a
	grep -qx 'frozen 1' "$l/cgroup.events"
	[ "$(cut -d' ' -f3 "/proc/$("$BRYO" inspect -f '{{.State.Pid}}' a)/stat")" != T ]
	wait_until 60 rests a
	run_bryo unpause a
	grep -qx 'frozen 0' "$l/cgroup.events"
	run_bryo pause a
	run_bryo rm -f a
	wait_until 60 gone "$l"
}
