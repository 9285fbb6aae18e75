#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Answers that are legal and of no use: what the user is told.
bats_require_minimum_version 1.5.0

load ../system/helpers

setup_file() {
	engine_setup
	unset CONTAINERS_REGISTRIES_CONF http_proxy https_proxy no_proxy
	export PORTFILE=$ENGINE_DIR/port
	python3 - "$PORTFILE" 3>&- <<-'PY' &
	import http.server, os, sys

	class Handler(http.server.BaseHTTPRequestHandler):
	    def do_GET(self):
	        code, body = 407, b"{}"
	        if self.path == "/v2/":
	            code = 200
	        elif self.path.startswith("/v2/none/tags/list"):
	            code, body = 200, b'{"name": "none", "tags": null}'
	        self.send_response(code)
	        self.send_header("Content-Length", str(len(body)))
	        self.end_headers()
	        self.wfile.write(body)

	    def log_message(self, *args):
	        pass

	server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
	with open(sys.argv[1] + ".new", "w") as f:
	    f.write(str(server.server_address[1]))
	os.rename(sys.argv[1] + ".new", sys.argv[1])
	server.serve_forever()
	PY
	echo $! >"$ENGINE_DIR/pid"
	wait_until 10 test -f "$PORTFILE"
}

teardown_file() {
	kill "$(cat "$ENGINE_DIR/pid")"
	engine_teardown
}

@test "pull -a of a repository without tags is an error" {
	run_bryo -125 pull -q -a "127.0.0.1:$(cat "$PORTFILE")/none"
	[ "$(wc -l <<<"$errs")" = 1 ]
	assert_match '^Error: pull .*/none: the repository has no tags$' "$errs"
}

@test "a proxy that wants credentials is said to" {
	local proxy
	proxy=http://127.0.0.1:$(cat "$PORTFILE")
	BRYO_TIMEOUT=60 http_proxy=$proxy https_proxy=$proxy \
		run_bryo -125 pull -q --tls-verify=false 192.0.2.1:80/x
	[ "$(wc -l <<<"$errs")" = 1 ]
	assert_match 'the proxy wants credentials \(HTTP 407\)' "$errs"
}
