#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# doctor: what is there, what is missing, and a container of its own.

load helpers

@test "doctor: all probes in order, none fails here, a container runs" {
	run_bryo doctor
	assert_match $'^ok +subuid '
	assert_match $'\nok +newuidmap +/'
	assert_match $'\nok +container +a container runs$'
	assert_no_match $'\nfailed'
	run_bryo ps -aq
	assert ""
	compgen -G "/tmp/bryo-doctor.*" | while read -r d; do
		[ ! -O "$d" ] || return 1
	done
}

@test "doctor --json: names, states, fixes" {
	run_bryo doctor --json
	[ "$(jq -r '.[-1].name' <<<"$out")" = container ]
	[ "$(jq -r '.[] | select(.name == "subuid").status' <<<"$out")" = ok ]
	[ "$(jq '[.[] | select(.status != "ok" and .fix == "")] | length' \
		<<<"$out")" = 0 ]
}

@test "doctor: a runtime directory that others can enter fails, with the fix" {
	mkdir "$ENGINE_DIR/open"
	chmod 0755 "$ENGINE_DIR/open"
	XDG_RUNTIME_DIR=$ENGINE_DIR/open run_bryo -1 doctor
	assert_match "failed +runtime-dir +$ENGINE_DIR/open: not a private"
	assert_match "fix: sudo install -d -m 0700"
}
