#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# F09: the file system of the log is full.  Only root can mount one that is
# small; the unprivileged user works on it.

load helpers

LINES_CMD='i=0; while [ $i -lt 3000 ]; do echo "line $i 01234567890123456789012345678901234567890123456789"; i=$((i+1)); done'

setup() {
	user_engine
	mkdir "$USER_DIR/disk"
	mount -t tmpfs -o size=64k,mode=0700 none "$USER_DIR/disk"
	chown "$CHECK_USER:" "$USER_DIR/disk"
	user_bryo pull -q "$BUSYBOX" >/dev/null
}

teardown() {
	user_bryo rm -fa -t 0 || true
	umount -l "$USER_DIR/disk"
	rm -rf "$USER_DIR"
}

more_room() {
	mount -o remount,size=4m "$USER_DIR/disk"
	as_user touch "$USER_DIR/home/freed"
}

# the container's script sees the user's home as /host
start() {
	user_bryo run -d --name full --log-opt "path=$USER_DIR/disk/c.log" \
		-v "$USER_DIR/home:/host" "$@" >/dev/null
}

# What the container has written is out of its pipe, and who reads it waits
# for more.
drained() {
	# shellcheck disable=SC2046
	python3 - $(user_bryo inspect --format '{{.State.Pid}} {{.State.ConmonPid}}' full) <<-'PY'
	import array, fcntl, os, sys, termios
	payload, monitor = sys.argv[1:]
	left = array.array("i", [0])
	pipe = os.open(f"/proc/{payload}/fd/1", os.O_RDONLY | os.O_NONBLOCK)
	fcntl.ioctl(pipe, termios.FIONREAD, left)
	with open(f"/proc/{monitor}/stat") as f:
	    state = f.read().rsplit(")", 1)[1].split()[0]
	sys.exit(left[0] > 0 or state != "S")
	PY
}

@test "F09: log disk full: the container goes on, a line says what is missing" {
	start "$BUSYBOX" sh -c "$LINES_CMD; touch /host/through
		while ! [ -e /host/freed ]; do sleep 0.1; done; echo end"
	wait_until 20 test -e "$USER_DIR/home/through"
	# lines that only come now are to find the disk full, too
	wait_until 20 drained
	more_room
	[ "$(user_bryo wait full)" = 0 ]
	user_bryo logs full >"$USER_DIR/o" 2>"$USER_DIR/e"
	cat "$USER_DIR/e"
	grep -qE '^\[bryo: [0-9]+ bytes of log lost: no space left on device\]$' "$USER_DIR/e"
	[ "$(tail -1 "$USER_DIR/o")" = end ]
	# whole lines only, up to where the disk was full
	[ "$(grep -c '^line ' "$USER_DIR/o")" -gt 100 ]
	sed '$d' "$USER_DIR/o" | awk '{ if ($2 != NR - 1) exit 1 }'
}

@test "F09: mode=blocking: the container waits for space, nothing is lost" {
	start --log-opt mode=blocking "$BUSYBOX" sh -c "$LINES_CMD; touch /host/through"
	sleep 2
	[ ! -e "$USER_DIR/home/through" ]
	# nobody else is held up
	[ "$(user_bryo exec full echo in)" = in ]
	[ "$(user_bryo ps -q | wc -l)" = 1 ]
	more_room
	[ "$(user_bryo wait full)" = 0 ]
	user_bryo logs full >"$USER_DIR/o" 2>"$USER_DIR/e"
	[ ! -s "$USER_DIR/e" ]
	[ "$(wc -l <"$USER_DIR/o")" = 3000 ]
	awk '{ if ($2 != NR - 1) exit 1 }' "$USER_DIR/o"
}

@test "F09: mode=blocking, json-file: nothing is lost or doubled" {
	start --log-driver json-file --log-opt mode=blocking "$BUSYBOX" sh -c "$LINES_CMD"
	sleep 1
	more_room
	[ "$(user_bryo wait full)" = 0 ]
	user_bryo logs full >"$USER_DIR/o"
	[ "$(wc -l <"$USER_DIR/o")" = 3000 ]
	awk '{ if ($2 != NR - 1) exit 1 }' "$USER_DIR/o"
}

@test "F09: mode=blocking: a container that waits can be stopped and removed" {
	start --log-opt mode=blocking "$BUSYBOX" yes
	sleep 1
	timeout 60 bash -c "$(declare -f as_user user_bryo); $(declare -p USER_ENV USER_DIR CHECK_USER BRYO); user_bryo stop -t 0 full"
	[ "$(user_bryo inspect --format '{{.State.ExitCode}}' full)" = 137 ]
	user_bryo rm full
}
