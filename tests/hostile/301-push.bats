#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0
# Uploads to a registry that breaks, refuses, lies and points elsewhere
# (tests/tools/hpush.py), with the client side alone ($BRYO_BUILD/regclient).

load fake

setup_file() {
	fake_home
	mkdir "$H/ca"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -keyout "$H/tls.key" -out "$H/tls.crt" -days 30 \
		-subj "/CN=x" -addext "subjectAltName=IP:127.0.0.1" 2>/dev/null
	cp "$H/tls.crt" "$H/ca/ca.crt"
	# Pieces are of 16 MiB: two and a half of them
	head -c 41943040 /dev/urandom >"$H/blob"
	head -c 1000 /dev/urandom >"$H/small"
	fake_start hpush.py
}

teardown_file() {
	fake_stop
}

setup() {
	fake_setup
	rm -f "$H"/stored/*
	BLOB=sha256:$(sha256sum <"$H/blob" | cut -c1-64)
	SMALL=sha256:$(sha256sum <"$H/small" | cut -c1-64)
}

# reg -WANT [KEY=VALUE...] HOST/REPO CMD...; sets $out (a file) and $errs
reg() {
	local want=$1
	shift
	tried "$want" timeout "${LIMIT:-40}" "$BRYO_BUILD/regclient" \
		creds=me:secret "$@"
}

# up -WANT CASE [KEY=VALUE...]: the blob, or the small one ($FILE)
up() {
	local want=$1 case=$2 file=${FILE:-blob} digest=$BLOB
	shift 2
	[ "$file" = blob ] || digest=$SMALL
	reg "$want" "$@" "127.0.0.1:$A/$case/x" upload "$H/$file" "$digest"
}

stored() {
	cmp "$H/${1:-blob}" "$H/stored/$(sha256sum <"$H/${1:-blob}" | cut -c1-64)"
}

no_secret_at_b() {
	[ "$(requests '.origin == "B" and (.headers | has("Authorization") or has("Cookie"))')" = 0 ]
}

@test "upload: one request, and nothing when it is there" {
	up -0 good
	[ "$(cat "$out")" = sent ]
	stored
	[ "$(requests '.method == "PUT"')" = 1 ]
	[ "$(requests '.method == "PATCH"')" = 0 ]
	: >"$H/log"
	up -0 good
	[ "$(cat "$out")" = exists ]
	[ "$(requests '.method != "HEAD" and .method != "GET"')" = 0 ]
	: >"$H/empty"
	reg -0 "127.0.0.1:$A/good/x" upload "$H/empty" \
		"sha256:$(sha256sum <"$H/empty" | cut -c1-64)"
	[ "$(cat "$out")" = sent ]
}

@test "upload: the token or password is shown anew, the body sent again" {
	FILE=small up -0 token
	stored small
}

@test "REG-05: a Location at another origin gets the data, no credentials" {
	local where
	for where in port host; do
		: >"$H/log"
		rm -f "$H"/stored/*
		up -0 "loc.$where"
		stored
		[ "$(requests '.origin == "B" and .method == "PUT"')" = 1 ]
		no_secret_at_b
	done
	up -0 loc.abs
}

@test "REG-05: a Location that leads nowhere or to where nobody may go" {
	local where
	export FILE=small
	for where in file ftp user lan text none; do
		up -125 "loc.$where"
		said "upload location"
	done
	[ "$(requests '.origin == "B"')" = 0 ]
	[ "$(requests '.method == "PUT"')" = 0 ]
	reg -125 cert_dir="$H/ca" "127.0.0.1:$S/loc.port/x" upload "$H/small" \
		"$SMALL"
	said "plain http"
	[ "$(requests '.origin == "B"')" = 0 ]
	reg -0 cert_dir="$H/ca" "127.0.0.1:$S/good/x" upload "$H/small" "$SMALL"
}

@test "REG-05: a registry elsewhere has no data sent to this machine" {
	reg -125 tls_verify=0 "[::ffff:127.0.0.1]:$A/loc.port/x" \
		upload "$H/small" "$SMALL"
	said "plain http"
	[ "$(requests '.origin == "B"')" = 0 ]
}

@test "REG-05: a redirect of an upload keeps the method, not the credentials" {
	export FILE=small
	up -0 redir.307.port
	stored small
	no_secret_at_b
	rm "$H"/stored/*
	up -0 redir.308.same
	local status
	for status in 301 302 303; do
		rm -f "$H"/stored/*
		: >"$H/log"
		up -125 redir.$status.port
		said "of a request that sends data, refused"
		[ "$(requests '.origin == "B"')" = 0 ]
	done
	up -125 redir.307.lan
	said "plain http"
	up -125 redir.307.loop
	said "more than 10 redirects"
}

@test "upload: a registry that takes no large request gets pieces" {
	up -0 pieces
	stored
	[ "$(requests '.method == "PATCH"')" = 3 ]
	rm "$H"/stored/*
	: >"$H/log"
	up -0 toolarge.5000000
	stored
	[ "$(requests '.method == "PATCH" and .got > 5000000')" = 0 ]
	rm "$H"/stored/*
	: >"$H/log"
	up -0 minchunk
	stored
	[ "$(requests '.method == "PATCH"')" = 2 ]
	rm "$H"/stored/*
	up -125 toolarge.1000
	said "HTTP status 413"
}

@test "F23: an upload whose connection breaks goes on" {
	up -0 break.1
	stored
	rm "$H"/stored/*
	: >"$H/log"
	up -0 patchbreak.2
	stored
	# What arrived is not sent again: the status was asked for
	[ "$(requests '.method == "GET" and (.path | contains("uploads"))')" = 2 ]
	[ "$(jq -s '[.[]|select(.method=="PATCH")|.got]|add' "$H/log")" = 41943040 ]
	rm "$H"/stored/*
	up -0 lost
	stored
}

@test "F23: an upload that never gets through ends" {
	LIMIT=100 up -125 patchbreak.1000 retry=1
	said "$BLOB" || said "${BLOB:0:19}"
	[ "$(requests true)" -le 200 ]
	up -125 stuck
	said "takes no data"
	LIMIT=60 up -125 deaf stall_s=2 retry=0
	said "less than 1 KiB/s for 2 seconds" || said "no answer for 2 seconds"
}

@test "F22: Range lies" {
	local how
	for how in more text one huge; do
		rm -f "$H"/stored/*
		up -125 range.$how
		said "${BLOB:0:19}"
	done
	LIMIT=100 up -0 range.none
	rm "$H"/stored/*
	LIMIT=100 up -0 range.bytes
	stored
}

@test "F22: 503 with Retry-After, then it works; others do not" {
	export FILE=small
	up -0 flaky
	stored small
	echo '{}' >"$H/m"
	reg -0 "127.0.0.1:$A/flaky/x" put latest application/json "$H/m"
	rm "$H"/stored/*
	up -125 status.403.post
	said "access denied: said"
	up -125 status.500.post retry=1
	said "HTTP status 500: said"
	up -125 status.500.head retry=0
	said "HTTP status 500"
	up -125 digest
	said "HTTP status 400: digest_invalid"
}

@test "a mount that is refused is an upload" {
	local how
	for how in 400 401 403 404 202; do
		rm -f "$H"/stored/*
		reg -0 "127.0.0.1:$A/mount.$how/x" upload "$H/small" "$SMALL" other/y
		[ "$(cat "$out")" = sent ]
		stored small
	done
	[ "$(requests '.path | contains("mount=sha256:") and contains("from=other/y")')" -ge 5 ]
	reg -125 "127.0.0.1:$A/good/x" upload "$H/small" "$SMALL" 'other/y?a=b'
}

@test "a manifest that is refused, and one with another digest in the answer" {
	echo '{}' >"$H/m"
	reg -125 "127.0.0.1:$A/status.400.manifest/x" put latest a/b "$H/m"
	said "x:latest: HTTP status 400: manifest_invalid"
	reg -0 "127.0.0.1:$A/liar/x" put latest a/b "$H/m"
	reg -0 "127.0.0.1:$A/good/x" put latest a/b "$H/m"
	cmp "$H/m" "$H/stored/latest"
	[ "$(requests '.headers["Content-Type"] == "a/b"')" -ge 1 ]
	: >"$H/log"
	reg -125 "127.0.0.1:$A/good/x" put ../x a/b "$H/m"
	reg -125 "127.0.0.1:$A/good/x" put latest $'a/b\r\nX: y' "$H/m"
	reg -125 "127.0.0.1:$A/good/x" put latest none "$H/m"
	head -c 5000000 /dev/zero >"$H/m"
	reg -125 "127.0.0.1:$A/good/x" put latest a/b "$H/m"
	said "over the limit of 4 MiB"
	[ "$(requests '.method == "PUT"')" = 0 ]
}

@test "a file that shrinks while it is sent" {
	local pid helper='' status='' rc=0
	cp "$H/blob" "$H/shrinks"
	BRYO_FAULT=registry.upload.start:stop@1 "$BRYO_BUILD/regclient" \
		creds=me:secret "127.0.0.1:$A/good/x" upload \
		"$H/shrinks" "$BLOB" 3>&- &
	pid=$!
	# until it has stopped itself, with the file open
	until grep -q '^State:.T' <<<"$status"; do
		kill -0 "$pid"
		helper=$(pgrep -P "$pid" bryo-registry) || :
		status=$(cat "/proc/$helper/status" 2>/dev/null) || :
		sleep 0.05
	done
	truncate -s 1000 "$H/shrinks"
	kill -CONT "$helper"
	wait "$pid" || rc=$?
	[ "$rc" = 125 ]
	[ -z "$(ls "$H/stored")" ]
}

@test "the helper that sends sees no file but the one it was given" {
	BRYO_FAULT=registry.upload.start:delay=60000@1 \
		"$BRYO_BUILD/regclient" "127.0.0.1:$A/good/x" upload \
		"$H/small" "$SMALL" 3>&- &
	local pid=$! helper='' status=''
	# until it has shut itself in, on its way to the fault
	until grep -q '^Seccomp:.2' <<<"$status"; do
		kill -0 "$pid"
		helper=$(pgrep -P "$pid" bryo-registry) || :
		status=$(cat "/proc/$helper/status" 2>/dev/null) || :
		sleep 0.05
	done
	kill -9 "$pid"
	grep -q '^NoNewPrivs:.1' <<<"$status"
}
