# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Pause without cgroups: every process is stopped, none escapes, and what was
# stopped before stays so.
load helpers

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null
}

init_pid() {
	"$BRYO" inspect -f '{{.State.Pid}}' "$1"
}

# The states of all processes of container $1 ("SSR" -> "TTT")
states() {
	"$BRYO" top "$1" state | tail -n +2 | tr -d '\n '
}

all_stopped() {
	local s
	s=$(states "$1")
	echo "states: $s"
	[[ $s =~ ^[TZ]*T[TZ]*$ ]]
}

log_lines() {
	"$BRYO" logs "$1" | wc -l
}

counts() {
	[ "$(log_lines "$1")" -gt "$2" ]
}

did_more() {
	[ "$(wc -l <"$HOME/done")" -gt "$1" ]
}

# shows CONTAINER REGEX: in top's list of states and arguments
shows() {
	[[ $("$BRYO" top "$1" state args) =~ $2 ]]
}

@test "P10: pause stops the processes, unpause lets them go on" {
	# the file has what was done, whenever the monitor gets to the log
	run_bryo run -d --name "$(cname)" -v "$HOME:/v" "$BUSYBOX" \
		sh -c 'while :; do echo x; echo x >>/v/done; sleep 0.1; done'
	wait_until 5 counts "$(cname)" 2
	run_bryo pause "$(cname)"
	assert "$(cname)"
	run_bryo inspect -f '{{.State.Status}} {{.State.Paused}} {{.State.Running}}' "$(cname)"
	assert "paused true false"
	run_bryo ps --format '{{.Names}} {{.Status}} {{.State}}' --filter status=paused
	assert "$(cname) Paused paused"
	all_stopped "$(cname)"
	n=$(wc -l <"$HOME/done")
	sleep 0.5
	[ "$(wc -l <"$HOME/done")" = "$n" ]
	run_bryo unpause "$(cname)"
	assert "$(cname)"
	wait_until 5 did_more "$n"
	run_bryo inspect -f '{{.State.Status}}' "$(cname)"
	assert "running"
	run_bryo events --stream=false --filter container="$(cname)" --format '{{.Status}}'
	assert_match 'start.pause.unpause$' "$out"
}

@test "P10: unpause --all prints the full ids of the paused ones only" {
	run_bryo run -d --name "$(cname a)" "$BUSYBOX" sleep 100
	id=$out
	run_bryo run -d --name "$(cname b)" "$BUSYBOX" sleep 100
	run_bryo pause "$(cname a)"
	run_bryo unpause --all
	assert "$id"
	run_bryo -125 unpause "$(cname b)"
	assert_match "is not paused"
}

@test "P10: a fork bomb is stopped as a whole" {
	run_bryo run -d --name "$(cname)" --ulimit nproc=4000 "$BUSYBOX" sh -c '
		f() { sleep 0.02; f & }
		for i in 1 2 3 4 5 6 7 8; do f & done
		while :; do sleep 0.01 & sleep 0.01; done'
	sleep 0.5
	run_bryo pause "$(cname)"
	all_stopped "$(cname)"
	sleep 0.3
	all_stopped "$(cname)"
	run_bryo unpause "$(cname)"
	refute all_stopped "$(cname)"
	run_bryo rm -f -t 0 "$(cname)"
}

@test "P10: what was stopped before a pause stays stopped after it" {
	run_bryo run -d --name "$(cname)" "$BUSYBOX" sh -c '
		sleep 1000 & echo $! >/pid
		sleep 1001 & wait'
	wait_until 5 shows "$(cname)" 'S +sleep 1000'
	wait_until 5 shows "$(cname)" 'S +sleep 1001'
	run_bryo exec "$(cname)" sh -c 'kill -STOP $(cat /pid)'
	wait_until 5 shows "$(cname)" 'T +sleep 1000'
	run_bryo pause "$(cname)"
	all_stopped "$(cname)"
	run_bryo unpause "$(cname)"
	wait_until 5 shows "$(cname)" 'S +sleep 1001'
	run_bryo top "$(cname)" state args
	assert_match 'T +sleep 1000'
	# a second pause after a kill -9 of nothing: the list is made anew
	run_bryo pause "$(cname)"
	run_bryo unpause "$(cname)"
	run_bryo top "$(cname)" state args
	assert_match 'T +sleep 1000'
}

