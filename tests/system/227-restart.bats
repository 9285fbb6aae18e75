#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Restart policies between two rounds: what may come in between, and what must
# not be left behind.

load helpers

restarts() {
	[ "$("$BRYO" inspect --format '{{.RestartCount}}' "$1")" -ge "$2" ]
}

runs() {
	[ "$("$BRYO" inspect --format '{{.State.Status}}' "$1")" = running ] &&
		"$BRYO" exec "$1" true 3>&-
}

# looper NAME POLICY N: fails until $ENGINE_DIR/home/NAME/ok is there; it is in
# the back-off after round N, which is 1.6 s for 4 and twice as long for the
# next; $mon is its monitor, the same one in all rounds.  On a busy machine
# that may be over before we look.
looper() {
	mkdir -p "$HOME/$1"
	rm -f "$HOME/$1/ok"
	for _ in 1 2 3 4 5; do
		run_bryo run -d --name "$1" --restart "$2" -v "$HOME/$1:/v" \
			"$BUSYBOX" sh -c '[ -e /v/ok ] && exec sleep 1000; exit 3'
		mon=$(monitor_pid "$1")
		wait_until 20 restarts "$1" "$3"
		until is "$1" "exited 3 $3" || restarts "$1" $(($3 + 1)); do
			sleep 0.05
		done
		is "$1" "exited 3 $3" && return
		run_bryo rm -f -t 0 "$1"
	done
	return 1
}

# still NAME: no round has begun since looper
still() {
	is "$1" "exited 3 $N"
}

gone() {
	refute "$BRYO" container exists "$1"
}

# at_once VERB POLICY NAME CHECK...: in the back-off of NAME, bryo VERB NAME
# takes effect before the next round would have begun: CHECK is true.  Again in
# a longer one when the machine was too busy for that.
at_once() {
	local verb=$1 policy=$2 name=$3
	shift 3
	for N in 4 4 5 6 7; do
		looper "$name" "$policy" "$N"
		[[ $verb != *start* ]] || touch "$HOME/$name/ok"
		# shellcheck disable=SC2086
		timeout 60 "$BRYO" $verb "$name" 3>&- && "$@" && return
		state "$name" || :
		run_bryo rm -f -t 0 "$name"
	done
	return 1
}

@test "back-off: start starts at once and counts anew" {
	at_once start always s is s "running 0 0"
	runs s
	run_bryo rm -f -t 0 s
}

@test "back-off: stop, rm, rm -f, kill and restart take effect at once" {
	local verb mon N code
	for verb in "stop" "kill" "kill -s TERM"; do
		at_once "$verb" always b still b
		wait_until 1 refute kill -0 "$mon"
		still b
		run_bryo inspect --format '{{.State.StoppedByUser}}' b
		assert true
		run_bryo rm b
	done
	for verb in "rm" "rm -f"; do
		at_once "$verb" always b gone b
		wait_until 1 refute kill -0 "$mon"
	done
	at_once restart on-failure:9 b is b "running 0 0"
	run_bryo rm -f -t 0 b
	# a signal that ends nothing is not for one that does not run
	for N in 4 4 5 6 7; do
		looper b always "$N"
		code=0
		"$BRYO" kill -s USR1 b || code=$?
		# not in the middle of a round
		still b && break
		run_bryo rm -f -t 0 b
	done
	still b
	[ "$code" = 125 ]
	run_bryo rm -f -t 0 b
}

@test "back-off: update --restart=no ends it, wait and rename work" {
	looper u always 4
	run_bryo wait u
	assert 3
	run_bryo rename u v
	run_bryo update --restart=no v
	wait_until 5 refute kill -0 "$(monitor_pid v)"
	assert_match "^exited 3 [0-9]+$" "$(state v)"
	run_bryo rm v
}

