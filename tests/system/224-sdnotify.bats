#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --sdnotify: who tells systemd what, and how the main process ends.

load helpers

# listen: a notify socket; its datagrams go to $ENGINE_DIR/notify, one a line
setup() {
	export NOTIFY_SOCKET=$ENGINE_DIR/notify.sock
	rm -f "$NOTIFY_SOCKET" "$ENGINE_DIR/notify"
	python3 - "$NOTIFY_SOCKET" >"$ENGINE_DIR/notify" 3>&- <<-'PY' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		while True:
		    print(s.recv(4096).decode().replace("\n", " "), flush=True)
	PY
	LISTENER=$!
	wait_until 5 test -S "$NOTIFY_SOCKET"
}

teardown() {
	kill "$LISTENER"
}

told() {
	cat "$ENGINE_DIR/notify"
}

monitor_of() {
	"$BRYO" inspect --format '{{.State.ConmonPid}}' "$1"
}

@test "sdnotify=conmon: the start says READY and who the main process is" {
	run_bryo run -d --name n --sdnotify conmon --conmon-pidfile \
		"$ENGINE_DIR/pid" "$BUSYBOX" sleep 100
	wait_until 5 test -s "$ENGINE_DIR/notify"
	assert "MAINPID=$(monitor_of n) READY=1" "$(told)"
	[ "$(cat "$ENGINE_DIR/pid")" = "$(monitor_of n)" ]
	run_bryo inspect --format '{{.Config.sdNotifyMode}}' n
	assert conmon
	run_bryo exec n sh -c 'echo $NOTIFY_SOCKET; ls /run'
	assert ""
	run_bryo rm -f -t 0 n
}

@test "sdnotify=ignore: nobody is told" {
	run_bryo run --rm --sdnotify ignore "$BUSYBOX" sh -c 'echo "[$NOTIFY_SOCKET]"'
	assert "[]"
	sleep 0.3
	assert "" "$(told)"
}

@test "sdnotify=container, the default: the payload has the socket" {
	run_bryo run --rm "$BUSYBOX" sh -c \
		'echo "$NOTIFY_SOCKET"; test -S "$NOTIFY_SOCKET" && echo there'
	assert $'/run/bryo-notify\nthere'
	wait_until 5 test -s "$ENGINE_DIR/notify"
	assert_match "^MAINPID=[0-9]+$" "$(told)"
	unset NOTIFY_SOCKET
	run_bryo run --rm "$BUSYBOX" sh -c 'echo "[$NOTIFY_SOCKET]"'
	assert "[]"
}

@test "sdnotify=healthy: READY when the first check has passed" {
	run_bryo run -d --name h --sdnotify healthy --health-cmd 'test -e /ok' \
		--health-interval 500ms "$BUSYBOX" sleep 100
	wait_until 5 test -s "$ENGINE_DIR/notify"
	sleep 1
	assert "MAINPID=$(monitor_of h)" "$(told)"
	run_bryo exec h touch /ok
	wait_until 10 grep -q READY=1 "$ENGINE_DIR/notify"
	run_bryo rm -f -t 0 h
}

@test "the monitor ends with the container's exit code" {
	local rm monitor
	for rm in "" --rm; do
		NOTIFY_SOCKET='' run_bryo run -d $rm --name code "$BUSYBOX" \
			sh -c 'until [ -e /go ]; do sleep 0.1; done; exit 7'
		monitor=$(monitor_of code)
		strace -q -e trace=none -p "$monitor" 2>"$ENGINE_DIR/strace" 3>&- &
		wait_until 5 grep -q '^TracerPid:.[1-9]' "/proc/$monitor/status"
		run_bryo exec code touch /go
		wait $! || :
		assert_match "exited with 7" "$(cat "$ENGINE_DIR/strace")"
		[ -n "$rm" ] || run_bryo rm code
	done
}

@test "sdnotify: a bad value is refused" {
	run_bryo -125 run --sdnotify x "$BUSYBOX" true
	assert_match 'invalid sdnotify value "x"'
}
