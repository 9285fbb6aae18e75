#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F06, F16, F19-F21, F27, F32: terminals that hang up, odd homes, floods,
# storms of clients and signals.

load ../system/helpers

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1
}

monitor_of() {
	"$BRYO" inspect --format '{{.State.ConmonPid}}' "$1"
}

rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

@test "F06: the terminal hangs up: attached run -it goes on, attach ends" {
	python3 - "$BRYO" "$BUSYBOX" <<-'PY'
	import os, pty, sys, time
	for argv in (["run", "-it", "--name", "h", sys.argv[2], "sh"], ["attach", "h"]):
	    pid, fd = pty.fork()
	    if pid == 0:
	        os.execv(sys.argv[1], ["bryo", *argv])
	    out = b""
	    end = time.monotonic() + 100
	    os.write(fd, b"echo up$((1+1))\n")
	    while b"up2" not in out and time.monotonic() < end:
	        out += os.read(fd, 4096)
	    assert b"up2" in out, out
	    os.close(fd)
	    os.waitpid(pid, 0)
	PY
	run_bryo ps --format '{{.Names}} {{.State}}'
	assert "h running"
	run_bryo exec h true
}

@test "F06: a closed or full stdout does no harm" {
	"$BRYO" run --rm "$BUSYBOX" sh -c 'i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done' | head -1
	"$BRYO" run -d --name c "$BUSYBOX" sh -c 'i=0; while [ $i -lt 50000 ]; do echo $i; i=$((i+1)); done; while :; do echo on; sleep 0.1; done' >/dev/null
	"$BRYO" logs -f c | head -1
	"$BRYO" ps -a >&- || true
	# a TERM would go to the payload
	timeout -s KILL 60 "$BRYO" attach --no-stdin c | head -1
	refute "$BRYO" ps -a >/dev/full
	refute "$BRYO" run --rm "$BUSYBOX" echo x >/dev/full
	kill -0 "$(monitor_of c)"
	# The first container may still be at its lines: nobody waits for it
	run_bryo ps --filter name=^c\$ --format '{{.State}}'
	assert running
}

@test "F16: odd homes: blanks, newline, UTF-8, 400 characters; too long; unset" {
	local d long
	long=$(printf 'd%.0s' $(seq 200))
	for d in "with blank" $'new\nline' "ünïcödé" "$long/$long"; do
		mkdir -p "$ENGINE_DIR/h/$d"
		chmod 0700 "$ENGINE_DIR/h/$d"
		(
			export HOME="$ENGINE_DIR/h/$d" XDG_RUNTIME_DIR="$ENGINE_DIR/h/$d"
			unset XDG_DATA_HOME
			"$BRYO" pull -q "$BUSYBOX" >/dev/null
			[ "$("$BRYO" run --rm "$BUSYBOX" echo here)" = here ]
			"$BRYO" run -d --name x "$BUSYBOX" sleep 1000 >/dev/null
			timeout 5 "$BRYO" attach --no-stdin x >/dev/null &
			"$BRYO" exec x true
			"$BRYO" rm -f -t 0 x
			# it may only begin now, and would make the directory anew
			wait $! || :
			"$BRYO" rmi -fa >/dev/null
		) || return 1
		rm -rf "${ENGINE_DIR:?}/h/$d" 2>/dev/null ||
			"$BATS_TEST_DIRNAME/../setup/in-userns.py" rm -rf "$ENGINE_DIR/h/$d"
	done
	HOME='' run_bryo ps
	d=$ENGINE_DIR/$long/$long/$long
	mkdir -p "$d"
	run_bryo -125 --root "$d/root" ps
	assert_match "the path of the state database is longer than [0-9]+ bytes"
}

@test "F19: a flood: the writer waits, the monitor stays small, files whole" {
	run_bryo run -d --name f --log-opt max-size=256k --log-opt max-file=3 "$BUSYBOX" sh -c 'yes 0123456789012345678901234567890123456789'
	local pid n
	pid=$(monitor_of f)
	sleep 3
	[ "$(rss_kb "$pid")" -lt 8192 ]
	"$BRYO" logs -f --tail 10 f | head -200000 >"$ENGINE_DIR/o"
	n=$(grep -vc '^0123456789012345678901234567890123456789$' "$ENGINE_DIR/o") || true
	[ "$n" = 0 ]
	[ "$(wc -l <"$ENGINE_DIR/o")" = 200000 ]
	[ "$(rss_kb "$pid")" -lt 8192 ]
}

@test "F19: 64 MiB without a newline, and single bytes" {
	run_bryo run -d --name l --log-opt max-size=100m "$BUSYBOX" sh -c 'head -c 67108864 /dev/zero | tr "\0" x; echo; sleep 1000'
	local pid
	pid=$(monitor_of l)
	wait_until 60 sh -c "'$BRYO' logs l | tail -c 2 | od -c | grep -q 'x  .n'"
	[ "$("$BRYO" logs l | wc -c)" = 67108865 ]
	[ "$(rss_kb "$pid")" -lt 8192 ]
	run_bryo run --rm "$BUSYBOX" sh -c 'i=0; while [ $i -lt 3000 ]; do printf x; i=$((i+1)); done'
	[ "${#out}" = 3000 ]
}

