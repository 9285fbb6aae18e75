#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# registries.conf: what is written there counts or is an error, and is never
# passed over.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	export CONTAINERS_REGISTRIES_CONF=$ENGINE_DIR/registries.conf
}

teardown_file() {
	engine_teardown
}

# conf LINE...
conf() {
	printf '%s\n' "$@" >"$CONTAINERS_REGISTRIES_CONF"
}

# refused WANT: a pull ends before any request with one line that says WANT
refused() {
	run_bryo -125 pull -q "$BUSYBOX"
	[ "$(wc -l <<<"$errs")" = 1 ]
	assert_match "^Error: .*registries.conf.*$1" "$errs"
}

@test "a blocked registry in single brackets is an error, not let through" {
	conf '[registry]' "prefix = \"localhost:$REGISTRY_PORT\"" \
		'blocked = true'
	refused 'registry: must be a list of tables'
	conf '[[registry]]' "prefix = \"localhost:$REGISTRY_PORT\"" \
		'blocked = true'
	refused 'prefix .localhost:'
}

@test "a mirror or a location of the wrong type is an error" {
	conf '[[registry]]' "prefix = \"localhost:$REGISTRY_PORT\"" \
		'[registry.mirror]' 'location = "127.0.0.1:1"'
	refused 'mirror: must be a list of tables'
	conf '[[registry]]' "prefix = \"localhost:$REGISTRY_PORT\"" \
		'location = 5'
	refused 'location: must be a string'
	conf '[[registry]]' 'prefix = 5' 'location = "x.example"'
	refused 'prefix: must be a string'
	conf 'aliases = "x"'
	refused 'aliases: must be a table'
}

@test "a search list with a scheme is an error that names the list" {
	conf "unqualified-search-registries = [\"https://x.example\"]"
	run_bryo -125 pull -q busybox
	assert_match "registries.conf: unqualified-search-registries 'https:" \
		"$errs"
}

@test "slashes at the end of a location are no part of it" {
	conf '[[registry]]' 'prefix = "q.example/a/"' \
		"location = \"localhost:$REGISTRY_PORT/\""
	run_bryo pull -q q.example/a/busybox
	run_bryo image exists q.example/a/busybox
	conf "unqualified-search-registries = [\"localhost:$REGISTRY_PORT/\"]"
	run_bryo pull -q busybox
	run_bryo image exists "$BUSYBOX"
}
