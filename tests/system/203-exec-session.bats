# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# exec sessions that the monitor forks, as it must where a container has a
# cgroup that the caller may not enter: here by force, the rest is the same.
load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" run -d --name x -e FROM=run "$BUSYBOX" sleep 10000 3>&-
	export BRYO_FORCE=exec-by-monitor
}

private_kb() {
	awk '/^Private_Dirty/ { n += $2 } END { print n }' "/proc/$1/smaps_rollup"
}

no_sessions() {
	[ "$("$BRYO" inspect -f '{{.ExecIDs}}' x)" = "[]" ]
}

runs_not() {
	[[ $("$BRYO" top x args) != *"$1"* ]]
}

@test "P12: codes, streams, environment and messages are those of exec" {
	run_bryo exec -e A=1 x sh -c 'echo $A $FROM; echo e >&2'
	assert "1 run" "$out"
	assert e "$errs"
	run_bryo -3 exec x sh -c 'exit 3'
	run_bryo -137 exec x sh -c 'kill -9 $$'
	run_bryo -127 exec x nosuch
	run_bryo -126 exec x /etc
	run_bryo exec -u 33:44 -w /etc x sh -c 'id -u; id -g; pwd'
	assert $'33\n44\n/etc'
	head -c 1500000 /dev/urandom >"$ENGINE_DIR/in"
	"$BRYO" exec -i x cat <"$ENGINE_DIR/in" >"$ENGINE_DIR/o"
	cmp "$ENGINE_DIR/in" "$ENGINE_DIR/o"
	run_bryo inspect -f '{{.ExecIDs}}' x
	assert "[]"
}

@test "P12: the monitor is the parent's parent, and nothing of it leaks" {
	m=$("$BRYO" inspect -f '{{.State.ConmonPid}}' x)
	run_bryo exec x sh -c 'ls /proc/self/fd | wc -l'
	"$BRYO" exec x sleep "4321$$" &
	cli=$!
	wait_until 5 pgrep -x -f "sleep 4321$$"
	session=$(ps -o ppid= -p "$(pgrep -x -f "sleep 4321$$")" | tr -d ' ')
	[ "$(ps -o ppid= -p "$session" | tr -d ' ')" = "$m" ]
	# the lock of the monitor is not held by the session
	lock=$(readlink "/proc/$m/fd/"* | grep '/lock$')
	! readlink "/proc/$session/fd/"* | grep -qxF "$lock" || false
	# a command that is killed takes its session along
	kill -9 "$cli"
	wait_until 5 runs_not "sleep 4321$$"
	wait_until 5 no_sessions
	[ "$(private_kb "$m")" -lt 200 ]
}

@test "P12: a terminal with its size, preserved descriptors, -d" {
	output=$(pty 30 100 "" \
		"$BRYO" exec -it x sh -c 'tty; stty size')
	assert $'/dev/pts/0\r\n30 100\r'
	exec 4<<<through 5<<<too
	[ "$("$BRYO" exec --preserve-fds 3 x sh -c 'cat <&4; cat <&5' 3</dev/null)" = $'through\ntoo' ]
	[ "$("$BRYO" exec --preserve-fd 5 x sh -c 'cat <&5' 5<<<only)" = only ]
	exec 4<&- 5<&-
	run_bryo exec -d x sleep "5432$$"
	[ "${#out}" = 64 ]
	wait_until 5 pgrep -x -f "sleep 5432$$"
	run_bryo inspect -f '{{.ExecIDs}}' x
	assert "[$(cut -c1-64 <<<"$("$BRYO" inspect -f '{{index .ExecIDs 0}}' x)")]"
	kill "$(pgrep -x -f "sleep 5432$$")"
	wait_until 5 runs_not "sleep 5432$$"
}

@test "P12: signals reach the process" {
	"$BRYO" exec x sh -c 'trap "echo told; exit 5" TERM; echo up
		while :; do sleep 0.1; done' >"$ENGINE_DIR/told" 3>&- &
	local pid=$! code=0
	wait_until 5 grep -q up "$ENGINE_DIR/told"
	kill -TERM "$pid"
	wait "$pid" || code=$?
	[ "$(cat "$ENGINE_DIR/told")" = $'up\ntold' ]
	[ "$code" = 5 ]
}

@test "F02: without the monitor exec works all the same, and says where" {
	run_bryo run -d --name y "$BUSYBOX" sleep 1000
	m=$("$BRYO" inspect -f '{{.State.ConmonPid}}' y)
	kill -9 "$m"
	wait_until 5 refute kill -0 "$m"
	run_bryo exec y echo there
	assert there "$out"
	assert_match 'not in the cgroup of container y: its monitor is gone' "$errs"
	run_bryo rm -f -t 0 y
}

@test "F10: many sessions at once, and the container's end with them" {
	run_bryo run -d --name y "$BUSYBOX" sleep 1000
	for i in $(seq 20); do
		"$BRYO" exec y sh -c "echo $i" >"$ENGINE_DIR/many.$i" 3>&- &
		pids[i]=$!
	done
	for i in $(seq 20); do
		wait "${pids[i]}"
		[ "$(cat "$ENGINE_DIR/many.$i")" = "$i" ]
	done
	"$BRYO" exec y sleep "6543$$" 3>&- &
	cli=$!
	wait_until 5 pgrep -x -f "sleep 6543$$"
	run_bryo kill y
	code=0
	wait "$cli" || code=$?
	[ "$code" = 137 ]
	run_bryo wait y
	assert 137
	run_bryo rm y
}
