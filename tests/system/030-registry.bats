#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Debian's docker-registry with TLS from an authority of our own and htpasswd:
# every way to give the certificate and the credentials, and what is said when
# they are missing.  A second registry speaks plain HTTP with htpasswd.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	R=$ENGINE_DIR/reg
	export R
	mkdir -p "$R/ca" "$R/plain"
	make_certificate
	# bcrypt of "secret"
	# shellcheck disable=SC2016
	echo 'tester:$2y$05$kL9fF5LzPSCYbQlZOkHGS.yIbUHXycb0gGl34ZVkiCYPmDRNW91E.' \
		>"$R/htpasswd"
	TLS_PORT=$(free_port)
	AUTH_PORT=$(free_port)
	export TLS_PORT AUTH_PORT
	start_registry tls "$TLS_PORT" \
		"tls: { certificate: $R/tls.crt, key: $R/tls.key }"
	start_registry auth "$AUTH_PORT" ""
	skopeo copy -q --dest-creds tester:secret --dest-cert-dir "$R/ca" \
		"oci:$BRYO_TEST_CACHE/busybox" \
		"docker://localhost:$TLS_PORT/team/app:1"
	skopeo copy -q --dest-creds tester:secret --dest-tls-verify=false \
		"oci:$BRYO_TEST_CACHE/busybox" \
		"docker://localhost:$AUTH_PORT/team/app:1"
	AUTH=$(printf tester:secret | base64)
	export AUTH
}

teardown_file() {
	kill "$(cat "$R/tls.pid")" "$(cat "$R/auth.pid")"
	engine_teardown
}

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -keyout "$R/ca.key" -out "$R/ca/ca.crt" -days 30 \
		-subj "/CN=test authority" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-keyout "$R/tls.key" -out "$R/tls.csr" -subj "/CN=x" 2>/dev/null
	printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >"$R/ext"
	openssl x509 -req -in "$R/tls.csr" -CA "$R/ca/ca.crt" \
		-CAkey "$R/ca.key" -CAcreateserial -days 30 \
		-extfile "$R/ext" -out "$R/tls.crt" 2>/dev/null
}

start_registry() {
	local scheme=${3:+https}
	scheme=${scheme:-http}
	cat >"$R/$1.yml" <<-YAML
	version: 0.1
	log: { level: error, accesslog: { disabled: true } }
	storage: { filesystem: { rootdirectory: $R/$1.data } }
	auth: { htpasswd: { realm: test, path: $R/htpasswd } }
	http: { addr: "127.0.0.1:$2", $3 }
	YAML
	OTEL_TRACES_EXPORTER=none docker-registry serve "$R/$1.yml" \
		>"$R/$1.log" 2>&1 </dev/null 3>&- &
	echo $! >"$R/$1.pid"
	wait_until 10 curl -sk -o /dev/null "$scheme://127.0.0.1:$2/v2/"
}

setup() {
	"$BRYO" rmi -fa >/dev/null 2>&1 || true
	rm -rf "$HOME/.docker" "$HOME/.config" "$XDG_RUNTIME_DIR/containers"
}

auth_json() {
	mkdir -p "$(dirname "$1")"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$2" "$AUTH" >"$1"
	chmod 0600 "$1"
}

@test "TLS: an authority that nobody knows is refused, and nothing is left" {
	run_bryo -125 pull -q --creds tester:secret "localhost:$TLS_PORT/team/app:1"
	assert_match "^Error: .*localhost:$TLS_PORT.*TLS certificate"
	run_bryo images -q
	assert ""
}

@test "TLS: --cert-dir, certs.d and --tls-verify=false" {
	run_bryo pull -q --creds tester:secret --cert-dir "$R/ca" \
		"localhost:$TLS_PORT/team/app:1"
	assert_match '^[0-9a-f]{64}$'
	"$BRYO" rmi -fa >/dev/null
	run_bryo pull -q --creds tester:secret --tls-verify=false \
		"localhost:$TLS_PORT/team/app:1"
	"$BRYO" rmi -fa >/dev/null
	mkdir -p "$HOME/.config/containers/certs.d/localhost:$TLS_PORT"
	cp "$R/ca/ca.crt" "$HOME/.config/containers/certs.d/localhost:$TLS_PORT"
	run_bryo pull -q --creds tester:secret "localhost:$TLS_PORT/team/app:1"
}

@test "basic: without and with wrong credentials" {
	run_bryo -125 pull -q "localhost:$AUTH_PORT/team/app:1"
	assert_match "^Error: .*localhost:$AUTH_PORT/team/app:1: unauthorized"
	run_bryo -125 pull -q --creds tester:wrong "localhost:$AUTH_PORT/team/app:1"
	assert_match "unauthorized"
	assert_no_match "wrong"
}

@test "basic: credentials from each place" {
	local host=localhost:$AUTH_PORT
	local image=$host/team/app:1
	run_bryo pull -q --creds tester:secret "$image"
	"$BRYO" rmi -fa >/dev/null

	auth_json "$R/mine.json" "$host"
	run_bryo pull -q --authfile "$R/mine.json" "$image"
	"$BRYO" rmi -fa >/dev/null
	REGISTRY_AUTH_FILE=$R/mine.json run_bryo pull -q "$image"
	"$BRYO" rmi -fa >/dev/null

	auth_json "$XDG_RUNTIME_DIR/containers/auth.json" "$host/team"
	run_bryo pull -q "$image"
	"$BRYO" rmi -fa >/dev/null
	rm "$XDG_RUNTIME_DIR/containers/auth.json"

	auth_json "$HOME/.config/containers/auth.json" "$host/team/app"
	run_bryo pull -q "$image"
	"$BRYO" rmi -fa >/dev/null
	rm -r "$HOME/.config"

	auth_json "$HOME/.docker/config.json" "$host"
	run_bryo pull -q "$image"
	"$BRYO" rmi -fa >/dev/null
	rm -r "$HOME/.docker"

	auth_json "$R/docker/config.json" "$host"
	DOCKER_CONFIG=$R/docker run_bryo pull -q "$image"
}

