#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
#
# What people do with several flags at once: working directories in mounts,
# devices as volumes, capabilities of a second process, checks in the words of
# a Dockerfile.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}

@test "R2: a working directory below a mount is made, for the user" {
	mkdir "$ENGINE_DIR/src"
	run_bryo run --rm -v "$ENGINE_DIR/src:/x" -w /x/new/deep "$BUSYBOX" pwd
	assert "/x/new/deep"
	[ "$(stat -c %u:%a "$ENGINE_DIR/src/new/deep")" = "$(id -u):755" ]
	run_bryo run --rm -u 5:6 --tmpfs /t -w /t/a/b "$BUSYBOX" \
		sh -c 'pwd; stat -c %u:%g .'
	assert "/t/a/b"$'\n'"5:6"
	run_bryo run --rm --userns keep-id -v "$ENGINE_DIR/src:/x" -w /x/mine \
		"$BUSYBOX" touch file
	[ -O "$ENGINE_DIR/src/mine/file" ]
	run_bryo run --rm -v wv:/x -w /x/n "$BUSYBOX" pwd
	assert "/x/n"
	run_bryo run --rm -v wv:/x "$BUSYBOX" ls /x
	assert "n"
	# with one that is there nothing changes
	run_bryo run --rm -u 5:6 --userns keep-id -v "$ENGINE_DIR/src:/x" \
		-w /x/new "$BUSYBOX" pwd
	assert "/x/new"
}

@test "R2: a working directory that cannot be made, or is a file" {
	mkdir "$ENGINE_DIR/ro"
	touch "$ENGINE_DIR/ro/file"
	run_bryo -126 run --rm -v "$ENGINE_DIR/ro:/x:ro" -w /x/new "$BUSYBOX" pwd
	assert_match 'workdir "/x/new" does not exist on container'
	run_bryo -126 run --rm -v "$ENGINE_DIR/ro:/x" -w /xx "$BUSYBOX" pwd
	assert_match 'workdir "/xx" does not exist on container'
	run_bryo -126 run --rm -v "$ENGINE_DIR/ro:/x" -w /x/file "$BUSYBOX" pwd
	assert_match 'workdir "/x/file" exists on container [0-9a-f]{64}, but is not a directory'
	run_bryo -126 run --rm -w /etc/passwd/x "$BUSYBOX" pwd
	assert_match 'workdir "/etc/passwd/x" does not exist on container'
	[ "$(ls "$ENGINE_DIR/ro")" = file ]
}

@test "exec --privileged has what the container dropped; capabilities by name" {
	local all
	run_bryo run --rm --privileged "$BUSYBOX" grep CapEff /proc/self/status
	all=$out
	run_bryo run -d --name caps --cap-drop all --cap-add net_admin,CAP_chown \
		--cap-add Chown "$BUSYBOX" sleep 1000
	run_bryo exec caps grep CapEff /proc/self/status
	assert_match "0000000000001001$"
	run_bryo exec --privileged caps grep CapEff /proc/self/status
	assert "$all"
	run_bryo inspect --format '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}}' caps
	assert "[CAP_CHOWN CAP_NET_ADMIN] [ALL]"
	run_bryo rm -f -t 0 caps
}

@test "a device that is mounted can be opened, with nodev it cannot" {
	run_bryo run --rm -v /dev:/dev "$BUSYBOX" \
		sh -c 'echo x >/dev/null && head -c 3 /dev/zero | wc -c'
	assert "3"
	run_bryo run --rm -v /dev/zero:/dev/mine "$BUSYBOX" \
		sh -c 'head -c 3 /dev/mine | wc -c'
	assert "3"
	run_bryo run --rm --mount type=bind,src=/dev/zero,dst=/mine "$BUSYBOX" \
		sh -c 'head -c 3 /mine | wc -c'
	assert "3"
	run_bryo -1 run --rm -v /dev/zero:/mine:nodev "$BUSYBOX" head -c 3 /mine
	assert_match "Permission denied"
	run_bryo -1 run --rm --mount type=bind,nodev,src=/dev/zero,dst=/mine \
		"$BUSYBOX" head -c 3 /mine
	assert_match "Permission denied"
	run_bryo run --rm -v "$ENGINE_DIR:/x" "$BUSYBOX" grep " /x " /proc/mounts
	assert_match "nosuid,nodev"
}

@test "health: CMD and CMD-SHELL in front of the command, a part of a second" {
	local text
	for text in 'CMD-SHELL test -d /etc && true' 'CMD  test -d /etc' \
		'test -d /etc' '["test","-d","/etc"]'; do
		run_bryo run -d --name h --health-cmd "$text" --health-interval 1h \
			--health-timeout 900ms "$BUSYBOX" sleep 1000
		run_bryo inspect --format '{{json .Config.Healthcheck}}' h
		assert_no_match 'CMD-SHELL","CMD'
		assert_match '"Timeout":900000000'
		run_bryo rm -f -t 0 h
	done
	run_bryo run -d --name h --health-cmd 'CMD  test -d /etc' \
		--health-interval disable "$BUSYBOX" sleep 1000
	run_bryo inspect --format '{{.Config.Healthcheck.Test}}' h
	assert "[CMD test -d /etc]"
	run_bryo healthcheck run h
	run_bryo rm -f -t 0 h
	run_bryo run -d --name h --health-cmd 'sleep 100' --health-timeout 1ms \
		--health-interval disable "$BUSYBOX" sleep 1000
	run_bryo -1 healthcheck run h
	run_bryo rm -f -t 0 h
}

