#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Network modes and published ports.  (What needs an outside host in network
# namespaces of its own is in tests/root.)

load helpers

@test "none has lo only and no resolv.conf, host has the host's" {
	run_bryo run --rm --network none "$BUSYBOX" ip -o addr
	assert_no_match "tap0|eth0"
	assert_match "127.0.0.1"
	run_bryo run --rm --network host "$BUSYBOX" readlink /proc/self/ns/net
	assert "$(readlink /proc/self/ns/net)"
	run_bryo -125 run --rm --network nosuchnet "$BUSYBOX" true
	assert_match "nosuchnet"
}

@test "the private network has its addresses at once, v4 and v6" {
	run_bryo run --rm --network slirp4netns "$BUSYBOX" ip -o addr
	assert_match "10.0.2.100/24"
	assert_match "fd00::"
	run_bryo run --rm "$BUSYBOX" cat /etc/resolv.conf
	assert_match "nameserver 10.0.2.3"
	run_bryo run --rm "$BUSYBOX" sh -c 'grep host.containers.internal /etc/hosts; grep "$(hostname)" /etc/hosts'
	assert_match "10.0.2.100"
}

@test "a container cannot reach the host's loopback through the gateway" {
	local port
	port=$(free_port)
	python3 -m http.server --bind 127.0.0.1 "$port" >/dev/null 2>&1 3>&- &
	local server=$!
	wait_until 5 curl -fsS "http://127.0.0.1:$port/"
	run_bryo -1 run --rm "$BUSYBOX" sh -c "nc -w 3 10.0.2.2 $port </dev/null"
	kill "$server"
}

@test "-p: tcp on v4 and v6, all data, the port in ps, port freed at the end" {
	local port
	port=$(free_port)
	run_bryo run -d --name web -p "$port:80" "$NGINX"
	wait_until 10 curl -fsS "http://127.0.0.1:$port/"
	assert_match "nginx in bryo" "$(curl -fsS "http://127.0.0.1:$port/")"
	assert_match "nginx in bryo" "$(curl -fsS "http://[::1]:$port/")"
	run_bryo ps --filter name=web --format '{{.Ports}}'
	assert_match "0.0.0.0:$port->80/tcp"
	run_bryo -126 run --rm -p "$port:80" "$BUSYBOX" true
	assert_match "address already in use"
	run_bryo stop -t 2 web
	refute curl -fsS -m 2 "http://127.0.0.1:$port/"
	run_bryo start web
	wait_until 10 curl -fsS "http://127.0.0.1:$port/"
	run_bryo rm -f -t 0 web
	python3 -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', $port))"
}

@test "-p: only the address that was asked for; ranges; random; -P" {
	local port
	port=$(free_port)
	run_bryo run -d --name one -p "127.0.0.1:$port:8080" "$BUSYBOX" sh -c 'mkdir -p /www; echo page >/www/index.html; httpd -f -p 8080 -h /www'
	wait_until 10 curl -fsS "http://127.0.0.1:$port/"
	refute curl -fsS -m 2 "http://[::1]:$port/"
	run_bryo rm -f -t 0 one
	run_bryo run -d --name rnd -p 8080 "$BUSYBOX" sh -c 'mkdir -p /www; echo page >/www/index.html; httpd -f -p 8080 -h /www'
	run_bryo ps --filter name=rnd --format '{{.Ports}}'
	assert_match '0.0.0.0:[0-9]+->8080/tcp'
	local random
	random=$(grep -o '0.0.0.0:[0-9]*' <<<"$out" | cut -d: -f2)
	wait_until 10 curl -fsS "http://127.0.0.1:$random/"
	run_bryo rm -f -t 0 rnd
	run_bryo run -d --name all -P "$NGINX"
	run_bryo ps --filter name=all --format '{{.Ports}}'
	assert_match ':[0-9]+->80/tcp'
	run_bryo rm -f -t 0 all
	run_bryo run -d --name rg -p 127.0.0.1:21800-21802:9000-9002 "$BUSYBOX" sleep 1000
	run_bryo ps --filter name=rg --format '{{.Ports}}'
	assert_match "127.0.0.1:21800-21802->9000-9002/tcp"
	run_bryo rm -f -t 0 rg
}

