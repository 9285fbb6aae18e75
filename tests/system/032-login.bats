#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# login and logout against htpasswd and a token server; where credentials are
# kept, and that they are nowhere else.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	R=$ENGINE_DIR/reg
	export R
	mkdir -p "$R/bin" "$R/token"
	htpasswd -Bbc "$R/htpasswd" tester secret 2>/dev/null
	PORT=$(free_port)
	export PORT
	cat >"$R/auth.yml" <<-YAML
	version: 0.1
	log: { level: error, accesslog: { disabled: true } }
	storage: { filesystem: { rootdirectory: $R/data } }
	auth: { htpasswd: { realm: test, path: $R/htpasswd } }
	http: { addr: "127.0.0.1:$PORT" }
	YAML
	OTEL_TRACES_EXPORTER=none docker-registry serve "$R/auth.yml" \
		>"$R/log" 2>&1 </dev/null 3>&- &
	echo $! >"$R/pid"
	python3 "$BATS_TEST_DIRNAME/../tools/tokenreg.py" "$R/token" \
		"http://localhost:$REGISTRY_PORT" 3>&- &
	echo $! >"$R/token.pid"
	wait_until 10 curl -s -o /dev/null "http://127.0.0.1:$PORT/v2/"
	wait_until 10 test -f "$R/token/port"
	credential_helper
	engine_image
}

teardown_file() {
	kill "$(cat "$R/pid")" "$(cat "$R/token.pid")"
	engine_teardown
}

# Keeps what it is given in a file per server; `hang` starts a child and waits
credential_helper() {
	cat >"$R/bin/docker-credential-test" <<-'SH'
	#!/bin/sh
	cd "$(dirname "$0")/.." || exit 1
	mkdir -p kept
	read -r input
	echo "$1" >>helper.log
	case $1 in
	get) name=$(echo "$input" | tr '/:' '__')
	     [ -f "kept/$name" ] || { echo "credentials not found in native keychain"; exit 1; }
	     cat "kept/$name" ;;
	store) name=$(echo "$input" | jq -r .ServerURL | tr '/:' '__')
	     echo "$input" >"kept/$name" ;;
	erase) rm "kept/$(echo "$input" | tr '/:' '__')" ;;
	esac
	SH
	cat >"$R/bin/docker-credential-hang" <<-'SH'
	#!/bin/sh
	sleep 300 &
	echo $! >"$(dirname "$0")/../hang.pid"
	wait
	SH
	# answers, and leaves an agent behind that holds its stdout
	cat >"$R/bin/docker-credential-agent" <<-'SH'
	#!/bin/sh
	cat >/dev/null
	sleep 300 &
	echo $! >"$(dirname "$0")/../agent.pid"
	echo '{"Username":"agent","Secret":"s"}'
	SH
	chmod +x "$R/bin/"*
}

setup() {
	host=localhost:$PORT
	file=$XDG_RUNTIME_DIR/containers/auth.json
	rm -rf "$XDG_RUNTIME_DIR/containers" "$HOME/.docker" "$HOME/.config" \
		"$R/kept" "$R/helper.log"
}

login() {
	printf secret | "$BRYO" login -u tester --password-stdin "$@"
}

@test "login: --password-stdin keeps credentials, 0600, and push works" {
	umask 000
	run login "$host"
	[ "$status" = 0 ]
	assert "Login Succeeded!" "$output"
	assert 600 "$(stat -c %a "$file")"
	assert 700 "$(stat -c %a "$(dirname "$file")")"
	assert tester:secret "$(jq -r ".auths.\"$host\".auth" "$file" | base64 -d)"
	run_bryo login --get-login "$host"
	assert tester
	run_bryo push -q "$BUSYBOX" "$host/team/app:1"
	run_bryo pull -q "$host/team/app:1"
	run_bryo logout "$host"
	assert "Removed login credentials for $host"
	run_bryo -125 pull -q --policy always "$host/team/app:1"
	assert_match unauthorized
	run_bryo -125 logout "$host"
	assert "Error: not logged into $host"
	run_bryo -125 login --get-login "$host"
	assert "Error: not logged into $host"
}

@test "login: wrong credentials are not kept, and not said" {
	run_bryo -125 login -u tester -p hunter2 "$host"
	assert "Error: logging into \"$host\": invalid username/password" \
		"$(grep '^Error' <<<"$errs")"
	assert_match "^WARNING! Using --password via the CLI is insecure" "$errs"
	assert_no_match hunter2
	[ ! -e "$file" ]
	run_bryo -125 login -u tester -p secret "localhost:$(free_port)"
	assert_match "onnection refused"
	[ ! -e "$file" ]
}