@test "F20: orphans are reaped with --init, and bryo leaves no zombies" {
	run_bryo run -d --init --name z "$BUSYBOX" sh -c 'i=0; while [ $i -lt 1000 ]; do (sleep 0 &); i=$((i+1)); done; echo through; sleep 1000'
	wait_until 30 sh -c "'$BRYO' logs z | grep -q through"
	wait_until 2 "$BRYO" exec z sh -c '! cat /proc/[0-9]*/stat 2>/dev/null | grep " Z "'
	local pid
	pid=$(monitor_of z)
	wait_until 2 sh -c "! ps -o stat= --ppid $pid | grep Z"
}

@test "F21: an attach storm: no descriptors leak, the payload is not stuck" {
	run_bryo run -d -i --name a "$BUSYBOX" sh -c 'while :; do echo tick; sleep 0.05; done'
	local pid before
	wait_log a tick
	pid=$(monitor_of a)
	before=$(ls "/proc/$pid/fd" | wc -l)
	python3 - "$XDG_RUNTIME_DIR/bryo/containers" <<-'PY'
	import glob, os, random, socket, struct, sys, time
	os.chdir(glob.glob(sys.argv[1] + "/*")[0])
	random.seed(1)
	end = time.monotonic() + 10
	n = 0
	open_ones = []
	while time.monotonic() < end or n <= 300:
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
	    # waits when the monitor is busy elsewhere and the backlog full
	    s.connect("attach")
	    s.settimeout(0.06)
	    kind = random.randrange(6)
	    try:
	        if kind > 0:
	            s.send(b"h" + bytes([random.randrange(8)]))
	        if kind > 1:
	            for _ in range(20):
	                s.send(b"w" + struct.pack("HH", random.randrange(300), 80))
	        if kind == 3:
	            s.send(os.urandom(random.randrange(1, 2000)))
	        if kind == 4:
	            s.recv(4096)
	    except OSError:
	        pass
	    # some stay, silent and deaf, for a while
	    if kind == 5 and len(open_ones) < 8:
	        open_ones.append(s)
	    else:
	        s.close()
	    n += 1
	print(n, "connections")
	PY
	# less, if it had not yet closed what the start of it needed
	wait_until 3 sh -c "[ \$(ls /proc/$pid/fd | wc -l) -le $before ]"
	run_bryo logs --since 10s --tail 5 a
	assert_match tick
	timeout -s KILL 30 "$BRYO" attach --no-stdin a | grep -q tick
	run_bryo stop -t 0 a
}

@test "F27: a state file of a newer version is refused, an older one brought forward" {
	local db=$XDG_DATA_HOME/bryo/state.db v
	v=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone()[0])' "$db")
	run_bryo run -d --name old "$BUSYBOX" sleep 1000
	python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(f"PRAGMA user_version = {int(sys.argv[2])}"); db.commit()' "$db" 9999
	run_bryo -125 ps
	assert_match "state database has format 9999"
	python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(f"PRAGMA user_version = {int(sys.argv[2])}"); db.commit()' "$db" "$v"
	run_bryo ps --format '{{.Names}}'
	assert old
}

@test "F27: the binary is replaced while a container runs" {
	mkdir "$ENGINE_DIR/bin"
	cp "$(dirname "$BRYO")"/bryo* "$ENGINE_DIR/bin/"
	"$ENGINE_DIR/bin/bryo" run -d --name r "$BUSYBOX" sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done' >/dev/null
	wait_log r ready
	rm -r "${ENGINE_DIR:?}/bin"
	run_bryo exec r true
	run_bryo stop r
	run_bryo inspect --format '{{.State.ExitCode}}' r
	assert 9
}

@test "F32: signal storms to the monitor and to the client lose no exit" {
	"$BRYO" run --name s "$BUSYBOX" sh -c 'trap "" HUP USR1 USR2 WINCH ALRM; i=0; while [ $i -lt 60 ]; do sleep 0.1; echo $i; i=$((i+1)); done; exit 23' \
		>"$ENGINE_DIR/o" 3>&- &
	local cli=$! rc=0
	wait_until 10 grep -q 0 "$ENGINE_DIR/o"
	python3 - "$cli" "$(monitor_of s)" <<-'PY'
	import os, random, signal, sys, time
	random.seed(2)
	cli, mon = map(int, sys.argv[1:])
	assert cli > 1 and mon > 1, sys.argv
	quiet = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH,
	         signal.SIGALRM, signal.SIGCHLD, signal.SIGCONT]
	end = time.monotonic() + 1.5
	try:
	    while time.monotonic() < end:
	        for _ in range(20):
	            os.kill(mon, random.choice(quiet))
	            os.kill(cli, random.choice([signal.SIGWINCH, signal.SIGCHLD,
	                                        signal.SIGCONT, signal.SIGUSR1]))
	        if random.randrange(20) == 0:
	            os.kill(mon, signal.SIGSTOP)
	            time.sleep(0.01)
	            os.kill(mon, signal.SIGCONT)
	        time.sleep(0.01)
	except ProcessLookupError:
	    pass
	PY
	wait "$cli" || rc=$?
	[ "$rc" = 23 ]
	assert 59 "$(tail -1 "$ENGINE_DIR/o")"
	run_bryo inspect --format '{{.State.ExitCode}}' s
	assert 23
}
