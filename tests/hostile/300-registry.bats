#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0
# bryo-registry against a registry that lies, breaks, stalls and steals
# (tests/tools/hreg.py).  $BRYO_BUILD/regclient is the client side alone, so
# that what is tested here does not depend on the image store.

load fake

setup_file() {
	fake_home
	certificates
	fake_start hreg.py
}

teardown_file() {
	fake_stop
}

# An authority, and certificates of it for 127.0.0.1 and localhost: a good
# one, one that is over, and one that is signed with SHA-1
certificates() {
	mkdir "$H/ca"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -keyout "$H/ca.key" -out "$H/ca/ca.crt" -days 30 \
		-subj "/CN=test authority" 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
		-keyout "$H/tls.key" -out "$H/tls.csr" -subj "/CN=x" 2>/dev/null
	printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >"$H/ext"
	sign tls -days 30
	sign expired -days -1
	sign sha1 -days 30 -sha1
}

sign() {
	local name=$1
	shift
	openssl x509 -req -in "$H/tls.csr" -CA "$H/ca/ca.crt" \
		-CAkey "$H/ca.key" -CAcreateserial -extfile "$H/ext" \
		-out "$H/$name.crt" "$@" 2>/dev/null
}

setup() {
	fake_setup
}

# reg -WANT [KEY=VALUE...] HOST/REPO CMD...; sets $out (a file) and $errs
reg() {
	local want=$1
	shift
	tried "$want" timeout "${LIMIT:-40}" "$BRYO_BUILD/regclient" "$@"
}

blob_ok() {
	cmp "$H/layer" "$out"
}

blob() {
	local want=$1 repo=$2
	shift 2
	reg "$want" "$@" "127.0.0.1:$A/$repo/x" blob "$LAYER" "$LAYER_SIZE"
}

# ---- nothing hostile yet -------------------------------------------------

@test "plain registry: manifest, config, layer, tags" {
	reg -0 "127.0.0.1:$A/good/x" manifest latest
	cmp "$H/manifest" "$out"
	[ "$errs" = "type=application/vnd.oci.image.manifest.v1+json" ]
	reg -0 "127.0.0.1:$A/good/x" small "$CONFIG" "$CONFIG_SIZE"
	cmp "$H/config" "$out"
	blob -0 good
	blob_ok
	reg -0 "127.0.0.1:$A/good/x" tags
	[ "$(cat "$out")" = $'1\n2' ]
}

@test "a request carries the headers it needs and no others" {
	reg -0 "127.0.0.1:$A/good/x" manifest latest
	[ "$(requests '.headers | keys - ["Accept","Host","User-Agent"] != []')" = 0 ]
	[ "$(requests '.headers.Accept | tostring | (contains("image.index") and contains("manifest.list"))')" = 1 ]
}

@test "resume: an offset asks for the rest only" {
	reg -0 "127.0.0.1:$A/good/x" blob "$LAYER" "$LAYER_SIZE" 100000
	cmp "$out" <(tail -c +100001 "$H/layer")
	[ "$(requests '.headers.Range == "bytes=100000-"')" = 1 ]
}

@test "names that could leave their place in the URL are refused unasked" {
	local ref
	for ref in ../../x a/b 'a?b' 'a#b' 'a%2fb' .x "sha256:zz" "sha256:" \
		"md5:00000000000000000000000000000000" "sha256:%2e%2e/" \
		"$(printf 'sha256:%064d' 0)0" \
		"SHA256:$(printf '%064d' 0)" "$(printf 'a%0200d' 0)"; do
		reg -125 "127.0.0.1:$A/good/x" manifest "$ref"
		said "not a valid tag or digest"
	done
	reg -125 "127.0.0.1:$A/good/../x" manifest latest
	reg -125 "127.0.0.1:$A/good//x" manifest latest
	reg -125 "127.0.0.1:$A/Good/x" manifest latest
	reg -125 "user@127.0.0.1:$A/good/x" manifest latest
	reg -125 "127.0.0.1:$A/good/x" blob "sha512:1234" 10
	reg -125 "127.0.0.1:$A/good/x" small "sha256:../../x" 10
	[ "$(requests true)" = 0 ]
}

