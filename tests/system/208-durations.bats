#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Durations: text in templates, nanoseconds in JSON.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

@test "G15: durations are text in templates and numbers in JSON" {
	run_bryo create --name h --health-cmd true --health-interval 90s \
		--health-timeout 1500ms "$BUSYBOX"
	run_bryo inspect h --format '{{.Config.Healthcheck}}'
	assert "{[CMD-SHELL true] 1m30s 1.5s 3}"
	run_bryo inspect h --format '{{with .Config.Healthcheck}}{{.Interval}} {{.StartPeriod}} {{printf "%d" .Timeout}} {{eq .Interval 90000000000}}{{end}}'
	assert "1m30s 0s 1500000000 true"
	run_bryo inspect h --format '{{json .Config.Healthcheck.Interval}}'
	assert 90000000000
	run_bryo inspect h
	[ "$(jq -c '.[0].Config.Healthcheck' <<<"$output")" = \
		'{"Test":["CMD-SHELL","true"],"Interval":90000000000,"Timeout":1500000000,"Retries":3}' ]
	run_bryo rm h
}
