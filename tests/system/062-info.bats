#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What info says of registries.conf.

load helpers

@test "info: the search list of registries.conf" {
	printf 'unqualified-search-registries = ["one.example", "two.example"]\n' \
		>"$ENGINE_DIR/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$ENGINE_DIR/registries.conf
	run_bryo info --format '{{.Registries}}'
	assert "map[search:[one.example two.example]]"
	run_bryo info --format '{{range .Registries.search}}{{.}},{{end}}'
	assert "one.example,two.example,"
	run_bryo info --format '{{index .Registries "search"}}'
	assert "[one.example two.example]"
	run_bryo info --format json
	jq -e '.registries.search == ["one.example", "two.example"]' <<<"$out"
	echo 'unqualified-search-registries = 7' >"$ENGINE_DIR/registries.conf"
	run_bryo -125 info
	assert_match "^Error: registries.conf"
}
