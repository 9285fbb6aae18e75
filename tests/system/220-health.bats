#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Health checks: states, timer, start period, startup, timeout, actions, log.

load helpers

health_is() {
	[ "$("$BRYO" inspect --format '{{.State.Health.Status}}' "$1")" = "$2" ]
}

log_length() {
	"$BRYO" inspect --format '{{json .State.Health.Log}}' "$1" |
		jq length
}

@test "health: none: empty keys for scripts, no check to run" {
	run_bryo run -d --name none "$BUSYBOX" sleep 100
	run_bryo inspect --format '{{json .State.Health}}' none
	assert '{"Status":"","FailingStreak":0,"Log":[]}'
	run_bryo -125 healthcheck run none
	assert_match "has no defined healthcheck"
	run_bryo ps --format '{{.Status}}'
	assert_no_match "\("
	run_bryo ps -q --filter health=none
	[ -n "$output" ]
	run_bryo rm -f -t 0 none
}

@test "health: starting, healthy, unhealthy, healthy again; ps, filters, events" {
	run_bryo run -d --name h --health-cmd 'cat /ok' --health-interval 1s \
		--health-retries 4 --health-start-period 1h "$BUSYBOX" sleep 100
	run_bryo ps --format '{{.Status}}'
	assert_match "\(starting\)$"
	run_bryo exec h touch /ok
	run_bryo wait --condition healthy h
	run_bryo ps --format '{{.Status}}' --filter health=healthy
	assert_match "^Up .* \(healthy\)$"
	run_bryo exec h rm /ok
	run_bryo wait --condition unhealthy h
	run_bryo inspect --format '{{.State.Health.FailingStreak}}' h
	[ "$output" -ge 4 ]
	run_bryo ps -q --filter health=healthy
	assert ""
	run_bryo exec h touch /ok
	wait_until 10 health_is h healthy
	run_bryo events --stream=false --filter container=h \
		--filter event=health_status --format '{{json .}}'
	assert_match "unhealthy"
	run_bryo inspect --format '{{json .Config.Healthcheck}}' h
	[ "$(jq -c .Test <<<"$output")" = '["CMD-SHELL","cat /ok"]' ]
	[ "$(jq .Interval <<<"$output")" = 1000000000 ]
	[ "$(jq .Timeout <<<"$output")" = 30000000000 ]
	[ "$(jq .Retries <<<"$output")" = 4 ]
	run_bryo rm -f -t 0 h
}

@test "health: healthcheck run: 0, or the status and 1; the log" {
	run_bryo run -d --name r --health-cmd 'echo out; echo err >&2; test -e /ok' \
		--health-interval disable --health-retries 1 "$BUSYBOX" sleep 100
	run_bryo -1 healthcheck run r
	assert unhealthy
	run_bryo inspect --format '{{json .State.Health.Log}}' r
	[ "$(jq -r '.[0].Output' <<<"$output")" = $'out\nerr' ]
	[ "$(jq '.[0].ExitCode' <<<"$output")" = 1 ]
	run_bryo healthcheck run --ignore-result r
	assert unhealthy
	run_bryo exec r touch /ok
	run_bryo healthcheck run r
	assert ""
	health_is r healthy
	for _ in 1 2 3 4; do run_bryo healthcheck run r; done
	[ "$(log_length r)" = 5 ]
	run_bryo stop -t 0 r
	run_bryo -125 healthcheck run r
	assert_match "is not running"
	run_bryo rm r
}

@test "health: bounded log: count and size, and where it goes" {
	mkdir "$ENGINE_DIR/log"
	run_bryo run -d --name l --health-cmd '["echo","0123456789"]' \
		--health-interval disable --health-max-log-count 2 \
		--health-max-log-size 4 --health-log-destination \
		"$ENGINE_DIR/log" "$BUSYBOX" sleep 100
	for _ in 1 2 3; do run_bryo healthcheck run l; done
	run_bryo inspect --format '{{json .State.Health.Log}}' l
	[ "$(jq length <<<"$output")" = 2 ]
	[ "$(jq -r '.[1].Output' <<<"$output")" = 0123 ]
	run_bryo inspect --format '{{.Id}}' l
	[ "$(jq -r .Status "$ENGINE_DIR/log/$output-healthcheck.log")" = healthy ]
	run_bryo inspect --format '{{.Config.HealthcheckMaxLogSize}} {{.Config.HealthLogDestination}}' l
	assert "4 $ENGINE_DIR/log"
	run_bryo rm -f -t 0 l
}

