#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Whom bryo talks to, and how: TLS with client certificates, docker's
# daemon.json, policy.json, proxies.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	R=$ENGINE_DIR/reg
	export R
	mkdir -p "$R/ca" "$R/client"
	certificates
	PORT=$(free_port)
	export PORT
	cat >"$R/tls.yml" <<-YAML
	version: 0.1
	log: { level: error, accesslog: { disabled: true } }
	storage: { filesystem: { rootdirectory: $R/data } }
	http:
	  addr: "127.0.0.1:$PORT"
	  tls: { certificate: $R/server.crt, key: $R/server.key, clientcas: [ $R/ca/ca.crt ] }
	YAML
	OTEL_TRACES_EXPORTER=none docker-registry serve "$R/tls.yml" \
		>"$R/log" 2>&1 </dev/null 3>&- &
	echo $! >"$R/pid"
	proxy
	wait_until 10 curl -s -o /dev/null --cacert "$R/ca/ca.crt" \
		--cert "$R/client/client.cert" --key "$R/client/client.key" \
		"https://localhost:$PORT/v2/"
	engine_image
}

teardown_file() {
	kill "$(cat "$R/pid")" "$(cat "$R/proxy.pid")"
	engine_teardown
}

certificates() {
	local name
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -keyout "$R/ca.key" -out "$R/ca/ca.crt" -days 30 \
		-subj "/CN=test authority" 2>/dev/null
	printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\n' >"$R/ext"
	for name in server client; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
			-nodes -keyout "$R/$name.key" -out "$R/$name.csr" \
			-subj "/CN=$name" 2>/dev/null
		openssl x509 -req -in "$R/$name.csr" -CA "$R/ca/ca.crt" \
			-CAkey "$R/ca.key" -CAcreateserial -days 30 \
			-extfile "$R/ext" -out "$R/$name.crt" 2>/dev/null
	done
	cp "$R/ca/ca.crt" "$R/client/ca.crt"
	cp "$R/client.crt" "$R/client/client.cert"
	cp "$R/client.key" "$R/client/client.key"
}

# A proxy for plain HTTP and CONNECT: whatever the name, it is our registry
proxy() {
	python3 - "$R" "$REGISTRY_PORT" 3>&- <<-'PY' &
	import http.server, pathlib, sys, urllib.parse, urllib.request
	class H(http.server.BaseHTTPRequestHandler):
	    def log_message(self, *_): pass
	    def note(self):
	        with open(sys.argv[1] + "/proxy.log", "a") as f:
	            f.write("%s %s %s\n" % (self.command, self.path,
	                    self.headers.get("Proxy-Authorization")))
	    def do_CONNECT(self):
	        self.note()
	        self.send_error(502)
	    def do_GET(self):
	        self.note()
	        if "refuse" in self.path:
	            self.send_response(407); self.send_header("Content-Length", "0")
	            self.end_headers(); return
	        path = urllib.parse.urlsplit(self.path).path
	        q = urllib.request.Request("http://localhost:%s%s" % (sys.argv[2], path),
	            headers={"Accept": self.headers.get("Accept", "*/*")})
	        try:
	            r = urllib.request.urlopen(q)
	        except urllib.error.HTTPError as e:
	            r = e
	        body = r.read()
	        self.send_response(r.status)
	        self.send_header("Content-Type", r.headers.get("Content-Type", "x/y"))
	        self.send_header("Content-Length", str(len(body)))
	        self.end_headers()
	        self.wfile.write(body)
	s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
	pathlib.Path(sys.argv[1] + "/proxy.port").write_text(str(s.server_address[1]))
	s.serve_forever()
	PY
	echo $! >"$R/proxy.pid"
	wait_until 10 test -s "$R/proxy.port"
}

setup() {
	host=localhost:$PORT
	rm -rf "$HOME/.config"
	: >"$R/proxy.log"
	"$BRYO" rmi -fa >/dev/null
	engine_image
}

@test "TLS: a client certificate from --cert-dir, and from certs.d" {
	run_bryo -125 push -q "$BUSYBOX" "$host/app:1"
	assert_match "TLS certificate"
	run_bryo -125 push -q --cert-dir "$R/ca" "$BUSYBOX" "$host/app:1"
	run_bryo push -q --cert-dir "$R/client" "$BUSYBOX" "$host/app:1"
	mkdir -p "$HOME/.config/containers/certs.d/$host"
	cp "$R/client/"* "$HOME/.config/containers/certs.d/$host"
	run_bryo pull -q --policy always "$host/app:1"
	run_bryo search --list-tags --format '{{.Tag}}' "$host/app"
	assert 1
	run_bryo login -u any -p thing "$host"
	assert_match "Login Succeeded!"
	run_bryo logout "$host"
	rm "$HOME/.config/containers/certs.d/$host/client.key"
	run_bryo -125 pull -q --policy always "$host/app:1"
	assert_match "client.key"
}

@test "REG-06: a wrong authority is refused on the way up, too" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		-nodes -keyout "$R/x.key" -out "$R/x.crt" -days 30 \
		-subj "/CN=other" 2>/dev/null
	mkdir -p "$R/other"
	cp "$R/client/client.cert" "$R/client/client.key" "$R/other"
	cp "$R/x.crt" "$R/other/ca.crt"
	run_bryo -125 push -q --cert-dir "$R/other" "$BUSYBOX" "$host/no:1"
	assert_match "TLS certificate"
	run_bryo push -q --cert-dir "$R/other" --tls-verify=false "$BUSYBOX" \
		"$host/no:1"
}