# ---- REG-05: where credentials go ----------------------------------------

@test "REG-05: a redirect keeps credentials within the origin" {
	local status where
	for status in 301 302 303 307 308; do
		for where in same port host; do
			: >"$H/log"
			reg -0 creds=me:secret \
				"127.0.0.1:$A/redirect.$status.$where/x" manifest latest
			cmp "$H/manifest" "$out"
			reg -0 creds=me:secret \
				"127.0.0.1:$A/redirect.$status.$where/x" \
				blob "$LAYER" "$LAYER_SIZE"
			blob_ok
			[ "$(requests '.origin == "B" and (.headers | has("Authorization") or has("Cookie"))')" = 0 ]
			[ "$(requests '.headers | has("Cookie")')" = 0 ]
			if [ "$where" = same ]; then
				[ "$(requests '(.path | startswith("/elsewhere")) and .headers.Authorization')" = 2 ]
			else
				[ "$(requests '.origin == "B"')" = 2 ]
			fi
		done
	done
}

@test "REG-05: redirects to user info, other schemes and plain hosts are refused" {
	local where
	for where in user file ftp lan newline; do
		reg -125 creds=me:secret "127.0.0.1:$A/redirect.307.$where/x" \
			manifest latest
		said "redirect"
		reg -125 creds=me:secret "127.0.0.1:$A/redirect.307.$where/x" \
			blob "$LAYER" "$LAYER_SIZE"
		said "redirect"
		[ ! -s "$out" ]
	done
	[ "$(requests '.origin == "B"')" = 0 ]
}

@test "REG-05: a registry elsewhere leads nobody to this machine" {
	# By its text this is no loopback address
	local host="[::ffff:127.0.0.1]:$A"
	reg -125 tls_verify=0 creds=me:secret "$host/redirect.302.port/x" \
		manifest latest
	said "plain http"
	reg -125 tls_verify=0 creds=me:secret "$host/redirect.307.host/x" \
		blob "$LAYER" "$LAYER_SIZE"
	said "plain http"
	[ "$(requests '.origin == "B"')" = 0 ]
	# Its own addresses are another matter
	reg -0 tls_verify=0 creds=me:secret "$host/redirect.302.same/x" \
		manifest latest
}

@test "REG-05: no redirect from https to http" {
	reg -125 cert_dir="$H/ca" creds=me:secret \
		"127.0.0.1:$S/redirect.302.port/x" manifest latest
	said "plain http"
	[ "$(requests '.origin == "B"')" = 0 ]
}

@test "redirects end: loop, 21 hops, nowhere" {
	reg -125 creds=a:b "127.0.0.1:$A/redirect.302.loop/x" manifest latest
	said "more than 10 redirects"
	reg -125 "127.0.0.1:$A/hops.21/x" manifest latest
	said "more than 10 redirects"
	reg -0 "127.0.0.1:$A/hops.10/x" manifest latest
	reg -125 "127.0.0.1:$A/nolocation/x" manifest latest
	said "redirect to nowhere"
}

@test "REG-05: a token server of the same host gets the credentials" {
	reg -0 creds=me:secret "127.0.0.1:$A/bearer.here/x" manifest latest
	[ "$(requests '(.path | startswith("/token/good?")) and .headers.Authorization == "Basic bWU6c2VjcmV0"')" = 1 ]
	# The scope is ours, not the one of the challenge
	[ "$(requests '.path | contains("repository%3abearer.here%2fx%3apull") or contains("repository%3Abearer.here%2Fx%3Apull")')" = 1 ]
	[ "$(requests '.path | contains("evil")')" = 0 ]
	reg -0 creds=me:secret "127.0.0.1:$A/bearer.port/x" manifest latest
}

@test "one token serves a conversation, and is renewed when it is refused" {
	reg -0 "127.0.0.1:$P/bearer.here/x" blobs "$LAYER:$LAYER_SIZE" \
		"$CONFIG:$CONFIG_SIZE"
	[ "$(grep -c 'done digest' "$out")" = 2 ]
	[ "$(requests '.path | startswith("/token")')" = 1 ]
	: >"$H/log"
	reg -0 "127.0.0.1:$A/oneuse/x" blobs "$LAYER:$LAYER_SIZE" \
		"$CONFIG:$CONFIG_SIZE"
	[ "$(grep -c 'done digest' "$out")" = 2 ]
	[ "$(requests '.path | startswith("/token")')" -ge 2 ]
}

