#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A real service in the memory that it was given: too much is the end of it,
# not of the machine; the restart policy brings it back, its data are there.

load helpers

healthy() {
	[ "$("$BRYO" inspect --format '{{.State.Health.Status}}' redis)" = healthy ]
}

restarted() {
	[ "$("$BRYO" inspect --format '{{.RestartCount}}' redis)" -ge 1 ]
}

@test "F04: redis with --memory: too much data is OOM, a restart, and the saved data" {
	run_bryo load -q -i /srv/bryo/images/redis.tar
	run_bryo run -d --name redis -m 48m --memory-swap 48m --restart always \
		-v cache:/var/lib/redis --health-cmd 'redis-cli ping | grep -q PONG' \
		--health-interval 1s --health-timeout 20s --health-retries 30 \
		localhost/redis
	wait_until 180 healthy
	run_bryo exec redis redis-cli set key value
	run_bryo exec redis redis-cli save
	run_bryo stats --no-stream --format '{{.MemUsage}}' redis
	assert_match "/ 50.33MB"
	# the client ends when its server does
	run_bryo exec redis redis-cli eval \
		'for i = 1, 200 do redis.call("set", "big" .. i, string.rep("x", 1000000)) end' 0 || :
	wait_until 90 restarted
	wait_until 180 healthy
	run_bryo events --stream=false --filter container=redis --format '{{.Status}}'
	assert_match $'\noom\ndied'
	run_bryo exec redis redis-cli get key
	assert value
	run_bryo stop redis
	run_bryo inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' redis
	assert "0 false"
	run_bryo rm redis
	run_bryo volume rm cache
}
