#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# init: all of a start but the payload; start, stop and rm of what waits.

load helpers

status_of() {
	"$BRYO" inspect --format '{{.State.Status}}' "$1"
}

# ready NAME [ARG...]: a container that says "ran" and stays
ready() {
	local name=$1
	shift
	run_bryo create --name "$name" "$@" "$BUSYBOX" \
		sh -c 'echo ran; exec sleep 1000'
	run_bryo init "$name"
	assert "$name"
}

@test "init: namespaces and mounts are there, the payload is not" {
	ready a -v "$HOME:/h"
	run_bryo ps -a --filter name=a --format '{{.Status}} {{.State}}'
	assert "Initialized initialized"
	run_bryo ps -q
	assert ""
	run_bryo ps -aq --no-trunc --filter status=initialized
	assert_match "^[0-9a-f]{64}$"
	run_bryo inspect --format '{{.State.Pid}} {{.State.Running}} {{.State.ExitCode}} {{.State.StartedAt}}' a
	assert_match "^[0-9]+ false 0 0001-01-01"
	local pid=${output%% *}
	refute [ "$(readlink "/proc/$pid/ns/mnt")" = "$(readlink /proc/self/ns/mnt)" ]
	grep -q " /h " "/proc/$pid/mountinfo"
	run_bryo logs a
	assert ""
	# again is fine, and the same init waits
	run_bryo init a
	run_bryo inspect --format '{{.State.Pid}}' a
	assert "$pid"
	run_bryo start a
	[ "$(status_of a)" = running ]
	run_bryo inspect --format '{{.State.Pid}}' a
	assert "$pid"
	wait_until 5 sh -c "'$BRYO' logs a | grep -qx ran"
	run_bryo -125 init a
	assert_match "^Error: container [0-9a-f]{64} has already been created in runtime: container state improper$"
	run_bryo rm -f -t 0 a
}

@test "init: what needs a running payload says so" {
	ready b
	run_bryo -255 exec b true
	assert "Error: can only create exec sessions on running containers: container state improper"
	run_bryo -125 kill b
	assert_match "can only kill running containers. [0-9a-f]{64} is in state initialized: container state improper"
	run_bryo -125 pause b
	assert 'Error: "initialized" is not running, can'"'"'t pause: container state improper'
	run_bryo -125 attach b
	assert "Error: you can only attach to running containers"
	run_bryo -125 top b
	assert "Error: top can only be used on running containers"
	run_bryo wait --condition initialized b
	assert -1
	[ "$(status_of b)" = initialized ]
	run_bryo rm b
	assert b
}

@test "init: stop takes it back, restart starts it, prune removes it" {
	ready d
	run_bryo inspect --format '{{.State.Pid}}' d
	local pid=$output
	# nobody is given time to end
	BRYO_TIMEOUT=60 run_bryo stop -t 1000 d
	[ "$(status_of d)" = created ]
	refute [ -d "/proc/$pid" ]
	run_bryo start d
	run_bryo stop -t 0 d
	[ "$(status_of d)" = exited ]
	run_bryo init d
	run_bryo stop d
	run_bryo inspect --format '{{.State.Status}} {{.State.ExitCode}}' d
	assert "exited 137"
	run_bryo init d
	run_bryo restart -t 0 d
	[ "$(status_of d)" = running ]
	run_bryo stop -t 0 d
	run_bryo init d
	run_bryo container prune -f
	assert_match "^[0-9a-f]{64}$"
	run_bryo ps -aq
	assert ""
}

@test "init: --all, --latest, many, and what is wrong with a name" {
	local n e2
	for n in e1 e2 e3; do
		run_bryo create --name $n "$BUSYBOX" sh -c 'exit 3'
		[ "$n" != e2 ] || e2=$output
	done
	run_bryo init e1
	run_bryo init -l
	assert_match "^[0-9a-f]{64}$"
	[ "$(status_of e3)" = initialized ]
	run_bryo container init --all
	assert "$e2"
	run_bryo ps -a --filter status=initialized --format '{{.Names}}' --sort names
	assert $'e1\ne2\ne3'
	run_bryo -125 init e1 nope
	assert $'e1\nError: no container with name or ID "nope" found: no such container'
	run_bryo -125 init
	assert_match "^Error: "
	run_bryo -125 init -a e1
	run_bryo -125 init -l e1
	run_bryo start --all
	run_bryo wait e1 e2 e3
	assert $'3\n3\n3'
	run_bryo rm e1 e2 e3
}

@test "init: start -a gets all output, the exit code and the terminal" {
	run_bryo create --name f1 "$BUSYBOX" sh -c 'seq 20000; exit 5'
	run_bryo init f1
	run_bryo -5 start -a f1
	[ "$(tail -n1 <<<"$out")" = 20000 ]
	[ "$(wc -l <<<"$out")" = 20000 ]
	run_bryo create --rm -i --name f2 "$BUSYBOX" cat
	run_bryo init f2
	[ "$(echo through | "$BRYO" start -ai f2)" = through ]
	run_bryo ps -aq --filter name=f2
	assert ""
	run_bryo create -t --name f3 "$BUSYBOX" sh -c 'tty; stty size'
	run_bryo init f3
	run_bryo start -a f3
	assert_match "^/dev/pts/0"
	run_bryo rm f1 f3
}

