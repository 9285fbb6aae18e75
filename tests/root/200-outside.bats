#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What crosses a network.  Two network namespaces are made: "host", in which
# the unprivileged user runs bryo, and "client", behind a veth:
#     client 192.0.2.2 / 2001:db8::2  --  host 192.0.2.1 / 2001:db8::1
# A web and a name server listen on the host's non-loopback address.

load helpers

rig() {
	ip netns exec "$RIG-$1" "${@:2}"
}

setup_file() {
	export RIG=bryo$$
	ip netns add "$RIG-host"
	ip netns add "$RIG-client"
	ip link add veth0 netns "$RIG-host" type veth peer name veth0 netns "$RIG-client"
	rig host ip link set lo up
	rig client ip link set lo up
	rig host ip addr add 192.0.2.1/24 dev veth0
	rig host ip -6 addr add 2001:db8::1/64 dev veth0 nodad
	rig client ip addr add 192.0.2.2/24 dev veth0
	rig client ip -6 addr add 2001:db8::2/64 dev veth0 nodad
	rig host ip link set veth0 up
	rig client ip link set veth0 up
	# `ip netns exec` shows this file as /etc/resolv.conf
	mkdir -p "/etc/netns/$RIG-host"
	echo "nameserver 192.0.2.1" >"/etc/netns/$RIG-host/resolv.conf"
	user_engine
	export USER_DIR
	mkdir "$USER_DIR/www"
	echo outside-page >"$USER_DIR/www/index.html"
	# not through rig(): $! would be a shell's that outlives its server
	ip netns exec "$RIG-host" python3 -m http.server --bind 192.0.2.1 --directory "$USER_DIR/www" 8000 \
		>/dev/null 2>&1 3>&- &
	echo $! >"$USER_DIR/pids"
	ip netns exec "$RIG-host" python3 "$BATS_TEST_DIRNAME/dns.py" 192.0.2.1 name.test 192.0.2.1 \
		>/dev/null 2>&1 3>&- &
	echo $! >>"$USER_DIR/pids"
	wait_until 5 ip netns exec "$RIG-host" curl -fsS http://192.0.2.1:8000/
	wait_until 5 names_served
	# pull outside of the rig, where the registry is
	user_bryo pull -q "$BUSYBOX" >/dev/null
}

names_served() {
	[ -n "$(ip netns exec "$RIG-host" ss -Hlun 'sport = :53')" ]
}

setup() {
	USER_ENV=(XDG_DATA_HOME="$USER_DIR/data" XDG_RUNTIME_DIR="$USER_DIR/run"
		HOME="$USER_DIR/home")
}

teardown_file() {
	USER_ENV=(XDG_DATA_HOME="$USER_DIR/data" XDG_RUNTIME_DIR="$USER_DIR/run")
	user_bryo rm -fa -t 0 >/dev/null
	user_bryo rmi -fa >/dev/null
	# shellcheck disable=SC2046
	kill $(cat "$USER_DIR/pids")
	ip netns del "$RIG-host"
	ip netns del "$RIG-client"
	rm -rf "/etc/netns/$RIG-host" "$USER_DIR"
}

# bryo as the user inside the "host" namespace
host_bryo() {
	ip netns exec "$RIG-host" setpriv --reuid "$(id -u $CHECK_USER)" \
		--regid "$(id -g $CHECK_USER)" --init-groups env -i \
		USER=$CHECK_USER PATH=/usr/bin:/bin:/usr/sbin:/sbin "${USER_ENV[@]}" \
		"$BRYO" "$@" 3>&-
}

@test "a container reaches a server outside and resolves a name" {
	output=$(host_bryo run --rm "$BUSYBOX" wget -q -O - http://192.0.2.1:8000/)
	assert outside-page
	output=$(host_bryo run --rm "$BUSYBOX" wget -q -O - http://name.test:8000/)
	assert outside-page
}

@test "the host's loopback is out of reach" {
	ip netns exec "$RIG-host" python3 -m http.server --bind 127.0.0.1 --directory "$USER_DIR/www" 8001 \
		>/dev/null 2>&1 3>&- &
	local pid=$!
	wait_until 5 ip netns exec "$RIG-host" curl -fsS http://127.0.0.1:8001/
	refute host_bryo run --rm "$BUSYBOX" wget -q -T 3 -O - http://10.0.2.2:8001/
	kill "$pid"
}

@test "a server in a container sees the client's own address, v4 and v6" {
	host_bryo run -d --name src -p 8080:8080 "$BUSYBOX" sh -c \
		'mkdir -p /www/cgi-bin; printf "#!/bin/sh\necho; echo from \$REMOTE_ADDR\n" >/www/cgi-bin/me; chmod +x /www/cgi-bin/me; httpd -f -p 8080 -h /www'
	wait_until 10 ip netns exec "$RIG-client" curl -fsS http://192.0.2.1:8080/cgi-bin/me
	output=$(rig client curl -fsS http://192.0.2.1:8080/cgi-bin/me)
	assert_match "from .*192.0.2.2"
	output=$(rig client curl -fsS 'http://[2001:db8::1]:8080/cgi-bin/me')
	assert_match "from .*2001:db8::2"
	host_bryo rm -f -t 0 src
}

@test "udp: the client's own address, and the answer comes back" {
	host_bryo run -d --name us -p 9000:9000/udp \
		-v "$BRYO_BUILD/nettool:/nettool:ro" "$BUSYBOX" /nettool udp 9000
	ask() {
		rig client python3 - "$1" <<'PY'
import socket, sys
host = sys.argv[1]
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET,
                  socket.SOCK_DGRAM)
s.settimeout(1)
for _ in range(10):
    s.sendto(b"hello", (host, 9000))
    try:
        print(s.recv(100).decode())
        break
    except (TimeoutError, ConnectionRefusedError):
        pass
PY
	}
	output=$(ask 192.0.2.1)
	assert "from ::ffff:192.0.2.2: hello"
	output=$(ask 2001:db8::1)
	assert "from 2001:db8::2: hello"
	host_bryo rm -f -t 0 us
}

@test "a port that was bound to loopback is closed to the outside" {
	host_bryo run -d --name lo -p 127.0.0.1:8082:8080 "$BUSYBOX" httpd -f -p 8080 -h /etc
	wait_until 5 rig host curl -fsS -m 5 http://127.0.0.1:8082/passwd
	refute rig client curl -fsS -m 2 http://192.0.2.1:8082/passwd
	rig host curl -fsS -m 5 http://127.0.0.1:8082/passwd | grep -q root
	host_bryo rm -f -t 0 lo
}
