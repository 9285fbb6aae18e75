#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0
# `load` and `import` of a URL against a server that lies (tools/hfile.py).

load fake

setup_file() {
	fake_home
	# The last member ends before the file does: cut, it is still a tar
	mkdir "$H/tree"
	echo hello >"$H/tree/hello"
	tar cf "$H/file" -C "$H/tree" hello
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -keyout "$H/tls.key" -out "$H/tls.crt" -days 30 \
		-subj "/CN=127.0.0.1" -addext "subjectAltName=IP:127.0.0.1" \
		2>/dev/null
	fake_start hfile.py
	# shellcheck disable=SC1091
	. "$H/ports"
	# Credentials that nobody must see
	mkdir -p "$HOME/.docker"
	printf '{"auths":{"127.0.0.1:%s":{"auth":"dTpw"}}}' "$A" \
		>"$HOME/.docker/config.json"
}

teardown_file() {
	fake_stop
}

setup() {
	fake_setup
}

# fetch -WANT URL; sets $errs.  A failure leaves no image and nothing staged.
fetch() {
	local want=${1#-}
	tried "$1" timeout 100 "$BRYO_BUILD/bryo" import -q "$2" || return 1
	[ -z "$(ls "$XDG_DATA_HOME/bryo/staging" 2>/dev/null)" ] || return 1
	[ "$want" = 0 ] || [ -z "$("$BRYO_BUILD/bryo" images -qa)" ]
}

@test "a file, through a redirect and after a failure that passes" {
	fetch -0 "http://127.0.0.1:$A/ok"
	fetch -0 "http://127.0.0.1:$A/same?x=%2e%2e/y"
	fetch -0 "http://127.0.0.1:$A/later"
	[ "$(requests '.path == "/later"')" = 2 ]
	[ "$(requests '.headers | keys - ["Accept","Host","User-Agent"] != []')" = 0 ]
	"$BRYO_BUILD/bryo" rmi -af
}

@test "redirects to files, other schemes, users, nowhere and without end" {
	local case
	for case in file ftp user empty; do
		fetch -125 "http://127.0.0.1:$A/$case"
	done
	fetch -125 "http://127.0.0.1:$A/file"
	said "only https and http are followed"
	fetch -125 "http://127.0.0.1:$A/loop"
	said "more than 10 redirects"
	[ "$(requests '.path == "/loop"')" -le 11 ]
	[ "$(grep -c root: "$BATS_TEST_TMPDIR/out")" = 0 ]
}

@test "credentials are not sent, whoever asks for them" {
	fetch -125 "http://127.0.0.1:$A/auth"
	fetch -125 "http://127.0.0.1:$A/token"
	# Nobody went for a token
	[ "$(requests 'true')" = 2 ]
	fetch -125 "http://u:secret@127.0.0.1:$A/ok"
	said "a URL with a user name is refused"
	[[ $errs != *secret* ]]
	[ "$(requests '.headers.Authorization')" = 0 ]
	[ "$(requests '.headers.Cookie')" = 0 ]
}

@test "404, part of a file, headers without measure" {
	fetch -125 "http://127.0.0.1:$A/nothing"
	said "not found (HTTP 404)"
	fetch -125 "http://127.0.0.1:$A/part"
	said "part of a file"
	fetch -125 "http://127.0.0.1:$A/headers"
	said "over the limit"
}

@test "a connection that breaks leaves no image of what came" {
	fetch -125 "http://127.0.0.1:$A/short"
	said "connection closed before the end"
	head -c -5120 "$H/file" >"$H/cut"
	"$BRYO_BUILD/bryo" import -q "$H/cut"
	"$BRYO_BUILD/bryo" rmi -af
}

@test "a body that is too long, announced and not announced" {
	fetch -125 "http://127.0.0.1:$A/huge"
	said "more than the limit"
	export A
	# shellcheck disable=SC2016
	run timeout 100 "$BATS_TEST_DIRNAME/../setup/in-userns.py" \
		unshare -m sh -c 'mkdir -p "$H/m"; mount -t tmpfs -o size=40m none "$H/m" &&
		"$BRYO_BUILD/bryo" --root "$H/m/d" --runroot "$H/m/r" import -q \
		"http://127.0.0.1:$A/endless"; echo "exit $?"; ls -A "$H/m/d/staging"; df -k "$H/m"'
	echo "$output"
	[[ $output == *"more than the limit of "*"exit 125"* ]]
	# All of it was given back
	[ "$(awk '/tmpfs|none/ { print $3 < 4096 }' <<<"$output" | tail -1)" = 1 ]
}

@test "certificates are verified, https does not lead to plain http" {
	fetch -125 "https://127.0.0.1:$S/ok"
	said "TLS certificate"
	[ "$(requests true)" = 0 ]
	export SSL_CERT_FILE=$H/tls.crt
	fetch -0 "https://127.0.0.1:$S/ok"
	"$BRYO_BUILD/bryo" rmi -af
	fetch -125 "https://127.0.0.1:$S/plain"
	said "to plain http"
	unset SSL_CERT_FILE
}

@test "load: a URL of what is no image" {
	run -125 "$BRYO_BUILD/bryo" load -i "http://127.0.0.1:$A/ok"
	[[ $output == *"payload does not match any of the supported image formats"* ]]
	run -125 "$BRYO_BUILD/bryo" load -i "http://127.0.0.1:$A/nothing"
	[[ $output == *"not found (HTTP 404)"* ]]
}
