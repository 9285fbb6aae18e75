#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real services as people run them: a named volume, a health check, a restart
# policy, a published port.  Each starts, gets healthy, is used through its
# port and by its own client, is killed and comes back, is stopped by its own
# signal, and its data outlive the container.  Limits: tests/vm.

load helpers

setup_file() {
	engine_setup
	export BATS_TEST_TIMEOUT=300
	local name
	for name in nginx redis mariadb; do
		"$BRYO" pull -q "$(package_image "$name")"
	done
}

healthy() {
	[ "$("$BRYO" inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]
}

# service NAME PORT:PORT VOLUME CHECK ARG...
service() {
	local name=$1 port=$2 volume=$3 check=$4
	shift 4
	run_bryo run -d --name "$name" -p "127.0.0.1:$port" -v "$volume" \
		--restart unless-stopped --health-cmd "$check" \
		--health-interval 300ms --health-timeout 5s \
		--health-retries 20 "localhost:$REGISTRY_PORT/$name" "$@"
	wait_until 120 healthy "$name"
}

# crashes NAME: kill -9, and it is back and healthy
crashes() {
	local pid
	pid=$("$BRYO" inspect --format '{{.State.Pid}}' "$1")
	kill -9 "$pid"
	wait_until 5 sh -c "[ \"\$('$BRYO' inspect --format '{{.RestartCount}}' $1)\" = 1 ]"
	wait_until 30 healthy "$1"
	[ "$("$BRYO" inspect --format '{{.State.Pid}}' "$1")" != "$pid" ]
}

# first N PORT TEXT: of what comes through the port after TEXT, N bytes
first() {
	timeout 60 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"
		printf %s "$2" >&3; head -c "$0" <&3' "$1" "$2" "$3" | tr -d '\0'
}

# stops NAME CODE: by its own signal, however busy the machine is
stops() {
	run_bryo stop -t 90 "$1"
	assert_no_match "resorting to SIGKILL"
	run_bryo inspect --format '{{.State.ExitCode}}' "$1"
	assert "$2"
	run_bryo rm "$1"
}

@test "nginx: pages from a volume, 2000 requests logged, restarted, data stay" {
	local port check
	port=$(free_port)
	check='bash -c "exec 3<>/dev/tcp/127.0.0.1/80; printf \"HEAD / HTTP/1.0\r\n\r\n\" >&3; head -1 <&3 | grep -q 200"'
	service nginx "$port:80" www:/var/www/html "$check"
	run_bryo exec nginx sh -c 'echo mine >/var/www/html/own.html'
	[ "$(curl -s -m 60 "http://127.0.0.1:$port/own.html")" = mine ]
	curl -s -o /dev/null "http://127.0.0.1:$port/own.html?[1-2000]"
	wait_until 5 sh -c "[ \"\$('$BRYO' logs nginx 2>&1 | grep -c 'own.html?')\" = 2000 ]"
	run_bryo logs --tail 1 nginx
	assert_match '\?2000|HEAD /'
	crashes nginx
	[ "$(curl -s -m 60 "http://127.0.0.1:$port/own.html")" = mine ]
	run_bryo exec nginx nginx -s reload
	wait_until 5 healthy nginx
	stops nginx 0
	service nginx "$port:80" www:/var/www/html "$check"
	[ "$(curl -s -m 60 "http://127.0.0.1:$port/own.html")" = mine ]
	stops nginx 0
}

@test "redis: saved by its stop signal, found again by the next container" {
	local port check="redis-cli ping | grep -q PONG"
	port=$(free_port)
	service redis "$port:6379" cache:/var/lib/redis "$check"
	run_bryo exec redis redis-cli set key value
	assert OK
	[ "$(first 11 "$port" $'GET key\r\n')" = $'$5\r\nvalue\r' ]
	# 100000 keys through one connection, as its own documents advise
	python3 -c '
for i in range(100000):
    k, v = f"k{i}", f"v{i}"
    print(f"*3\r\n$3\r\nSET\r\n${len(k)}\r\n{k}\r\n${len(v)}\r\n{v}\r\n", end="")' |
		"$BRYO" exec -i redis redis-cli --pipe | grep -q "errors: 0, replies: 100000"
	run_bryo exec redis redis-cli save
	crashes redis
	run_bryo exec redis redis-cli dbsize
	assert 100001
	run_bryo exec redis redis-cli set last word
	stops redis 0
	service redis "$port:6379" cache:/var/lib/redis "$check"
	run_bryo exec redis redis-cli get last
	assert word
	stops redis 0
}

@test "mariadb: what was committed survives kill -9, stop and rm" {
	local port check="mariadb -u root -e 'select 1'"
	port=$(free_port)
	local start='[ -d /var/lib/mysql/mysql ] || mariadb-install-db --skip-test-db --auth-root-authentication-method=normal >/dev/null; exec mariadbd --bind-address=0.0.0.0'
	service mariadb "$port:3306" db:/var/lib/mysql "$check" sh -c "$start"
	run_bryo exec mariadb mariadb -u root -e \
		'create database d; create table d.t (a int); insert into d.t values (41), (1)'
	# the greeting of the server comes through the port
	first 40 "$port" '' | grep -aq MariaDB
	crashes mariadb
	run_bryo exec mariadb mariadb -u root -N -e 'select sum(a) from d.t'
	assert 42
	stops mariadb 0
	service mariadb "$port:3306" db:/var/lib/mysql "$check" sh -c "$start"
	run_bryo exec -i mariadb mariadb -u root -N d <<<'select count(*) from t'
	assert 2
	stops mariadb 0
}
