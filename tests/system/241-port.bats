# SPDX-License-Identifier: Apache-2.0
# port: what is published where.

load helpers

@test "P17: port: all mappings, one, none, unknown ones" {
	local a b
	a=$(free_port) b=$(free_port)
	run_bryo run -d --name p -p "127.0.0.1:$a:80" -p "$b:53/udp" "$BUSYBOX" sleep 1000
	run_bryo port p
	assert "80/tcp -> 127.0.0.1:$a"$'\n'"53/udp -> 0.0.0.0:$b"
	run_bryo port p 80
	assert "127.0.0.1:$a"
	run_bryo port p 80/tcp
	assert "127.0.0.1:$a"
	run_bryo port -l 53/udp
	assert "0.0.0.0:$b"
	run_bryo -125 port p 99/tcp
	assert 'Error: failed to find published port "99/tcp"'
	run_bryo -125 port p 80/udp
	assert 'Error: failed to find published port "80/udp"'
	run_bryo -125 port p nonsense
	run_bryo -125 port nosuch
	assert 'Error: no container with name or ID "nosuch" found: no such container'
	run_bryo -125 port
	run_bryo -125 port -a p
	run_bryo -125 port -a -l
	run_bryo rm -f -t 0 p
}

@test "port: ranges and random ports, --all" {
	local a id
	run_bryo create --name none --network none "$BUSYBOX"
	run_bryo port none
	assert ""
	run_bryo run -d --name r -p 80 "$BUSYBOX" sleep 1000
	id=$output
	run_bryo port r 80
	assert_match '^0\.0\.0\.0:[1-9][0-9]*$'
	a=$output
	run_bryo port --all
	assert "${id:0:12}"$'\t'"80/tcp -> $a"
	run_bryo rm -f -t 0 r none
	run_bryo create --name rg -p 127.0.0.1:46100-46102:7000-7002 "$BUSYBOX"
	run_bryo port rg
	assert $'7000/tcp -> 127.0.0.1:46100\n7001/tcp -> 127.0.0.1:46101\n7002/tcp -> 127.0.0.1:46102'
	run_bryo port rg 7001
	assert 127.0.0.1:46101
	run_bryo rm rg
}

# proxy_of NAME: its pid; it gets this name in the course of its start
proxy_of() {
	pgrep -x bryo-proxy \
		-P "$("$BRYO" inspect --format '{{.State.ConmonPid}}' "$1")"
}

@test "port: free as soon as anybody hears of the end, however slow the proxy" {
	local port end
	port=$(free_port)
	is_free() {
		python3 -c "import socket; socket.create_server(('127.0.0.1', $port))"
	}
	run_bryo create --name s -p "127.0.0.1:$port:80" "$BUSYBOX" sleep 1000
	for end in "stop -t 0" kill "rm -f -t 0"; do
		run_bryo start s
		refute is_free
		wait_until 5 proxy_of s
		kill -STOP "$(proxy_of s)"
		# shellcheck disable=SC2086
		run_bryo $end s
		[ "$end" != kill ] || run_bryo wait s
		is_free
	done
}