@test "an identity token is traded in by POST, and nowhere in a URL" {
	printf '{"auths":{"127.0.0.1:%s":{"identitytoken":"hunter2"}}}' "$A" \
		>"$H/identity.json"
	reg -0 authfile="$H/identity.json" "127.0.0.1:$A/bearer.here/x" \
		manifest latest
	[ "$(requests '.method == "POST" and (.body | contains("grant_type=refresh_token") and contains("refresh_token=hunter2"))')" = 1 ]
	[ "$(requests '(.path | contains("hunter2")) or (.headers | tostring | contains("hunter2"))')" = 0 ]
}

@test "REG-05: a token server of another site does not" {
	reg -125 creds=me:secret "127.0.0.1:$A/bearer.other/x" manifest latest
	said "another site"
	[ "$(requests '.origin == "B"')" = 0 ]
	# Nobody's token is nobody's secret
	reg -0 "127.0.0.1:$A/bearer.other/x" manifest latest
	[ "$(requests '.origin == "B" and (.headers | has("Authorization"))')" = 0 ]
}

@test "REG-05: a token server without TLS off loopback is refused" {
	reg -125 "127.0.0.1:$A/bearer.lan/x" manifest latest
	said "is not https"
	reg -125 cert_dir="$H/ca" creds=me:secret "127.0.0.1:$S/bearer.port/x" \
		manifest latest
	said "is not https"
	reg -0 cert_dir="$H/ca" creds=me:secret "127.0.0.1:$S/bearer.here/x" \
		manifest latest
	cmp "$H/manifest" "$out"
}

@test "REG-05: a token server that redirects elsewhere is refused" {
	reg -125 creds=me:secret "127.0.0.1:$A/bearer.here.foreign/x" manifest latest
	said "redirects to another origin"
	[ "$(requests '.origin == "B"')" = 0 ]
}

@test "tokens that are none: too long, a line break, HTML, refused" {
	reg -125 "127.0.0.1:$A/bearer.here.big/x" manifest latest
	said "over the limit"
	reg -125 "127.0.0.1:$A/bearer.here.newline/x" manifest latest
	said "no valid token"
	reg -125 "127.0.0.1:$A/bearer.here.html/x" manifest latest
	said "no valid token"
	reg -125 creds=me:secret "127.0.0.1:$A/bearer.here.refuse/x" manifest latest
	said "unauthorized: bad credentials"
	[[ $errs != *secret* ]]
	reg -0 "127.0.0.1:$A/bearer.here.retry/x" manifest latest
}

@test "F22: a registry that is never content ends after few requests" {
	reg -125 "127.0.0.1:$A/loop401/x" manifest latest
	said "unauthorized: authentication required"
	grep -q errno=EACCES <<<"$errs"
	[ "$(requests true)" -le 5 ]
	reg -125 "127.0.0.1:$A/digestauth/x" manifest latest
	said "neither basic nor bearer"
	reg -125 "127.0.0.1:$A/badchallenge/x" manifest latest
	said "malformed WWW-Authenticate"
}

# ---- REG-06: TLS -----------------------------------------------------------

@test "REG-06: an unknown authority is refused and plain HTTP not tried" {
	reg -125 creds=me:secret "127.0.0.1:$S/good/x" manifest latest
	said "TLS certificate"
	reg -0 cert_dir="$H/ca" "127.0.0.1:$S/good/x" manifest latest
	reg -0 tls_verify=0 "127.0.0.1:$S/good/x" manifest latest
	mkdir -p "$HOME/.config/containers/certs.d/127.0.0.1:$S"
	cp "$H/ca/ca.crt" "$HOME/.config/containers/certs.d/127.0.0.1:$S/"
	reg -0 "127.0.0.1:$S/good/x" manifest latest
	[ "$(requests '.headers | has("Authorization")')" = 0 ]
	rm -r "$HOME/.config/containers"
}

