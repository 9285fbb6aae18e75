#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# start stop restart kill rm wait rename, many arguments, restart policies.

load helpers

@test "stop: the stop signal, then KILL with a warning" {
	run_bryo run -d --name soft "$BUSYBOX" sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	wait_log soft ready
	run_bryo stop soft
	assert soft
	run_bryo inspect --format '{{.State.ExitCode}} {{.State.Status}}' soft
	assert "3 exited"
	run_bryo run -d --name hard "$BUSYBOX" sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	run_bryo stop -t 1 hard
	assert_match "level=warning .*StopSignal SIGTERM failed to stop container hard in 1 seconds, resorting to SIGKILL"
	run_bryo inspect --format '{{.State.ExitCode}}' hard
	assert 137
	run_bryo stop soft
	run_bryo rm soft hard
	assert $'soft\nhard'
}

@test "R4: stop of a --rm container returns when it is gone" {
	# as if its monitor did not get the processor for a while
	BRYO_FAULT=monitor.exit.recorded:delay=2000 run_bryo run -d --rm \
		--name "$(cname)" --network none "$BUSYBOX" sleep 1000
	run_bryo stop -t 0 "$(cname)"
	run_bryo -1 container exists "$(cname)"
	run_bryo run --rm --name "$(cname)" --network none "$BUSYBOX" echo again
	assert again
	# one that never ran does not end
	run_bryo create --rm --name "$(cname)" "$BUSYBOX" true
	run_bryo stop -t 0 "$(cname)"
	run_bryo rm "$(cname)"
}

@test "start of a running one is fine, of all of them too; restart" {
	run_bryo run -d --name a "$BUSYBOX" sleep 100
	run_bryo inspect --format '{{.State.Pid}}' a
	local pid=$out
	run_bryo start a
	assert a
	run_bryo restart -t 0 a
	assert a
	run_bryo inspect --format '{{.State.Pid}} {{.State.Running}}' a
	assert_match "^[0-9]+ true$"
	assert_no_match "^$pid " "$out"
	run_bryo stop -t 0 -a
	run_bryo restart a
	run_bryo rm -f -t 0 a
}

@test "kill: default KILL, names and numbers, bad ones" {
	run_bryo run -d --name k "$BUSYBOX" sh -c 'trap "echo usr1" USR1; echo ready; while :; do sleep 0.1; done'
	wait_log k ready
	run_bryo kill -s USR1 k
	assert k
	wait_until 5 sh -c "'$BRYO' logs k | grep -q usr1"
	run_bryo -125 kill -s BADSIG k
	assert_match "Error: invalid signal: BADSIG"
	run_bryo -125 kill -s 65 nosuch
	assert_match "valid signals are 1 through 64"
	run_bryo kill k
	run_bryo wait k
	assert 137
	run_bryo -125 kill k
	run_bryo rm k
}

@test "what rm leaves in the trash goes without another command" {
	run_bryo run --name t "$BUSYBOX" touch /f
	run_bryo rm t
	wait_until 20 trash_is_empty
}

@test "P5: rm of a running one is 2, unknown 1, unknown with -f silent" {
	run_bryo run -d --name r "$BUSYBOX" sleep 100
	run_bryo -2 rm r
	assert_match "cannot remove container [0-9a-f]{64} as it is running"
	run_bryo -1 rm nosuch
	assert_match 'no container with ID or name "nosuch" found: no such container'
	run_bryo rm -f nosuch
	assert ""
	run_bryo rm -f -t 0 r
	assert r
}

@test "many arguments: each is done, each failure is named" {
	run_bryo run -d --name m1 "$BUSYBOX" sleep 100
	run_bryo run -d --name m2 "$BUSYBOX" sleep 100
	run_bryo -125 stop -t 0 m1 nosuch m2
	assert $'m1\nm2' "$out"
	assert_match 'no container with name or ID "nosuch" found' "$errs"
	run_bryo -1 rm m1 nosuch m2
	assert $'m1\nm2' "$out"
}

@test "wait: code of the end, also of several and of one that never ran" {
	run_bryo run -d --name w1 "$BUSYBOX" sh -c 'sleep 0.5; exit 4'
	run_bryo run -d --name w2 "$BUSYBOX" true
	run_bryo wait w1 w2
	assert $'4\n0'
	run_bryo -125 wait nosuch
	run_bryo rm w1 w2
}

