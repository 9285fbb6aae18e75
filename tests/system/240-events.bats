# SPDX-License-Identifier: Apache-2.0
# The journal of events: what is in it, how it is asked and followed.

load helpers

# statuses of a container (or another object), one line
statuses() {
	run_bryo events --stream=false --filter "${2:-container}=$1" \
		--format '{{.Status}}'
	output=${output//$'\n'/ }
}

@test "a container's whole life is in the journal" {
	local c
	c=$(cname)
	run_bryo run --name "$c" --label kind=life "$BUSYBOX" sh -c 'exit 3' || true
	[ "$status" = 3 ]
	run_bryo rm "$c"
	statuses "$c"
	assert "create attach init start died cleanup remove"
	run_bryo events --stream=false --filter "container=$c" --filter event=died
	assert_match "^[0-9-]+ [0-9:.]+ \+0000 UTC container died [0-9a-f]{64} \(image=$BUSYBOX:latest, name=$c, exitCode=3, kind=life\)$"
}

@test "stop, start, kill, rename, restart and exec are in the journal" {
	local c
	c=$(cname)
	run_bryo run -d --name "$c" "$BUSYBOX" sleep 1000
	run_bryo exec "$c" true
	run_bryo kill -s USR1 "$c"
	run_bryo rename "$c" "${c}x"
	run_bryo restart -t 0 "${c}x"
	run_bryo rm -f -t 0 "${c}x"
	run_bryo events --stream=false --filter event=rename --format '{{.Name}} {{.Attributes.oldName}}'
	assert "${c}x $c"
	statuses "${c}x"
	# the restart is told by the command, the end by who settles it
	assert_match "^rename (.*) init start (.*) remove$"
	local first=${BASH_REMATCH[1]} second=${BASH_REMATCH[2]}
	assert "cleanup died restart stop" "$(tr ' ' '\n' <<<"$first" | sort | xargs)"
	assert "cleanup died stop" "$(tr ' ' '\n' <<<"$second" | sort | xargs)"
	statuses "$c"
	assert "create init start exec exec_died kill"
}

@test "a restart that is faster than the monitor tells of the end before it" {
	local c
	c=$(cname)
	BRYO_FAULT=monitor.exec:delay=3000 run_bryo run -d --name "$c" \
		"$BUSYBOX" sh -c 'trap "exit 4" TERM; echo ready; while :; do sleep 0.1; done'
	wait_log "$c" ready
	run_bryo restart "$c"
	run_bryo events --stream=false --filter "container=$c" --format '{{.Status}} {{.Attributes.exitCode}}'
	assert_match $'start .*\ndied 4\ncleanup .*\nstop .*\nrestart .*\ninit .*\nstart ' "$out"
	run_bryo rm -f -t 0 "$c"
}

@test "R4: a short --rm container that nobody watches is told of completely" {
	local c
	c=$(cname)
	run_bryo run -d --rm --name "$c" "$BUSYBOX" true
	wait_until 10 refute_exists "$c"
	statuses "$c"
	assert "create init start died cleanup remove"
}

refute_exists() {
	! "$BRYO" container exists "$1"
}

@test "a start that fails is no start" {
	local c
	c=$(cname)
	run_bryo -127 run --name "$c" "$BUSYBOX" /no/such/program
	run_bryo rm "$c"
	statuses "$c"
	assert "create remove"
}

@test "an automatic restart is a restart" {
	local c
	c=$(cname)
	run_bryo run -d --restart on-failure:1 --name "$c" "$BUSYBOX" false
	wait_until 10 has_events "$c" 'died cleanup .*died cleanup'
	statuses "$c"
	assert "create init start died cleanup restart init start died cleanup"
	run_bryo rm -f "$c"
}

has_events() {
	"$BRYO" events --stream=false --filter "container=$1" \
		--format '{{.Status}}' | tr '\n' ' ' | grep -qE "$2"
}

@test "images and volumes are in the journal" {
	run_bryo volume create "v$BATS_TEST_NUMBER"
	run_bryo volume rm "v$BATS_TEST_NUMBER"
	statuses "v$BATS_TEST_NUMBER" volume
	assert "create remove"
	run_bryo tag "$BUSYBOX" other:one
	run_bryo rmi other:one
	run_bryo events --stream=false --filter type=image --format '{{.Status}} {{.Name}}'
	assert_match "pull $BUSYBOX"
	assert_match "tag other:one"
	assert_match "untag localhost/other:one"
}

@test "filters: several values, label, negated, type, image, bad ones" {
	local c
	c=$(cname)
	run_bryo create --name "$c" --label f=1 --label g=2 "$BUSYBOX"
	run_bryo create --name "${c}b" --label f=1 "$BUSYBOX"
	run_bryo rm "$c" "${c}b"
	run_bryo events --stream=false --filter label=f=1 --filter label=g --format '{{.Name}} {{.Status}}'
	assert "$c create"$'\n'"$c remove"
	run_bryo events --stream=false --filter label=f --filter event=create --filter event=destroy --filter "container!=$c" --format '{{.Name}} {{.Status}}'
	assert "${c}b create"$'\n'"${c}b remove"
	run_bryo events --stream=false --filter type=volume --filter "container=$c"
	assert ""
	run_bryo events --stream=false --filter image=busybox --filter "container=$c" --filter event=create --format '{{.Type}}'
	assert "container"
	run_bryo -125 events --stream=false --filter nosuch=x
	assert 'Error: "nosuch" is an invalid filter'
	run_bryo -125 events --stream=false --filter container
	assert 'Error: "container" is an invalid filter'
}

@test "--since and --until: durations, times, seconds" {
	local c t
	c=$(cname)
	run_bryo create --name "${c}a" "$BUSYBOX"
	sleep 1.1
	t=$(date -u +%s.%N)
	run_bryo create --name "${c}b" "$BUSYBOX"
	run_bryo events --stream=false --since "$t" --filter event=create --format '{{.Name}}'
	assert "${c}b"
	run_bryo events --stream=false --until "$t" --filter "container=${c}a" --filter "container=${c}b" --format '{{.Name}}'
	assert "${c}a"
	run_bryo events --stream=false --since 1h --until "$(date -u -d '1 second' +%FT%TZ)" --filter "container=${c}b" --format '{{.Name}}'
	assert "${c}b"
	run_bryo -125 events --since nonsense
	assert 'Error: unable to parse --since "nonsense"'
	run_bryo rm "${c}a" "${c}b"
}

@test "events follow at once, and --until ends them" {
	local c f
	c=$(cname)
	f=$BATS_TEST_TMPDIR/events
	run_bryo create --name "${c}old" "$BUSYBOX"
	"$BRYO" events --since 1h --filter "container=$c" \
		--filter "container=${c}old" --format '{{.Status}}' >"$f" 3>&- &
	local pid=$!
	# it is at the end of the past
	wait_until 5 grep -q create "$f"
	run_bryo run --rm --name "$c" "$BUSYBOX" true
	# the last line is there well before the end, which never comes
	wait_until 1 grep -q remove "$f"
	kill "$pid"
	assert "create create attach init start died cleanup remove" "$(tr '\n' ' ' <"$f" | sed 's/ $//')"
	run_bryo rm "${c}old"
	run_bryo events --since "$(date +%s.%N)" --until "$(date -d '2 seconds' +%s)" \
		--filter "container=$c"
	assert ""
}

@test "a follower sleeps while nothing happens" {
	"$BRYO" events >/dev/null 3>&- &
	local pid=$!
	wait_until 2 sleeps "$pid"
	kill "$pid"
}

# for a second and a half
sleeps() {
	local a b
	a=$(cut -d' ' -f14,15 "/proc/$1/stat")
	b=$(awk '/voluntary/ {n += $2} END {print n}' "/proc/$1/status")
	sleep 1.5
	[ "$a" = "$(cut -d' ' -f14,15 "/proc/$1/stat")" ] &&
		[ $(($(awk '/voluntary/ {n += $2} END {print n}' "/proc/$1/status") - b)) -le 2 ] &&
		grep -q '^State:.S' "/proc/$1/status" &&
		tr '\0' ' ' <"/proc/$1/cmdline" | grep -q ' events '
}

@test "--format json, --no-trunc, docker's words and lines" {
	local c id
	c=$(cname)
	run_bryo create --name "$c" --label a=b "$BUSYBOX"
	id=$output
	run_bryo rm "$c"
	run_bryo events --stream=false --filter "container=$c" --filter event=create --format json
	python3 - "$out" "$id" "$c" <<-'PY'
	import json, sys
	e = json.loads(sys.argv[1])
	assert e["ID"] == sys.argv[2] and e["Name"] == sys.argv[3], e
	assert e["Type"] == "container" and e["Status"] == "create", e
	assert e["Attributes"] == {"a": "b"}, e
	assert e["time"] == e["timeNano"] // 10**9, e
	PY
	run_bryo events --stream=false --filter "container=$c" --no-trunc=false
	assert_match "container create ${id:0:12} \("
	ln -sf "$BRYO" "$BATS_TEST_TMPDIR/docker"
	BRYO=$BATS_TEST_TMPDIR/docker run_bryo events --stream=false --filter "container=$c" --filter event=destroy
	assert_match "^[0-9-]+T[0-9:.]+Z container destroy $id \(a=b, image=$BUSYBOX:latest, name=$c\)$"
	BRYO=$BATS_TEST_TMPDIR/docker run_bryo events --stream=false --filter "container=$c" --filter event=create --format '{{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}} {{.Type}}'
	assert "create $id $c container"
}

@test "the journal is bounded" {
	local n
	python3 - "$XDG_DATA_HOME/bryo/state.db" <<-'PY'
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	db.executemany("INSERT INTO event(time, type, status, id, name, image,"
		" attrs) VALUES(1, 'system', 'old', '', ?, '', '')",
		[(str(i),) for i in range(12000)])
	db.commit()
	PY
	for n in $(seq 130); do
		echo "v$n"
	done | xargs -n 65 sh -c 'for v; do "$BRYO" volume create "$v" >/dev/null; done' sh
	run_bryo events --stream=false --format '{{.ID}}'
	n=$("$BRYO" events --stream=false --format x | wc -l)
	echo "$n rows"
	[ "$n" -le 10128 ] && [ "$n" -ge 9900 ]
	run_bryo volume prune -af
}
