#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Binds, volumes, tmpfs, read-only, devices.

load helpers

@test "-v: bind, read-only, missing source is made as the caller" {
	mkdir "$ENGINE_DIR/b"
	run_bryo run --rm -v "$ENGINE_DIR/b:/b" "$BUSYBOX" sh -c 'echo in >/b/f'
	assert in "$(cat "$ENGINE_DIR/b/f")"
	[ "$(stat -c %u "$ENGINE_DIR/b/f")" = "$(id -u)" ]
	run_bryo -1 run --rm -v "$ENGINE_DIR/b:/b:ro" "$BUSYBOX" touch /b/g
	assert_match "Read-only file system"
	run_bryo run --rm -v "$ENGINE_DIR/new/dir:/n" "$BUSYBOX" touch /n/x
	[ -e "$ENGINE_DIR/new/dir/x" ]
	[ "$(stat -c %u "$ENGINE_DIR/new/dir")" = "$(id -u)" ]
	run_bryo -125 run --rm --mount "type=bind,src=$ENGINE_DIR/nosuch,dst=/n" "$BUSYBOX" true
	assert_match "Error: .*$ENGINE_DIR/nosuch: no such file or directory"
	run_bryo -125 run --rm -v rel:relative "$BUSYBOX" true
}

@test "a bind of a file, and --mount with its words" {
	echo text >"$ENGINE_DIR/file"
	run_bryo run --rm -v "$ENGINE_DIR/file:/etc/deep/er/file:ro" "$BUSYBOX" cat /etc/deep/er/file
	assert text
	run_bryo run --rm --mount "type=bind,source=$ENGINE_DIR/file,target=/f,readonly" "$BUSYBOX" cat /f
	assert text
	run_bryo -125 run --rm --mount "type=nosuch,dst=/x" "$BUSYBOX" true
	assert_match 'invalid filesystem type "nosuch"'
	run_bryo -125 run --rm --mount "type=bind,src=/tmp" "$BUSYBOX" true
	assert_match "must set volume destination"
}

@test "nosuid and nodev unless asked otherwise" {
	mkdir "$ENGINE_DIR/s"
	run_bryo run --rm -v "$ENGINE_DIR/s:/s" -v vol:/v "$BUSYBOX" grep -E ' /(s|v) ' /proc/self/mounts
	[ "$(grep -c nosuid <<<"$out")" = 2 ]
	[ "$(grep -c nodev <<<"$out")" = 2 ]
	run_bryo volume rm vol
}

@test "P15: two mounts on one destination" {
	run_bryo -125 run --rm -v a:/d -v b:/d "$BUSYBOX" true
	assert_match "/d: duplicate mount destination"
	run_bryo -125 run --rm -v a:/d --tmpfs /d "$BUSYBOX" true
	assert_match "/d: duplicate mount destination"
	run_bryo volume prune -f
	run_bryo volume rm -f a b
}

@test "named volumes: persist, are in use, copy up once" {
	run_bryo volume create v1
	assert v1
	run_bryo -125 volume create v1
	assert_match "volume already exists"
	run_bryo run --rm -v v1:/home "$BUSYBOX" sh -c 'ls -ld /home/user | cut -d" " -f1; echo kept >/home/k'
	assert_match "^drwx"
	run_bryo run --rm -v v1:/home "$BUSYBOX" cat /home/k
	assert kept
	run_bryo create --name holder -v v1:/x "$BUSYBOX" true
	run_bryo -2 volume rm v1
	assert_match "volume v1 is being used by the following container\(s\): [0-9a-f]{64}: volume is being used"
	run_bryo rm holder
	run_bryo volume rm v1
	assert v1
	run_bryo -1 volume rm v1
	assert_match 'no volume with name "v1" found: no such volume'
}

@test "copy-up keeps owner and mode of the image's directory" {
	run_bryo run --rm -v own:/home/user "$BUSYBOX" stat -c '%u:%g %a' /home/user
	assert "1000:1000 755"
	run_bryo volume rm own
}

