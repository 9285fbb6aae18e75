#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A volume's owner, inside and in inspect.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

@test "volume inspect: UID and GID are those that the volume gets" {
	run_bryo volume create -o o=uid=5,gid=6 words
	run_bryo volume create --uid 7 --gid 8 flags
	run_bryo volume create plain
	run_bryo volume inspect words flags plain --format '{{.UID}} {{.GID}}'
	assert "5 6"$'\n'"7 8"$'\n'"0 0"
	run_bryo volume inspect words flags plain
	[ "$(jq -c '[.[] | .UID, .GID]' <<<"$output")" = '[5,6,7,8,null,null]' ]
	run_bryo run --rm -v words:/w -v flags:/f -v plain:/p "$BUSYBOX" \
		stat -c %u:%g /w /f /p
	assert 5:6$'\n'7:8$'\n'0:0
	run_bryo volume rm words flags plain
}