@test "login: the rest of the file stays, also unknown keys" {
	mkdir -p "$(dirname "$file")"
	echo '{"auths":{"quay.io":{"auth":"YTpi"}},"HttpHeaders":{"X":"y"}}' \
		>"$file"
	login "$host"
	assert YTpi "$(jq -r '.auths."quay.io".auth' "$file")"
	assert y "$(jq -r .HttpHeaders.X "$file")"
	run_bryo logout "$host"
	assert '["quay.io"]' "$(jq -c '.auths|keys' "$file")"
	login "$host"
	run_bryo logout --all
	assert "Removed login credentials for all registries"
	assert '{}' "$(jq -c .auths "$file")"
	assert y "$(jq -r .HttpHeaders.X "$file")"
	echo '{"auths": broken' >"$file"
	run login "$host"
	[ "$status" = 125 ]
	assert_match "not a valid JSON object"
	assert '{"auths": broken' "$(cat "$file")"
	[ "$(find "$(dirname "$file")" -type f | wc -l)" = 1 ]
}

@test "login: twenty at once lose nothing" {
	local pids=() i
	for i in $(seq 20); do
		login --authfile "$R/many.json" "$host/ns$i" >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	assert 20 "$(jq '.auths|length' "$R/many.json")"
}

@test "login: --authfile, REGISTRY_AUTH_FILE, DOCKER_CONFIG, --compat-auth-file" {
	login --authfile "$R/a.json" -v "$host" >"$R/out"
	assert_match "Used:  $R/a.json" "$(cat "$R/out")"
	assert tester "$("$BRYO" login --get-login --authfile "$R/a.json" "$host")"
	run_bryo logout --authfile "$R/a.json" "$host"
	REGISTRY_AUTH_FILE=$R/b.json login "$host"
	REGISTRY_AUTH_FILE=$R/b.json run_bryo login --get-login "$host"
	assert tester
	DOCKER_CONFIG=$R/dc login "$host"
	DOCKER_CONFIG=$R/dc run_bryo login --get-login "$host"
	[ -f "$R/dc/config.json" ]
	login --compat-auth-file "$R/c.json" "https://$host/v1/"
	assert "[\"$host\"]" "$(jq -c '.auths|keys' "$R/c.json")"
	[ ! -e "$file" ]
	run_bryo -125 login --authfile "$R/a" --compat-auth-file "$R/c" "$host"
	assert_match "can not be set simultaneously"
	run_bryo -125 logout --authfile /nonexistent "$host"
	assert_match "credential file is not accessible: faccessat /nonexistent"
	run login --compat-auth-file "$R/c.json" "$host/ns"
	[ "$status" = 125 ]
}

@test "login: a link to the file stays one" {
	mkdir -p "$R/dotfiles" "$(dirname "$file")"
	echo '{}' >"$R/dotfiles/auth.json"
	ln -s "$R/dotfiles/auth.json" "$file"
	login "$host"
	[ -L "$file" ]
	assert "[\"$host\"]" "$(jq -c '.auths|keys' "$R/dotfiles/auth.json")"
}

@test "login: docker's credentials are read, and logout points there" {
	mkdir -p "$HOME/.docker"
	echo "{\"auths\":{\"$host\":{\"auth\":\"$(printf tester:secret | base64)\"}}}" \
		>"$HOME/.docker/config.json"
	run_bryo login "$host" </dev/null
	assert_match "Authenticating with existing credentials for $host"
	assert_match "Existing credentials are valid. Already logged in to $host"
	run_bryo logout "$host"
	assert_match "Please use docker logout instead"
	run_bryo login --get-login "$host"
	assert tester
}

@test "login: asks on the terminal, the password without echo" {
	run pty 24 80 \
		'tester\nsecret\n' "$BRYO" login "$host"
	echo "$output"
	[ "$status" = 0 ]
	assert_match "Username: tester"
	assert_match "Password: "
	assert_no_match secret
	assert_match "Login Succeeded!"
	run_bryo logout "$host"
	run_bryo -125 login "$host" </dev/null
	assert_match "cannot perform an interactive login from a non TTY device"
	run_bryo -125 login --password-stdin "$host" </dev/null
	assert_match "Must provide --username with --password-stdin"
	run_bryo -125 login -u a -p b --password-stdin "$host" </dev/null
	assert_match "can't specify both --password-stdin and --password"
}

@test "login: a credential helper stores, gives and erases" {
	mkdir -p "$HOME/.docker"
	echo '{"credsStore":"test"}' >"$HOME/.docker/config.json"
	export PATH=$R/bin:$PATH DOCKER_CONFIG=$HOME/.docker
	login "$host"
	assert '{}' "$(jq -c ".auths.\"$host\"" "$HOME/.docker/config.json")"
	[ "$(grep -c secret "$HOME/.docker/config.json")" = 0 ]
	run_bryo login --get-login "$host"
	assert tester
	run_bryo push -q "$BUSYBOX" "$host/team/helped:1"
	run_bryo logout "$host"
	[ -z "$(ls "$R/kept")" ]
	run_bryo -125 login --get-login "$host"
	echo "{\"credHelpers\":{\"$host\":\"test\"}}" >"$HOME/.docker/config.json"
	login "$host"
	[ -n "$(ls "$R/kept")" ]
	run_bryo login --get-login "$host"
	assert tester
	run_bryo logout "$host"
	[ -z "$(ls "$R/kept")" ]
}

