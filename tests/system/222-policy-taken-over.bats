#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# P3: the monitor is killed while its payload runs.  The restart policy and the
# poststop hooks are seen to by the commands that come after it.

load helpers

# up NAME N: it runs, after N restarts, and has a monitor
up() {
	[ "$("$BRYO" inspect --format \
		'{{.State.Status}} {{.RestartCount}} {{.State.Error}}' "$1")" = "running $2 " ]
}

# started ID N: the payload of its start N was let go.  A look with bryo would
# resume it.
started() {
	[ "$(awk '{ print $NF }' "$XDG_DATA_HOME/bryo/containers/$1/started")" = "$2" ]
}

pid_of() {
	"$BRYO" inspect --format '{{.State.Pid}}' "$1"
}

watchers() {
	pgrep -u "$(id -u)" -f "__resume --watch-fd=3 $1" || :
}

no_watcher() {
	[ -z "$(watchers "$1")" ]
}

# lost NAME: monitor and payload are killed, the payload at last
lost() {
	local pid
	pid=$(pid_of "$1")
	kill_gone "$(monitor_pid "$1")"
	kill_gone "$pid"
}

# looks COMMAND...: each resumes a container that was lost
looks() {
	local name id look n=0
	name=$(cname)
	run_bryo run -d --name "$name" --restart always "$BUSYBOX" sleep 1000
	id=$out
	for look; do
		lost "$name"
		# shellcheck disable=SC2086
		"$BRYO" ${look/NAME/$name} >/dev/null 2>&1 3>&- || :
		n=$((n + 1))
		wait_until 20 started "$id" $((n + 1))
		wait_until 20 up "$name" "$n"
	done
	run_bryo rm -f -t 0 "$name"
}

@test "P3: monitor and payload killed: ps, inspect, logs go on with the policy" {
	looks "ps -q" "inspect NAME" "logs NAME"
}

@test "P3: monitor and payload killed: wait, exec, top, stats go on with it" {
	looks "wait NAME" "exec NAME true" "top NAME" "stats --no-stream NAME"
}

@test "P3: monitor killed: one ps is enough, the payload that ends later comes back" {
	local name id pid
	name=$(cname)
	run_bryo run -d --name "$name" --restart on-failure:9 "$BUSYBOX" sleep 1000
	id=$out
	kill_gone "$(monitor_pid "$name")"
	# one that waits for its end, however many look
	for _ in 1 2 3; do
		run_bryo ps --format '{{.Names}} {{.Status}}'
		assert_match "^$name Up .*unmonitored"
	done
	[ "$(watchers "$id" | wc -l)" = 1 ]
	pid=$(pid_of "$name")
	kill_gone "$pid"
	wait_until 20 no_watcher "$id"
	run_bryo inspect --format '{{.State.Status}} {{.RestartCount}}' "$name"
	assert "running 1"
	[ "$(pid_of "$name")" != "$pid" ]
	run_bryo exec "$name" true
	run_bryo rm -f -t 0 "$name"
}

@test "P3: monitor killed: stop, kill and rm -f end the policy" {
	local name id verb
	for verb in "stop -t 0" kill "rm -f -t 0"; do
		name=$(cname)
		run_bryo run -d --name "$name" --restart always "$BUSYBOX" sleep 1000
		id=$out
		kill_gone "$(monitor_pid "$name")"
		run_bryo ps -q
		# shellcheck disable=SC2086
		run_bryo $verb "$name"
		wait_until 20 no_watcher "$id"
		[ "$verb" = "rm -f -t 0" ] || {
			run_bryo wait "$name"
			run_bryo ps -a --format '{{.Names}} {{.Status}}'
			assert_match "$name Exited"
			run_bryo inspect --format '{{.State.Status}} {{.RestartCount}}' "$name"
			assert "exited 0"
			run_bryo rm "$name"
		}
		run_bryo ps -aq
		assert ""
	done
}

@test "P3: monitor killed: no policy, no round; after a normal end none is due" {
	local name
	name=$(cname)
	run_bryo run -d --name "$name" "$BUSYBOX" sleep 1000
	lost "$name"
	run_bryo ps -aq
	run_bryo inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$name"
	assert "exited -1"
	run_bryo rm "$name"
	run_bryo run --name "$name" --restart on-failure "$BUSYBOX" true
	[ ! -e "$XDG_RUNTIME_DIR/bryo/containers/$("$BRYO" inspect --format '{{.Id}}' "$name")/policy" ]
	run_bryo rm "$name"
}

# hooked ARG...: bryo with a poststop hook that writes a line to $LOG
hooked() {
	mkdir -p "$HOME/hooks.d"
	LOG=$HOME/log
	: >"$LOG"
	printf '#!/bin/sh\ngrep -o "status[^,]*" >>"%s"\n' "$LOG" >"$HOME/hook"
	chmod 0755 "$HOME/hook" "$HOME/hooks.d"
	cat >"$HOME/hooks.d/a.json" <<-EOF
		{"version": "1.0.0", "hook": {"path": "$HOME/hook"},
		 "when": {"always": true}, "stages": ["poststop"]}
	EOF
	run_bryo --hooks-dir "$HOME/hooks.d" "$@"
}

# hook_ran TIMES
hook_ran() {
	[ "$(grep -c 'status":"stopped"' "$LOG")" = "$1" ]
}

@test "P3: monitor killed: poststop hooks are run once, by who cleans up" {
	local name verb
	for verb in start rm "stop -t 0"; do
		name=$(cname)
		hooked run -d --name "$name" "$BUSYBOX" sleep 1000
		case $verb in
		start | rm) lost "$name" ;;
		*) kill_gone "$(monitor_pid "$name")" ;;
		esac
		hook_ran 0
		# shellcheck disable=SC2086
		run_bryo $verb "$name"
		hook_ran 1
		[ "$verb" != start ] || run_bryo stop -t 0 "$name"
		"$BRYO" rm -f -t 0 "$name" || :
		# a start has those of its own --hooks-dir: none
		hook_ran 1
	done
}

@test "P3: poststop hooks: --rm, and nobody killed" {
	local name
	name=$(cname)
	hooked run -d --rm --name "$name" "$BUSYBOX" sleep 1000
	lost "$name"
	run_bryo ps -a
	wait_until 20 hook_ran 1
	# nobody was killed
	hooked run --rm "$BUSYBOX" true
	wait_until 20 hook_ran 1
	hooked run --name "$name" "$BUSYBOX" true
	wait_until 20 hook_ran 1
	run_bryo rm "$name"
	hook_ran 1
}
