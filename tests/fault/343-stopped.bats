#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# P8: a command that was stopped (^Z, SIGSTOP) over a lock does not hold up
# the others for ever: they say who has it and how it is freed.

load ../system/helpers

teardown() {
	[ -z "${half:-}" ] || kill -CONT "$half" 2>/dev/null || :
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1
}

# held WHAT ARG...: bryo ARG... says that $half has WHAT.  What else is about
# may have let $half go on: then the command has worked.
held() {
	local what=$1 code=0
	shift
	timeout 100 "$BRYO" "$@" >"$ENGINE_DIR/out" 2>"$ENGINE_DIR/err" 3>&- ||
		code=$?
	cat "$ENGINE_DIR/out" "$ENGINE_DIR/err"
	[ "$code" != 0 ] || { are_gone "$half" && return; }
	assert 125 "$code"
	assert "Error: $what is locked by process $half (bryo), which is stopped: let it go on with kill -CONT $half, or end it with kill -9 $half" \
		"$(cat "$ENGINE_DIR/err")"
	[ ! -s "$ENGINE_DIR/out" ]
}

@test "P8: a stopped writer of the database is named; -CONT frees it" {
	local name
	name=$(cname)
	run_bryo create --name "$name" "$BUSYBOX" true
	stopped_at rm.rows rm "$name"
	held "the state database" create --name "$name-2" "$BUSYBOX" true
	# readers never waited
	run_bryo ps -a --format '{{.Names}}'
	kill -CONT "$half" 2>/dev/null || :
	wait "$half"
	run_bryo -1 container exists "$name"
	"$BRYO" container exists "$name-2" ||
		run_bryo create --name "$name-2" "$BUSYBOX" true
	run_bryo rm "$name-2"
}

@test "P8: a stopped command that works on a container is named; -9 frees it" {
	local name id
	name=$(cname)
	run_bryo create --name "$name" "$BUSYBOX" true
	id=$out
	stopped_at rm.start rm "$name"
	held "container ${id:0:12}" start "$name"
	kill -9 "$half" 2>/dev/null || :
	wait "$half" || :
	run_bryo rm -f "$name"
	run_bryo ps -aq
	assert ""
}