@test "P10: processes of exec and of a pid namespace below are stopped, too" {
	# durations of their own: the machine has other sleepers
	local a=$((100000 + $$)) b=$((5000000 + $$)) pid p
	run_bryo run -d --name "$(cname)" --privileged "$BUSYBOX" sh -c \
		"unshare -Upf --mount-proc sleep $a || unshare -Upf sleep $a"
	run_bryo exec -d "$(cname)" sleep "$b"
	pid=$(init_pid "$(cname)")
	wait_until 5 pgrep -x -f "sleep $a"
	wait_until 5 pgrep -x -f "sleep $b"
	run_bryo pause "$(cname)"
	for p in "$pid" $(pgrep -x -f "sleep ($a|$b)"); do
		assert T "$(cut -d' ' -f3 "/proc/$p/stat")"
	done
	run_bryo unpause "$(cname)"
}

@test "P10: the other commands and a paused container" {
	run_bryo run -d --name "$(cname)" "$BUSYBOX" sh -c 'trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	wait_log "$(cname)" ready
	run_bryo pause "$(cname)"
	run_bryo -125 pause "$(cname)"
	assert_match 'is already paused: container state improper'
	run_bryo -125 stop "$(cname)"
	assert_match 'is in state paused: container state improper'
	run_bryo -255 exec "$(cname)" true
	assert_match 'container state improper'
	run_bryo -125 start "$(cname)"
	assert_match 'container state improper'
	run_bryo -125 restart "$(cname)"
	run_bryo -2 rm "$(cname)"
	assert_match 'as it is paused - running or paused containers cannot be removed without force'
	# a signal waits for the unpause
	run_bryo kill -s TERM "$(cname)"
	run_bryo inspect -f '{{.State.Status}}' "$(cname)"
	assert "paused"
	run_bryo unpause "$(cname)"
	run_bryo wait "$(cname)"
	assert "3"
	run_bryo -125 pause "$(cname)"
	assert_match 'is not running, can.t pause'
	run_bryo start "$(cname)"
	run_bryo pause "$(cname)"
	run_bryo kill "$(cname)"
	run_bryo wait "$(cname)"
	assert "137"
	run_bryo start "$(cname)"
	run_bryo pause -l
	run_bryo rm -f "$(cname)"
}

@test "P10: wait --condition=paused, --filter and --cidfile" {
	run_bryo run -d --cidfile "$ENGINE_DIR/cid" --label a=b --name "$(cname)" "$BUSYBOX" sleep 100
	"$BRYO" wait --condition=paused "$(cname)" >"$ENGINE_DIR/waited" 3>&- &
	run_bryo pause --filter label=a=b
	wait $!
	[ "$(cat "$ENGINE_DIR/waited")" = -1 ]
	run_bryo unpause --cidfile "$ENGINE_DIR/cid"
	run_bryo inspect -f '{{.State.Status}}' "$(cname)"
	assert "running"
}

@test "P10: a pause that is killed on the way leaves what unpause brings back" {
	run_bryo run -d --name "$(cname)" "$BUSYBOX" sh -c 'while :; do echo x; sleep 0.1; done'
	BRYO_FAULT='pause.stop:kill' run_bryo -137 pause "$(cname)"
	run_bryo inspect -f '{{.State.Status}}' "$(cname)"
	assert "paused"
	run_bryo unpause "$(cname)"
	run_bryo pause "$(cname)"
	BRYO_FAULT='unpause.running:kill' run_bryo -137 unpause "$(cname)"
	run_bryo unpause "$(cname)"
	n=$(log_lines "$(cname)")
	wait_until 5 counts "$(cname)" "$n"
}