@test "volume ls, inspect, filters, anonymous ones" {
	run_bryo volume create -l a=b lv
	run_bryo volume ls
	assert_match "^DRIVER +VOLUME NAME"
	assert_match "local +lv"
	run_bryo volume ls -q --filter label=a=b
	assert lv
	run_bryo volume inspect lv
	jq -e '.[0] | .Name == "lv" and .Driver == "local" and .Labels.a == "b" and (.Mountpoint | test("^/"))' <<<"$out"
	run_bryo run --rm -v /anon "$BUSYBOX" touch /anon/x
	run_bryo volume ls -q
	assert lv
	run_bryo create --name an -v /anon "$BUSYBOX" true
	run_bryo volume ls -q --filter name='^[0-9a-f]{64}$'
	assert_match '^[0-9a-f]{64}$'
	run_bryo rm -v an
	run_bryo volume ls -q
	assert lv
	run_bryo volume rm lv
}

@test "tmpfs: options, copy-up of what the image has there" {
	run_bryo run --rm --tmpfs /t:size=1m,mode=1770 "$BUSYBOX" sh -c 'stat -c %a /t; df -k /t | tail -1; grep " /t " /proc/self/mounts'
	assert_match "^1770"
	assert_match " 1024 "
	assert_match "nosuid,nodev"
	run_bryo run --rm --tmpfs /etc "$BUSYBOX" grep -c root /etc/passwd
	assert 1
	run_bryo run --rm --mount type=tmpfs,dst=/m,tmpfs-size=512k "$BUSYBOX" df -k /m
	assert_match " 512 "
}

@test "R18: --read-only, with its tmpfs and without" {
	run_bryo -1 run --rm --read-only "$BUSYBOX" touch /x
	assert_match "Read-only file system"
	run_bryo run --rm --read-only "$BUSYBOX" sh -c 'touch /tmp/a /run/b /var/tmp/c /dev/shm/d && echo ok'
	assert ok
	run_bryo -1 run --rm --read-only --read-only-tmpfs=false "$BUSYBOX" touch /tmp/x
}

@test "a hostile volume cannot redirect a mount: FS-01" {
	mkdir -p "$ENGINE_DIR/canary" "$ENGINE_DIR/vol"
	ln -s ../canary "$ENGINE_DIR/vol/d"
	ln -s "$ENGINE_DIR/canary" "$ENGINE_DIR/vol/e"
	"$BRYO" run --rm -v "$ENGINE_DIR/vol:/v" -v "w:/v/d/x" "$BUSYBOX" true 2>/dev/null || :
	"$BRYO" run --rm -v "$ENGINE_DIR/vol:/v" -v "w:/v/e/x" "$BUSYBOX" true 2>/dev/null || :
	[ -z "$(ls -A "$ENGINE_DIR/canary")" ]
	run_bryo volume rm -f w
}

@test "--device gives the node with the caller's permission" {
	run_bryo run --rm --device /dev/fuse "$BUSYBOX" sh -c 'ls -l /dev/fuse | cut -c1'
	assert c
	run_bryo -125 run --rm --device /etc/passwd "$BUSYBOX" true
	run_bryo -125 run --rm --device /dev/nosuch "$BUSYBOX" true
	assert_match "/dev/nosuch"
}

@test "--device with a target, a mode, a directory; inspect names the parts" {
	run_bryo run --name dev --device /dev/fuse:/dev/f1:rw --device /dev/null:r \
		--device /dev/zero:/dev/z "$BUSYBOX" sh -c 'cd /dev; for d in f1 z; do test -c $d && echo $d; done'
	assert $'f1\nz'
	run_bryo inspect --format '{{json .HostConfig.Devices}}' dev
	assert '[{"PathOnHost":"/dev/fuse","PathInContainer":"/dev/f1","CgroupPermissions":"rw"},{"PathOnHost":"/dev/null","PathInContainer":"/dev/null","CgroupPermissions":"r"},{"PathOnHost":"/dev/zero","PathInContainer":"/dev/z","CgroupPermissions":"rwm"}]'
	run_bryo rm dev
	run_bryo run --rm --device /dev/net:/dev/n "$BUSYBOX" ls -l /dev/n
	assert_match "c.* tun$"
	run_bryo -125 run --rm --device "$BATS_TEST_TMPDIR" "$BUSYBOX" true
	assert "Error: no devices that you may open in $BATS_TEST_TMPDIR"
	run_bryo -125 create --device /dev/fuse:/dev/f1:bad "$BUSYBOX" true
	assert "Error: invalid device mode: bad"
	run_bryo -125 create --device /dev/fuse:f1 "$BUSYBOX" true
	assert "Error: invalid device mode: f1"
	run_bryo -125 create --device fuse "$BUSYBOX" true
	assert "Error: invalid device specification: fuse"
}