# killed it may still run for a moment, and wait for its new parent then
is_dead() {
	[ "$(sed -n 's/^State:.\(.\).*/\1/p' "/proc/$1/status" || echo Z)" = Z ]
}

@test "F31: a helper that hangs is killed with its children" {
	mkdir -p "$HOME/.docker"
	echo '{"credsStore":"hang","auths":{"x.io":{}}}' >"$HOME/.docker/config.json"
	export PATH=$R/bin:$PATH DOCKER_CONFIG=$HOME/.docker
	# it has a second to start its child: on a busy machine now and then not
	for _ in $(seq 20); do
		BRYO_FAULT=auth.helper.wait:errno=EIO \
			run_bryo -125 login --get-login x.io
		assert_match "credential helper docker-credential-hang for x.io: no answer"
		[ ! -s "$R/hang.pid" ] || break
	done
	wait_until 10 is_dead "$(cat "$R/hang.pid")"
}

@test "login: a helper that leaves an agent behind is done when it ends" {
	mkdir -p "$HOME/.docker"
	echo '{"credsStore":"agent","auths":{"x.io":{}}}' >"$HOME/.docker/config.json"
	export PATH=$R/bin:$PATH DOCKER_CONFIG=$HOME/.docker
	run_bryo login --get-login x.io
	assert agent
	# the agent is the user's: it goes on
	kill "$(cat "$R/agent.pid")"
}

@test "REG-07: a missing helper is an error, and nothing is sent" {
	mkdir -p "$HOME/.docker"
	echo '{"credsStore":"nosuch"}' >"$HOME/.docker/config.json"
	DOCKER_CONFIG=$HOME/.docker run login "$host"
	[ "$status" = 125 ]
	assert_match "docker-credential-nosuch for $host: program not found"
	assert '{"credsStore":"nosuch"}' "$(cat "$HOME/.docker/config.json")"
}

@test "REG-07: secrets are on no command line, in no environment, in no log" {
	local log=$R/trace
	printf hunter2 >"$R/pw"
	strace -f -qq -s 4096 -v -e trace=execve,execveat -o "$R/strace" \
		"$BRYO" --log-level=debug login -u tester --password-stdin "$host" \
		<"$R/pw" >"$log" 2>&1 || true
	grep -q "invalid username" "$log"
	[ "$(grep -c "hunter2\|dGVzdGVyOmh1bnRlcjI" "$log" "$R/strace" | grep -vc ':0$')" = 0 ]
	BRYO_TRACE=all run login "$host"
	assert_no_match secret
	grep -q execve "$R/strace"
}

@test "token server: scopes for pull, push and mount; tokens are renewed" {
	local t method
	t=127.0.0.1:$(cat "$R/token/port")
	run_bryo -125 push -q "$BUSYBOX" "$t/team/app:1"
	assert_match "unauthorized"
	run login "$t"
	[ "$status" = 0 ]
	assert "Login Succeeded!"
	run_bryo push "$BUSYBOX" "$t/team/app:1"
	run_bryo pull -q "$t/team/app:1"
	: >"$R/token/log"
	run_bryo push "$BUSYBOX" "$t/team/other:1"
	assert_match "mounted from another repository"
	[ "$(jq -s '[.[]|select(.path|test("scope=repository%3[aA]team%2[fF]app%3[aA]pull"))]|length' \
		"$R/token/log")" = 1 ]
	# A token that is over before it is used
	echo 0 >"$R/token/life"
	run_bryo -125 push -q "$BUSYBOX" "$t/team/late:1"
	assert_match "unauthorized"
	rm "$R/token/life"
	# One that ends under way: at a mount, at the manifest, at a layer
	for method in POST PUT; do
		echo "$method" >"$R/token/over"
		run_bryo push -q "$BUSYBOX" "$t/team/late-${method,,}:1"
		[ ! -e "$R/token/over" ]
	done
	echo PUT >"$R/token/over"
	run_bryo push -q --format oci --compression-format zstd "$BUSYBOX" \
		"$t/team/late:1"
	[ ! -e "$R/token/over" ]
	run_bryo -125 push -q "$BUSYBOX" "$t/else/app:1"
	run_bryo logout "$t"
	run_bryo -125 pull -q --policy always "$t/team/app:1"
	jq -se 'all(.[]; (.path|contains("secret"))|not)' "$R/token/log"
	run_bryo rmi -f "$t/team/app:1"
}
