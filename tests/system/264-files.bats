#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Files that a container and its caller get: ids, time zone, name service.

load helpers

@test "R5: --cidfile overwrites, goes with the container; --conmon-pidfile" {
	local f=$ENGINE_DIR/cid
	echo old >"$f"
	run_bryo run -d --name "$(cname)" --cidfile "$f" --conmon-pidfile "$f.pid" "$BUSYBOX" sleep 100
	[ "$(cat "$f")" = "$out" ]
	run_bryo inspect --format '{{.State.ConmonPid}}' "$(cname)"
	assert "$(cat "$f.pid")"
	run_bryo rm -f -t 0 "$(cname)"
	refute [ -e "$f" ]
}

@test "R11: --tz is a zone of the host's, or its own" {
	local want
	want=$(md5sum </usr/share/zoneinfo/Pacific/Honolulu)
	run_bryo run --rm --tz Pacific/Honolulu "$BUSYBOX" md5sum /etc/localtime
	[ "${out%% *}" = "${want%% *}" ]
	TZDIR=/nosuch run_bryo run --rm --tz Pacific/Honolulu "$BUSYBOX" md5sum /etc/localtime
	[ "${out%% *}" = "${want%% *}" ]
	want=$(md5sum </etc/localtime)
	run_bryo run --rm --tz local "$BUSYBOX" md5sum /etc/localtime
	[ "${out%% *}" = "${want%% *}" ]
	run_bryo -125 run --rm --tz Nosuch/Zone "$BUSYBOX" true
	assert_match "unknown time zone Nosuch/Zone"
	run_bryo -125 run --rm --tz ../../etc/passwd "$BUSYBOX" true
}

@test "P18: /etc/hosts: --add-host, the container's names, no line twice" {
	run_bryo run --rm --hostname hn --name "$(cname)" --add-host a.example:1.2.3.4 \
		--add-host 'b;c:5.6.7.8' "$BUSYBOX" cat /etc/hosts
	assert_match $'1\\.2\\.3\\.4[ \t]+a\\.example'
	assert_match $'5\\.6\\.7\\.8[ \t]+[bc]'
	assert_match "host\.containers\.internal"
	assert_match $'[0-9.]+[ \t]+hn '"$(cname)"
	[ "$(grep -cE '^127\.0\.0\.1[[:space:]]+localhost' <<<"$out")" -le 1 ]
	run_bryo run --rm --network host "$BUSYBOX" grep host.containers.internal /etc/hosts
	assert_match "^127\.0\.0\.1"
	run_bryo run --rm --dns 9.9.9.9 --dns-search x.example --dns-opt ndots:3 "$BUSYBOX" cat /etc/resolv.conf
	assert_match "nameserver 9.9.9.9"
	assert_match "search x.example"
	assert_match "options ndots:3"
}
