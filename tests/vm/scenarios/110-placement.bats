#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Where containers and their processes are put: scopes, leaves, exec, parents.
load helpers

# processes CGROUP N: there are N in it
processes() {
	[ "$(wc -l <"$1/cgroup.procs")" = "$2" ]
}

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null
}

@test "P12: exec lands in the container's cgroup, from wherever it is called" {
	run_bryo run -d --name a -m 64m "$BUSYBOX" sleep 1000
	l=$(leaf a)
	run_bryo exec -d a sleep 2000
	wait_until 60 processes "$l" 2
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
	"$BRYO" exec a sh -c 'trap "echo told; exit 5" TERM; echo ready; sleep 100 & wait' >/tmp/out.$$ &
	wait_until 60 grep -qx ready /tmp/out.$$
	kill $!
	rc=0
	wait $! || rc=$?
	[ "$rc" = 5 ]
	[ "$(cat /tmp/out.$$)" = $'ready\ntold' ]
	"$BRYO" exec a sleep 3000 &
	wait_until 60 sh -c "$BRYO top a args | grep -q 3000"
	kill -9 $!
	wait_until 60 sh -c "! $BRYO top a args | grep -q 3000"
	# from within the user manager, where we may move by ourselves
	[ "$(systemd-run --user --pipe -q --wait "$BRYO" exec a cat /proc/self/cgroup)" = 0::/ ]
}

scopes() {
	systemctl --user list-units --all 'bryo-*.scope' --no-legend
}

no_scopes() {
	[ -z "$(scopes)" ]
}

@test "F29: a foreground run without limits stays where its caller is" {
	# those of the containers before
	wait_until 60 no_scopes
	[ "$(cat /proc/self/cgroup)" = "0::$("$BRYO" run --rm --cgroupns host "$BUSYBOX" cat /proc/self/cgroup | sed 's/^0:://')" ]
	run_bryo run --rm "$BUSYBOX" true
	no_scopes
}

@test "F29: --cgroup-parent, --cgroups=disabled, the other manager" {
	run_bryo run -d --name a --cgroup-parent mine.slice "$BUSYBOX" sleep 1000
	[[ $(leaf a) == "$USER_CG/mine.slice/bryo-"*.scope/container ]]
	run_bryo run -d --name b --cgroups=disabled "$BUSYBOX" sleep 1000
	run_bryo inspect -f '{{.State.CgroupPath}}' b
	assert ""
	run_bryo run --rm --cgroups=disabled -m 64m "$BUSYBOX" true
	assert_match 'missing: --cgroups=disabled' "$errs"
	run_bryo -126 run --name c --cgroup-parent "${USER_CG#/sys/fs/cgroup}/app.slice" -m 64m "$BUSYBOX" true
	assert_match 'may not be moved there'
	run_bryo rm -f c
	systemd-run --user --scope -q "$BRYO" run -d --name c \
		--cgroup-parent "${USER_CG#/sys/fs/cgroup}/app.slice" -m 64m "$BUSYBOX" sleep 1000
	[ "$(cat "$(leaf c)/memory.max")" = 67108864 ]
	l=$(leaf c)
	run_bryo rm -f -t 0 c
	wait_until 60 gone "$l"
}

@test "F29: --cgroups=split puts the container into the unit that calls" {
	systemd-run --user -q --unit=splitter -p Delegate=yes -p Type=exec \
		"$BRYO" run --name a --cgroups=split -m 64m "$BUSYBOX" sleep 1000
	wait_until 60 test -e "$USER_CG/app.slice/splitter.service/container/cgroup.procs"
	wait_until 60 "$BRYO" exec a true
	[ "$(leaf a)" = "$USER_CG/app.slice/splitter.service/container" ]
	[ "$(cat "$(leaf a)/memory.max")" = 67108864 ]
	systemctl --user stop splitter
	run_bryo wait a
}

@test "R20: an automatic restart stays in its scope and has its limits" {
	run_bryo run -d --name a -m 64m --restart on-failure:3 "$BUSYBOX" sh -c 'sleep 0.5; exit 3'
	wait_until 90 sh -c "[ \$($BRYO inspect -f '{{.RestartCount}}' a) = 3 ]"
	run_bryo wait a
	assert 3
	run_bryo inspect -f '{{.State.OOMKilled}}' a
	assert false
}

@test "F02: a monitor killed, its container stopped and removed: no cgroup is left" {
	run_bryo run -d --name a -m 64m "$BUSYBOX" sleep 1000
	l=$(leaf a)
	kill_gone "$("$BRYO" inspect -f '{{.State.ConmonPid}}' a)"
	run_bryo pause a
	run_bryo unpause a
	run_bryo stop -t 0 a
	run_bryo rm a
	wait_until 60 gone "$l"
}