@test "REG-06: a certificate for another name is refused" {
	reg -125 cert_dir="$H/ca" "[::ffff:127.0.0.1]:$S/good/x" manifest latest
	said "TLS certificate"
}

@test "REG-06: a certificate that is over, or signed with SHA-1, is refused" {
	reg -125 cert_dir="$H/ca" "127.0.0.1:$E/good/x" manifest latest
	said "expired"
	reg -125 cert_dir="$H/ca" "127.0.0.1:$W/good/x" manifest latest
	said "TLS"
	[ "$(requests true)" = 0 ]
	reg -0 tls_verify=0 "127.0.0.1:$E/good/x" manifest latest
}

@test "REG-06: --tls-verify=false is for the registry, not for whom it names" {
	reg -125 tls_verify=0 creds=me:secret "127.0.0.1:$S/bearer.expired/x" \
		manifest latest
	said "TLS certificate"
	reg -125 tls_verify=0 creds=me:secret \
		"127.0.0.1:$S/redirect.302.expired/x" manifest latest
	said "TLS certificate"
	[ "$(requests '.origin == "E"')" = 0 ]
}

@test "REG-06: a TLS alert is no reason for plain HTTP" {
	reg -125 "127.0.0.1:$N/good/x" manifest latest
	said "TLS:"
}

@test "REG-06: plain HTTP only on loopback, or where it is called insecure" {
	# By its text this is no loopback address
	local host="[::ffff:127.0.0.1]:$A"
	reg -125 "$host/good/x" manifest latest
	said "HTTP response to an HTTPS client"
	reg -125 tls_verify=1 "127.0.0.1:$A/good/x" manifest latest
	said "HTTP response to an HTTPS client"
	reg -0 tls_verify=0 "$host/good/x" manifest latest
	printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$host" \
		>"$H/insecure.conf"
	CONTAINERS_REGISTRIES_CONF=$H/insecure.conf \
		reg -0 "$host/good/x" manifest latest
	CONTAINERS_REGISTRIES_CONF=$H/insecure.conf \
		reg -125 tls_verify=1 "$host/good/x" manifest latest
}

# ---- F22: statuses ---------------------------------------------------------

@test "F22: 404 and 403 are final and carry the registry's words" {
	reg -125 "127.0.0.1:$A/status.404/x" manifest latest
	said "127.0.0.1:$A/status.404/x:latest: status is 404"
	grep -q errno=ENOENT <<<"$errs"
	reg -125 "127.0.0.1:$A/status.403/x" manifest latest
	said "access denied: status is 403"
	[ "$(requests '.path | contains("manifests")')" = 2 ]
}

@test "F22: 5xx and 429 are tried three times, no more" {
	local status
	for status in 429 500 502 503 504; do
		: >"$H/log"
		reg -125 "127.0.0.1:$A/status.$status.0/x" manifest latest
		said "$status"
		[ "$(requests '.path | contains("manifests")')" = 3 ]
	done
	: >"$H/log"
	reg -125 retry=0 "127.0.0.1:$A/status.503/x" manifest latest
	[ "$(requests '.path | contains("manifests")')" = 1 ]
}

@test "F22: a registry that recovers is used, for manifests and blobs" {
	reg -0 "127.0.0.1:$A/flaky.503.2.0/x" manifest latest
	reg -0 "127.0.0.1:$A/flaky.429.1.0/x" blob "$LAYER" "$LAYER_SIZE"
	blob_ok
	reg -0 "127.0.0.1:$A/flaky.500.1/x" manifest latest
}

@test "F22: Retry-After in seconds, as a date, as garbage, in a year" {
	local start=$SECONDS
	reg -0 "127.0.0.1:$A/flaky.429.1.1/x" manifest latest
	reg -0 "127.0.0.1:$A/date/x" manifest latest
	reg -0 "127.0.0.1:$A/flaky.429.1.soon/x" manifest latest
	reg -125 "127.0.0.1:$A/status.429.31536000/x" manifest latest
	said "too many requests"
	reg -125 "127.0.0.1:$A/status.429.99999999999999999999/x" manifest latest
	# and not even the minute that is the most
	[ $((SECONDS - start)) -lt 55 ]
}

