#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images of Debian packages: pull, run, commit, push, rmi, pull, run; and a
# registry that runs as a container.

load helpers

setup_file() {
	engine_setup
	export BATS_TEST_TIMEOUT=300
}

digest_of() {
	"$BRYO" image inspect --format '{{.Digest}}' "$1"
}

# round NAME CHECK...: CHECK NAME works on the image, on a commit of it, and
# on what comes back after both were pushed and removed
round() {
	local name=$1 check=$2 original before new
	run_bryo pull -q "$name"
	original=$out
	before=$(digest_of "$name")
	"$check" "$name"
	run_bryo create --name change "$name"
	run_bryo commit -q --author tests --change "LABEL step=committed" change "$name-new:1"
	new=$out
	run_bryo rm change
	"$check" "$name-new:1"
	run_bryo push -q "$name-new:1"
	run_bryo push -q "$name" "$name-copy:1"
	local pushed
	pushed=$(skopeo inspect --tls-verify=false "docker://$name-new:1" | jq -r .Digest)
	run_bryo rmi -f "$name" "$name-new:1"
	run_bryo images -aq
	assert ""
	run_bryo pull -q "$name-copy:1"
	assert "$original"
	assert "$before" "$(digest_of "$name-copy:1")"
	run_bryo pull -q "$name-new:1"
	assert "$new"
	assert "$pushed" "$(digest_of "$name-new:1")"
	run_bryo history --format '{{.ID}}' "$name-new:1"
	assert "${new:0:12}" "$(head -1 <<<"$out")"
	"$check" "$name-new:1"
	run_bryo rmi -fa
}

check_nginx() {
	run_bryo run --rm "$1" nginx -t
	assert_match "test is successful"
}

check_redis() {
	local port
	port=$(free_port)
	run_bryo run -d --rm --name redis -p "127.0.0.1:$port:6379" "$1"
	wait_until 20 "$BRYO" exec redis redis-cli ping
	run_bryo exec redis redis-cli set key "value of $1"
	assert "OK"
	# it closes the connection after the answer, however long that takes
	printf 'GET key\r\nQUIT\r\n' |
		timeout 100 socat -t 100 - "TCP:127.0.0.1:$port" |
		grep -q "value of $1"
	run_bryo stop -t 5 redis
}

check_python3() {
	run_bryo run --rm "$1" python3 -c \
		'import ssl, zlib, json; print(json.dumps({"sum": sum(range(10))}))'
	assert '{"sum": 45}'
}

check_mariadb() {
	run_bryo run -d --rm --name mariadb "$1"
	wait_until 60 "$BRYO" exec mariadb mariadb -u root -e 'select 1'
	run_bryo exec mariadb mariadb -u root -N -e \
		'create database d; create table d.t (a int); insert into d.t values (41), (1); select sum(a) from d.t'
	assert "42"
	run_bryo stop -t 20 mariadb
}

@test "nginx: pull, run, commit, push, rmi, pull, run" {
	round "$(package_image nginx)" check_nginx
}

@test "redis: pull, run, commit, push, rmi, pull, run" {
	round "$(package_image redis)" check_redis
}

@test "python3: pull, run, commit, push, rmi, pull, run" {
	round "$(package_image python3)" check_python3
}

@test "mariadb: runs, keeps its data for the life of the container" {
	local name
	name=$(package_image mariadb)
	run_bryo pull -q "$name"
	check_mariadb "$name"
	run_bryo rmi -f "$name"
}

@test "a registry runs as a container, is pushed to and pulled from" {
	local port name id digest
	name=$(package_image registry)
	port=$(free_port)
	run_bryo pull -q "$BUSYBOX"
	id=$out
	digest=$(digest_of "$BUSYBOX")
	run_bryo run -d --name registry -p "$port:5000" "$name"
	wait_until 20 curl -fsS -o /dev/null "http://127.0.0.1:$port/v2/"
	run_bryo push -q "$BUSYBOX" "localhost:$port/pushed:1"
	run_bryo rmi "$BUSYBOX"
	run_bryo pull -q "localhost:$port/pushed:1"
	assert "$id"
	assert "$digest" "$(digest_of "localhost:$port/pushed:1")"
	run_bryo run --rm "localhost:$port/pushed:1" echo from the container
	assert "from the container"
	# What it holds is in the container: a restart keeps it
	run_bryo restart -t 5 registry
	wait_until 20 curl -fsS "http://127.0.0.1:$port/v2/pushed/tags/list"
	run_bryo rm -f -t 0 registry
}
