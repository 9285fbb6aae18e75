#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who owns what is mounted when the container's ids are not those of the
# caller: option U, overlays of the caller's files, sizes of --userns=auto.

load helpers

setup_file() {
	engine_setup
	engine_image
}

setup() {
	SRC=$ENGINE_DIR/src.$BATS_TEST_NUMBER
	mkdir -p "$SRC/closed"
	echo x >"$SRC/file"
	echo y >"$SRC/closed/f"
	chmod 0700 "$SRC/closed"
	echo mine >"$SRC.target"
	ln -s "$SRC.target" "$SRC/link"
}

teardown_file() { engine_teardown; }

# owners inside: the top, a file, what lies in a closed directory, the link
OWNERS='stat -c %u:%g /x /x/file /x/closed/f /x/link | xargs'

@test "P15: :U gives files to an id that the caller is not: auto, nomap, uidmap" {
	local mode how me
	me=$(id -u):$(id -g)
	for mode in "--userns auto" "--userns nomap" "--uidmap 0:1:100" \
		"--userns keep-id" "--userns auto:size=500"; do
		for how in "-v $SRC:/x:U" "--mount type=bind,src=$SRC,dst=/x,U=true" \
			"--mount type=bind,src=$SRC,dst=/x,chown"; do
			# shellcheck disable=SC2086
			run_bryo run --rm $mode -u 33:44 $how "$BUSYBOX" \
				sh -c "$OWNERS; touch /x/closed/new && rm /x/closed/new"
			[ "$out" = "33:44 33:44 33:44 33:44" ] || { echo "$mode $how"; return 1; }
		done
		# root of the container, whose id is not the caller's either
		# shellcheck disable=SC2086
		run_bryo run --rm $mode -u 0 -v "$SRC:/x:U" "$BUSYBOX" sh -c "$OWNERS"
		assert "0:0 0:0 0:0 0:0"
	done
	# links were given away, not what they name
	[ "$(stat -c %u:%g "$SRC.target")" = "$me" ]
	# and back again
	run_bryo run --rm -v "$SRC:/x:U" "$BUSYBOX" true
	[ "$(stat -c %u:%g "$SRC/closed/f")" = "$me" ]
	[ "$(stat -c %u:%g "$SRC")" = "$me" ]
}

@test "P15: :U with auto is done once, and again for the next container" {
	run_bryo create --name a --userns auto -u 33:44 -v "$SRC:/x:U" "$BUSYBOX" \
		sh -c "$OWNERS"
	run_bryo create --name b --userns auto -u 33:44 -v "$SRC:/x:U" "$BUSYBOX" \
		sh -c "$OWNERS"
	run_bryo start -a a
	assert "33:44 33:44 33:44 33:44"
	# these ids are a's own: b has others, and takes them all the same
	run_bryo start -a b
	assert "33:44 33:44 33:44 33:44"
	run_bryo start -a a
	assert_no_match "33"
	run_bryo rm a b
}

@test "P15: :U with auto on volumes" {
	run_bryo run --rm -v "v$BATS_TEST_NUMBER:/x" "$BUSYBOX" sh -c 'mkdir /x/closed; echo >/x/file; echo >/x/closed/f; ln -s / /x/link'
	run_bryo run --rm --userns auto -u 33:44 -v "v$BATS_TEST_NUMBER:/x:U" "$BUSYBOX" sh -c "$OWNERS"
	assert "33:44 33:44 33:44 33:44"
	run_bryo volume rm "v$BATS_TEST_NUMBER"
}

@test ":U refuses places that others share, whatever they are called" {
	local place
	ln -s /etc "$SRC/etc"
	for place in / /etc /etc/ /usr /tmp "$HOME" "$SRC/etc"; do
		run_bryo -125 run --rm -v "$place:/x:U" "$BUSYBOX" true
		assert_match "^Error: chowning host path \"[^\"]*\" is not allowed"
	done
	run_bryo -126 run --rm --userns auto -v /etc/hostname:/x:U "$BUSYBOX" true
	assert_match "chown the source \(option U can give away only what belongs to one of your ids\): operation not permitted"
}

@test "-v :O with ids that are not the caller's: read, and written beside" {
	local mode
	for mode in auto nomap; do
		run_bryo create --name o --userns $mode -v "$SRC:/x:O" "$BUSYBOX" \
			sh -c 'cat /x/file; ls /x; echo new >/x/new'
		run_bryo start -a o
		assert $'x\nclosed\nfile\nlink'
		# it lasts until the next start
		run_bryo start -a o
		assert $'x\nclosed\nfile\nlink'
		run_bryo rm o
		[ ! -e "$SRC/new" ]
		run_bryo -125 run --rm --userns $mode -v "$SRC:/x:O,U" "$BUSYBOX" true
		assert_match "options O and U together: .*use --userns=keep-id"
	done
	run_bryo run --rm --userns keep-id -u 33:44 -v "$SRC:/x:O,U" "$BUSYBOX" sh -c "$OWNERS"
	assert "33:44 33:44 33:44 33:44"
	[ "$(stat -c %u "$SRC/file")" = "$(id -u)" ]
}

@test "--userns=auto is as large as the numbers of --user" {
	run_bryo run --rm --userns auto -u 5000:7000 "$BUSYBOX" sh -c 'id -u; id -g; xargs </proc/self/gid_map | cut -d" " -f3'
	assert $'5000\n7000\n7001'
	run_bryo run --rm --userns auto -u 5000 "$BUSYBOX" sh -c 'xargs </proc/self/uid_map | cut -d" " -f3'
	assert 5001
	run_bryo -126 run --rm --userns auto:size=2000 -u 5000:100 "$BUSYBOX" true
	assert_match "uid 5000: no such id in the container's user namespace"
	run_bryo -126 run --rm --userns auto --group-add 9000 "$BUSYBOX" true
	assert_match "set groups: 9000 is no id in the container's user namespace"
	run_bryo -126 run --rm --userns auto:size=50 -u 40:60 -v "$SRC:/x:U" "$BUSYBOX" true
	assert_match "gid 60 is no id in the container's user namespace"
	[ "$(stat -c %u "$SRC/file")" = "$(id -u)" ]
}
