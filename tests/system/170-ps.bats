#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ps: columns, formats, filters.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" run -d --name up -l a=b "$BUSYBOX" sleep 10000 3>&- >/dev/null
	"$BRYO" run --name ended -l a=c "$BUSYBOX" sh -c 'exit 3' 3>&- || :
	"$BRYO" create --name never "$BUSYBOX" true >/dev/null
}

@test "P1: columns" {
	run_bryo ps -a
	assert_match "^CONTAINER ID  IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES"
	assert_match "[0-9a-f]{12}  $BUSYBOX:latest +sleep 10000 +.* ago +Up .* +up"
	assert_match "Exited \(3\) .* ago +ended"
	assert_match "Created +never"
	run_bryo ps
	assert_no_match "never"
	run_bryo ps --noheading
	assert_no_match "CONTAINER ID"
}

@test "ids: -q is short, --no-trunc full" {
	run_bryo ps -q
	assert_match '^[0-9a-f]{12}$'
	run_bryo ps -q --no-trunc
	assert_match '^[0-9a-f]{64}$'
}

@test "formats: json, template, table, label" {
	run_bryo ps -a --format json
	jq -e 'length == 3 and (.[0] | .Id, .Names, .State, .Command, .Image, .Created)' <<<"$out"
	run_bryo ps --format '{{.Names}} {{.State}} {{.Label "a"}} {{.Image}}'
	assert "up running b $BUSYBOX:latest"
	run_bryo ps --format 'table {{.Names}}\t{{.Status}}'
	assert_match "^NAMES +STATUS"
	run_bryo ps --format '{{json .Labels}}'
	run_bryo -125 ps --format '{{.Nope}}'
}

@test "P2: filters" {
	run_bryo ps -a --filter name='^u' --format '{{.Names}}'
	assert up
	run_bryo ps --filter status=exited --format '{{.Names}}'
	assert ended
	run_bryo ps -a --filter exited=3 --format '{{.Names}}'
	assert ended
	run_bryo ps -a --filter label=a=c --format '{{.Names}}'
	assert ended
	run_bryo ps -a --filter label=a --filter name=up --format '{{.Names}}'
	assert up
	run_bryo ps -a --filter status=created --filter status=running --format '{{.Names}}' --sort names
	assert $'never\nup'
	run_bryo ps -a --filter "ancestor=$BUSYBOX" -q
	[ "$(wc -l <<<"$out")" = 3 ]
	run_bryo -125 ps --filter nosuch=1
	run_bryo ps -a --filter "since=up" --format '{{.Names}}' --sort names
	assert $'ended\nnever'
}

@test "last, latest, sort" {
	run_bryo ps --latest --format '{{.Names}}'
	assert never
	run_bryo ps --last 2 --format '{{.Names}}'
	[ "$(wc -l <<<"$out")" = 2 ]
	run_bryo ps -a --sort names --format '{{.Names}}'
	assert $'ended\nnever\nup'
}
