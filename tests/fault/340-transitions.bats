#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F11, P7: commands that meet a container while another one makes, starts or
# removes it.  The other one is stopped at the place that matters.

load ../system/helpers

teardown() {
	[ -z "${half:-}" ] || kill -CONT "$half" 2>/dev/null || :
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1
}

# in the queue for a lock, or looking again and again
is_waiting() {
	are_gone "$1" || [[ $(cat "/proc/$1/wchan") == *@(lock|setlk|sleep|poll)* ]]
}

# meets ARG...: bryo ARG... is under way when $half goes on.  Sets $code and
# $errs to what became of it; $half has to succeed.
meets() {
	local pid
	code=0
	"$BRYO" "$@" >/dev/null 2>"$ENGINE_DIR/errs" 3>&- &
	pid=$!
	wait_until 20 is_waiting "$pid"
	if [ -n "$half" ]; then
		kill -CONT "$half" 2>/dev/null || :
		wait "$half" || [ $? = 127 ]	# no child of ours
	fi
	wait "$pid" || code=$?
	errs=$(cat "$ENGINE_DIR/errs")
	echo "$code $errs"
}

# half_made NAME: by a `run` that is stopped in the middle
half_made() {
	stopped_at create.dir run -d --name "$1" "$BUSYBOX" sleep 1000
}

# what runs is what `run` said, and once
runs_once() {
	local id
	id=$(cat "$ENGINE_DIR/half")
	run_bryo inspect --format '{{.State.Status}} {{.Id}}' "$1"
	assert "running $id"
	assert 1 "$(pgrep -u "$(id -u)" -fc "bryo-monitor .* $1\$")"
}

@test "F11: start, restart, init and rm wait for the run that makes the container" {
	local n

	n=$(cname s)
	half_made "$n"
	meets start "$n"
	assert "0 " "$code $errs"
	runs_once "$n"

	n=$(cname r)
	half_made "$n"
	meets restart -t 0 "$n"
	assert "0 " "$code $errs"
	runs_once "$n"

	n=$(cname i)
	half_made "$n"
	meets init "$n"
	assert_match "^125 .*already been created" "$code $errs"
	runs_once "$n"

	n=$(cname m)
	half_made "$n"
	meets rm "$n"
	assert_match "^2 .*as it is running" "$code $errs"
	runs_once "$n"

	n=$(cname f)
	half_made "$n"
	meets rm -f -t 0 "$n"
	assert "0 " "$code $errs"
	run_bryo -1 container exists "$n"
	run_bryo events --stream=false --filter "container=$n" --format '{{.Status}}'
	assert 1 "$(grep -c '^start$' <<<"$out")"
	assert 1 "$(grep -c '^died$' <<<"$out")"
}

# monitor_of ID: once it has to remove the container
monitor_of() {
	half=$(pgrep -f "__monitor .*$1") || ! "$BRYO" container exists "$1"
}

@test "F11: start of a --rm container that is about to be removed" {
	local n tries=20
	n=$(cname)
	while [ $((tries -= 1)) -gt 0 ]; do
		BRYO_FAULT=ended.folded:stop "$BRYO" run -d --rm --name "$n" 			"$BUSYBOX" sh -c '[ ! -e /again ] || exec sleep 1000; touch /again' 			>"$ENGINE_DIR/half" 3>&-
		wait_until 20 monitor_of "$(cat "$ENGINE_DIR/half")"
		[ -z "$half" ] || wait_until 20 is_stopped "$half"
		meets start "$n"
		[ "$code" != 0 ] || break
		# somebody else let it go on too early
		assert_match "no such container" "$errs"
	done
	assert "0 " "$code $errs"
	runs_once "$n"
	run_bryo rm -f -t 0 "$n"
}

@test "F15: start of an initialized container whose socket is gone" {
	local n
	n=$(cname)
	"$BRYO" create --name "$n" "$BUSYBOX" sleep 1000 >"$ENGINE_DIR/half"
	run_bryo init "$n"
	rm -rf "${XDG_RUNTIME_DIR:?}"/bryo/containers
	run_bryo start "$n"
	runs_once "$n"
	run_bryo exec "$n" true
}

@test "P8: a monitor that is killed while it starts is our failure: 125" {
	local n
	n=$(cname)
	BRYO_FAULT=launch.created:kill run_bryo -125 run --name "$n" "$BUSYBOX" true
	assert "Error: the monitor died while it started the container"
	run_bryo start -a "$n"
}

@test "P8: what is removed meanwhile is no such container" {
	local n verb
	for verb in commit diff "export -o $ENGINE_DIR/tar" start pause logs CP; do
		n=$(cname)
		run_bryo create --name "$n" "$BUSYBOX" true
		stopped_at rm.moved rm "$n"
		if [ "$verb" = CP ]; then
			meets cp /etc/passwd "$n:/p"
		else
			# shellcheck disable=SC2086
			meets $verb "$n"
		fi
		assert 125 "$code"
		assert_match '^Error: .*no such container' "$errs"
		assert 1 "$(wc -l <"$ENGINE_DIR/errs")"
	done
}
