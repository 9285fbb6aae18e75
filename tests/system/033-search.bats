#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# search: the catalogue of docker-registry (which has no search), the search
# of version 1 from a small server, and lists of tags.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	S=$ENGINE_DIR/v1
	export S
	mkdir "$S"
	python3 - "$S" 3>&- <<-'PY' &
	import http.server, json, sys, pathlib, urllib.parse
	class H(http.server.BaseHTTPRequestHandler):
	    def log_message(self, *_): pass
	    def do_GET(self):
	        u = urllib.parse.urlsplit(self.path)
	        q = urllib.parse.parse_qs(u.query)
	        with open(sys.argv[1] + "/log", "a") as f: f.write(self.path + "\n")
	        body = b"{}"
	        if u.path == "/v1/search":
	            body = json.dumps({"results": [
	                {"name": "team/" + q["q"][0], "star_count": 7, "is_official": True,
	                 "description": "a " + "very " * 20 + "long\ttext \x1b[31m"},
	                {"name": "me/other", "star_count": 1}]}).encode()
	        self.send_response(200)
	        self.send_header("Content-Length", str(len(body)))
	        self.end_headers()
	        self.wfile.write(body)
	s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
	pathlib.Path(sys.argv[1] + "/port").write_text(str(s.server_address[1]))
	s.serve_forever()
	PY
	echo $! >"$S/pid"
	wait_until 10 test -s "$S/port"
}

teardown_file() {
	kill "$(cat "$S/pid")"
	engine_teardown
}

setup() {
	v1=127.0.0.1:$(cat "$S/port")
	reg=localhost:$REGISTRY_PORT
}

@test "search: a registry without search gives its catalogue" {
	run_bryo search "$reg/busy"
	assert_match "^NAME +DESCRIPTION"
	assert "$reg/busybox" "$(sed -n '2s/ *$//p' <<<"$output")"
	run_bryo search --format '{{.Name}}' "$reg/nosuchthing"
	assert ""
	# everything that it has
	run_bryo image search --limit 0 --format '{{.Name}}' "$reg/"
	grep -qx "$reg/busybox" <<<"$out"
	grep -qx "$reg/nginx" <<<"$out"
	run_bryo -125 search --limit -1 "$reg/"
	assert_match "limit -1 is outside the range of"
	run_bryo -125 search ""
	assert_match "no term"
}

@test "search: version 1, columns, json, --no-trunc, filters" {
	run_bryo search "$v1/app"
	assert_match "^NAME +DESCRIPTION"
	assert_match "$v1/team/app +a very very [a-z ]*\.\.\."
	run_bryo search --no-trunc --format '{{.Description}}' "$v1/app"
	assert_match "long text"
	run_bryo search --compatible "$v1/app"
	assert_match "^NAME +DESCRIPTION +STARS +OFFICIAL +AUTOMATED"
	assert_match "7 +\[OK\]"
	run_bryo search --format json "$v1/app"
	assert "team/app 7" "$(jq -r '.[0]|"\(.Name|sub("^[^/]*/";"")) \(.Stars)"' <<<"$out")"
	run_bryo search --filter stars=5 --format '{{.Name}}' "$v1/app"
	assert "$v1/team/app"
	run_bryo search -f is-official=false --format '{{.Name}}' "$v1/app"
	assert "$v1/me/other"
	run_bryo search -f is-official --format '{{.Name}}' "$v1/app"
	assert "$v1/team/app"
	run_bryo search --limit 1 --format '{{.Name}}' "$v1/app"
	assert "$v1/team/app"
	run_bryo -125 search -f color=red "$v1/app"
	assert_match 'invalid filter'
	run_bryo -125 search -f stars=many "$v1/app"
	run_bryo -125 search --limit 100001 "$v1/app"
	: >"$S/log"
	run_bryo search --format '{{.Name}}' "$v1/a&n=1 b"
	grep -Eqix '/v1/search\?q=a%26n%3d1(\+|%20)b&n=25' "$S/log"
}

@test "search: the search list, and a dead registry among it" {
	mkdir -p "$HOME/.config/containers"
	echo "unqualified-search-registries = ['$v1', '$reg', 'localhost:1']" \
		>"$HOME/.config/containers/registries.conf"
	run_bryo search box
	assert_match "^INDEX +NAME +DESCRIPTION" "$out"
	assert_match "$v1 +$v1/team/box" "$out"
	assert_match "$reg +$reg/busybox" "$out"
	assert_match "level=warning msg=.*localhost:1" "$errs"
	echo "unqualified-search-registries = ['localhost:1']" \
		>"$HOME/.config/containers/registries.conf"
	run_bryo -125 search box
	assert_match "^Error: localhost:1: .*onnection refused"
	rm "$HOME/.config/containers/registries.conf"
}

@test "search: --list-tags" {
	run_bryo search --list-tags "$reg/busybox"
	assert_match "^NAME +TAG"
	assert_match "$reg/busybox +latest"
	run_bryo search --list-tags --format '{{.Name}}:{{.Tag}}' "$reg/busybox"
	assert_match "$reg/busybox:latest"
	run_bryo -125 search --list-tags "$reg/nosuch"
	assert_match "^Error: $reg/nosuch"
	run_bryo -125 search --list-tags --filter stars=1 "$reg/busybox"
	assert_match "filters are not applicable"
}

@test "G14: search with an --authfile that is not there" {
	run_bryo -125 search --authfile /nonexistent "$reg/busybox"
	assert_match "credential file is not accessible: faccessat /nonexistent"
}