@test "a policy that comes by update counts for what runs" {
	mkdir -p "$HOME/up"
	run_bryo run -d --name up -v "$HOME/up:/v" "$BUSYBOX" \
		sh -c 'until [ -e /v/go ]; do sleep 0.1; done; exit 4'
	run_bryo update --restart=on-failure:2 up
	touch "$HOME/up/go"
	wait_until 20 is up "exited 4 2"
	run_bryo rm up
}

@test "back-off: monitor killed: exited, its code, starts, comes back again" {
	local mon N
	for N in 4 4 5 6 7; do
		looper k always "$N"
		kill -STOP "$mon"
		# not in the middle of a round
		still k && break
		kill -9 "$mon"
		run_bryo rm -f -t 0 k
	done
	touch "$HOME/k/ok"
	kill -9 "$mon"
	# how it is: who looks has the next round started, and does not wait
	still k
	run_bryo start k
	runs k
	rm "$HOME/k/ok"
	kill -9 "$("$BRYO" inspect --format '{{.State.Pid}}' k)"
	wait_until 5 restarts k 2
	run_bryo rm -f -t 0 k
}

@test "a restart of its own is not a user's: on-failure:N counts, start counts anew" {
	run_bryo run -d --name n --restart on-failure:2 "$BUSYBOX" \
		sh -c 'echo run; exit 5'
	wait_until 20 is n "exited 5 2"
	run_bryo start n
	wait_until 20 is n "exited 5 2"
	run_bryo logs n
	assert $'run\nrun\nrun\nrun\nrun\nrun'
	run_bryo rm n
}

@test "on-failure: no restart after code 0, nor after stop" {
	run_bryo run -d --name z --restart on-failure "$BUSYBOX" sh -c 'exit 0'
	wait_until 5 is z "exited 0 0"
	run_bryo run -d --name y --restart on-failure "$BUSYBOX" \
		sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done'
	wait_log y ready
	run_bryo stop -t 60 y
	sleep 0.5
	is y "exited 7 0"
	run_bryo rm y z
}

@test "P3: killed at any point of a restart: not running, and all commands work" {
	local point
	for point in monitor.payload.dead monitor.exit.recorded monitor.exec \
		restart.planned restart.marked; do
		BRYO_FAULT="$point:kill" run_bryo run -d --name p --restart always \
			"$BUSYBOX" sh -c 'sleep 0.3; exit 6'
		wait_until 5 sh -c "'$BRYO' inspect --format '{{.State.Status}}' p | grep -q exited"
		run_bryo wait p
		assert_match '^(6|-1)$'
		run_bryo stop p
		run_bryo start p
		run_bryo rm -f -t 0 p
	done
}

@test "stop, kill and rm -f in the middle of a restart: it ends for good" {
	local verb
	for verb in "stop -t 1" "kill" "rm -f -t 0"; do
		BRYO_FAULT="launch.created:delay=1000" run_bryo run -d --name m \
			--restart always "$BUSYBOX" sleep 1000
		local pid
		pid=$("$BRYO" inspect --format '{{.State.Pid}}' m)
		kill -9 "$pid"
		wait_until 5 restarts m 1
		# shellcheck disable=SC2086
		run_bryo $verb m
		[[ $verb == rm* ]] || {
			wait_until 3 sh -c "'$BRYO' inspect --format '{{.State.Status}}' m | grep -q exited"
			sleep 1.5
			run_bryo inspect --format '{{.State.Status}} {{.RestartCount}}' m
			assert "exited 1"
			run_bryo rm m
		}
	done
}

@test "stop and kill after the restart was decided, before the row has it" {
	local verb mon
	for verb in "stop -t 1" "kill"; do
		BRYO_FAULT="restart.planned:stop" run_bryo run -d --name d \
			--restart always "$BUSYBOX" sleep 1000
		mon=$(monitor_pid d)
		kill -9 "$("$BRYO" inspect --format '{{.State.Pid}}' d)"
		wait_until 10 grep -q '^State:.T' "/proc/$mon/status"
		is d "exited 137 0"
		# shellcheck disable=SC2086
		run_bryo $verb d
		kill -CONT "$mon"
		wait_until 6 refute kill -0 "$mon"
		is d "exited 137 0"
		run_bryo rm d
	done
}