@test "REG-10: escapes in an error come out as text" {
	reg -125 "127.0.0.1:$A/escapes/x" manifest latest
	[[ $errs != *[$'\x1b\x07\x08\r']* ]]
	[[ $errs != *$'\u202e'* ]]
	said '\x1b'
}

@test "REG-08: bodies are bounded" {
	reg -125 "127.0.0.1:$A/bigmanifest.length/x" manifest latest
	said "response body over the limit"
	reg -125 "127.0.0.1:$A/bigmanifest.chunked/x" manifest latest
	said "response body over the limit"
	reg -125 "127.0.0.1:$A/bigerror/x" manifest latest
	reg -125 "127.0.0.1:$A/good/x" small "$CONFIG" 10
	said "over the limit"
	reg -125 "127.0.0.1:$A/good/x" small "$CONFIG" 9999999999
	said "over the limit of 4 MiB"
}

@test "REG-09: headers are bounded" {
	reg -125 "127.0.0.1:$A/headers64k/x" manifest latest
	said "response headers over the limit"
	reg -125 "127.0.0.1:$A/manyheaders/x" manifest latest
	said "response headers over the limit"
}

@test "HTML and HTTP/0.9 are no manifests" {
	reg -0 "127.0.0.1:$A/html/x" manifest latest
	[ "$errs" = "type=text/html" ]
	reg -125 "127.0.0.1:$A/http09/x" manifest latest
}

# ---- F22, F23: bodies ------------------------------------------------------

@test "F22: 200 to a Range request: what was had is skipped" {
	blob -0 norange
	blob_ok
}

@test "F22: 416 to a Range request: all again, skipped" {
	blob -0 status416
	blob_ok
}

@test "F22: a 206 that continues elsewhere is refused" {
	local how
	for how in shift size none text short; do
		blob -125 "wrongrange.$how"
		said "wrong Content-Range"
		cmp -n "$(stat -c %s "$out")" "$H/layer" "$out"
	done
}

@test "F23: a connection that breaks at each twentieth is resumed" {
	blob -0 twentieths
	blob_ok
	[ "$(requests '.headers.Range')" = 19 ]
	blob -0 twentieths.rst
	blob_ok
}

@test "F23: one that breaks without progress is given up" {
	blob -125 nothing
	said "connection closed"
	[ "$(requests '.path | contains("blobs")')" = 3 ]
}

@test "REG-03: a body that changes at the resume shows in its bytes" {
	# Whoever reads compares the digest: the bytes come as they were sent
	blob -0 changed
	run ! cmp -s "$H/layer" "$out"
}

@test "F23: wrong lengths, announced and not" {
	blob -125 length.999999
	said "sends 999999 bytes where 1000000"
	[ ! -s "$out" ]
	blob -125 length.1000001
	said "sends 1000001 bytes where 1000000"
	blob -0 chunked.good
	blob_ok
	blob -125 chunked.long
	said "more than the 1000000 bytes"
	blob -125 chunked.short
	said "only 1000 of 1000000 bytes"
	blob -0 chunked.unended
	blob_ok
}

@test "F23: chunk sizes that overflow or are no numbers" {
	blob -125 chunked.overflow retry=0
	blob -125 chunked.text retry=0
}

@test "F23: Content-Encoding gzip on a blob changes nothing" {
	blob -0 gzipped
	blob_ok
}

@test "F23: a trickle and a stall are given up" {
	local start=$SECONDS
	# long enough for a busy server to begin
	blob -125 trickle stall_s=6 retry=0
	said "less than 1 KiB/s"
	blob -125 stall stall_s=2 retry=0
	reg -125 stall_s=2 "127.0.0.1:$A/silent/x" manifest latest
	said "no answer for 2 seconds"
	# not the twenty seconds that each has without the option
	[ $((SECONDS - start)) -lt 55 ]
}

@test "a slow reader is no stall" {
	# the nap is longer, and a second is too short for a busy server
	blob -0 good stall_s=4 nap_ms=9000 retry=0
	blob_ok
}

