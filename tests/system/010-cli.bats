#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line itself: errors, exit codes, help, names.

load helpers

@test "G5: an unknown flag is 125 and points at the command's help" {
	run_bryo -125 run --nosuch
	assert $'Error: unknown flag: --nosuch\nSee \'bryo run --help\''
	run_bryo -125 --nosuch
	assert $'Error: unknown flag: --nosuch\nSee \'bryo --help\''
}

@test "G5: a short flag without its value is named" {
	run_bryo -125 run -h
	assert_match "Error: flag needs an argument: 'h' in -h"
}

@test "G6: unknown command, group without a subcommand" {
	run_bryo -125 NoSuchCommand
	assert_match "Error: unrecognized command .*bryo NoSuchCommand"
	run_bryo -125 image
	assert_match "Error: missing command 'bryo image COMMAND'"
}

@test "G6: a flag error wins over an unknown command" {
	run_bryo -125 bad --invalid
	assert_match "unknown flag: --invalid"
}

@test "G2: an error is one line on stderr, nothing on stdout" {
	run_bryo -125 start nosuch
	assert "" "$out"
	assert 'Error: no container with name or ID "nosuch" found: no such container' "$errs"
}

@test "G16: help has its three forms and an exact first line" {
	for form in help --help; do
		run_bryo $form
		assert_match "^Manage pods, containers and images"
		assert_match "Available Commands:"
	done
	run_bryo run --help
	assert_match "bryo run \[options\] IMAGE"
	run_bryo container --help
	assert_match "Available Commands:"
}

@test "G16: argument counts" {
	run_bryo -125 tag
	assert_match "requires at least"
	run_bryo -125 version extra
	assert_match "takes no arguments"
	run_bryo -125 rename a b c
	assert_match "accepts|requires|too many"
}

@test "every command answers --help with exit 0" {
	run_bryo __dump
	local n=0 path
	while read -r path; do
		# shellcheck disable=SC2086
		run_bryo $path --help
		assert_match "Usage:"
		n=$((n + 1))
	done < <(jq -r '.commands[].path' <<<"$out")
	[ "$n" -gt 30 ]
}

@test "a flag that is not there yet says so and is never ignored" {
	for flag in "--pod p" "--gpus all" "--link a" "--mac-address 0:1"; do
		# shellcheck disable=SC2086
		run_bryo -125 run $flag "$BUSYBOX" true
		assert "Error: ${flag%% *} is not supported yet"
	done
}

@test "the name it is called by is the name it prints" {
	ln -s "$BRYO" "$ENGINE_DIR/podman"
	run -125 "$ENGINE_DIR/podman" run --nosuch
	assert $'Error: unknown flag: --nosuch\nSee \'podman run --help\''
	run "$ENGINE_DIR/podman" --version
	assert_match "^podman version [0-9]"
}

@test "P22: version" {
	run_bryo --version
	assert_match "^bryo version [0-9]+\.[0-9]+"
	run_bryo version
	for key in "Client:" "Version:" "API Version:" "Go Version:" "Built:" "OS/Arch:"; do
		assert_match "$key"
	done
	run_bryo version --format '{{.Client.Version}}'
	assert_match '^[0-9]+\.[0-9]+'
}

@test "P22: info has the keys that scripts read" {
	run_bryo info --format '{{.Host.Security.Rootless}} {{.Store.GraphRoot}}'
	assert_match "^(true|false) /"
	run_bryo info --format json
	jq -e '.host, .store, .version' <<<"$out"
	run_bryo info --format '{{.Store.GraphDriverName}}'
	assert_match "^(overlay|vfs|fuse-overlayfs)$"
}

@test "G11: log levels" {
	run_bryo --log-level=debug ps
	assert_match "level=debug"
	assert_no_match "level=trace"
	run_bryo --log-level=trace ps
	assert_match "level=info"
	assert_match "level=debug"
	assert_match "level=trace"
	run_bryo --log-level=trace run --rm "$BUSYBOX" cat
	assert "" "${out}"
	run_bryo -1 --log-level=nosuch ps
	assert_match 'Log Level "nosuch" is not supported'
}

@test "G4: exists is silent, 0 or 1" {
	run_bryo -1 container exists nosuch
	assert ""
	run_bryo create --name there "$BUSYBOX" true
	run_bryo container exists there
	assert ""
	run_bryo rm there
}

@test "a closed stdout is a quiet end, a full one an error" {
	run_bryo create --name pipe "$BUSYBOX" true
	set +e
	"$BRYO" ps -a --format json 2>"$ENGINE_DIR/err" | true
	"$BRYO" ps -a >/dev/full 2>"$ENGINE_DIR/full"
	local rc=$?
	set -e
	[ ! -s "$ENGINE_DIR/err" ]
	[ "$rc" != 0 ]
	grep -q "^Error: .*no space left" "$ENGINE_DIR/full"
	run_bryo rm pipe
}
