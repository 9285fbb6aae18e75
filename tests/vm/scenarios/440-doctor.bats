#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vm: root
# doctor on a machine with something missing: it says what, the fix that it
# prints mends it, and --fix does by itself what needs no root.

load helpers

# The state of one probe: status
status_of() {
	as_user "$1" bryo doctor --json |
		jq -r ".[] | select(.name == \"$2\").status"
}

fix_of() {
	as_user "$1" bryo doctor --json |
		jq -r ".[] | select(.name == \"$2\").fix"
}

# mends USER PROBE BAD: it is BAD, its fix is carried out as root, it is ok
mends() {
	local fix
	[ "$(status_of "$1" "$2")" = "$3" ]
	fix=$(fix_of "$1" "$2")
	echo "$fix"
	[ -n "$fix" ]
	sudo() {
		"$@"
	}
	eval "$fix" >/dev/null
	[ "$(status_of "$1" "$2")" = ok ]
}

@test "doctor: nothing fails for joe; the schema of --json" {
	run as_user joe bryo doctor
	[ "$status" = 0 ]
	assert_no_match $'(^|\n)failed'
	as_user joe bryo doctor --json | jq -e '
		type == "array" and length > 10 and
		all(.[]; (keys == ["detail", "fix", "name", "status"]) and
			(.status | IN("ok", "warning", "failed")) and
			(.name | test("^[a-z0-9-]+$")) and (.detail | length > 0) and
			(.fix | type == "string") and
			(.status == "ok" or .fix != "")) and
		(map(.name) | unique | length) == length and
		.[-1].name == "container"'
}

@test "doctor: a user without subuids: the fix gives him some" {
	run as_user bob bryo doctor
	assert_match "subuid"
	mends bob subuid failed
	# nobody else's
	[ "$(sort -t: -k2n /etc/subuid | awk -F: '$2 < end { print } { end = $2 + $3 }')" = "" ]
	# as with podman: what was set up with the old ranges goes
	as_user bob bash -ec '
		bryo system migrate
		bryo load -q -i /srv/bryo/images/busybox.tar'
	run as_user bob bryo run --rm "$BUSYBOX" cat /proc/self/uid_map
	[ "$status" = 0 ]
	assert_match "6553[67]"
	sed -i /^bob:/d /etc/subuid /etc/subgid
}

@test "doctor: closed devices: named, and mended by the fix" {
	chmod 0600 /dev/net/tun /dev/fuse
	run as_user ann bryo doctor
	chmod 0666 /dev/fuse
	assert_match "/dev/fuse"
	mends ann tun warning
	chmod 0666 /dev/net/tun
}

@test "doctor: user namespaces forbidden, by either sysctl: fails, mended by the fix" {
	local name probe
	while read -r name probe; do
		sysctl -qw "$name=0"
		run as_user ann bryo doctor </dev/null
		[ "$status" = 1 ]
		assert_match $'(^|\n)failed +'"$probe +$name = 0"
		mends ann "$probe" failed </dev/null
		[ "$(sysctl -n "$name")" != 0 ]
	done <<-'NAMES'
		user.max_user_namespaces userns-max
		kernel.unprivileged_userns_clone userns-clone
	NAMES
}

@test "doctor --fix: lingering is switched on without root, and only then" {
	[ "$(status_of ann linger)" = warning ]
	[ ! -e /var/lib/systemd/linger/ann ]
	run as_user ann bryo doctor --fix
	assert_match $'(^|\n)ok +linger '
	[ -e /var/lib/systemd/linger/ann ]
	[ "$(status_of ann linger)" = ok ]
	loginctl disable-linger ann
	[ "$(status_of ann linger)" = warning ]
}