@test "daemon.json: registry-mirrors of docker.io, insecure-registries" {
	mkdir -p "$HOME/.config/docker"
	echo "{\"registry-mirrors\":[\"http://localhost:1\",\"http://localhost:$REGISTRY_PORT/\"]}" \
		>"$HOME/.config/docker/daemon.json"
	"$BRYO" rmi -f "$BUSYBOX" >/dev/null
	# The mirror has no library/: the name is asked for there as it is
	skopeo copy -q --dest-tls-verify=false "oci:$BRYO_TEST_CACHE/busybox" \
		"docker://localhost:$REGISTRY_PORT/library/mirrored:1"
	run_bryo pull -q docker.io/mirrored:1
	run_bryo images --format '{{.Repository}}'
	assert docker.io/library/mirrored
	echo '{"insecure-registries":["registry.test:5000","10.0.0.0/8"]}' \
		>"$HOME/.config/docker/daemon.json"
	# Names that are not loopback, reached through the proxy
	export http_proxy
	http_proxy=http://127.0.0.1:$(cat "$R/proxy.port")
	export https_proxy=$http_proxy
	run_bryo pull -q registry.test:5000/busybox
	run_bryo pull -q 10.1.2.3:5000/busybox
	run_bryo -125 pull -q --retry 0 other.test:5000/busybox
	assert_match "CONNECT tunnel failed"
	echo '{"registry-mirrors":["nonsense"]}' \
		>"$HOME/.config/docker/daemon.json"
	run_bryo -125 pull -q --policy always "$BUSYBOX"
	assert_match "daemon.json: .*registry-mirrors"
}

@test "policy.json: reject, a demand for signatures, exceptions" {
	mkdir -p "$HOME/.config/containers"
	local p=$HOME/.config/containers/policy.json
	echo '{"default":[{"type":"reject"}]}' >"$p"
	run_bryo -125 pull -q --policy always "$BUSYBOX"
	assert_match "^Error: .*Source image rejected: Running image docker://$BUSYBOX:latest is rejected by policy"
	run_bryo save -q -o "$R/a.tar" "$BUSYBOX"
	run_bryo -125 load -q -i "$R/a.tar"
	assert_match "Source image rejected: Running image docker-archive:"
	run_bryo -125 pull -q "docker-archive:$R/a.tar"
	assert_match "rejected by policy"
	cat >"$p" <<-JSON
	{"default":[{"type":"reject"}],"transports":{
	 "docker":{"localhost:$REGISTRY_PORT/busybox":[{"type":"insecureAcceptAnything"}],
	           "localhost:$REGISTRY_PORT":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/x"}]},
	 "docker-archive":{"":[{"type":"insecureAcceptAnything"}]}}}
	JSON
	run_bryo pull -q --policy always "$BUSYBOX"
	run_bryo load -q -i "$R/a.tar"
	run_bryo -125 pull -q "localhost:$REGISTRY_PORT/nginx"
	assert_match "demands a signature for docker://localhost:$REGISTRY_PORT/nginx:latest, which cannot be verified yet"
	echo '{"default":[{"type":"acceptMaybe"}]}' >"$p"
	run_bryo -125 pull -q --policy always "$BUSYBOX"
	assert_match "policy.json: .*unknown type of requirement"
	# Nothing is asked of the policy where nothing comes in
	run_bryo pull -q --policy missing "$BUSYBOX"
}

@test "proxies: HTTP_PROXY is used, NO_PROXY and loopback are not, 407 is said" {
	local proxy
	proxy=http://me:pw@127.0.0.1:$(cat "$R/proxy.port")
	mkdir -p "$HOME/.config/containers"
	printf '[[registry]]\nprefix="proxied.test:5000"\ninsecure=true\n[[registry]]\nprefix="refuse.test:5000"\ninsecure=true\n' \
		>"$HOME/.config/containers/registries.conf"
	HTTP_PROXY=$proxy HTTPS_PROXY=$proxy run_bryo pull -q \
		proxied.test:5000/busybox
	grep -q '^GET http://proxied.test:5000/v2/ Basic' "$R/proxy.log"
	HTTP_PROXY=$proxy HTTPS_PROXY=$proxy run_bryo -125 pull -q --retry 0 \
		refuse.test:5000/busybox
	assert_match "refuse.test:5000: the proxy wants credentials [(]HTTP 407[)]"
	assert_no_match "me:pw"
	: >"$R/proxy.log"
	HTTP_PROXY=$proxy HTTPS_PROXY=$proxy run_bryo pull -q --policy always \
		"$BUSYBOX"
	[ ! -s "$R/proxy.log" ]
	HTTPS_PROXY=$proxy NO_PROXY=.test run_bryo -125 pull -q --retry 0 \
		proxied.test:5000/busybox
	[ ! -s "$R/proxy.log" ]
	# nobody listens on port 1
	HTTP_PROXY=http://me:pw@127.0.0.1:1 HTTPS_PROXY=http://me:pw@127.0.0.1:1 \
		run_bryo -125 pull -q --retry 0 proxied.test:5000/busybox
	assert_match "proxied.test:5000: proxy 127.0.0.1:1: cannot connect: connection refused"
	assert_no_match "me:pw"
	HTTP_PROXY="http://[::1]:1" HTTPS_PROXY="http://[::1]:1" \
		run_bryo -125 pull -q --retry 0 proxied.test:5000/busybox
	assert_match "proxied.test:5000: proxy [[]::1[]]:1: cannot connect"
	HTTP_PROXY=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 \
		run_bryo -125 pull -q --retry 0 127.0.0.1:1/busybox
	assert_no_match proxy
	run_bryo -125 pull -q --retry 0 --tls-verify=false "[::1]:1/busybox"
	assert_no_match proxy
}
