#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# What a container is called, and how it finds itself and its neighbours.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

# what the environment, the kernel and the file say
names='echo $HOSTNAME; hostname; cat /etc/hostname'

@test "R21: with --network host the name is the host's" {
	local host
	host=$(uname -n)
	run_bryo run --network host "$BUSYBOX" sh -c "$names"
	assert "$host"$'\n'"$host"$'\n'"$host"
	run_bryo inspect --latest --format '{{.Config.Hostname}}'
	assert "$host"
	run_bryo rm --latest
	run_bryo run --rm --network host --hostname own "$BUSYBOX" sh -c "$names"
	assert own$'\n'own$'\n'own
}

@test "R21: inspect names the host for --uts host" {
	run_bryo create --name uts --uts host "$BUSYBOX"
	run_bryo inspect uts --format '{{.Config.Hostname}}'
	assert "$(uname -n)"
	run_bryo rm uts
}

@test "inspect shows the domain name" {
	run_bryo run --name dom --domainname example.org "$BUSYBOX" \
		cat /proc/sys/kernel/domainname
	assert example.org
	run_bryo inspect dom --format '{{.Config.Domainname}}'
	assert example.org
	run_bryo rm dom
}

@test "P18: who joins a network knows both names" {
	run_bryo run -d --name first --hostname one "$BUSYBOX" sleep 1000
	run_bryo exec first sh -c 'echo 192.0.2.9 later >>/etc/hosts'
	run_bryo run --rm --name second --hostname two \
		--network container:first "$BUSYBOX" cat /etc/hosts
	assert_match $'\n10.0.2.100\tone first\n'
	assert_match $'\n192.0.2.9 later\n127.0.0.1\ttwo second$'
	run_bryo run --rm --uts host --name third --network container:first \
		"$BUSYBOX" tail -n 1 /etc/hosts
	assert $'127.0.0.1\tthird'
	run_bryo exec first sh -c 'chmod 0 /etc/hosts'
	run_bryo run --rm --hostname two --network container:first "$BUSYBOX" \
		grep -c two /etc/hosts
	assert 1
	run_bryo -1 run --rm --no-hosts --network container:first "$BUSYBOX" \
		cat /etc/hosts
	assert_match "No such file"
	run_bryo rm -f -t 0 first
}
