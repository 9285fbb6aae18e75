#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# unshare: root in the user namespace of the containers.

load helpers

@test "unshare: root inside, the caller's files stay the caller's" {
	run_bryo unshare sh -c 'id -u; touch "$0"; stat -c %u "$0"' "$ENGINE_DIR/f"
	assert $'0\n0'
	[ "$(stat -c %U "$ENGINE_DIR/f")" = "$(id -un)" ]
	run_bryo unshare wc -l /proc/self/uid_map
	assert_match "^[2-9]"
	SHELL=/bin/true run_bryo unshare
	assert ""
}

@test "unshare: files of subuids are reachable, mounts are its own" {
	mkdir "$ENGINE_DIR/d" "$ENGINE_DIR/m"
	run_bryo run --rm -v "$ENGINE_DIR/d:/d" "$BUSYBOX" sh -c 'mkdir -m 0700 /d/x; touch /d/x/f; chown -R 33:33 /d/x'
	refute ls "$ENGINE_DIR/d/x"
	run_bryo unshare stat -c %u "$ENGINE_DIR/d/x/f"
	assert 33
	run_bryo unshare sh -c 'mount -t tmpfs none "$0" && touch "$0/x" && ls "$0"' "$ENGINE_DIR/m"
	assert x
	[ -z "$(ls "$ENGINE_DIR/m")" ]
	run_bryo unshare rm -rf "$ENGINE_DIR/d/x"
	refute [ -e "$ENGINE_DIR/d/x" ]
}

@test "unshare: exit codes" {
	run_bryo -7 unshare sh -c 'exit 7'
	run_bryo -127 unshare nosuchcommand
	assert_match "nosuchcommand"
	run_bryo -126 unshare /etc/passwd
}

@test "unshare --rootless-netns: a network as containers have it" {
	local port ip pid
	port=$(free_port)
	ip=$(hostname -I | cut -d' ' -f1)
	python3 -m http.server "$port" --directory "$ENGINE_DIR/home" >/dev/null 2>&1 3>&- &
	pid=$!
	wait_until 5 curl -sf "http://$ip:$port/"
	run_bryo unshare --rootless-netns sh -c 'ip -o -4 addr; cat /etc/resolv.conf; id -u
		curl -sf "http://$0/" >/dev/null && echo reached
		curl -s "http://127.0.0.1:$1/" >/dev/null || echo own loopback' "$ip:$port" "$port"
	kill $pid
	assert_match "tap0 +inet 10.0.2.100/24"
	assert_match "nameserver 10.0.2.3"
	[ "$(tail -n3 <<<"$out" | xargs)" = "0 reached own loopback" ]
	refute grep -q "^nameserver 10.0.2.3" /etc/resolv.conf
	run_bryo -7 unshare --rootless-netns sh -c 'exit 7'
	run_bryo -127 unshare --rootless-netns nosuchcommand
	assert_match "nosuchcommand"
	run_bryo -137 unshare --rootless-netns sh -c 'kill -9 $$'
	refute ls "$XDG_RUNTIME_DIR"/bryo/resolv.conf.*
}

@test "unshare --rootless-netns: SIGTERM reaches the command, slirp4netns ends" {
	"$BRYO" unshare --rootless-netns sh -c 'trap "echo term; exit 5" TERM; echo up; while :; do sleep 0.1; done' \
		>"$ENGINE_DIR/out" 3>&- &
	local pid=$! rc=0
	wait_until 10 grep -qx up "$ENGINE_DIR/out"
	local slirp
	slirp=$(pgrep -P $pid -x slirp4netns)
	kill -TERM $pid
	wait $pid || rc=$?
	[ "$rc" = 5 ]
	grep -qx term "$ENGINE_DIR/out"
	wait_until 5 are_gone "$slirp"
}

@test "unshare: the command finds the engine's directories" {
	# shellcheck disable=SC2016
	run_bryo unshare sh -c 'ls "$CONTAINERS_GRAPHROOT/state.db" &&
		ls -d "$CONTAINERS_RUNROOT/containers"'
	assert "$XDG_DATA_HOME/bryo/state.db"$'\n'"$XDG_RUNTIME_DIR/bryo/containers"
}

@test "system migrate --new-runtime: there is only one" {
	run_bryo -125 system migrate --new-runtime crun
	assert_match "no OCI runtime \"crun\""
	run_bryo system migrate --new-runtime bryo
}
