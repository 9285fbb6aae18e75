#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `bryo pull` of images that are wrong in one way each (variant() of
# tests/tools/hreg.py): one error line, soon, with little memory, and the
# store as it was, an image that was there before included.
bats_require_minimum_version 1.5.0

load ../system/helpers

setup_file() {
	ENGINE_DIR=$(mktemp -d)
	export ENGINE_DIR
	export HOME=$ENGINE_DIR/home XDG_RUNTIME_DIR=$ENGINE_DIR/run
	export XDG_DATA_HOME=$ENGINE_DIR/data
	unset XDG_CONFIG_HOME REGISTRY_AUTH_FILE DOCKER_CONFIG \
		CONTAINERS_REGISTRIES_CONF http_proxy https_proxy
	mkdir -m 0700 "$HOME" "$XDG_RUNTIME_DIR" "$XDG_DATA_HOME"
	H=$ENGINE_DIR/hreg
	export H
	mkdir "$H"
	python3 "$BATS_TEST_DIRNAME/../tools/hreg.py" "$H" 3>&- &
	echo $! >"$H/pid"
	wait_until 10 test -f "$H/ports"
	# shellcheck disable=SC1091
	. "$H/ports"
	# The canary: present before, and to be present after everything
	"$BRYO" pull -q --platform linux/amd64 "127.0.0.1:$A/m.good/x" \
		>"$H/canary"
}

teardown_file() {
	kill "$(cat "$H/pid")"
	"$BRYO" rmi -fa >/dev/null 2>&1
	engine_delete
}

setup() {
	# shellcheck disable=SC1091
	. "$H/ports"
	: >"$H/log"
}

# What the store holds; the database's own pages aside
store_files() {
	(cd "$XDG_DATA_HOME/bryo" && find blobs layers partial staging \
		-mindepth 1 2>/dev/null | sort)
}

# refused VARIANT [REGEX]: the pull fails, says so, and changed nothing
refused() {
	local before
	before=$(store_files)
	BRYO_TIMEOUT=30 run_bryo -125 pull -q --platform linux/amd64 \
		"127.0.0.1:$A/m.$1/x"
	[ "$(grep -c '^Error: ' <<<"$errs")" = 1 ]
	[ "$(wc -l <<<"$errs")" = 1 ]
	[ -z "${2:-}" ] || assert_match "$2"
	[[ $errs != *[$'\x1b\x07\x08\r']* ]]
	# Blobs that were verified may stay; nothing else may
	[ "$(store_files | grep -v '^blobs/')" = "$(grep -v '^blobs/' <<<"$before")" ]
	run_bryo images -q --no-trunc
	assert "sha256:$(cat "$H/canary")"
}

@test "the good one is good, whatever Docker-Content-Digest says" {
	run_bryo pull -q --platform linux/amd64 "127.0.0.1:$A/m.good/x"
	assert "$(cat "$H/canary")"
}

@test "REG-01: documents that mean two things" {
	refused both
	refused dupkeys "duplicate"
	refused casekeys
	refused escapedkeys "duplicate key .layers"
	refused foldedkeys "where layers is meant"
	refused nan
	refused type
}

@test "REG-01: what is no manifest: schema 1, HTML, JSON 10000 deep" {
	refused schema1 "schema"
	refused html
	refused deep
}

@test "REG-02: digests that are none, in every place" {
	local place how
	for place in layerdigest configdigest listdigest diffdigest; do
		for how in dots empty none upper short long md5 sha512 \
			escape newline nul; do
			refused "$place-$how"
		done
	done
	# A valid digest and a NUL behind it: C and Go would read two texts
	refused layerdigest-nulend
	[ "$(jq -s '[.[] | select(.path | test("(blobs|manifests)/.*(passwd|%2e|md5:)"))] | length' \
		"$H/log")" = 0 ]
}

@test "REG-03: bytes that are not what the digest says" {
	refused wronglayer
	refused wrongconfig
}

@test "REG-03: a pull by digest takes no other document" {
	local other
	other=sha256:$(printf '%064d' 7)
	run_bryo -125 pull -q "127.0.0.1:$A/m.good/x@$other"
	assert_match "^Error: .*digest"
}

@test "REG-04: a layer that unpacks to another diff id" {
	refused diffid
	refused count-0
	refused count-2
}

@test "REG-05: urls in a descriptor are not followed" {
	# The blob is in the store already: only a fresh one is asked for
	"$BRYO" rmi -fa >/dev/null
	run_bryo -125 pull -q --platform linux/amd64 "127.0.0.1:$A/m.urls/x"
	[ "$(jq -s '[.[] | select(.origin == "B")] | length' "$H/log")" = 0 ]
	"$BRYO" pull -q --platform linux/amd64 "127.0.0.1:$A/m.good/x" >/dev/null
}

@test "REG-08: sizes that are none" {
	local how
	for how in negative huge max text less more; do
		refused "size-$how"
	done
}

@test "REG-08: too many layers, history, children, levels" {
	refused layers-20000
	refused history-1000000 "larger than"
	refused bigindex-10000
	refused nested-4
}

@test "REG-01: members of a config that are of another type" {
	local how
	for how in list text env cmd labels volumes ports health os created \
		history comment; do
		refused "conf-$how" "has the wrong type"
	done
}

@test "REG-08: memory stays bounded" {
	local what
	for what in layers-20000 objects-900000 lists-1300000 values-1300000; do
		/usr/bin/time -f %M -o "$H/rss" "$BRYO" pull -q --platform \
			linux/amd64 "127.0.0.1:$A/m.$what/x" >"$H/out" 2>&1 &&
			return 1
		echo "$what: $(tail -1 "$H/rss") kB, $(tail -1 "$H/out")"
		[ "$(tail -1 "$H/rss")" -lt 131072 ]
		[ "$(grep -c '^Error: ' "$H/out")" = 1 ]
	done
}

@test "F24: a layer that is there is not fetched again" {
	"$BRYO" rmi -fa >/dev/null
	"$BRYO" pull -q --platform linux/amd64 "127.0.0.1:$A/m.good/x" >/dev/null
	: >"$H/log"
	run_bryo pull -q --platform linux/amd64 "127.0.0.1:$A/m.good/x"
	# The config, which is small, and no layer
	[ "$(jq -s '[.[] | select(.path | contains("blobs"))] | length' \
		"$H/log")" -le 1 ]
}

partial_bytes() {
	local file
	file=$(find "$XDG_DATA_HOME/bryo/partial" -type f | head -1)
	[ -n "$file" ] && [ "$(stat -c %s "$file")" -ge "$1" ]
}

@test "F24: a pull that was killed fetches the rest only" {
	"$BRYO" pull -q --platform linux/amd64 "127.0.0.1:$A/m.resume/x" \
		>/dev/null 2>&1 3>&- &
	local pid=$!
	wait_until 20 partial_bytes 1000000
	kill -9 "$pid"
	wait "$pid" || true
	: >"$H/log"
	run_bryo pull -q --platform linux/amd64 "127.0.0.1:$A/m.resume/x"
	local range
	range=$(jq -r '.headers.Range // empty' "$H/log")
	assert_match '^bytes=[0-9]+-$' "$range"
	range=${range#bytes=}
	[ "${range%-}" -ge 1000000 ]
	[ -z "$(find "$XDG_DATA_HOME/bryo/partial" -type f)" ]
}
