#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Standard streams of run, start, attach and exec; several clients; detaching.

load helpers

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1
}

@test "R1: run prints only the container's output; -d prints the id; --attach stdin alone, too" {
	run_bryo run --rm "$BUSYBOX" echo x
	assert x
	run_bryo run -d --name d "$BUSYBOX" true
	assert_match '^[0-9a-f]{64}$'
	run_bryo rm -f d
	run_bryo run -i --attach stdin --name d "$BUSYBOX" cat
	assert_match '^[0-9a-f]{64}$'
	run_bryo rm -f -t 0 d
}

@test "R1: 700 kB of NULs through --attach stderr reach the log and the client intact" {
	"$BRYO" run --name n --attach stderr "$BUSYBOX" sh -c 'head -c 700000 /dev/zero >&2' \
		>"$ENGINE_DIR/o" 2>"$ENGINE_DIR/e"
	[ ! -s "$ENGINE_DIR/o" ]
	head -c 700000 /dev/zero | cmp - "$ENGINE_DIR/e"
	"$BRYO" logs n 2>"$ENGINE_DIR/l" >"$ENGINE_DIR/o"
	head -c 700000 /dev/zero | cmp - <(head -c 700000 "$ENGINE_DIR/l")
	run_bryo rm n
}

@test "R1: without -i stdin is left alone, with -i its end closes the container's" {
	printf 'one\ntwo\n' >"$ENGINE_DIR/in"
	{
		"$BRYO" run --rm "$BUSYBOX" sh -c 'cat; echo done' >"$ENGINE_DIR/o"
		cat >"$ENGINE_DIR/rest"
	} <"$ENGINE_DIR/in"
	assert "done" "$(cat "$ENGINE_DIR/o")"
	cmp "$ENGINE_DIR/in" "$ENGINE_DIR/rest"
	run_bryo run --rm -i "$BUSYBOX" sh -c 'cat; echo end' <"$ENGINE_DIR/in"
	assert $'one\ntwo\nend'
	# also an empty one and a closed one
	run_bryo run --rm -i "$BUSYBOX" wc -c </dev/null
	assert 0
	output=$("$BRYO" run --rm -i "$BUSYBOX" wc -c <&-)
	assert 0
}

@test "1.5 MB through run -i, start -ai and exec -i, both ways, intact" {
	head -c 1500000 /dev/urandom >"$ENGINE_DIR/in"
	"$BRYO" run --rm -i "$BUSYBOX" cat <"$ENGINE_DIR/in" | cmp - "$ENGINE_DIR/in"
	run_bryo create -i --name s "$BUSYBOX" cat
	"$BRYO" start -ai s <"$ENGINE_DIR/in" | cmp - "$ENGINE_DIR/in"
	run_bryo rm s
	run_bryo run -d --name e "$BUSYBOX" sleep 1000
	"$BRYO" exec -i e cat <"$ENGINE_DIR/in" | cmp - "$ENGINE_DIR/in"
	(cat "$ENGINE_DIR/in"; sleep 0.2) | "$BRYO" exec -i e md5sum | grep -q "^$(md5sum <"$ENGINE_DIR/in" | cut -d' ' -f1)"
	run_bryo rm -f -t 0 e
}

@test "P12: exec: 1.5 MB through -i intact; 127, 126, empty command; no ids are left" {
	run_bryo run -d --name e "$BUSYBOX" sleep 1000
	head -c 1500000 /dev/urandom >"$ENGINE_DIR/in"
	"$BRYO" exec -i e cat <"$ENGINE_DIR/in" | cmp - "$ENGINE_DIR/in"
	run_bryo -127 exec e nosuch
	run_bryo -126 exec e /etc
	run_bryo -125 exec e ""
	assert_match "must provide a non-empty command to start an exec session"
	run_bryo -125 exec e
	assert_match "must provide a non-empty command to start an exec session"
	run_bryo -125 exec -d e nosuch
	run_bryo inspect --format '{{.ExecIDs}}' e
	assert '[]'
	run_bryo rm -f -t 0 e
}

@test "P12: exec: TERM: -t of run or exec gives xterm, -e wins, the host's never" {
	export TERM=hosts-own
	run_bryo run -d --name plain "$BUSYBOX" sleep 1000
	run_bryo run -d -t --name tty "$BUSYBOX" sleep 1000
	run_bryo exec plain sh -c 'echo "<$TERM>"'
	assert "<>"
	run_bryo exec tty sh -c 'echo "<$TERM>"'
	assert "<xterm>"
	run_bryo exec -t plain sh -c 'echo "<$TERM>"'
	assert $'<xterm>\r'
	run_bryo exec -t -e TERM=vt100 plain sh -c 'echo "<$TERM>"'
	assert $'<vt100>\r'
	run_bryo rm -f -t 0 plain tty
}

