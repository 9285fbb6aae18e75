#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vm: root
# F18: the clock jumps a day ahead and two days back while containers run.
# What takes a second takes a second.

load helpers

teardown_file() {
	jump 86400
	as_user joe bryo rm -fa -t 0 >/dev/null
}

jump() {
	date -s "@$(($(date +%s) + $1))" >/dev/null
}

# In a session of joe's: everything that has to do with time.
checks() {
	cat <<-'SH'
		set -e
		uptime() { cut -d. -f1 /proc/uptime; }
		# within SECONDS COMMAND...: it ends, in time
		within() {
			local start=$(uptime) limit=$1 took
			shift
			timeout -k 1 "$((limit * 2))" "$@" || return 1
			took=$(($(uptime) - start))
			[ "$took" -le "$limit" ] || { echo "$* took $took s"; return 1; }
		}
		count() { bryo events --stream=false --filter container=$1 --filter event=$2 | wc -l; }
		# soon COMMAND: within a minute
		soon() {
			local end=$(($(uptime) + 60))
			until eval "$1"; do
				[ "$(uptime)" -lt "$end" ] || { echo "not so: $1"; return 1; }
				sleep 0.2
			done
		}

		# up for what it has been up, not for a day
		status=$(bryo ps --format '{{.Names}} {{.Status}}')
		echo "$status"
		grep -q '^h Up .*\(second\|minute\).*(healthy)' <<<"$status"
		if grep -E 'hour|day|-[0-9]' <<<"$status"; then exit 1; fi

		# health checks go on, restarts come after their back-off
		checks=$(count h health_status)
		bryo run -d --name r --restart on-failure:3 localhost/busybox false >/dev/null
		bryo run -d --name w localhost/busybox sleep 2 >/dev/null
		within 60 bryo wait w
		bryo rm w >/dev/null
		soon '[ "$(bryo inspect --format "{{.RestartCount}} {{.State.Status}}" r)" = "3 exited" ]'
		soon "[ \"\$(count h health_status)\" -gt $((checks + 1)) ]"
		bryo events --stream=false --filter container=r --format '{{.Status}}' |
			grep -E '^(start|died)$' | uniq -c | grep -qv '^ *1 ' && exit 1
		bryo rm r >/dev/null

		# a stop takes its two seconds, not a day and not none
		start=$(uptime)
		within 60 bryo stop -t 2 s
		[ "$(($(uptime) - start))" -ge 2 ]
		bryo start s >/dev/null

		# logs: new lines come, and are those since this jump
		since=$(date +%s)
		rc=0
		timeout 10 bryo logs -f --tail 0 h >lines || rc=$?
		[ "$rc" = 124 ] && [ -s lines ]
		[ "$(bryo logs --since "$since" h | wc -l)" -ge 3 ]
		within 60 bryo logs -f --until 1s h >/dev/null
		within 60 bryo events --since 1s --until 1s >/dev/null
	SH
}

@test "F18: a day ahead" {
	as_user joe bash -ec '
		bryo run -d --name h --health-cmd true --health-interval 500ms \
			localhost/busybox sh -c "while :; do echo tick; sleep 0.2; done"
		bryo run -d --name s localhost/busybox sh -c "trap : TERM; while :; do sleep 0.1; done"
		until bryo ps | grep -q healthy; do sleep 0.5; done'
	checks >/tmp/checks
	chmod 644 /tmp/checks
	jump 86400
	as_user joe bash /tmp/checks
}

@test "F18: two days back" {
	jump -172800
	as_user joe bash /tmp/checks
	# what ends now ended before it started, and still is what it is
	run as_user joe bash -c 'bryo kill h >/dev/null && bryo wait h && bryo ps -a --filter name=h --format "{{.Status}}"'
	[ "$status" = 0 ]
	assert_match $'^137\nExited \\(137\\)'
}
