#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What scripts do with streams: piped input for attach, head behind a command,
# -t without -i, waiting for a state, and what create refuses.

load helpers

# has_open PID TEXT: among what it has open
has_open() {
	readlink "/proc/$1"/fd/* | grep -q -- "$2"
}

@test "P21: -t without stdin: CR LF as from the container, the terminal is put back" {
	local c before
	c=$(cname)
	run_bryo create -t --name "$c" "$BUSYBOX" sh -c 'echo one; sleep 1000'
	run_bryo start "$c"
	# shellcheck disable=SC2016
	output=$(pty 24 80 "" sh -c 'stty -g; "$0" run -t --rm "$1" echo hi; stty -g' \
		"$BRYO" "$BUSYBOX")
	before=${output%%$'\n'*}
	assert "$before"$'\nhi\r\n'"$before"
	# shellcheck disable=SC2016
	output=$(pty 24 80 "" sh -c 'stty -g; "$0" exec -t "$1" echo hi; stty -g' \
		"$BRYO" "$c")
	assert "$before"$'\nhi\r\n'"$before"
	# stdin is a pipe, stdout the terminal
	# shellcheck disable=SC2016
	output=$(pty 24 80 "" sh -c 'echo in | "$0" run -it --rm "$1" sh -c "read x; echo got \$x" 2>/dev/null; stty -g' \
		"$BRYO" "$BUSYBOX")
	assert $'in\r\ngot in\r\n'"$before"
	run_bryo rm -f -t 0 "$c"
}

@test "attach: the end of what was piped in is the end of the payload's stdin" {
	local c
	c=$(cname)
	run_bryo run -d -i --name "$c" "$BUSYBOX" sh -c 'cat; echo "at the end"; exit 4'
	# nothing at all: a job in the background; not TERM, which is passed on
	timeout -s KILL 1 "$BRYO" attach "$c" </dev/null || true
	run_bryo ps -q --filter "name=^$c\$"
	[ -n "$out" ]
	run_bryo -4 attach "$c" <<<word
	assert $'word\nat the end'
	run_bryo logs "$c"
	assert $'word\nat the end'
	run_bryo rm "$c"
}

@test "attach: a terminal stays open when a pipe that was attached ends" {
	local c
	c=$(cname)
	run_bryo run -d -i -t --name "$c" "$BUSYBOX" sh -c 'while read -r x; do echo "got $x"; [ "$x" != end ] || exit 3; done'
	"$BRYO" attach "$c" <<<first >/dev/null 3>&- &
	wait_log "$c" "got first"
	kill_gone $!
	run_bryo -3 attach "$c" <<<end
	assert_match "got end"
	run_bryo rm "$c"
}

@test "run, start -a and attach end as quietly as any command before head" {
	local c codes e=$ENGINE_DIR/pipe.err
	c=$(cname)
	set +o pipefail
	"$BRYO" run --name "$c" "$BUSYBOX" sh -c 'yes | head -n 100000' 2>"$e" | head -n 1
	codes=${PIPESTATUS[0]}
	assert 141 "$codes"
	assert "" "$(cat "$e")"
	run_bryo wait "$c"
	"$BRYO" start -a "$c" 2>"$e" | head -n 1
	codes=${PIPESTATUS[0]}
	assert 141 "$codes"
	assert "" "$(cat "$e")"
	# the container has come to its own end
	run_bryo wait "$c"
	assert 0
	run_bryo rm "$c"
}

@test "P4: wait --condition exited is wait, also for one that never ran" {
	local c
	c=$(cname)
	run_bryo create --name "$c" "$BUSYBOX" true
	BRYO_TIMEOUT=60 run_bryo wait --condition exited "$c"
	assert 0
	BRYO_TIMEOUT=60 run_bryo wait --condition=stopped,exited "$c"
	assert 0
	run_bryo rm "$c"
	# the code of one that is gone with its end
	run_bryo run -d --rm -i --name "$c" "$BUSYBOX" sh -c 'read -r x; exit 5'
	"$BRYO" wait --condition exited "$c" >"$ENGINE_DIR/code" 3>&- &
	local pid=$!
	# it has asked the monitor
	wait_until 10 has_open "$pid" socket:
	run_bryo -5 attach "$c" <<<go
	wait "$pid"
	assert 5 "$(cat "$ENGINE_DIR/code")"
}

# The first look has to come before the removal, and nothing tells of it: it is
# tried again where it was late.
wait_for_removal() {
	local c=$1 pid
	"$BRYO" run -d --name "$c" "$BUSYBOX" sleep 1000 >/dev/null
	"$BRYO" wait --interval 3s --condition removing "$c" >"$ENGINE_DIR/code" 3>&- &
	pid=$!
	wait_until 10 has_open "$pid" state.db
	sleep 0.2
	"$BRYO" rm -f -t 0 "$c" >/dev/null
	wait "$pid"
}

@test "P4: wait --condition removing ends when the container is gone" {
	local c i
	c=$(cname)
	for i in 1 2 3 4 5; do
		wait_for_removal "$c$i" && break
	done
	assert -1 "$(cat "$ENGINE_DIR/code")"
	run_bryo -125 wait --condition removing "$c$i"
}

@test "P11: top takes options of ps and descriptors in quotes apart" {
	local c
	c=$(cname)
	run_bryo run -d --name "$c" "$BUSYBOX" sleep 1000
	run_bryo top "$c" '-o pid,comm'
	assert_match $'^PID +COMMAND *\n +1 sleep'
	run_bryo top "$c" -eo 'pid comm'
	assert_match $'^PID +COMMAND *\n +1 sleep'
	run_bryo top "$c" 'pid comm' "'user'"
	assert_match $'^PID +COMMAND +USER *\n1 +sleep +root'
	run_bryo rm -f -t 0 "$c"
}

@test "create finds what no start could use" {
	local c
	c=$(cname)
	run_bryo -125 create --name "$c" --tz No/Where "$BUSYBOX"
	assert "Error: finding timezone: unknown time zone No/Where"
	run_bryo -125 create --name "$c" --init --init-path /no/where "$BUSYBOX"
	assert "Error: container-init binary not found on the host: stat /no/where: no such file or directory"
	run_bryo -125 create --name "$c" --health-on-failure=kill "$BUSYBOX"
	assert "Error: cannot set on-failure action to kill without a health check"
	run_bryo -1 container exists "$c"
	# without --init nobody needs it
	run_bryo create --name "$c" --init-path /no/where --health-on-failure=kill --health-cmd true "$BUSYBOX"
	run_bryo rm "$c"
}

@test "R16: a lower OOM score than ours is said to stay" {
	local mine
	mine=$(cat /proc/self/oom_score_adj)
	[ "$mine" -ge 0 ]
	run_bryo run --rm --oom-score-adj -1000 "$BUSYBOX" cat /proc/self/oom_score_adj
	assert "$mine" "$out"
	assert_match "level=warning msg=\"Requested oom_score_adj=-1000 is lower than the current one, changing to $mine\"" "$errs"
}

@test "R7: errors of env and label files name the file" {
	run_bryo -125 run --rm --env-file /no/where "$BUSYBOX" true
	assert 'Error: parsing file "/no/where": open /no/where: no such file or directory'
	echo '=x' >"$ENGINE_DIR/bad.env"
	run_bryo -125 create --label-file "$ENGINE_DIR/bad.env" "$BUSYBOX"
	assert "Error: parsing file \"$ENGINE_DIR/bad.env\": invalid variable: \"=x\""
}

@test "G15: inspect --format table: columns as in a list, without heads" {
	local c
	c=$(cname)
	run_bryo create --name "$c" "$BUSYBOX" true
	run_bryo create --name "${c}_with_a_long_name" "$BUSYBOX" true
	run_bryo inspect --format 'table {{.Name}}\t{{.State.Status}}' "${c}_with_a_long_name" "$c"
	assert "${c}_with_a_long_name  created
$(printf "%-$((${#c} + 19))screated" "$c")"
	# a blank between two fields parts columns, too
	run_bryo inspect --format 'table {{.State.Status}} {{.Path}}' "$c"
	assert "created     true"
	run_bryo rm "$c" "${c}_with_a_long_name"
}