@test "R15: --preserve-fds and --preserve-fd, run and exec: exactly those" {
	run_bryo run -d --name e "$BUSYBOX" sleep 1000
	local c
	for c in "run --rm" "exec"; do
		local name=$BUSYBOX
		[ "$c" = exec ] && name=e
		# shellcheck disable=SC2086
		out=$("$BRYO" $c --preserve-fds=2 $name sh -c 'ls /proc/self/fd | sort -n | tr "\n" " "; cat <&3; cat <&4' \
			3< <(echo three) 4< <(echo four) 5</dev/null)
		assert $'0 1 2 3 4 5 three\nfour' "$out"
		# shellcheck disable=SC2086
		out=$("$BRYO" $c --preserve-fd=9,40 $name sh -c 'cat <&9; cat <&40; test -e /proc/self/fd/3 || echo no 3' \
			3</dev/null 9< <(echo nine) 40< <(echo forty))
		assert $'nine\nforty\nno 3' "$out"
	done
	run_bryo -125 run --rm --preserve-fds=1 "$BUSYBOX" true 3<&-
	assert "Error: file descriptor 3 is not available - the preserve-fds option requires that file descriptors must be passed"
	run_bryo -125 exec --preserve-fd=77 e true
	assert_match "file descriptor 77 is not available"
	run_bryo -125 exec --preserve-fd=x e true
	run_bryo -125 create --preserve-fds=1 "$BUSYBOX" 3</dev/null
	run_bryo rm -f -t 0 e
}

@test "a later start has no descriptors of the run" {
	"$BRYO" run --name p --preserve-fds=1 "$BUSYBOX" true 3</dev/null
	run_bryo start p
	run_bryo rm -f p
	"$BRYO" run -d --name p --preserve-fds=3 "$BUSYBOX" sh -c 'ls /proc/self/fd | wc -l; sleep 0.1' 3</dev/null 4</dev/null 5</dev/null
	run_bryo wait p
	run_bryo start -a p
	assert 4 "$out"
	run_bryo rm -f p
}

@test "exec: --cidfile, --latest, --env-file, --no-session" {
	run_bryo run -d --name ex --cidfile "$ENGINE_DIR/cid" "$BUSYBOX" sleep 1000
	run_bryo exec --cidfile "$ENGINE_DIR/cid" echo by file
	assert "by file"
	run_bryo exec -l echo latest
	assert latest
	run_bryo -125 exec -l --cidfile "$ENGINE_DIR/cid" true
	run_bryo -125 exec --cidfile /no/such true
	assert_match "reading CIDFile: open /no/such: no such file or directory"
	printf 'A=1\nB=two words\n' >"$ENGINE_DIR/env"
	run_bryo exec --env-file "$ENGINE_DIR/env" -e A=2 ex sh -c 'echo "$A $B"'
	assert "2 two words"
	run_bryo exec --no-session ex sh -c 'echo quiet'
	assert quiet
	run_bryo events --stream=false --filter container=ex --filter event=exec --format x
	[ "$(wc -l <<<"$out")" = 3 ]
	run_bryo rm -f -t 0 ex
}

@test "exec: user, workdir, privileged" {
	run_bryo run -d --name e -w /tmp -u 33 "$BUSYBOX" sleep 1000
	run_bryo exec e sh -c 'id -u; pwd'
	assert $'33\n/tmp'
	run_bryo exec -u 0 -w /etc e sh -c 'id -u; pwd'
	assert $'0\n/etc'
	run_bryo -126 exec -w /no/such e true
	run_bryo exec -u 0 e grep CapEff /proc/self/status
	local plain=$out
	run_bryo exec -u 0 --privileged e grep CapEff /proc/self/status
	[ "$out" != "$plain" ]
	run_bryo rm -f -t 0 e
}