@test "a restart that fails is tried again, and counted" {
	mkdir "$HOME/src"
	run_bryo run -d --name f --restart always -v "$HOME/src:/src" \
		"$BUSYBOX" sleep 1000
	mv "$HOME/src" "$HOME/away"
	kill -9 "$("$BRYO" inspect --format '{{.State.Pid}}' f)"
	wait_until 5 restarts f 2
	run_bryo inspect --format '{{.State.Status}} {{.State.Error}}' f
	assert_match "^exited .*src"
	mv "$HOME/away" "$HOME/src"
	wait_until 10 runs f
	run_bryo rm -f -t 0 f
	# no more often than the policy allows
	run_bryo run -d --name f --restart on-failure:3 -v "$HOME/src:/src" \
		"$BUSYBOX" sleep 1000
	mv "$HOME/src" "$HOME/away"
	kill -9 "$("$BRYO" inspect --format '{{.State.Pid}}' f)"
	wait_until 10 is f "exited 126 3"
	wait_until 3 refute kill -0 "$(monitor_pid f)"
	run_bryo rm f
	# and stop ends that, too
	mv "$HOME/away" "$HOME/src"
	run_bryo run -d --name f --restart always -v "$HOME/src:/src" \
		"$BUSYBOX" sleep 1000
	mv "$HOME/src" "$HOME/away"
	kill -9 "$("$BRYO" inspect --format '{{.State.Pid}}' f)"
	wait_until 10 restarts f 4
	run_bryo stop f
	wait_until 1 refute kill -0 "$(monitor_pid f)"
	run_bryo rm f
}

@test "the back-off is short again after ten seconds of work" {
	local n
	mkdir "$HOME/w"
	run_bryo run -d --name w --restart always -v "$HOME/w:/v" "$BUSYBOX" \
		sh -c '[ -e /v/ok ] && echo up && exec sleep 1000; exit 3'
	wait_until 20 restarts w 5
	wait_until 20 sh -c "'$BRYO' inspect --format '{{.State.Status}}' w | grep -q exited"
	# the sixth round sees it, on a slow machine a later one
	touch "$HOME/w/ok"
	wait_log w up
	n=$("$BRYO" inspect --format '{{.RestartCount}}' w)
	sleep 10.2
	kill -9 "$("$BRYO" inspect --format '{{.State.Pid}}' w)"
	wait_until 5 restarts w $((n + 1))
	# not after 6.4 s or longer, which would be the next one
	"$BRYO" events --stream=false --filter container=w --format json |
		jq -se 'map(select(.Status == "died" or .Status == "restart").timeNano) |
			.[-1] - .[-2] | . > 0 and . < 6000000000'
	wait_until 2 runs w
	run_bryo rm -f -t 0 w
}

@test "two at once: start, stop, kill, rm -f of one that keeps failing" {
	local i pids
	for i in 1 2 3 4 5 6; do
		run_bryo run -d --name t --restart always "$BUSYBOX" \
			sh -c 'sleep 0.0$(($$ % 10)); exit 1'
		sleep "0.$((i * 2))"
		local v
		pids=
		for v in start "stop -t 0" start kill "restart -t 0" "stop -t 0"; do
			# shellcheck disable=SC2086
			timeout 60 "$BRYO" $v t >/dev/null 2>&1 3>&- &
			pids+=" $!"
		done
		for v in $pids; do
			wait "$v" || [ $? = 125 ]	# not 124: it hung
		done
		run_bryo ps -a
		run_bryo stop -t 0 t
		sleep 0.3
		run_bryo inspect --format '{{.State.Status}}' t
		assert exited
		run_bryo rm -f -t 0 t
	done
}
