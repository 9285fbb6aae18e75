#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F01, F11: commands that start while `system reset` works wait for it; one that
# is killed leaves what is whole, and the next one removes the rest.

load ../system/helpers

setup() {
	run_bryo pull -q "$BUSYBOX"
	run_bryo run -d --name runs --stop-signal KILL --network none "$BUSYBOX" sleep 1000
	run_bryo create --name down -v vol:/v "$BUSYBOX" true
	MARK=$XDG_DATA_HOME/bryo/reset
}

# one that stopped itself must not outlive a test that failed
teardown() {
	[ -z "${RESET:-}" ] || kill -KILL "$RESET" 2>/dev/null || true
}

is_stopped() {
	grep -q '^State:[[:space:]]*T' "/proc/$1/status"
}

says() {
	grep -q "$1" "$2"
}

gone() {
	! [ -e "$1" ]
}

# reset, which stops itself (SIGSTOP) at the Nth kind of object; its pid
reset_stops_at() {
	BRYO_FAULT="reset.listed:stop@$1" "$BRYO" system reset -f \
		>"$ENGINE_DIR/reset.out" 2>&1 3>&- &
	RESET=$!
	wait_until 30 is_stopped "$RESET"
}

@test "F11: commands wait for a reset, say so, and see what it left" {
	reset_stops_at 3
	"$BRYO" run -d --name late --network none "$BUSYBOX" sleep 1000 \
		>"$ENGINE_DIR/late.out" 2>&1 3>&- &
	local late=$!
	"$BRYO" ps -a >"$ENGINE_DIR/ps.out" 2>&1 3>&- &
	local ps=$!
	wait_until 20 says "waiting for system reset (pid $RESET)" "$ENGINE_DIR/ps.out"
	wait_until 20 says "waiting for system reset (pid $RESET)" "$ENGINE_DIR/late.out"
	refute grep -q CONTAINER "$ENGINE_DIR/ps.out"
	kill -CONT "$RESET"
	wait "$RESET"
	wait "$ps"
	# it began when nothing was left, so the image is pulled anew
	wait "$late"
	cat "$ENGINE_DIR"/*.out
	run_bryo ps --format '{{.Names}}'
	assert late
	[ ! -e "$MARK" ]
	run_bryo rm -f -t 0 late
	run_bryo volume ls -q
	assert ""
}

@test "F11: two resets at once: the second waits and finds nothing" {
	reset_stops_at 2
	"$BRYO" system reset -f >"$ENGINE_DIR/second.out" 2>&1 3>&- &
	local second=$!
	wait_until 20 says 'waiting for system reset' "$ENGINE_DIR/second.out"
	kill -CONT "$RESET"
	wait "$RESET"
	wait "$second"
	run_bryo ps -aq
	assert ""
	run_bryo images -q
	assert ""
}

@test "F01: killed between any two kinds, all that is left is whole" {
	local n
	for n in 1 2 3 4; do
		BRYO_FAULT="reset.listed:kill@$n" run_bryo -137 system reset -f
		[ -e "$MARK" ]
		run_bryo images -q
		assert_match 'a system reset was interrupted: what it had not removed is still there' "$errs"
		# said once
		run_bryo ps -a
		assert "" "$errs"
		run_bryo system check
		python3 "$BATS_TEST_DIRNAME/checker.py" \
			--data "$XDG_DATA_HOME/bryo" --run "$XDG_RUNTIME_DIR/bryo"
	done
	run_bryo system reset -f
	local kind
	for kind in "ps -aq" "images -qa" "volume ls -q"; do
		# shellcheck disable=SC2086
		run_bryo $kind
		assert ""
	done
	wait_until 20 gone "$MARK"
}

@test "F01: killed when all is removed, before it says so" {
	BRYO_FAULT="reset.removed:kill" run_bryo -137 system reset -f
	run_bryo system reset -f
	run_bryo pull -q "$BUSYBOX"
	run_bryo run --rm --network none "$BUSYBOX" true
	assert ""
}