# flood: a container, two clients that read, one that stops, one that types
flood() {
	local f a b s
	rm -f "$ENGINE_DIR"/flood.*
	run_bryo run -d -i --name m "$BUSYBOX" sh -c 'until [ -e /go ]; do echo tick; sleep 0.1; done; read go; i=0; while [ $i -lt 40000 ]; do echo "line $i of a flood"; i=$((i+1)); done'
	"$BRYO" attach --no-stdin m >"$ENGINE_DIR/flood.a" 2>&1 3>&- &
	a=$!
	"$BRYO" attach --no-stdin m >"$ENGINE_DIR/flood.b" 2>&1 3>&- &
	b=$!
	"$BRYO" attach --no-stdin m >"$ENGINE_DIR/flood.s" 3>&- &
	s=$!
	for f in a b s; do
		wait_until 5 grep -q tick "$ENGINE_DIR/flood.$f"
	done
	kill -STOP "$s"
	run_bryo exec m touch /go
	echo go | "$BRYO" attach m >"$ENGINE_DIR/flood.c"
	wait "$a" "$b"
	run_bryo wait m
	assert 0
	kill -CONT "$s"
	kill "$s" || true
}

@test "several attached clients see everything; one that stops reading costs only itself" {
	local _
	for _ in 1 2 3; do
		flood
		# a second without processor or disk looks like one that stopped
		grep -q "bytes of output skipped" "$ENGINE_DIR"/flood.[ab] || break
		run_bryo rm -f m
	done
	[ "$(grep -c ^line "$ENGINE_DIR/flood.a")" = 40000 ]
	cmp <(grep ^line "$ENGINE_DIR/flood.a") <(grep ^line "$ENGINE_DIR/flood.b")
	run_bryo logs m
	[ "$(grep -c ^line <<<"$out")" = 40000 ]
	run_bryo rm -f m
}

@test "no output is lost at the end of a short container" {
	local _
	for _ in $(seq 20); do
		[ "$("$BRYO" run --rm "$BUSYBOX" sh -c 'head -c 200000 /dev/zero; echo end' | tail -c 4)" = end ]
	done
}

@test "P21: -t: CRLF; -t=false none; the window's size is there first" {
	run_bryo run --rm -t "$BUSYBOX" echo x
	assert $'x\r'
	run_bryo run --rm -t=false "$BUSYBOX" echo x
	assert x
	output=$(pty 31 97 "" "$BRYO" run --rm -it "$BUSYBOX" stty size)
	assert $'31 97\r'
	run_bryo create -it --name w "$BUSYBOX" stty size
	output=$(pty 32 98 "" "$BRYO" start -ai w)
	assert $'32 98\r'
	run_bryo rm w
	run_bryo run -d --name e "$BUSYBOX" sleep 1000
	output=$(pty 33 99 "" "$BRYO" exec -it e stty size)
	assert $'33 99\r'
	run_bryo rm -f -t 0 e
}

@test "detach keys: attach, start -ai and exec, and bad ones" {
	run_bryo run -dit --name k "$BUSYBOX" sh
	pty 24 80 '\x01b' "$BRYO" attach --detach-keys ctrl-a,b k
	run_bryo ps -q --filter name=k
	[ -n "$out" ]
	pty 24 80 '\x10\x11' "$BRYO" exec -it k sh
	run_bryo inspect --format '{{len .ExecIDs}}' k
	assert 1
	run_bryo stop -t 0 k
	pty 24 80 '\x10\x11' "$BRYO" start -ai k
	run_bryo ps -q --filter name=k
	[ -n "$out" ]
	local c
	for c in "attach" "start -a" "exec -it"; do
		# shellcheck disable=SC2086
		run_bryo -125 $c --detach-keys ctrl-1 k true
	done
	# none at all: the keys reach the shell
	output=$(pty 24 80 '\x10\x11echo typ''ed\nexit 3\n' "$BRYO" attach --detach-keys= k) && return 1
	assert_match "typed"
	run_bryo rm -f -t 0 k
}

@test "attach: only running ones, exit code, --no-stdin" {
	run_bryo create --name c "$BUSYBOX" true
	run_bryo -125 attach c
	assert_match "you can only attach to running containers"
	run_bryo rm c
	run_bryo run -d -i --name c "$BUSYBOX" sh -c 'read x; echo "got $x"; exit 7'
	# not SIGTERM, which would be passed on
	timeout -s KILL 1 "$BRYO" attach --no-stdin c <<<nothing || true
	run_bryo ps -q --filter name=c
	[ -n "$out" ]
	run_bryo -7 attach c <<<word
	assert "got word"
	run_bryo rm c
}