@test "--mount takes z and Z" {
	local word
	for word in z Z; do
		run_bryo run --rm --mount "type=bind,src=$ENGINE_DIR,dst=/x,$word" \
			"$BUSYBOX" true
	done
	run_bryo -125 run --rm --mount "type=bind,src=/tmp,dst=/x,z=1" "$BUSYBOX" true
	assert "Error: z: invalid mount option"
	run_bryo -125 run --rm --mount type=tmpfs,dst=/x,z "$BUSYBOX" true
	assert "Error: z: invalid mount option"
}

@test "P14: cp to a link that leads nowhere makes what it names" {
	echo text >"$ENGINE_DIR/file"
	run_bryo create --name links "$BUSYBOX" sh -c '
		mkdir -p /d/e; ln -s /made /d/abs; ln -s ../made2 /d/e/rel
		ln -s rel /d/e/chain; ln -s nodir/x /d/no; ln -s loop /d/loop
		ln -s ../../../../../out /d/out'
	run_bryo start -a links
	local name
	for name in abs e/chain out; do
		run_bryo cp "$ENGINE_DIR/file" "links:/d/$name"
	done
	for name in /made /d/made2 /out; do
		run_bryo cp "links:$name" "$ENGINE_DIR/back"
		[ "$(cat "$ENGINE_DIR/back")" = text ]
		rm "$ENGINE_DIR/back"
	done
	refute test -e /out
	run_bryo -125 cp "$ENGINE_DIR/file" links:/d/no
	assert_match 'could not be found on container links: no such file or directory'
	run_bryo -125 cp "$ENGINE_DIR/file" links:/d/loop
	assert_match 'too many levels of symbolic links'
	run_bryo rm links
}

@test "run --pull newer of a short name or an id asks where the image is from" {
	run_bryo tag "$BUSYBOX" localhost:1/mine
	run_bryo run --rm --pull newer mine echo ok
	assert "ok"
	run_bryo image inspect --format '{{.Id}}' mine
	run_bryo run --rm --pull newer "${out:0:12}" echo ok
	assert "ok"
	run_bryo untag localhost:1/mine localhost:1/mine
}

@test "--tmpfs in a new place is everybody's, in an old one as that was" {
	local mode='stat -c "%n %a %u" /new /root /tmp /given; touch /new/f && echo ok'
	run_bryo create --name tmp -u 5 --tmpfs /new --tmpfs /root --tmpfs /tmp \
		--mount type=tmpfs,dst=/given,tmpfs-mode=750 "$BUSYBOX" sh -c "$mode"
	local want="/new 1777 0
/root 700 0
/tmp 1777 0
/given 750 0
ok"
	run_bryo start -a tmp
	assert "$want"
	run_bryo start -a tmp	# its place is there now
	assert "$want"
	run_bryo rm tmp
	# in a directory of the host the mount point stays an ordinary one
	mkdir "$ENGINE_DIR/hostdir"
	run_bryo run --rm -v "$ENGINE_DIR/hostdir:/x" --tmpfs /x/t "$BUSYBOX" true
	[ "$(stat -c %a "$ENGINE_DIR/hostdir/t")" = 755 ]
}

@test "P15: mounts inside of a read-only mount get their places" {
	mkdir "$ENGINE_DIR/conf" "$ENGINE_DIR/inner"
	run_bryo -1 run --rm -v "$ENGINE_DIR/conf:/etc:ro" "$BUSYBOX" \
		sh -c 'grep -c localhost /etc/hosts; touch /etc/x'
	assert_match '^[1-9]'
	assert_match "/etc/x: Read-only file system"
	run_bryo -1 run --rm -v "$ENGINE_DIR/inner:/x/sub" -v ro:/x:ro \
		-v /etc/passwd:/x/one --tmpfs /x/sub/t:ro --tmpfs /x/sub/t/u "$BUSYBOX" \
		sh -c 'touch /x/sub/f /x/sub/t/u/f && test -s /x/one && echo ok
			touch /x/f; touch /x/sub/t/f'
	assert_match "^ok"
	assert_match "/x/f: Read-only file system"
	assert_match "/x/sub/t/f: Read-only file system"
	[ -f "$ENGINE_DIR/inner/f" ]
	# what is mounted in the source stays as read-only as the rest of it
	run_bryo run --rm -v "$ENGINE_DIR/conf:/x:ro" --tmpfs /x/t "$BUSYBOX" \
		grep -E ' /x ' /proc/mounts
	assert_match " /x [^ ]+ ro,"
}
