#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The promises of bryo(1), each with a scene of its own.

load ../system/helpers

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1
}

# fault POINT:ACTION ARG...: a command that meets it; its failure is none
fault() {
	local f=$1
	shift
	BRYO_FAULT=$f timeout 20 "$BRYO" "$@" >/dev/null 2>&1 3>&- || true
}

@test "promise 1: no command leaves state that another cannot list and remove" {
	local p
	for p in create.row create.finish start.spawn start.spawned start.created start.started rm.rows rm.moved; do
		fault "$p:kill" run -d --name "p" -v "vol:/v" "$BUSYBOX" sleep 1000
		fault "$p:kill" rm -f -t 0 p
		run_bryo ps -a
		run_bryo rm -f -t 0 p
		run_bryo volume rm -f vol
		run_bryo ps -aq
		assert ""
		run_bryo volume ls -q
		assert ""
	done
}

@test "promise 2: what was said to be done is on the disk" {
	command -v strace
	# the last fsync of the state comes before the answer
	strace -f -e trace=fsync,fdatasync,write -o "$ENGINE_DIR/trace" \
		"$BRYO" create --name p "$BUSYBOX" true >"$ENGINE_DIR/o" 3>&-
	local id sync answer
	id=$(cat "$ENGINE_DIR/o")
	sync=$(grep -nE 'f(data)?sync\(' "$ENGINE_DIR/trace" | tail -1 | cut -d: -f1)
	answer=$(grep -n "write(1, \"${id:0:20}" "$ENGINE_DIR/trace" | cut -d: -f1)
	echo "sync in line $sync, answer in line $answer"
	[ -n "$sync" ] && [ "$sync" -lt "$answer" ]
}

@test "promise 3: whoever is killed, the next command puts it right, and waits for nobody" {
	fault create.finish:kill create --name p "$BUSYBOX" true
	local t0 t1
	t0=$(date +%s%N)
	run_bryo ps -a --format '{{.Names}}'
	t1=$(date +%s%N)
	assert ""
	echo "$(((t1 - t0) / 1000000)) ms"
	# a second at most, but for a busy machine; a lock is waited for for ten
	[ $((t1 - t0)) -lt 9000000000 ]
	run_bryo create --name p "$BUSYBOX" true
}

@test "promise 4: an exit code is never made up, and wait never hangs" {
	run_bryo run -d --name p "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' p
	# shellcheck disable=SC2086
	kill -9 $out
	run_bryo wait p
	assert -1
	run_bryo inspect --format '{{.State.ExitCode}} {{.State.Error}}' p
	assert_match "^-1 .*exit code unknown"
}

@test "promise 5: deleting works where nothing can be written" {
	run_bryo run -d --name p -v pv:/v "$BUSYBOX" sleep 1000
	# every write of new data fails, as on a full disk
	(
		ulimit -f 0
		trap '' XFSZ
		timeout 20 "$BRYO" ps 3>&- >/dev/null || true
	)
	run_bryo rm -f -t 0 -v p
	run_bryo volume rm -f pv
	run_bryo ps -aq
	assert ""
}

@test "promise 6: a process that is not ours is never signalled" {
	run_bryo run -d --name p "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' p
	# shellcheck disable=SC2086
	kill_gone $out
	sleep 500 3>&- &
	local innocent=$!
	python3 - "$XDG_DATA_HOME/bryo/state.db" "$innocent" <<-'PY'
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	db.execute("UPDATE container SET init_pid = ?1, mon_pid = ?1", (int(sys.argv[2]),))
	db.commit()
	PY
	"$BRYO" kill p 3>&- || :
	"$BRYO" stop -t 0 p 3>&- || :
	run_bryo rm -f -t 0 p
	kill "$innocent"
}

@test "promise 7: what many do at once ends as if one had been after the other" {
	local i pids=() won=0
	for i in $(seq 20); do
		"$BRYO" create --name p "$BUSYBOX" true >"$ENGINE_DIR/p.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" && won=$((won + 1)); done
	[ "$won" = 1 ]
	[ "$(cat "$ENGINE_DIR"/p.* | grep -c "already in use by")" = 19 ]
	run_bryo events --stream=false --filter event=create --filter container=p --format x
	[ "$(grep -c x <<<"$out")" -ge 1 ]
}

@test "promise 8: a failure says what, where and why, with 125 and nothing on stdout" {
	local args
	for args in "run nosuch.example/none:x true" "start nosuch" "run -v /nosuch:/x $BUSYBOX true" \
		"create --memory nonsense $BUSYBOX" "run --network nosuch $BUSYBOX true" "exec nosuch true"; do
		# shellcheck disable=SC2086
		run_bryo -125 $args
		assert "" "$out"
		assert_match "^(.*"$'\n'")?Error: .+" "$errs"
	done
}
