#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vm: root
# What the host may do to a user: log out without linger, forbid user
# namespaces.

load helpers

session() {
	as_user ann bryo "$@"
}

@test "logout without linger: what ran is known as ended afterwards" {
	session load -q -i /srv/bryo/images/busybox.tar
	session run -d --name left "$BUSYBOX" sleep 10000
	loginctl terminate-user ann || :
	wait_until 60 refute test -e /run/user/1001
	run session ps -a --format '{{.Names}} {{.State}}'
	# a monitor in a scope that logind does not kill lives on
	assert_match "^left (running|exited)$"
	session rm -f -t 0 left
	run session ps -aq
	assert ""
}

@test "F10: user namespaces forbidden by a sysctl: the message names it" {
	sysctl -qw user.max_user_namespaces=0
	run as_user ann bryo run --rm "$BUSYBOX" true
	sysctl -qw user.max_user_namespaces=10000
	echo "$status: $output"
	[ "$status" = 125 ]
	assert_match "user.max_user_namespaces"
	sysctl -qw kernel.unprivileged_userns_clone=0
	run as_user ann bryo run --rm "$BUSYBOX" true
	sysctl -qw kernel.unprivileged_userns_clone=1
	echo "$status: $output"
	[ "$status" = 125 ]
	assert_match "kernel.unprivileged_userns_clone"
	as_user ann bryo run --rm "$BUSYBOX" true
}

@test "default device permissions: a user may use fuse and tun" {
	[ "$(stat -c %a /dev/fuse)" = 666 ]
	[ "$(stat -c %a /dev/net/tun)" = 666 ]
	run as_user bob bryo load -q -i /srv/bryo/images/busybox.tar
	run as_user bob bryo run --rm "$BUSYBOX" id -u
	[ "$status" = 0 ]
	assert_match "(^|$'\n')0$"
}
