#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What podman answers to flags of users, namespaces and security.

load helpers

@test "a capability is either added or dropped" {
	run_bryo -125 run --rm --cap-add NET_ADMIN --cap-drop cap_net_admin "$BUSYBOX" true
	assert 'Error: capability "CAP_NET_ADMIN" cannot be dropped and added'
	run_bryo -125 run --rm --cap-add all --cap-drop ALL "$BUSYBOX" true
	assert "Error: adding all caps and removing all caps not allowed"
	run_bryo run --rm --cap-drop all --cap-add chown,setuid "$BUSYBOX" grep CapEff /proc/self/status
	assert_match "0000000000000081$"
	run_bryo run --rm --cap-add all --cap-drop sys_admin "$BUSYBOX" grep CapEff /proc/self/status
	assert_match "ffdfffff$"
}

@test "a group that was asked for by number has a line in /etc/group" {
	run_bryo run --rm --user nobody:1234 "$BUSYBOX" id
	assert "uid=65534(nobody) gid=1234(1234) groups=1234(1234)"
	run_bryo run --rm --user 1000:1001 "$BUSYBOX" grep :1001: /etc/group
	assert_match "^1001:x:1001:"
	run_bryo run --rm --user nobody:0 "$BUSYBOX" grep -c :0: /etc/group
	assert 1
	run_bryo -1 run --rm --passwd=false --user 1000:1001 "$BUSYBOX" id -g -n
	assert_match "unknown ID 1001"
}

@test "joined networks have their own name service: no flags for it" {
	run_bryo run -d --name net "$BUSYBOX" sleep 1000
	run_bryo -125 run --rm --network container:net --dns 1.1.1.1 "$BUSYBOX" true
	assert "Error: conflicting options: dns and the network mode: container"
	run_bryo -125 run --rm --network container:net --dns-search x "$BUSYBOX" true
	assert "Error: conflicting options: dns-search and the network mode: container"
	run_bryo -125 run --rm --network container:net --add-host a:1.1.1.1 "$BUSYBOX" true
	assert "Error: cannot set extra host entries when the container is joined to another containers network namespace: invalid configuration"
	run_bryo run --rm --network container:net "$BUSYBOX" true
	run_bryo inspect --format '<{{.Config.Timezone}}>' net
	assert "<>"
	run_bryo rm -f -t 0 net
}

# streams of an exec'd or started process as seen by itself, opened again
@test "/dev/stdout and /dev/stderr can be opened by any user, with any ids" {
	local mode user force
	for mode in keep-id auto:size=3000 nomap host; do
		run_bryo run -d --name e --userns $mode "$BUSYBOX" sleep 1000
		for user in 0 1000; do
			for force in "" exec-by-monitor; do
				echo "mode $mode user $user $force"
				BRYO_FORCE=$force run_bryo exec -u $user e sh -c \
					'echo out >/dev/stdout; echo err >/dev/stderr'
				assert $'out\nerr'
				[ "$(echo in | BRYO_FORCE=$force "$BRYO" exec -i -u $user e cat /dev/stdin | cat)" = in ]
			done
			run_bryo run --rm --userns $mode -u $user "$BUSYBOX" sh -c \
				'echo out >/dev/stdout; echo err >/dev/stderr'
			assert $'out\nerr'
		done
		run_bryo rm -f -t 0 e
	done
}

# links_of CONTAINER DIR: how many names a, b and d/c have
links_of() {
	"$BRYO" exec "$1" stat -c %h "$2/a" "$2/b" "$2/d/c" | xargs
}

@test "P14: cp keeps hard links, as a tree and as a tar, in both directions" {
	local dir=$BATS_TEST_TMPDIR/hl
	mkdir -p "$dir/d"
	echo x >"$dir/a"
	ln "$dir/a" "$dir/b"
	ln "$dir/a" "$dir/d/c"
	run_bryo run -d --name h "$BUSYBOX" sleep 1000
	run_bryo cp "$dir" h:/tmp/
	[ "$(links_of h /tmp/hl)" = "3 3 3" ]
	# over what is there
	echo y >>"$dir/a"
	run_bryo cp "$dir/." h:/tmp/hl
	[ "$(links_of h /tmp/hl)" = "3 3 3" ]
	run_bryo exec h cat /tmp/hl/d/c
	assert $'x\ny'
	tar -C "$BATS_TEST_TMPDIR" -cf - hl | "$BRYO" cp - h:/root/
	[ "$(links_of h /root/hl)" = "3 3 3" ]
	run_bryo cp h:/root/hl "$BATS_TEST_TMPDIR/back"
	[ "$(stat -c %h "$BATS_TEST_TMPDIR/back/d/c")" = 3 ]
	mkdir "$BATS_TEST_TMPDIR/tar"
	"$BRYO" cp h:/root/hl - | tar -C "$BATS_TEST_TMPDIR/tar" -xf -
	[ "$(stat -c %h "$BATS_TEST_TMPDIR/tar/hl/b")" = 3 ]
	cmp "$dir/a" "$BATS_TEST_TMPDIR/tar/hl/d/c"
	# more than are remembered are files of their own, and all of them are there
	mkdir "$BATS_TEST_TMPDIR/many"
	(cd "$BATS_TEST_TMPDIR/many" && for i in $(seq 300); do echo "$i" >"$i"; ln "$i" "l$i"; done)
	run_bryo cp "$BATS_TEST_TMPDIR/many" h:/srv
	run_bryo exec h sh -c 'cd /srv; ls | wc -l; for i in $(seq 300); do cmp $i l$i || echo differs; done; find . -type f -links 2 | wc -l'
	assert $'600\n512'
	run_bryo rm -f -t 0 h
}
