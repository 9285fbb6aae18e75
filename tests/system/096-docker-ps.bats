#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# docker's placeholders, filters and table heads of ps and of the other lists.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" run -d --name web -l com.example.my-key=5 -p 0:80 -p 0:53/udp \
		--expose 100-102 -v data:/data -v /tmp:/host --health-cmd true \
		"$BUSYBOX" sleep 10000 3>&- >/dev/null
	"$BRYO" create --name idle --network none "$BUSYBOX" true >/dev/null
}

names() {
	run_bryo ps -a --format '{{.Names}}' --sort names --filter "$1"
}

@test "docker: ps placeholders" {
	run_bryo ps -a --sort names --format \
		'{{.Names}} {{.LocalVolumes}} [{{join .IPAddresses ", "}}]'
	assert $'idle 0 []\nweb 1 [slirp4netns/10.0.2.100]'
	run_bryo ps --format '{{.HealthStatus}}'
	assert_match '^(starting|healthy)$'
	run_bryo ps -a --filter name=idle --format '{{.HealthStatus}}'
	assert ""
	# not a field more in podman's form
	run_bryo ps --format '{{json .}}'
	jq -e 'has("LocalVolumes") or has("IPAddresses") | not' <<<"$out"
}

@test "docker: the head of a table survives functions and .Label" {
	run_bryo ps --format 'table {{.Names}}\t{{.Label "com.example.my-key"}}\t{{json .Names}}\t{{lower .Image}}\t{{truncate .ID 3}}\t{{join .IPAddresses ", "}}'
	assert_match $'^NAMES +my key +NAMES +IMAGE +CONTAINER ID +IP ADDRESSES\nweb +5 +"web" +.* +[0-9a-f]{3} +slirp4netns/10.0.2.100$'
	run_bryo volume ls --format 'table {{.Name}}\t{{.Label "a_b"}}'
	assert_match '^VOLUME NAME +a b'
}

@test "docker: filters publish and expose go by the container's port" {
	for f in publish=80 publish=80/tcp publish=70-90 publish=53/udp \
		expose=80 expose=100 expose=102/tcp expose=102-200; do
		names "$f"
		assert web
	done
	for f in publish=80/udp publish=53 publish=100 expose=103 expose=100/udp; do
		names "$f"
		assert ""
	done
	for f in publish=x expose=1-2-3 publish= expose=80/foo; do
		run_bryo -125 ps --filter "$f"
		assert_match "invalid value \".*\" of filter (publish|expose): want PORT"
	done
}

@test "docker: filters is-task, status dead" {
	names is-task=false
	assert $'idle\nweb'
	names is-task=true
	assert ""
	run_bryo -125 ps --filter is-task=x
	names status=dead
	assert ""
}

restarting() {
	[ "$("$BRYO" ps -q --filter status=restarting --filter name=again | wc -l)" = 1 ] &&
		[ "$("$BRYO" inspect -f '{{.State.Restarting}}' again)" = true ]
}

@test "docker: a container that waits for its restart is restarting" {
	run_bryo ps -a --filter status=restarting
	assert_no_match "web|idle"
	run_bryo run -d --name again --restart always "$BUSYBOX" false
	wait_until 30 restarting
	run_bryo inspect -f '{{.State.Restarting}}' web
	assert false
	run_bryo stop -t 0 again
	run_bryo inspect -f '{{.State.Restarting}}' again
	assert false
	names status=restarting
	assert ""
	run_bryo rm again
}
