#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Limits on a machine that enforces them: cgroup v2, a user manager, delegation.
load helpers

USER_CG=/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null
}

leaf() {
	echo "/sys/fs/cgroup$("$BRYO" inspect -f '{{.State.CgroupPath}}' "$1")"
}

gone() {
	[ ! -e "$1" ]
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
	wait_until 10 gone "$l/.."
}

@test "F04: out of memory is 137 and OOMKilled" {
	run_bryo -137 run --name a -m 32m --memory-swap 32m "$BUSYBOX" \
		sh -c 'x=a; while :; do x=$x$x$x; done'
	run_bryo inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' a
	assert "true 137"
	run_bryo events --stream=false --filter container=a --format '{{.Status}}'
	assert_match oom
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
	run_bryo exec a sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; wait' || :
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
	sleep 1
	before=$(sed -n 's/^usage_usec //p' "$l/cpu.stat")
	sleep 4
	used=$(($(sed -n 's/^usage_usec //p' "$l/cpu.stat") - before))
	echo "used $used us in 4 s"
	[ "$used" -lt 1400000 ]
	[ "$(sed -n 's/^nr_throttled //p' "$l/cpu.stat")" -gt 5 ]
	run_bryo -125 run --rm --cgroup-conf memory.high=lots "$BUSYBOX" true
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
	n=$("$BRYO" logs a | wc -l)
	sleep 0.5
	[ "$("$BRYO" logs a | wc -l)" = "$n" ]
	run_bryo unpause a
	grep -qx 'frozen 0' "$l/cgroup.events"
	run_bryo pause a
	run_bryo rm -f a
	wait_until 10 gone "$l"
}

@test "P12: exec lands in the container's cgroup, from wherever it is called" {
	run_bryo run -d --name a -m 64m "$BUSYBOX" sleep 1000
	l=$(leaf a)
	run_bryo exec -d a sleep 2000
	n=$(wc -l <"$l/cgroup.procs")
	[ "$n" = 2 ]
	run_bryo -7 exec a sh -c 'cat /proc/self/cgroup; exit 7'
	assert "0::/"
	run_bryo -137 exec a sh -c 'x=a; while :; do x=$x$x$x; done'
	echo hello | "$BRYO" exec -i a cat >/tmp/out.$$
	[ "$(cat /tmp/out.$$)" = hello ]
	# a terminal, a signal, preserved descriptors, a bad command
	[[ $(script -qec "$BRYO exec -t a sh -c 'tty; stty size'" /dev/null </dev/null) == /dev/pts/0* ]]
	exec 4<<<through
	[ "$("$BRYO" exec --preserve-fds 2 a sh -c 'cat <&4' 3</dev/null)" = through ]
	exec 4<&-
	run_bryo -127 exec a nothing
	timeout -s TERM 3 "$BRYO" exec a sh -c 'trap "echo told; exit 5" TERM; sleep 100 & wait' >/tmp/out.$$ || :
	[ "$(cat /tmp/out.$$)" = told ]
	"$BRYO" exec a sleep 3000 &
	sleep 2
	kill -9 $!
	wait_until 10 sh -c "! $BRYO top a args | grep -q 3000"
	# from within the user manager, where we may move by ourselves
	[ "$(systemd-run --user --pipe -q --wait "$BRYO" exec a cat /proc/self/cgroup)" = 0::/ ]
}

@test "F29: a foreground run without limits stays where its caller is" {
	[ "$(cat /proc/self/cgroup)" = "0::$("$BRYO" run --rm --cgroupns host "$BUSYBOX" cat /proc/self/cgroup | sed 's/^0:://')" ]
	run_bryo run --rm "$BUSYBOX" true
	run systemctl --user list-units --all 'bryo-*.scope' --no-legend
	[ -z "$output" ]
}

@test "F29: --cgroup-parent, --cgroups=disabled, the other manager" {
	run_bryo run -d --name a --cgroup-parent mine.slice "$BUSYBOX" sleep 1000
	[[ $(leaf a) == "$USER_CG/mine.slice/bryo-"*.scope/container ]]
	run_bryo run -d --name b --cgroups=disabled "$BUSYBOX" sleep 1000
	run_bryo inspect -f '{{.State.CgroupPath}}' b
	assert ""
	run_bryo run --rm --cgroups=disabled -m 64m "$BUSYBOX" true
	assert_match 'missing: --cgroups=disabled' "$errs"
	run_bryo run -d --name c --cgroup-parent "${USER_CG#/sys/fs/cgroup}/app.slice" -m 64m "$BUSYBOX" sleep 1000
	[ "$(cat "$(leaf c)/memory.max")" = 67108864 ]
	l=$(leaf c)
	run_bryo rm -f -t 0 c
	wait_until 5 gone "$l"
}

@test "F29: --cgroups=split puts the container into the unit that calls" {
	systemd-run --user -q --unit=splitter -p Delegate=yes -p Type=exec \
		"$BRYO" run --name a --cgroups=split -m 64m "$BUSYBOX" sleep 1000
	wait_until 20 test -e "$USER_CG/app.slice/splitter.service/container/cgroup.procs"
	wait_until 10 "$BRYO" exec a true
	[ "$(leaf a)" = "$USER_CG/app.slice/splitter.service/container" ]
	[ "$(cat "$(leaf a)/memory.max")" = 67108864 ]
	systemctl --user stop splitter
	run_bryo wait a
}

@test "R20: an automatic restart stays in its scope and has its limits" {
	run_bryo run -d --name a -m 64m --restart on-failure:3 "$BUSYBOX" sh -c 'sleep 0.5; exit 3'
	wait_until 30 sh -c "[ \$($BRYO inspect -f '{{.RestartCount}}' a) = 3 ]"
	run_bryo wait a
	assert 3
	run_bryo inspect -f '{{.State.OOMKilled}}' a
	assert false
}

@test "F02: a monitor killed, its container stopped and removed: no cgroup is left" {
	run_bryo run -d --name a -m 64m "$BUSYBOX" sleep 1000
	l=$(leaf a)
	kill -9 "$("$BRYO" inspect -f '{{.State.ConmonPid}}' a)"
	run_bryo pause a
	run_bryo unpause a
	run_bryo stop -t 0 a
	run_bryo rm a
	wait_until 10 gone "$l"
}