@test "basic: the entry of another host or repository is not ours" {
	auth_json "$R/other.json" "localhost:1"
	run_bryo -125 pull -q --authfile "$R/other.json" "localhost:$AUTH_PORT/team/app:1"
	auth_json "$R/other.json" "localhost:$AUTH_PORT/team/ap"
	run_bryo -125 pull -q --authfile "$R/other.json" "localhost:$AUTH_PORT/team/app:1"
	assert_match "unauthorized"
}

@test "G14: an --authfile that is not there" {
	run_bryo -125 pull --authfile /nonexistent "localhost:$AUTH_PORT/team/app:1"
	assert_match "credential file is not accessible: faccessat /nonexistent: (No|no) such file or directory"
}

@test "unknown repository, unknown tag, dead registry" {
	run_bryo -125 pull -q "localhost:$REGISTRY_PORT/nosuch"
	assert_match "^Error: .*localhost:$REGISTRY_PORT/nosuch:latest"
	run_bryo -125 pull -q "localhost:$REGISTRY_PORT/busybox:nosuch"
	assert_match "localhost:$REGISTRY_PORT/busybox:nosuch: manifest unknown"
	run_bryo -125 pull -q "localhost:$(free_port)/x"
	assert_match "onnection refused"
	[ "$(wc -l <<<"$errs")" = 1 ]
}

# fails TEXT ARG...: exit code 125, one line, which is the whole of TEXT
fails() {
	local text=$1
	shift
	run_bryo -125 "$@"
	[ "$(grep -v -e ^Trying -e ^WARNING <<<"$errs")" = "Error: $text" ]
}

@test "errors: one line with the object, the cause and what to do" {
	local tls=localhost:$TLS_PORT auth=localhost:$AUTH_PORT
	local plain=localhost:$REGISTRY_PORT none zeros name
	none=localhost:$(free_port)
	zeros=sha256:$(printf %064d 0)
	fails "pull $auth/team/app:1: unauthorized: authentication required (not logged in, see bryo login $auth)" \
		pull "$auth/team/app:1"
	fails "pull $auth/team/app:1: unauthorized: authentication required" \
		pull --creds tester:wrong "$auth/team/app:1"
	fails "pull $tls/team/app:1: $tls: TLS certificate: signed by unknown authority (unable to get local issuer certificate); its CA certificate belongs into certs.d/$tls/ca.crt, see --cert-dir" \
		pull "$tls/team/app:1"
	fails "pull $plain/busybox:latest: $plain: the server gave an HTTP response to an HTTPS client (a registry without TLS needs --tls-verify=false)" \
		pull --tls-verify=true "$plain/busybox"
	fails "pull $plain/busybox:nosuch: manifest unknown" \
		pull "$plain/busybox:nosuch"
	fails "pull $plain/busybox@$zeros: manifest unknown" \
		pull "$plain/busybox@$zeros"
	fails "pull $plain/nosuch:latest: manifest unknown" \
		run --rm "$plain/nosuch" true
	fails "pull $none/x:1: $none: cannot connect: connection refused" \
		pull --retry 0 "$none/x:1"
	# A label of 64 letters is found out without a DNS server
	name=$(printf 'x%.0s' $(seq 64)).invalid
	fails "pull $name/x:1: $name: cannot resolve host: no such host, or DNS does not answer" \
		pull --retry 0 "$name/x:1"
	fails "$name: cannot resolve host: no such host, or DNS does not answer" \
		search "$name/x"
	fails "logging into \"$auth\": invalid username/password" \
		login -u tester -p wrong "$auth"
}

# Debian ships an alias for busybox in /etc/containers/registries.conf.d
no_alias() {
	mkdir -p "$HOME/.config/containers/registries.conf.d"
	printf '[aliases]\nbusybox = ""\n' \
		>"$HOME/.config/containers/registries.conf.d/50-none.conf"
}

@test "registries.conf: a short name, an alias, a mirror, a blocked registry" {
	no_alias
	cat >"$HOME/.config/containers/registries.conf" <<-TOML
	unqualified-search-registries = ["localhost:$REGISTRY_PORT"]
	[aliases]
	box = "localhost:$REGISTRY_PORT/busybox"
	[[registry]]
	prefix = "example.com"
	blocked = true
	[[registry]]
	prefix = "registry.example"
	location = "localhost:$REGISTRY_PORT"
	[[registry.mirror]]
	location = "localhost:1"
	TOML
	run_bryo pull -q busybox
	run_bryo pull -q box
	run_bryo pull -q registry.example/busybox
	run_bryo images --format '{{.Repository}}'
	assert_match "localhost:$REGISTRY_PORT/busybox"
	assert_match "registry.example/busybox"
	run_bryo -125 pull -q example.com/x
	assert_match "blocked by registries.conf"
}

@test "REG-11: a short name stops at the registry that refuses us" {
	no_alias
	cat >"$HOME/.config/containers/registries.conf" <<-TOML
	unqualified-search-registries = ["localhost:$AUTH_PORT", "localhost:$REGISTRY_PORT"]
	TOML
	run_bryo -125 pull -q busybox
	assert_match "unauthorized"
	run_bryo images -q
	assert ""
}