@test "rename" {
	run_bryo create --name old "$BUSYBOX" true
	run_bryo create --name taken "$BUSYBOX" true
	run_bryo rename old new
	assert ""
	run_bryo -125 rename new taken
	assert_match "already in use"
	run_bryo container exists new
	run_bryo -1 container exists old
	run_bryo rm new taken
}

@test "G8: --all and names exclude each other" {
	run_bryo -125 stop --all x
	run_bryo -125 stop
	assert_match "you must provide at least one name or id"
}

@test "ids: a unique prefix is enough, an ambiguous one is an error" {
	local i id
	for i in $(seq 20); do "$BRYO" create --name "p$i" "$BUSYBOX" true >/dev/null; done
	run_bryo ps -aq --no-trunc
	id=$(head -1 <<<"$out")
	run_bryo inspect --format '{{.Id}}' "${id:0:12}"
	assert "$id"
	local first
	first=$(cut -c1 <<<"$out" | sort | uniq -d | head -1)
	first=$("$BRYO" ps -aq | cut -c1 | sort | uniq -d | head -1)
	run_bryo -125 start "$first"
	run_bryo rm -a
	[ "$(wc -l <<<"$out")" = 20 ]
}

@test "R20: --restart on-failure:2 counts and ends" {
	run_bryo run -d --name rf --restart on-failure:2 "$BUSYBOX" sh -c 'echo run; exit 1'
	wait_until 20 sh -c "[ \"\$('$BRYO' inspect --format '{{.RestartCount}} {{.State.Status}}' rf)\" = '2 exited' ]"
	run_bryo logs rf
	assert $'run\nrun\nrun'
	run_bryo rm rf
}

@test "R20: --restart always comes back, a user's stop ends it" {
	run_bryo run -d --name ra --restart always "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.Pid}}' ra
	kill -9 "$out" || "$BRYO" exec ra kill -9 1 || :
	local old=$out
	wait_until 10 sh -c "p=\$('$BRYO' inspect --format '{{.State.Pid}}' ra); [ \"\$p\" != $old ] && [ \"\$p\" != 0 ]"
	wait_until 5 "$BRYO" exec ra true
	run_bryo exec ra echo alive
	assert alive
	run_bryo stop -t 0 ra
	sleep 1
	run_bryo inspect --format '{{.State.Status}} {{.State.StoppedByUser}}' ra
	assert "exited true"
	run_bryo rm ra
	run_bryo -125 run --rm --restart always "$BUSYBOX" true
}

@test "--timeout ends it" {
	run_bryo -255 run --rm --timeout 1 "$BUSYBOX" sleep 10000
}

@test "container:X: dependents are removed in order, and stop rm without --depend" {
	run_bryo run -d --name base "$BUSYBOX" sleep 100
	run_bryo run -d --name dep --network container:base "$BUSYBOX" sleep 100
	run_bryo exec dep readlink /proc/self/ns/net
	local n=$out
	run_bryo exec base readlink /proc/self/ns/net
	assert "$n"
	run_bryo -125 rm -f -t 0 base
	assert_match "has dependent containers which must be removed before it"
	run_bryo rm -fa -t 0
	run_bryo ps -aq
	assert ""
}

@test "20 containers created, run and removed at once: one winner per name" {
	local i pids=() won=0
	for i in $(seq 20); do
		"$BRYO" create --name race "$BUSYBOX" true >/dev/null 2>"$ENGINE_DIR/r.$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" && won=$((won + 1)); done
	[ "$won" = 1 ]
	refute grep -il "locked" "$ENGINE_DIR"/r.*
	pids=()
	for i in $(seq 20); do
		"$BRYO" run --rm "$BUSYBOX" sh -c "exit $i" 3>&- &
		pids+=("$!:$i")
	done
	for i in "${pids[@]}"; do
		local rc=0
		wait "${i%:*}" || rc=$?
		[ "$rc" = "${i#*:}" ]
	done
	pids=()
	for i in $(seq 10); do
		"$BRYO" rm -f race 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
}
