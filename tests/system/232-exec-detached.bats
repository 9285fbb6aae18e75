#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec -d: who waits for the process, and what the journal says of it.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" run -d --name x "$BUSYBOX" sleep 1000 >/dev/null 3>&-
}

# until_file NAME: what a session runs that ends when /tmp/NAME is there
until_file() {
	echo "for i in \$(seq 600); do [ -e /tmp/$1 ] && break; sleep 0.05; done"
}

# journal CONTAINER: STATUS CODE of what exec left there
journal() {
	"$BRYO" events --stream=false --filter "container=$1" --filter event=exec \
		--filter event=exec_died \
		--format '{{.Status}} {{.Attributes.execID}} {{.ContainerExitCode}}'
}

said() {
	journal "$1" | grep -qx "$2"
}


@test "exec -d: exec_died follows, with the id that was printed and the code" {
	local id
	run_bryo exec -d x sh -c 'exit 7'
	id=$out
	wait_until 10 said x "exec_died $id 7"
	[ "$(journal x | grep -c "$id")" = 2 ]
	journal x | grep "$id" | head -n 1 | grep -q '^exec '
	run_bryo exec -d x sh -c 'kill -9 $$'
	wait_until 10 said x "exec_died $out 137"
}

@test "exec -d: exec comes before exec_died, however slow the command is" {
	BRYO_FAULT=exec.begun:delay=500 run_bryo exec -d x true
	wait_until 10 said x "exec_died $out 0"
	assert "$(printf 'exec\nexec_died')" \
		"$(journal x | awk -v id="$out" '$2 == id { print $1 }')"
}

@test "exec -d: a session while it runs, none afterwards, no zombie" {
	local id
	run_bryo exec -d x sh -c "$(until_file go)"
	id=$out
	run_bryo inspect --format '{{.ExecIDs}}' x
	assert "[$id]"
	refute said x "exec_died $id.*"
	run_bryo exec x touch /tmp/go
	wait_until 10 said x "exec_died $id 0"
	run_bryo inspect --format '{{.ExecIDs}}' x
	assert "[]"
	run_bryo exec x sh -c 'cat /proc/[0-9]*/stat | grep -c " Z "; true'
	assert 0
}

@test "exec -d: the end of the container ends it, too" {
	local id
	run_bryo run -d --name e "$BUSYBOX" sleep 1000
	run_bryo exec -d e sleep 1001
	id=$out
	run_bryo kill e
	run_bryo wait e
	assert 137
	wait_until 10 said e "exec_died $id 137"
	run_bryo rm e
}

@test "exec -d: nobody of it is left when the container is removed" {
	run_bryo run -d --name r "$BUSYBOX" sleep 1000
	run_bryo exec -d r sleep 42421
	wait_until 5 pgrep -u "$(id -u)" -f 'exec -d r sleep 42421'
	run_bryo rm -f -t 0 r
	wait_until 5 refute pgrep -u "$(id -u)" -f 'exec -d r sleep 42421'
}

@test "exec -d: what cannot start is no session, and no event" {
	local before
	before=$(journal x)
	run_bryo -125 exec -d x nosuch
	assert_match nosuch
	assert "$before" "$(journal x)"
	run_bryo inspect --format '{{.ExecIDs}}' x
	assert "[]"
}

@test "exec -d: the caller's streams are let go of at once" {
	# a pipe whose writers are all gone ends; what runs has none of it
	local id
	run_bryo exec -d x sh -c "$(until_file free)"
	id=$(timeout 15 bash -c '"$BRYO" exec -d x sh -c "$0" 2>&1 </dev/null | cat' \
		"$(until_file free)" 3>&-)
	run_bryo inspect --format '{{.ExecIDs}}' x
	assert_match "$id"
	local first=${out#[}
	first=${first%]}
	run_bryo exec x touch /tmp/free
	# the next test looks at all of the journal
	for id in $first; do
		wait_until 10 said x "exec_died $id 0"
	done
}

@test "exec -d: beside the monitor it is the same" {
	local id
	export BRYO_FORCE=exec-by-monitor
	run_bryo exec -d x sh -c 'exit 9'
	id=$out
	wait_until 10 said x "exec_died $id 9"
	[ "$(journal x | grep -c "$id")" = 2 ]
	run_bryo -125 exec -d x nosuch
	assert_match nosuch
}

@test "exec -d --no-session leaves no trace" {
	local before
	before=$(journal x)
	run_bryo exec -d --no-session x touch /tmp/trace
	wait_until 10 "$BRYO" exec --no-session x test -e /tmp/trace
	assert "$before" "$(journal x)"
}

no_sessions() {
	[ "$("$BRYO" inspect --format '{{.ExecIDs}}' x)" = "[]" ]
}

@test "exec -d: who waits ignores a hang-up; killed, it takes nothing along" {
	local id
	run_bryo exec -d x sh -c "$(until_file hup)"
	id=$out
	kill -HUP "$(pgrep -u "$(id -u)" -f 'exec -d x .*/tmp/hup ')"
	run_bryo exec x touch /tmp/hup
	wait_until 10 said x "exec_died $id 0"
	run_bryo exec -d x sh -c "$(until_file kill); touch /tmp/lived"
	id=$out
	kill -9 "$(pgrep -u "$(id -u)" -f 'exec -d x .*/tmp/kill ')"
	run_bryo exec x touch /tmp/kill
	wait_until 10 "$BRYO" exec x test -e /tmp/lived
	wait_until 10 no_sessions
	refute said x "exec_died $id.*"
}

@test "exec -dt: a terminal of its own, and its writer does not stop" {
	run_bryo exec -dt x sh -c 'tty >/tmp/tty
		echo $TERM >/tmp/term; seq 200000; exit 5'
	wait_until 20 said x "exec_died $out 5"
	run_bryo exec x cat /tmp/tty /tmp/term
	assert_match '^/dev/pts/[0-9]+'$'\n''xterm$'
	# closed by all, and the process goes on
	run_bryo exec -dit x sh -c "exec </dev/null >/dev/null 2>&1
		$(until_file closed); exit 6"
	local id=$out
	assert_match '^[0-9a-f]{64}$'
	run_bryo exec x touch /tmp/closed
	wait_until 10 said x "exec_died $id 6"
	# without a session nobody is there to hold it
	run_bryo exec -dt --no-session x sh -c 'tty >/tmp/none; mv /tmp/none /tmp/no'
	wait_until 10 "$BRYO" exec x test -e /tmp/no
	run_bryo exec x cat /tmp/no
	assert "not a tty"
}