@test "health: failures in the start period do not count, a success does" {
	run_bryo run -d --name sp --health-cmd 'test -e /ok' \
		--health-interval disable --health-retries 1 \
		--health-start-period 1h "$BUSYBOX" sleep 100
	run_bryo -1 healthcheck run sp
	assert starting
	run_bryo inspect --format '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' sp
	assert "starting 0"
	run_bryo exec sp touch /ok
	run_bryo healthcheck run sp
	run_bryo exec sp rm /ok
	run_bryo -1 healthcheck run sp
	assert unhealthy
	run_bryo rm -f -t 0 sp
}

@test "health: start interval in the start period" {
	run_bryo run -d --name si --health-cmd true --health-interval 1h \
		--health-start-period 1h --health-start-interval 500ms \
		"$BUSYBOX" sleep 100
	wait_until 10 health_is si healthy
	run_bryo rm -f -t 0 si
}

@test "health: startup command first, then the regular one" {
	run_bryo run -d --name su --health-cmd 'test ! -e /bad' \
		--health-interval 500ms --health-retries 1 \
		--health-startup-cmd 'test -e /up' \
		--health-startup-interval 500ms --health-startup-success 2 \
		"$BUSYBOX" sleep 100
	wait_until 10 sh -c "[ \$('$BRYO' inspect --format '{{json .State.Health.Log}}' su | jq length) -ge 2 ]"
	health_is su starting
	run_bryo exec su touch /up
	wait_until 10 health_is su healthy
	run_bryo exec su touch /bad
	wait_until 10 health_is su unhealthy
	run_bryo rm -f -t 0 su
}

@test "health: startup retries restart the container" {
	run_bryo run -d --name sr --health-cmd true --health-startup-cmd false \
		--health-startup-interval 500ms --health-startup-retries 2 \
		--stop-timeout 0 "$BUSYBOX" sleep 100
	wait_until 15 sh -c "[ \$('$BRYO' inspect --format '{{.RestartCount}}' sr) -ge 1 ]"
	run_bryo rm -f -t 0 sr
}

@test "F31: a check that hangs, forks and floods is killed with all it started" {
	run_bryo run -d --name t --health-cmd '
		setsid sh -c "setsid sleep 7777 & sleep 7777" &
		(sleep 7777 &)
		yes &
		sleep 7777' --health-interval disable --health-timeout 1s \
		--health-retries 1 "$BUSYBOX" sleep 100
	run_bryo -1 healthcheck run t
	assert unhealthy
	run_bryo inspect --format '{{json .State.Health.Log}}' t
	[ "$(jq '.[0].ExitCode' <<<"$output")" = -1 ]
	assert_match "exceeded timeout"
	# killed is not gone yet on a busy machine
	wait_until 5 "$BRYO" exec t sh -c '! ps -o args | grep -E "777[7]|^yes"'
	# and it does not hold up a stop
	run_bryo update --health-timeout 1000s t
	"$BRYO" healthcheck run t >/dev/null 2>&1 3>&- &
	local pid=$!
	wait_until 5 sh -c "'$BRYO' top t args | grep -q 7777"
	BRYO_TIMEOUT=60 run_bryo stop -t 0 t
	refute wait "$pid"
	run_bryo rm t
}

@test "health: on failure: kill, and the restart policy takes over" {
	run_bryo run -d --name k --health-cmd false --health-interval 500ms \
		--health-retries 1 --health-on-failure kill "$BUSYBOX" sleep 100
	run_bryo wait k
	assert 137
	run_bryo inspect --format '{{.State.StoppedByUser}} {{.State.Health.Status}}' k
	assert "false unhealthy"
	run_bryo run -d --name k2 --health-cmd false --health-interval 500ms \
		--health-retries 1 --health-on-failure kill --restart always \
		"$BUSYBOX" sleep 100
	wait_until 15 sh -c "[ \$('$BRYO' inspect --format '{{.RestartCount}}' k2) -ge 1 ]"
	run_bryo rm -f -t 0 k k2
}

