#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Nothing in the journal comes behind the removal of its container.

load helpers

teardown() {
	[ -z "${half:-}" ] || kill -CONT "$half" 2>/dev/null || :
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1
}

# journal ID: what is told of it, in order
journal() {
	"$BRYO" events --stream=false --filter "container=$1" \
		--format '{{.Status}}' | xargs
}

@test "rm -f is faster than a stop: remove is the last event" {
	local id name
	name=$(cname)
	run_bryo run -d --name "$name" "$BUSYBOX" sleep 1000
	id=$out
	stopped_at stop.dead stop -t 0 "$name"
	run_bryo rm -f -t 0 "$name"
	kill -CONT "$half" 2>/dev/null || :
	wait "$half" || :
	assert_match ' remove$' "$(journal "$id")"
	assert_match ' died cleanup stop .*remove$' "$(journal "$id")"
}

@test "commit of a running container that rm -f waits for: commit, then remove" {
	local id name pid
	name=$(cname)
	run_bryo run -d --name "$name" "$BUSYBOX" sleep 1000
	id=$out
	stopped_at commit.paused commit -q "$name" made
	"$BRYO" rm -f -t 0 "$name" >/dev/null 3>&- &
	pid=$!
	kill -CONT "$half" 2>/dev/null || :
	wait "$half"
	wait "$pid"
	assert_match ' commit .*remove$' "$(journal "$id")"
	run_bryo rmi made
}
