#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A start that fails leaves the container what it was, as podman does: created,
# or exited with the code and the times of its last real start.

load helpers

# facts NAME: all that a script could have kept from before
facts() {
	"$BRYO" inspect --format '{{.State.Status}} {{.State.ExitCode}}
{{.State.StartedAt}} {{.State.FinishedAt}} {{.State.StoppedByUser}}
{{.RestartCount}}' "$1"
}

has_error() {
	run_bryo inspect --format '{{.State.Error}}' "$1"
	assert_match "$2"
}

status() {
	"$BRYO" ps -a --filter "name=^$1\$" --format '{{.Status}}'
}

@test "failed start: a container that never ran is created" {
	mkdir "$HOME/f"
	run_bryo create --name f -v "$HOME/f:/m" "$BUSYBOX" sh -c 'exit 3'
	rmdir "$HOME/f"
	run_bryo -125 start f
	assert created "$("$BRYO" inspect --format '{{.State.Status}}' f)"
	assert Created "$(status f)"
	has_error f "$HOME/f"
	# nothing was spoilt
	mkdir "$HOME/f"
	run_bryo -3 start -a f
	assert_match '^Exited \(3\)' "$(status f)"
	has_error f '^$'
	run_bryo rm f
	rmdir "$HOME/f"
}

@test "failed start: run of a command that is not there is created" {
	run_bryo -127 run -d --name g "$BUSYBOX" nosuch
	assert Created "$(status g)"
	has_error g nosuch
	# the code that the command itself ended with
	assert "created 127" "$("$BRYO" inspect --format \
		'{{.State.Status}} {{.State.ExitCode}}' g)"
	run_bryo -125 start g
	assert Created "$(status g)"
	run_bryo rm g
}

@test "failed start: an exited one keeps its code and its times" {
	local verb before
	mkdir "$HOME/h"
	run_bryo -3 run --name h -v "$HOME/h:/m" "$BUSYBOX" sh -c 'exit 3'
	before=$(facts h)
	rmdir "$HOME/h"
	for verb in "start" "start -a" "restart" "init"; do
		# shellcheck disable=SC2086
		run_bryo -125 $verb h
		assert "$before" "$(facts h)"
		has_error h "$HOME/h"
	done
	assert_match '^Exited \(3\)' "$(status h)"
	run_bryo wait h
	assert 3
	run_bryo ps -aq --filter exited=3
	assert_match '^[0-9a-f]{12}$'
	mkdir "$HOME/h"
	run_bryo -3 start -a h
	has_error h '^$'
	run_bryo rm h
	rmdir "$HOME/h"
}

@test "failed start: one that the user stopped stays stopped" {
	local before
	mkdir "$HOME/i"
	run_bryo run -d --name i --restart unless-stopped -v "$HOME/i:/m" \
		"$BUSYBOX" sleep 1000
	run_bryo stop -t 0 i
	before=$(facts i)
	rmdir "$HOME/i"
	run_bryo -125 start i
	assert "$before" "$(facts i)"
	mkdir "$HOME/i"
	# it would be started, were it not stopped by the user
	run_bryo boot
	assert ""
	run_bryo rm i
	rmdir "$HOME/i"
}
