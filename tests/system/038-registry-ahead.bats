#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# pull and push load bryo-registry before they open state and store; where it
# turns out that nobody needs it, it is gone before the command returns.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

# traced RC ARG...: programs, files and ends of processes in $trace
traced() {
	local want=$1
	shift
	trace=$BATS_TEST_TMPDIR/trace
	echo "\$ bryo $*"
	status=0
	strace -f -o "$trace" -e trace=execve,openat,waitid -e signal=none \
		"$BRYO" "$@" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- || status=$?
	cat "$BATS_TEST_TMPDIR/out"
	assert "$want" "$status"
}

# line REGEX: number of the first line of the trace that matches
line() {
	grep -nE -m1 "$1" "$trace" | cut -d: -f1
}

started() {
	grep -c '/bryo-registry", \[' "$trace"
}

loaded_ahead() {
	assert 1 "$(started)"
	[ "$(line '/bryo-registry", \[')" -lt "$(line '/state\.db"')" ]
}

# Reaped by the command, and not left to whoever finds it
gone() {
	local pid self
	pid=$(sed -n 's/^\([0-9]*\) .*\/bryo-registry", \[.*/\1/p' "$trace")
	self=$(head -n1 "$trace" | cut -d' ' -f1)
	grep -qE "^$self .*si_pid=$pid, .*si_status=" "$trace"
}

@test "push and pull load bryo-registry before they open the state" {
	local to=localhost:$REGISTRY_PORT/ahead:1
	traced 0 push -q "$BUSYBOX" "$to"
	loaded_ahead
	gone
	run skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$to"
	assert_match '^sha256:'
	traced 125 pull -q "localhost:$REGISTRY_PORT/there-is-none"
	loaded_ahead
	gone
	assert_match 'not found|unknown' "$(cat "$BATS_TEST_TMPDIR/out")"
}

@test "a push that fails before it asks the registry leaves nothing behind" {
	traced 125 push nobody-has-this "localhost:$REGISTRY_PORT/x"
	assert_match 'image not known' "$(cat "$BATS_TEST_TMPDIR/out")"
	loaded_ahead
	gone
}

@test "nor does a pull whose state cannot be opened" {
	touch "$BATS_TEST_TMPDIR/file"
	traced 125 --root "$BATS_TEST_TMPDIR/file/x" pull "$BUSYBOX"
	assert 1 "$(started)"
	gone
}

@test "nor does a pull of a name that is none" {
	traced 125 pull 'Not_A_Name'
	assert 1 "$(started)"
	gone
}

@test "where it may not be needed it is not loaded" {
	traced 0 push -q "$BUSYBOX" "dir:$BATS_TEST_TMPDIR/d"
	assert 0 "$(started)"
	traced 0 pull -q "dir:$BATS_TEST_TMPDIR/d"
	assert 0 "$(started)"
	traced 0 pull -q --policy missing "$BUSYBOX"
	assert 0 "$(started)"
	traced 125 pull -q --policy never nobody-has-this
	assert 0 "$(started)"
	traced 125 pull
	assert 0 "$(started)"
}

@test "several pulls in one command have a process each" {
	traced 125 pull "localhost:$REGISTRY_PORT/none-1" \
		"localhost:$REGISTRY_PORT/none-2"
	assert 2 "$(started)"
}

@test "without the program the error names it" {
	local dir=$ENGINE_DIR/alone
	mkdir "$dir"
	cp "$BRYO" "$dir/bryo"
	run_exit=0
	"$dir/bryo" pull "$BUSYBOX" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- ||
		run_exit=$?
	assert 125 "$run_exit"
	assert_match 'bryo-registry: program not found' \
		"$(cat "$BATS_TEST_TMPDIR/out")"
}
