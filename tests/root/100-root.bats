#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# root's own containers: the same code with an identity map.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

@test "root: run, exec, stop, rm, images" {
	run_bryo run --rm "$BUSYBOX" sh -c 'id -u; head -1 /proc/self/uid_map'
	assert_match $'^0\n +0 +0 '
	run_bryo run -d --name r "$BUSYBOX" sleep 100
	run_bryo exec r echo in
	assert in
	run_bryo exec -u 1000 r id -u
	assert 1000
	run_bryo stop -t 0 r
	run_bryo rm r
	run_bryo pull -q "$NGINX"
	run_bryo run --rm "$NGINX" sh -c 'stat -c %u:%g /var/log/nginx; nginx -v'
	assert_match "33:4"
	run_bryo rmi "$NGINX"
}

@test "root: a container's root has no power over the host" {
	run_bryo run --rm "$BUSYBOX" sh -c 'readlink /proc/self/ns/user'
	[ "$out" != "$(readlink /proc/self/ns/user)" ]
	# not with --privileged: the map is the identity, so its root is the
	# host's root to /proc/sys
	run_bryo run --rm "$BUSYBOX" sh -c '(echo x >/proc/sys/kernel/core_pattern) 2>&1; true'
	assert_match "[Dd]enied|not permitted|[Rr]ead-only"
}

@test "root: published port" {
	local port
	port=$(free_port)
	run_bryo run -d --name w -p "127.0.0.1:$port:80" "$BUSYBOX" sh -c 'mkdir /www; echo rootpage >/www/index.html; httpd -f -h /www'
	wait_until 10 curl -fsS "http://127.0.0.1:$port/"
	assert rootpage "$(curl -fsS "http://127.0.0.1:$port/")"
	run_bryo rm -f -t 0 w
}

@test "root: the host's mounts are the same before and after" {
	cat /proc/self/mountinfo >"$ENGINE_DIR/before"
	run_bryo run --rm -v v:/v --tmpfs /t "$BUSYBOX" true
	run_bryo volume rm v
	diff "$ENGINE_DIR/before" /proc/self/mountinfo
}