@test "health: on failure: stop, restart" {
	run_bryo run -d --name s --health-cmd 'test ! -e /trapped' \
		--health-interval 500ms --health-retries 1 --health-on-failure stop "$BUSYBOX" \
		sh -c 'trap "exit 3" TERM; touch /trapped; while :; do sleep 0.1; done'
	run_bryo wait s
	assert 3
	# each round has a /t of its own
	run_bryo run -d --name rs --health-cmd 'test ! -e /t/bad' \
		--health-interval 500ms --health-retries 1 --tmpfs /t \
		--health-on-failure restart "$BUSYBOX" \
		sh -c 'trap "exit 3" TERM; echo began; while :; do sleep 0.1; done'
	wait_log rs began
	wait_until 10 health_is rs healthy
	run_bryo exec rs touch /t/bad
	wait_until 15 sh -c "[ \$('$BRYO' logs rs | grep -c began) = 2 ]"
	wait_until 10 health_is rs healthy
	run_bryo inspect --format '{{.State.Running}} {{.RestartCount}}' rs
	assert "true 1"
	run_bryo rm -f -t 0 s rs
}

@test "health: the image's HEALTHCHECK, in parts overridden, or off" {
	run_bryo create --name c --no-healthcheck "$BUSYBOX" true
	run_bryo inspect --format '{{.State.Health.Status}}' c
	assert ""
	run_bryo rm c
	run_bryo -125 create --no-healthcheck --health-cmd true "$BUSYBOX" true
	assert_match "cannot specify both --no-healthcheck and --health-cmd"
	run_bryo create --name c --health-cmd none "$BUSYBOX" true
	run_bryo inspect --format '{{json .Config.Healthcheck.Test}}' c
	assert '["NONE"]'
	run_bryo rm c
}

@test "health: bad values are refused" {
	run_bryo -125 create --health-cmd true --health-timeout 10us "$BUSYBOX" true
	assert_match "healthcheck-timeout must be at least 1 second"
	run_bryo -125 create --health-cmd true --health-retries 0 "$BUSYBOX" true
	assert_match "healthcheck-retries must be greater than 0"
	run_bryo -125 create --health-cmd true --health-interval x "$BUSYBOX" true
	assert_match "invalid healthcheck-interval"
	run_bryo -125 create --health-cmd true --health-on-failure x "$BUSYBOX" true
	assert_match "invalid on-failure action 'x' for health check: supported actions are none,kill,restart,stop"
	run_bryo -125 create --health-startup-retries 3 "$BUSYBOX" true
	assert_match "health-startup-cmd is needed"
}

@test "health: the timer survives checks that die; a restart begins anew" {
	run_bryo run -d --name d --health-cmd 'test -e /ok' --health-interval 500ms \
		--health-retries 1 "$BUSYBOX" sleep 100
	wait_until 10 health_is d unhealthy
	run_bryo inspect --format '{{.Id}}' d
	for _ in 1 2 3; do
		pkill -9 -u "$(id -u)" -f "__health $out" || :
		sleep 0.2
	done
	run_bryo exec d touch /ok
	wait_until 10 health_is d healthy
	run_bryo exec d rm /ok
	run_bryo restart -t 0 d
	run_bryo inspect --format '{{.State.Health.FailingStreak}}' d
	wait_until 10 health_is d unhealthy
	run_bryo rm -f -t 0 d
}

@test "health: update changes the checks of what runs" {
	run_bryo run -d --name upd --health-cmd true --health-interval 200ms "$BUSYBOX" sleep 1000
	wait_until 10 sh -c "'$BRYO' ps --filter health=healthy -q | grep -q ."
	run_bryo update --health-cmd false --health-retries 1 upd
	assert_match "upd"
	wait_until 10 sh -c "'$BRYO' inspect --format '{{.State.Health.Status}}' upd | grep -qx unhealthy"
	run_bryo inspect --format '{{.Config.Healthcheck.Retries}}' upd
	assert 1
	run_bryo update --no-healthcheck upd
	wait_until 10 sh -c "'$BRYO' inspect --format '[{{.State.Health.Status}}]' upd | grep -qx '\[\]'"
	run_bryo -125 update --health-retries x upd
	run_bryo rm -f -t 0 upd
}
