#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F02-F05, F13-F15: killed monitors and payloads, reboots, pid reuse.

load ../system/helpers

@test "F02: monitor killed: unmonitored, exec, logs, stop, wait, rm work" {
	run_bryo run -d --name c "$BUSYBOX" sh -c 'echo up; trap "exit 0" TERM; while :; do sleep 0.1; done'
	wait_log c up
	run_bryo inspect --format '{{.State.ConmonPid}}' c
	kill_gone "$out"
	run_bryo ps --format '{{.Names}} {{.State}} {{.Status}}'
	assert_match "^c running Up .*unmonitored"
	run_bryo exec c echo in
	assert in
	run_bryo logs c
	assert up
	run_bryo stop -t 1 c
	run_bryo inspect --format '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' c
	assert_match "^exited -1 .+"
	run_bryo wait c
	assert -1
	run_bryo rm c
}

@test "F03: monitor and payload killed: exited, code unknown, wait returns" {
	local port
	port=$(free_port)
	run_bryo run -d --name c -p "127.0.0.1:$port:80" "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' c
	# shellcheck disable=SC2086
	kill -9 $out
	run_bryo wait c
	assert -1
	run_bryo ps -a --format '{{.State}}'
	assert exited
	wait_until 5 python3 -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', $port))"
	run_bryo start c
	run_bryo rm -f -t 0 c
}

@test "F03: a --rm container whose monitor died is removed by the next command" {
	run_bryo run -d --rm --name c "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' c
	# shellcheck disable=SC2086
	kill -9 $out
	wait_until 3 sh -c "[ -z \"\$('$BRYO' ps -aq)\" ]"
}

@test "F04: payload killed: 137, segfault: 139" {
	run_bryo run -d --name c "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.Pid}}' c
	kill -9 "$out"
	run_bryo wait c
	assert 137
	run_bryo rm c
	run_bryo -139 run --rm "$BUSYBOX" sh -c 'kill -SEGV $$; sleep 1' || \
		run_bryo -139 run --rm --init "$BUSYBOX" sh -c 'kill -SEGV $$; sleep 1'
}

# helper COMM: the child of c's monitor of that name
helper() {
	local pid
	for pid in $(ps -o pid= --ppid "$(ctr_monitor)"); do
		[ "$(cat "/proc/$pid/comm")" != "$1" ] || echo "$pid"
	done
}

ctr_monitor() {
	"$BRYO" inspect --format '{{.State.ConmonPid}}' c
}

healed() {
	[ "$("$BRYO" inspect --format '{{.State.Status}} {{.State.Error}}' c)" = "running " ]
}

has_helper() {
	[ -n "$(helper "$1")" ]
}

# count_fds: of the monitor
count_fds() {
	ls "/proc/$(ctr_monitor)/fd" | wc -l
}

# has_fds N: it has no more than that.  It may have less: at the first count
# it may not have closed yet what its start needed.
has_fds() {
	[ "$(count_fds)" -le "$1" ]
}

# degraded_to TEXT
degraded_to() {
	[ "$("$BRYO" inspect --format '{{.State.Status}} {{.State.Error}}' c)" = "$1" ]
}

WEB="mkdir /www; echo hello >/www/index.html; exec httpd -f -h /www"

