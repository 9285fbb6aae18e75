#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# P3: the monitor is killed while it waits before the next round of a restart
# policy.  The next ps, inspect, ... has the round started; what the user wants
# comes first.

load helpers

is_up() {
	is "$1" "running 0 $2"
}

# waits NAME: it failed four times or more and is in a back-off of 1.6 s or
# longer
waits() {
	[ "$("$BRYO" inspect --format '{{.RestartCount}}' "$1")" -ge 4 ] &&
		[[ $(state "$1") == exited* ]]
}

# ended_in N: the row and the record of ID are those of round N, which failed.
# A look with bryo would resume it.
ended_in() {
	[ "$(python3 - "$XDG_DATA_HOME/bryo" "$ID" <<-'PY'
		import sqlite3, sys
		data, id = sys.argv[1:]
		with sqlite3.connect(data + "/state.db") as db:
		    n = db.execute("SELECT start_n FROM container WHERE id = ?",
		                   (id,)).fetchone()[0]
		words = open(data + "/containers/" + id + "/exit").read().split()
		print(n, words[1], words[6])
	PY
	)" = "$(($1 + 1)) 3 $(($1 + 1))" ]
}

# forsaken NAME POLICY: fails until NAME/ok is there; its monitor was killed in
# the back-off after round N; from now on it would not fail.  Nobody has looked
# at it since.  ID is its id.
forsaken() {
	local pid
	mkdir -p "$HOME/$1"
	rm -f "$HOME/$1/ok"
	while :; do
		run_bryo run -d --name "$1" --restart "$2" -v "$HOME/$1:/v" \
			"$BUSYBOX" sh -c '[ -e /v/ok ] && exec sleep 1000; exit 3'
		ID=$out
		# the same one in all rounds
		pid=$(monitor_pid "$1")
		wait_until 20 waits "$1"
		kill -STOP "$pid"
		N=$("$BRYO" inspect --format '{{.RestartCount}}' "$1")
		kill -9 "$pid"
		wait_until 5 refute kill -0 "$pid"
		ended_in "$N" && break
		# a slow machine: it hit the round after that, or its start
		run_bryo rm -f -t 0 "$1"
	done
	touch "$HOME/$1/ok"
}

# resumer_gone: who went on with the policy has let go of the container ID
resumer_gone() {
	flock -w 60 "$XDG_DATA_HOME/bryo/containers/$ID" true
}

# quiet NAME: three times ps and time to do something, and nothing happened
quiet() {
	local i was
	was=$(state "$1")
	for i in 1 2 3; do
		"$BRYO" ps -a >/dev/null
		sleep 0.3
	done
	assert "$was" "$(state "$1")"
}

@test "P3: monitor killed in its back-off: the next ps goes on with the policy" {
	forsaken a always
	run_bryo ps -a --format '{{.Names}} {{.Status}}'
	assert_match '^a Exited \(3\)'
	resumer_gone
	is_up a $((N + 1))
	run_bryo exec a true
	# and it has a monitor with a policy again
	kill -9 "$("$BRYO" inspect --format '{{.State.Pid}}' a)"
	wait_until 10 is_up a $((N + 2))
	run_bryo rm -f -t 0 a
}

@test "P3: 10 ps at once start one round" {
	local i pids=()
	forsaken many on-failure:99
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$BRYO" ps -q >/dev/null 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	wait_until 10 is_up many $((N + 1))
	quiet many
	# by its id: another of that name may have been there before
	run_bryo events --stream=false --filter event=start --filter \
		"container=$("$BRYO" inspect --format '{{.Id}}' many)"
	[ "$(wc -l <<<"$output")" = $((N + 2)) ]
	run_bryo rm -f -t 0 many
}

@test "P3: monitor killed in its back-off: stop and kill end the policy" {
	local verb
	for verb in stop kill; do
		forsaken c always
		run_bryo $verb c
		run_bryo inspect --format '{{.State.StoppedByUser}}' c
		assert true
		quiet c
		is c "exited 3 $N"
		run_bryo rm c
	done
}

@test "P3: monitor killed in its back-off: no policy any more, no round" {
	forsaken d always
	run_bryo update --restart no d
	quiet d
	is d "exited 3 $N"
	run_bryo rm d
}

@test "a policy that comes by update to what has exited starts nothing" {
	run_bryo -3 run --name f "$BUSYBOX" sh -c 'exit 3'
	run_bryo update --restart always f
	quiet f
	# nor one whose rounds are over
	run_bryo run -d --name g --restart on-failure:1 "$BUSYBOX" \
		sh -c 'exit 3'
	wait_until 10 is g "exited 3 1"
	run_bryo update --restart always g
	quiet g
	run_bryo rm f g
}

@test "P3: a resumed round that cannot start is tried by the next ps" {
	forsaken h always
	mv "$HOME/h" "$HOME/away"
	run_bryo ps -a
	says() {
		"$BRYO" inspect --format '{{.State.Error}}' h | grep -q "$HOME/h"
	}
	wait_until 10 says
	resumer_gone
	wait_until 10 is h "exited 3 $N"
	resumer_gone
	mv "$HOME/away" "$HOME/h"
	run_bryo ps -a
	wait_until 10 is_up h $((N + 1))
	run_bryo rm -f -t 0 h
}

@test "P3: rm -f right after the ps that resumes removes it" {
	local i
	for i in 1 2 3; do
		forsaken "r$i" always
		run_bryo ps -aq
		run_bryo rm -f -t 0 "r$i"
		run_bryo -1 container exists "r$i"
	done
}

@test "P3: who resumes is killed: the next ps resumes" {
	forsaken k always
	BRYO_FAULT=resume.policy:kill run_bryo ps -aq
	resumer_gone
	run_bryo ps -aq
	wait_until 10 is_up k $((N + 1))
	run_bryo rm -f -t 0 k
}

@test "P3: while a living monitor waits, ps starts nothing" {
	local pid was
	run_bryo run -d --name l --restart always "$BUSYBOX" sh -c 'exit 3'
	pid=$(monitor_pid l)
	while :; do
		wait_until 20 waits l
		kill -STOP "$pid"
		was=$(state l)
		waits l && [[ $was == exited* ]] && break
		# a slow machine: not in the middle of a round
		kill -CONT "$pid"
	done
	quiet l
	assert "$was" "$(state l)"
	kill -CONT "$pid"
	run_bryo rm -f -t 0 l
}
