#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Terminals: size, line endings, detach, signals.

load helpers

@test "run -it: the size is there before the first prompt, output ends CRLF" {
	output=$(pty 30 100 "" "$BRYO" run --rm -it "$BUSYBOX" sh -c 'stty size; tty')
	assert $'30 100\r\n/dev/pts/0\r'
}

@test "run -it: an interactive shell, TERM is set, HOME too" {
	output=$(pty 24 80 'echo "<$TERM>"\nexit 4\n' "$BRYO" run --rm -it "$BUSYBOX" sh) &&
		return 1
	assert_match "<xterm>"
}

@test "window size follows the terminal" {
	cat >"$ENGINE_DIR/resize.py" <<'PY'
import fcntl, os, pty, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
def size(r, c):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", r, c, 0, 0))
size(20, 60)
out = b""
time.sleep(1)
size(41, 133)
time.sleep(0.3)
os.write(fd, b"stty size; exit\n")
while True:
    try:
        d = os.read(fd, 4096)
    except OSError:
        break
    if not d:
        break
    out += d
os.waitpid(pid, 0)
print(out.decode(errors="replace"))
PY
	output=$(python3 "$ENGINE_DIR/resize.py" "$BRYO" run --rm -it "$BUSYBOX" sh)
	assert_match "41 133"
}

@test "exec -it has the terminal's size and a controlling terminal" {
	run_bryo run -d --name t "$BUSYBOX" sleep 100
	output=$(pty 33 99 "" "$BRYO" exec -it t sh -c 'stty size; ps -o tty,args | grep "sleep 0" ; echo x >/dev/tty')
	assert_match "33 99"
	assert_match "x"
	run_bryo rm -f -t 0 t
}

@test "detach keys leave the container running; attach comes back" {
	output=$(pty 24 80 '\x10\x11' "$BRYO" run -it --name det "$BUSYBOX" sh)
	run_bryo ps --filter name=det --format '{{.State}}'
	assert running
	output=$(pty 24 80 'echo back; exit 5\n' "$BRYO" attach det) && return 1
	assert_match "back"
	run_bryo wait det
	assert 5
	run_bryo rm det
}

@test "--detach-keys: other keys, and none" {
	output=$(pty 24 80 '\x05' "$BRYO" run -it --detach-keys ctrl-e --name det2 "$BUSYBOX" sh)
	run_bryo ps -q --filter name=det2
	[ -n "$out" ]
	run_bryo rm -f -t 0 det2
	run_bryo -125 run -it --detach-keys 'ctrl-?' "$BUSYBOX" sh
}

@test "P21: -it without a terminal on stdin warns and still runs" {
	run_bryo run --rm -it "$BUSYBOX" echo x </dev/null
	assert_match "input device is not a TTY"
	assert_match "x"
}

@test "P9: signals are passed on to the container" {
	"$BRYO" run --rm --name sig "$BUSYBOX" sh -c \
		'trap "echo got; exit 42" TERM; echo ready; while :; do sleep 0.1; done' \
		>"$ENGINE_DIR/o" 2>&1 3>&- &
	local pid=$! rc=0
	wait_until 10 grep -q ready "$ENGINE_DIR/o"
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ "$rc" = 42 ]
	grep -q got "$ENGINE_DIR/o"
}

@test "the caller's terminal never gets into the container" {
	cat >"$ENGINE_DIR/tiocsti.py" <<'PY'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
out = b""
while True:
    try:
        d = os.read(fd, 4096)
    except OSError:
        break
    if not d:
        break
    out += d
os.waitpid(pid, 0)
print(out.decode(errors="replace"))
PY
	output=$(python3 "$ENGINE_DIR/tiocsti.py" "$BRYO" run --rm -i "$BUSYBOX" sh -c \
		'for i in 0 1 2; do readlink /proc/self/fd/$i; done; tty; (: </dev/tty) 2>&1')
	assert_no_match "/dev/pts"
	assert_match "not a tty"
}