# answers PORT: what the container serves there arrives
answers() {
	[ "$(curl -s -m 20 "http://127.0.0.1:$1/")" = hello ]
}

# reaches PORT: the container reaches the host there
reaches() {
	[ "$(timeout 60 "$BRYO" exec c nc -w 20 "$HOST_IP" "$1" </dev/null 3>&-)" = out ]
}

@test "F05: slirp4netns and proxy killed: the network is back within two seconds" {
	local port out_port i name old fds id
	port=$(free_port)
	out_port=$(free_port)
	HOST_IP=$(hostname -I | cut -d' ' -f1)
	python3 -c "
import socket
s = socket.create_server(('', $out_port))
while True:
    c, _ = s.accept()
    c.sendall(b'out')
    c.close()" 3>&- &
	local server=$!
	run_bryo run -d --name c -p "127.0.0.1:$port:80" -p "127.0.0.1:$port:80/udp" \
		"$BUSYBOX" sh -c "$WEB"
	wait_until 5 answers "$port"
	wait_until 5 reaches "$out_port"
	fds=$(count_fds)
	for i in 1 2 3; do
		for name in slirp4netns bryo-proxy; do
			wait_until 2 has_helper "$name"
			old=$(helper $name)
			kill -9 "$old"
			wait_until 2 sh -c "! kill -0 $old"
			wait_until 2 healed
			answers "$port"
			wait_until 2 reaches "$out_port"
			[ "$(helper $name)" != "$old" ]
		done
	done
	# both at once
	wait_until 2 has_helper slirp4netns
	wait_until 2 has_helper bryo-proxy
	kill -9 "$(helper slirp4netns)" "$(helper bryo-proxy)"
	wait_until 2 answers "$port"
	wait_until 2 reaches "$out_port"
	wait_until 2 healed
	wait_until 2 has_fds "$fds"
	kill "$server"
	# "c" is the beginning of other ids, too
	id=$("$BRYO" inspect --format '{{.Id}}' c)
	wait_until 2 sh -c "[ \$('$BRYO' events --stream=false --filter container=$id --filter event=helper_restarted | wc -l) = 8 ]"
	run_bryo events --stream=false --filter "container=$id" --filter event=helper_restarted --format '{{.Attributes}}'
	assert_match "helper.*bryo-proxy"
	assert_match "helper.*slirp4netns"
	run_bryo rm -f -t 0 c
	python3 -c "import socket; socket.create_server(('127.0.0.1', $port))"
}

@test "F05: a client that connects while the proxy is dead is served by the next one" {
	local port old
	port=$(free_port)
	run_bryo run -d --name c -p "127.0.0.1:$port:80" "$BUSYBOX" sh -c "$WEB"
	wait_until 5 answers "$port"
	old=$(helper bryo-proxy)
	kill -STOP "$(ctr_monitor)"
	kill -9 "$old"
	answers "$port" 3>&- &
	local client=$!
	sleep 0.5
	kill -CONT "$(ctr_monitor)"
	wait "$client"
	run_bryo rm -f -t 0 c
}

@test "F05: helpers that keep dying: it is said, stop and rm work, the port is free" {
	local port i pid text
	port=$(free_port)
	run_bryo run -d --name c -p "127.0.0.1:$port:80" "$BUSYBOX" sleep 1000
	# each within ten seconds of the one before
	for i in 1 2 3 4 5 6; do
		wait_until 5 sh -c "[ -n \"\$(pgrep -x -P $(ctr_monitor) bryo-proxy)\" ]"
		pid=$(helper bryo-proxy)
		kill -9 "$pid"
		wait_until 2 refute kill -0 "$pid"
	done
	text="running degraded: bryo-proxy ended 6 times while the container ran"
	wait_until 5 degraded_to "$text"
	# nobody starts it a sixth time, which would be after 1.6 s
	sleep 2
	run_bryo exec c true
	degraded_to "$text"
	run_bryo ps --format '{{.Status}}'
	assert_match degraded
	run_bryo stop -t 1 c
	run_bryo inspect --format '{{.State.Error}}' c
	assert ""
	# the next start is whole again
	run_bryo start c
	run_bryo ps --format '{{.Status}}'
	assert_no_match degraded
	run_bryo rm -f -t 0 c
	python3 -c "import socket; socket.create_server(('127.0.0.1', $port))"
}

@test "F05: killed helpers of many ports; payload and helper die at once" {
	local port pid
	port=30000
	run_bryo run -d --name c -p "127.0.0.1:$port-$((port + 599)):1000-1599" "$BUSYBOX" sh -c "$WEB -p 1599"
	wait_until 5 answers $((port + 599))
	kill -9 "$(helper bryo-proxy)"
	wait_until 2 answers $((port + 599))
	pid=$("$BRYO" inspect --format '{{.State.Pid}}' c)
	kill -9 "$(helper bryo-proxy)" "$(helper slirp4netns)" "$pid"
	run_bryo wait c
	assert 137
	wait_until 3 python3 -c "import socket; socket.create_server(('127.0.0.1', $((port + 599))))"
	run_bryo rm -f -t 0 c
}

@test "the CLI of an attached run is killed: the container goes on or is gone with --rm" {
	"$BRYO" run --name c "$BUSYBOX" sleep 1000 3>&- &
	local pid=$!
	wait_until 10 sh -c "'$BRYO' ps --format '{{.Names}}' | grep -q '^c$'"
	kill -9 "$pid"
	wait "$pid" || :
	run_bryo ps --format '{{.State}}'
	assert running
	run_bryo rm -f -t 0 c
}

@test "F13: after a reboot all are exited, --rm ones gone, names and ports free" {
	run_bryo run -d --name c "$BUSYBOX" sleep 1000
	run_bryo create --name never "$BUSYBOX" true
	run_bryo inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' c
	# shellcheck disable=SC2086
	kill_gone $out
	rm -rf "${XDG_RUNTIME_DIR:?}"/*
	export BRYO_BOOT_ID=00000000-0000-0000-0000-000000000000
	run_bryo ps -a --sort names --format '{{.Names}} {{.State}}'
	assert $'c exited\nnever created'
	run_bryo start c
	run_bryo exec c echo again
	assert again
	run_bryo rm -f -t 0 c never
	unset BRYO_BOOT_ID
}

@test "F14: a recorded pid that is somebody else's is never signalled" {
	run_bryo run -d --name c "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' c
	# shellcheck disable=SC2086
	kill_gone $out
	sleep 500 3>&- &
	local innocent=$!
	python3 - "$XDG_DATA_HOME/bryo/state.db" "$innocent" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
cols = [r[1] for r in db.execute("PRAGMA table_info(container)")]
for col in cols:
    if col in ("pid", "init_pid", "monitor_pid", "mon_pid"):
        db.execute(f"UPDATE container SET {col} = ?", (int(sys.argv[2]),))
db.commit()
PY
	"$BRYO" kill c 3>&- || :
	"$BRYO" exec c true 3>&- || :
	"$BRYO" stop -t 0 c 3>&- || :
	run_bryo rm -f -t 0 c
	kill -0 "$innocent"
	kill "$innocent"
}

@test "F15: the run directory is wiped while a container runs" {
	run_bryo run -d --name c "$BUSYBOX" sleep 1000
	rm -rf "${XDG_RUNTIME_DIR:?}"/*
	run_bryo ps --format '{{.Names}} {{.State}}'
	assert "c running"
	run_bryo exec c echo in
	assert in
	run_bryo -125 attach --no-stdin c
	assert "Error: the socket of container c in $XDG_RUNTIME_DIR/bryo is gone: restart the container to attach to it"
	run_bryo run --rm "$BUSYBOX" echo new
	assert new
	run_bryo stop -t 0 c
	run_bryo rm c
}

@test "F15, ST-02: a run directory of somebody else, or open to others, is refused" {
	mkdir -m 0755 "$ENGINE_DIR/open"
	run_bryo -125 --runroot "$ENGINE_DIR/open" ps
	assert_match "open to others"
	ln -s "$ENGINE_DIR/open" "$ENGINE_DIR/link"
	run_bryo -125 --runroot "$ENGINE_DIR/link" ps
}

@test "F07: SIGTERM to run -d at any moment: running and 0, or absent and not 0" {
	local i ms rc pid
	for i in $(seq 0 19); do
		ms=$(printf '0.%03d' "$i")
		rc=0
		"$BRYO" run -d --name c "$BUSYBOX" sleep 1000 >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "$ms"
		kill -TERM "$pid" 2>/dev/null || :
		wait "$pid" || rc=$?
		wait_until 5 sh -c "! '$BRYO' ps -a --format '{{.State}}' | grep -q creating"
		run_bryo ps --format '{{.State}}'
		[ "$rc" != 0 ] || assert running
		[ "$rc" = 0 ] || assert_no_match "running"
		run_bryo rm -fa -t 0
	done
}

@test "F08: a full disk: listing, stopping and removing work" {
	export BUSYBOX
	# a small file system in a namespace of our own
	cat >"$ENGINE_DIR/full.sh" <<'SH'
set -e
mount -t tmpfs -o size=24m,mode=0700 t "$1"
export XDG_DATA_HOME=$1
shift
"$@"
SH
	mkdir "$ENGINE_DIR/small"
	cat >"$ENGINE_DIR/job.sh" <<'SH'
set -x
"$BRYO" pull -q "$BUSYBOX" || exit 1
"$BRYO" run -d --network none --name c "$BUSYBOX" sleep 1000 || exit 2
head -c 100m /dev/zero >"$XDG_DATA_HOME/fill" 2>/dev/null
"$BRYO" ps || exit 3
"$BRYO" create --name d "$BUSYBOX" true 2>"$XDG_RUNTIME_DIR/err" && exit 4
cat "$XDG_RUNTIME_DIR/err"
grep -qi "no space" "$XDG_RUNTIME_DIR/err" || exit 5
"$BRYO" stop -t 0 c || exit 6
"$BRYO" rm c || exit 7
"$BRYO" rmi -f "$BUSYBOX" || exit 8
rm "$XDG_DATA_HOME/fill"
"$BRYO" pull -q "$BUSYBOX" || exit 9
"$BRYO" run --rm --network none "$BUSYBOX" true || exit 10
SH
	python3 "$BATS_TEST_DIRNAME/../setup/in-userns.py" unshare -m sh "$ENGINE_DIR/full.sh" \
		"$ENGINE_DIR/small" sh "$ENGINE_DIR/job.sh" 3>&-
}