@test "a full pipe is waited for, not slept over" {
	local t0 t1 t2 more
	# again when the machine has other things to do
	for _ in 1 2 3 4 5; do
		more=0
		for _ in $(seq 20); do
			# the same without a pipe, for what the machine needs
			t0=${EPOCHREALTIME/[.,]/}
			reg -0 "127.0.0.1:$A/good/x" small "$CONFIG" "$CONFIG_SIZE"
			t1=${EPOCHREALTIME/[.,]/}
			blob -0 good
			t2=${EPOCHREALTIME/[.,]/}
			more=$((more + t2 - t1 - (t1 - t0)))
		done
		blob_ok
		echo "$more us more"
		# Waits of a tenth of a second add up to more than 7
		[ "$more" -ge 5000000 ] || return 0
	done
	return 1
}

@test "a reader that goes away ends its blob" {
	blob -125 good stop_at=65536 nap_ms=500
	grep -q errno=EPIPE <<<"$errs"
	said "hand over the data"
}

@test "F23: nobody there, or somebody mute: an error within 30 seconds" {
	local start=$SECONDS
	LIMIT=30 reg -125 "127.0.0.1:1/good/x" manifest latest
	said "connection refused"
	[ $((SECONDS - start)) -lt 25 ]
	LIMIT=30 reg -125 "127.0.0.1:$X/good/x" manifest latest
	grep -q errno=ETIMEDOUT <<<"$errs"
	LIMIT=30 reg -125 "nosuchhost.invalid/good/x" manifest latest
	said "resolve host"
}

@test "F23: a proxy that refuses" {
	https_proxy="http://127.0.0.1:$A" http_proxy="http://127.0.0.1:$A" \
		reg -125 retry=0 "plain.invalid/good/x" manifest latest
	said "plain.invalid"
	said "CONNECT tunnel failed, response 407"
	# Plain HTTP needs no tunnel
	printf '[[registry]]\nlocation = "plain.invalid"\ninsecure = true\n' \
		>"$H/proxy.conf"
	CONTAINERS_REGISTRIES_CONF=$H/proxy.conf \
		https_proxy="http://127.0.0.1:$A" http_proxy="http://127.0.0.1:$A" \
		reg -0 retry=0 "plain.invalid/good/x" manifest latest
	# Loopback never goes through a proxy
	http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 \
		reg -0 "127.0.0.1:$A/good/x" manifest latest
}

# ---- tags ------------------------------------------------------------------

@test "tags: pages are followed, loops and other places are not" {
	reg -0 "127.0.0.1:$A/tags.pages/x" tags
	[ "$(tr '\n' ' ' <"$out")" = "t0 t1 t2 t3 " ]
	reg -125 "127.0.0.1:$A/tags.loop/x" tags
	said "does not end"
	reg -125 "127.0.0.1:$A/tags.foreign/x" tags
	said "somewhere else"
	reg -125 "127.0.0.1:$A/tags.other/x" tags
	said "somewhere else"
	[ "$(requests '.origin == "B"')" = 0 ]
}

@test "tags: lists that are none" {
	reg -125 "127.0.0.1:$A/tags.bad/x" tags
	said "not a tag"
	reg -125 "127.0.0.1:$A/tags.deep/x" tags
	said "not valid JSON"
	reg -125 "127.0.0.1:$A/tags.double/x" tags
	said "not valid JSON"
	reg -0 "127.0.0.1:$A/tags.null/x" tags
	[ ! -s "$out" ]
}

# ---- registries.conf ---------------------------------------------------------

conf() {
	cat >"$H/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$H/registries.conf
}

@test "mirrors: asked in order, without the credentials of the registry" {
	conf <<-EOF2
	[[registry]]
	prefix = "127.0.0.1:$A"
	[[registry.mirror]]
	location = "127.0.0.1:1/dead"
	[[registry.mirror]]
	location = "127.0.0.1:$B/status.404"
	EOF2
	reg -0 creds=me:secret "127.0.0.1:$A/bearer.here/x" manifest latest
	cmp "$H/manifest" "$out"
	[ "$(requests '.origin == "B" and (.path == "/v2/status.404/bearer.here/x/manifests/latest")')" = 1 ]
	[ "$(requests '.origin == "B" and (.headers | has("Authorization"))')" = 0 ]
}