@test "init: a command that cannot run fails at the start, as without init" {
	run_bryo create --name g "$BUSYBOX" nosuchprogram
	run_bryo init g
	run_bryo -125 start g
	assert_match "executable file .nosuchprogram. not found"
	run_bryo inspect --format '{{.State.Status}} {{.State.Error}}' g
	assert_match "^created .*nosuchprogram"
	run_bryo init g
	run_bryo -127 start -a g
	[ "$(status_of g)" = created ]
	run_bryo rm g
	run_bryo -125 init --bogus g
	run_bryo create --name g --log-driver passthrough "$BUSYBOX" true
	run_bryo -125 init g
	assert_match "passthrough"
	[ "$(status_of g)" = created ]
	run_bryo rm g
}

@test "init: ports are taken, network and cp work, files stay" {
	local port
	port=$(free_port)
	run_bryo create --name h -p "127.0.0.1:$port:80" "$BUSYBOX" \
		sh -c 'mkdir -p /w && echo hi >/w/index.html; exec httpd -f -p 80 -h /w'
	run_bryo init h
	refute python3 -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', $port))"
	run_bryo port h
	assert "80/tcp -> 127.0.0.1:$port"
	echo in >"$BATS_TEST_TMPDIR/file"
	run_bryo cp "$BATS_TEST_TMPDIR/file" h:/etc/put
	run_bryo cp h:/etc/put -
	assert_match "in"
	run_bryo diff h
	assert_match "A /etc/put"
	run_bryo start h
	run_bryo exec h cat /etc/put
	assert in
	wait_until 10 sh -c "[ \"\$(curl -s http://127.0.0.1:$port/)\" = hi ]"
	run_bryo rm -f -t 0 h
	python3 -c "import socket; s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(('127.0.0.1', $port))"
}

@test "init: events say init once, and no start before the start" {
	ready i
	run_bryo events --stream=false --filter container=i --format '{{.Status}}'
	assert $'create\ninit'
	run_bryo start i
	run_bryo rm -f -t 0 i
	run_bryo events --stream=false --filter container=i --format '{{.Status}}'
	assert_match $'^create\ninit\nstart\n.*remove$'
	[ "$(grep -c init <<<"$output")" = 1 ]
	[ "$(grep -c cleanup <<<"$output")" = 1 ]
	ready i
	run_bryo stop i
	run_bryo events --stream=false --filter container=i --format '{{.Status}}'
	assert_match $'remove\ncreate\ninit\ncleanup$'
	run_bryo rm i
}

@test "init: the health check and --timeout count from the start" {
	run_bryo create --name j --timeout 3 --health-cmd true \
		--health-interval 200ms "$BUSYBOX" sleep 1000
	run_bryo init j
	sleep 3.5
	[ "$(status_of j)" = initialized ]
	run_bryo -125 healthcheck run j
	run_bryo start j
	wait_until 8 sh -c "[ \"\$('$BRYO' inspect --format '{{.State.Status}}' j)\" = exited ]"
	run_bryo events --stream=false --filter container=j --filter event=health_status
	assert_match "healthy"
	run_bryo rm j
}

@test "F02: the waiting monitor killed: created again, nothing is left, works anew" {
	local pid port
	port=$(free_port)
	ready k -p "127.0.0.1:$port:80"
	run_bryo inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' k
	pid=${output#* }
	kill -9 "${output% *}"
	wait_until 5 refute kill -0 "$pid"
	[ "$(status_of k)" = created ]
	wait_until 5 python3 -c "import socket; s = socket.socket(); s.setsockopt(1, 2, 1); s.bind(('127.0.0.1', $port))"
	run_bryo init k
	run_bryo inspect --format '{{.State.Pid}}' k
	# the waiting init killed: its monitor undoes the rest
	kill -9 "$output"
	wait_until 5 sh -c "[ \"\$('$BRYO' inspect --format '{{.State.Status}}' k)\" = created ]"
	run_bryo start k
	[ "$(status_of k)" = running ]
	run_bryo rm -f -t 0 k
}

@test "F13: a reboot while initialized: created again" {
	ready l
	run_bryo inspect --format '{{.State.ConmonPid}} {{.State.Pid}}' l
	# shellcheck disable=SC2086
	kill -9 $output
	rm -rf "${XDG_RUNTIME_DIR:?}"/*
	export BRYO_BOOT_ID=00000000-0000-0000-0000-000000000000
	[ "$(status_of l)" = created ]
	run_bryo start l
	[ "$(status_of l)" = running ]
	run_bryo rm -f -t 0 l
	unset BRYO_BOOT_ID
}

@test "init: system migrate takes it back" {
	ready m
	run_bryo system migrate
	[ "$(status_of m)" = created ]
	run_bryo start m
	run_bryo rm -f -t 0 m
}
