#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F12: what a monitor holds.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

monitor_of() {
	"$BRYO" inspect --format '{{.State.ConmonPid}}' "$1"
}

fds_of() {
	find "/proc/$1/fd" -mindepth 1 -printf '%f %l\n' | sort -n
}

# few PID: fewer than 16.  To be waited for: right after its start it may not
# have closed yet what that needed.
few() {
	local n
	n=$(fds_of "$1" | wc -l)
	[ "$n" -gt 6 ] && [ "$n" -lt 16 ]
}

# has_few NAME
has_few() {
	local pid
	pid=$(monitor_of "$1")
	wait_until 5 few "$pid" || {
		fds_of "$pid"
		return 1
	}
}

# checks PID: a health check of this monitor runs right now
checks() {
	local pid
	for pid in $(pgrep -P "$1"); do
		tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q ' __health ' && return
	done
	return 1
}

# helper_of PID NAME
helper_of() {
	pgrep -P "$1" -x "$2"
}

# another PID NAME OLD: it was started again
another() {
	local now
	now=$(helper_of "$1" "$2") && [ "$now" != "$3" ]
}

@test "F12: a monitor has fewer than 16 descriptors" {
	local n
	n=$(cname)
	run_bryo run -d --name "$n" --network none "$BUSYBOX" sleep 1000
	has_few "$n"
	for _ in 1 2 3 4 5; do
		run_bryo exec -d "$n" sleep 1000
	done
	has_few "$n"
	run_bryo rm -f -t 0 "$n"
	run_bryo run -dit --name "$n" --log-driver json-file --restart always \
		"$BUSYBOX" sh
	has_few "$n"
	run_bryo restart -t 0 "$n"
	has_few "$n"
	run_bryo rm -f -t 0 "$n"
}

@test "F12: fewer than 16 with all of it at once, and with helpers started again" {
	local n pid port name old
	n=$(cname)
	port=$(free_port)
	mkdir -p "$HOME/logs"
	run_bryo run -di --name "$n" -p "$port:80" --restart always \
		--log-driver json-file --log-opt "path=$HOME/logs/l" \
		--health-cmd 'sleep 300' --health-interval 1s \
		--health-timeout 300s "$BUSYBOX" sleep 1000
	pid=$(monitor_of "$n")
	wait_until 10 checks "$pid"
	has_few "$n"
	for name in slirp4netns bryo-proxy; do
		old=$(helper_of "$pid" $name)
		kill -9 "$old"
		wait_until 5 another "$pid" $name "$old"
	done
	has_few "$n"
	checks "$pid"
	run_bryo rm -f -t 0 "$n"
	python3 -c "import socket; socket.create_server(('', $port))"
}

@test "F12: 0 and 2 of a health check are /dev/null" {
	local n pid p seen
	n=$(cname)
	run_bryo run -d --name "$n" --health-cmd 'sleep 300' --health-interval 1s \
		--health-timeout 300s "$BUSYBOX" sleep 1000
	pid=$(monitor_of "$n")
	wait_until 10 checks "$pid"
	seen=
	for p in $(pgrep -P "$pid"); do
		tr '\0' ' ' <"/proc/$p/cmdline" | grep -q ' __health ' || continue
		seen=yes
		fds_of "$p"
		[ "$(readlink "/proc/$p/fd/0")" = /dev/null ]
		[ "$(readlink "/proc/$p/fd/2")" = /dev/null ]
	done
	[ "$seen" ]
	run_bryo rm -f -t 0 "$n"
}

@test "the directory that a container was started from is not held" {
	local n pid p
	n=$(cname)
	mkdir -p "$HOME/from"
	cd "$HOME/from"
	run_bryo run -d --name "$n" -p "$(free_port):80" --restart always \
		"$BUSYBOX" sh -c 'sleep 1; sleep 1000'
	cd /
	pid=$(monitor_of "$n")
	wait_until 5 sh -c "[ \$(readlink /proc/$pid/cwd) != '$HOME/from' ]"
	for p in "$pid" $(pgrep -P "$pid"); do
		echo "$p $(cat "/proc/$p/comm") $(readlink "/proc/$p/cwd")"
		[ "$(readlink "/proc/$p/cwd")" != "$HOME/from" ]
	done
	run_bryo rm -f -t 0 "$n"
}