@test "-p: udp, with answers" {
	local port
	port=$(free_port)
	run_bryo run -d --name u -p "$port:7/udp" -v "$BRYO_BUILD/nettool:/nettool:ro" "$BUSYBOX" /nettool udp 7
	cat >"$ENGINE_DIR/udp.py" <<'PY'
import socket, sys, time
host = sys.argv[1]
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                  socket.SOCK_DGRAM)
s.settimeout(1)
for _ in range(20):
    s.sendto(b"ping", (host, int(sys.argv[2])))
    try:
        print(s.recv(100).decode())
        sys.exit(0)
    except (TimeoutError, ConnectionRefusedError):
        time.sleep(0.2)
sys.exit(1)
PY
	output=$(python3 "$ENGINE_DIR/udp.py" 127.0.0.1 "$port")
	assert "from ::ffff:10.0.2.100: ping"
	output=$(python3 "$ENGINE_DIR/udp.py" ::1 "$port")
	assert "from fd00::100: ping"
	run_bryo rm -f -t 0 u
}

@test "-p: bad ones" {
	run_bryo -125 run --rm -p 70000:80 "$BUSYBOX" true
	run_bryo -125 run --rm -p 80:80/nosuch "$BUSYBOX" true
	run_bryo -125 run --rm -p 1000-1002:80-81 "$BUSYBOX" true
	if [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -gt 81 ]; then
		run_bryo -126 run --rm -p 81:80 "$BUSYBOX" true
		assert_match "net.ipv4.ip_unprivileged_port_start"
	fi
}

@test "R13: -p without a network of its own is discarded, with a warning" {
	run_bryo run --rm --network host -p 12345:80 "$BUSYBOX" echo ran
	assert_match 'Port mappings have been discarded because "host" network namespace mode does not support them'
	assert ran "$out"
}

@test "100 MB through a published port, both ways, unchanged" {
	local port
	port=$(free_port)
	head -c 100000000 /dev/urandom >"$ENGINE_DIR/blob"
	mkdir -p "$ENGINE_DIR/www"
	cp "$ENGINE_DIR/blob" "$ENGINE_DIR/www/data"
	run_bryo run -d --name big -p "127.0.0.1:$port:8080" -v "$ENGINE_DIR/www:/www" "$BUSYBOX" httpd -f -p 8080 -h /www
	wait_until 10 curl -fsS -o /dev/null "http://127.0.0.1:$port/data"
	curl -fsS "http://127.0.0.1:$port/data" | cmp - "$ENGINE_DIR/blob"
	run_bryo rm -f -t 0 big
	run_bryo run -d --name sink -p "127.0.0.1:$port:9" -v "$ENGINE_DIR/www:/www" "$BUSYBOX" sh -c 'nc -l -p 9 >/www/in'
	wait_until 5 "$BRYO" exec sink sh -c 'cat /proc/net/tcp* | grep -q ":0009 [0-9A-F:]* 0A "'
	python3 - "$port" "$ENGINE_DIR/blob" <<'PY'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(open(sys.argv[2], "rb").read())
s.shutdown(socket.SHUT_WR)
s.recv(1)
PY
	run_bryo wait sink
	cmp "$ENGINE_DIR/www/in" "$ENGINE_DIR/blob"
	run_bryo rm sink
}

@test "a low port is free inside, ping needs no capability" {
	run_bryo run --rm "$BUSYBOX" cat /proc/sys/net/ipv4/ip_unprivileged_port_start
	assert 0
	run_bryo run --rm "$BUSYBOX" cat /proc/sys/net/ipv4/ping_group_range
	assert_match '^0[[:space:]]'
	run_bryo run --rm -u 1000 -v "$BRYO_BUILD/nettool:/nettool:ro" "$BUSYBOX" /nettool ping 127.0.0.1
}