@test "P9: start -a and attach pass signals on; --sig-proxy=false does not" {
	local s='trap "echo got; exit 42" TERM; while :; do echo ready; sleep 0.1; done'
	run_bryo create --name sp "$BUSYBOX" sh -c "$s"
	# a file for each: the last one's "ready" tells nothing of this one
	"$BRYO" start -a sp >"$ENGINE_DIR/o1" 3>&- &
	local pid=$! rc=0
	wait_until 10 grep -q ready "$ENGINE_DIR/o1"
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ "$rc" = 42 ]
	run_bryo start sp
	"$BRYO" attach --sig-proxy=false sp >"$ENGINE_DIR/o2" 3>&- &
	pid=$! rc=0
	wait_until 10 grep -q ready "$ENGINE_DIR/o2"
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ "$rc" = 143 ]
	run_bryo ps -q --filter name=sp
	[ -n "$out" ]
	"$BRYO" attach sp >"$ENGINE_DIR/o3" 3>&- &
	pid=$! rc=0
	wait_until 10 grep -q ready "$ENGINE_DIR/o3"
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ "$rc" = 42 ]
	run_bryo rm sp
}

@test "R23: the monitor is killed: stop, kill and rm work, the state says so" {
	run_bryo run -d --name m "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.State.ConmonPid}}' m
	kill -9 "$out"
	run_bryo stop -t 0 m
	run_bryo inspect --format '{{.State.Status}} {{.State.ExitCode}}' m
	assert "exited -1"
	run_bryo rm -f m
}

@test "P4: wait: codes, several, never started, --ignore, conditions" {
	run_bryo run -d --name a "$BUSYBOX" sh -c 'exit 3'
	run_bryo run -d --name b "$BUSYBOX" sh -c 'sleep 0.3; exit 4'
	run_bryo create --name c "$BUSYBOX" sleep 1000
	run_bryo wait a b
	assert $'3\n4'
	run_bryo wait c
	assert 0
	run_bryo wait --ignore nosuch a
	assert $'-1\n3'
	run_bryo -125 wait nosuch
	run_bryo -125 wait --condition nonsense a
	run_bryo wait --condition=created --condition=exited c
	assert -1
	run_bryo wait --condition=stopped --interval 10ms a
	assert 3
	"$BRYO" wait --condition=running --interval 20 c >"$ENGINE_DIR/o" 3>&- &
	local pid=$!
	# it has found its container
	wait_until 5 sh -c "ls -l /proc/$pid/fd | grep -q state.db"
	sleep 0.5
	run_bryo rm -f a
	run_bryo start c
	wait "$pid"
	assert -1 "$(cat "$ENGINE_DIR/o")"
	run_bryo rm -f -t 0 b c
}

@test "P4: wait --exit-first-match: the first of several ends it" {
	run_bryo run -d --name slow "$BUSYBOX" sleep 1000
	run_bryo run -d --name fast "$BUSYBOX" sh -c 'sleep 0.3; exit 6'
	BRYO_TIMEOUT=60 run_bryo wait --exit-first-match slow fast
	assert 6
	run_bryo rm -f -t 0 slow fast
}

@test "start: --filter, --all, several, running ones" {
	run_bryo create --name a --label g=1 "$BUSYBOX" sleep 1000
	run_bryo create --name b --label g=1 "$BUSYBOX" sleep 1000
	run_bryo create --name c "$BUSYBOX" sleep 1000
	run_bryo start --filter label=g=1
	[ "$(wc -l <<<"$out")" = 2 ]
	run_bryo ps --format '{{.Names}}' --sort names
	assert $'a\nb'
	run_bryo start a c
	assert $'a\nc'
	run_bryo -125 start -a b c
	assert_match "you cannot start and attach multiple containers at once"
	run_bryo stop -a -t 0
	run_bryo start --all
	[ "$(wc -l <<<"$out")" = 3 ]
	run_bryo -125 start --all a
	run_bryo rm -fa -t 0
}

@test "kill: --all, --cidfile, --latest" {
	run_bryo run -d --name a --cidfile "$ENGINE_DIR/k1" "$BUSYBOX" sleep 1000
	run_bryo run -d --name b "$BUSYBOX" sleep 1000
	run_bryo kill --cidfile "$ENGINE_DIR/k1"
	run_bryo wait a
	assert 137
	run_bryo kill -l
	run_bryo wait b
	assert 137
	run_bryo start a b
	run_bryo kill -a -s INT
	[ "$(wc -l <<<"$out")" = 2 ]
	run_bryo rm -fa -t 0
}