@test "mirrors: one that breaks off hands a blob over to the registry" {
	conf <<-EOF2
	[[registry]]
	prefix = "127.0.0.1:$A"
	[[registry.mirror]]
	location = "127.0.0.1:$B/nothing"
	EOF2
	reg -0 "127.0.0.1:$A/good/x" blob "$LAYER" "$LAYER_SIZE"
	blob_ok
}

@test "registries.conf: location rewrites, blocked refuses" {
	conf <<-EOF2
	[[registry]]
	prefix = "example.com/team"
	location = "127.0.0.1:$A/good"
	[[registry]]
	prefix = "example.com/secret"
	blocked = true
	EOF2
	reg -0 "example.com/team/x" manifest latest
	[ "$(requests '.path == "/v2/good/x/manifests/latest"')" = 1 ]
	reg -125 "example.com/secret/x" manifest latest
	said "blocked by registries.conf"
}

# ---- REG-07: credential files and helpers ------------------------------------

@test "REG-07: a configured helper that is missing sends no request" {
	mkdir -p "$HOME/.docker"
	echo "{\"credHelpers\":{\"127.0.0.1:$A\":\"nosuch\"}}" \
		>"$HOME/.docker/config.json"
	reg -125 "127.0.0.1:$A/good/x" manifest latest
	said "docker-credential-nosuch"
	[ "$(requests true)" = 0 ]
	rm -r "$HOME/.docker"
}

@test "REG-07: a helper is asked and its secret goes to the registry alone" {
	mkdir -p "$HOME/.docker" "$H/bin"
	cat >"$H/bin/docker-credential-fake" <<-'EOF2'
	#!/bin/sh
	read -r server
	echo "secret is hunter2" >&2
	printf '{"ServerURL":"%s","Username":"me","Secret":"hunter2"}' "$server"
	EOF2
	chmod +x "$H/bin/docker-credential-fake"
	echo "{\"credHelpers\":{\"127.0.0.1:$A\":\"fake\"}}" \
		>"$HOME/.docker/config.json"
	PATH=$H/bin:$PATH reg -0 "127.0.0.1:$A/redirect.307.port/x" manifest latest
	[[ $errs != *hunter2* ]]
	# base64 of me:hunter2
	[ "$(requests '.headers.Authorization == "Basic bWU6aHVudGVyMg=="')" -ge 1 ]
	[ "$(requests '.origin == "B" and (.headers | has("Authorization"))')" = 0 ]
	rm -r "$HOME/.docker"
}

@test "G14: --authfile that is missing" {
	reg -125 authfile=/nonexistent/auth.json "127.0.0.1:$A/good/x" manifest latest
	said "credential file is not accessible: faccessat /nonexistent/auth.json: no such file or directory"
}

@test "the process: nothing in argv or environment, locked down" {
	"$BRYO_BUILD/regclient" stall_s=20 creds=me:hunter2 \
		"127.0.0.1:$A/silent/x" manifest latest 3>&- 2>/dev/null &
	local client=$! child=
	for _ in $(seq 150); do
		child=$(pgrep -P "$client" bryo-registry) && [ "$(requests true)" -ge 2 ] && break
		sleep 0.1
	done
	[ "$(tr '\0' ' ' <"/proc/$child/cmdline")" = "bryo-registry " ]
	grep -qE '^NoNewPrivs:\s+1' "/proc/$child/status"
	grep -qE '^Seccomp:\s+2' "/proc/$child/status"
	# Not dumpable: its files belong to root
	[ "$(stat -c %u "/proc/$child/environ")" = 0 ]
	# It dies with its client
	kill -9 "$client"
	for _ in $(seq 300); do
		[ -d "/proc/$child" ] || return 0
		grep -q '^State:.*Z' "/proc/$child/status" && return 0
		sleep 0.1
	done
	return 1
}

@test "the process: killed at any request, the client says so" {
	BRYO_FAULT=registry.request:kill \
		reg -125 "127.0.0.1:$A/good/x" manifest latest
	said "127.0.0.1:$A/good/x: bryo-registry ended unexpectedly"
	BRYO_FAULT=registry.blob.start:kill blob -125 good
	said "ended unexpectedly"
	BRYO_FAULT=registry.blob.start:errno=EIO blob -125 good
	said "input/output error"
}
