#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# F17: the unprivileged user's store on file systems that only root can mount.

load helpers

setup() {
	user_engine
	LAYOUTS=$USER_DIR/layouts
	python3 "$BATS_TEST_DIRNAME/../system/layouts.py" "$LAYOUTS" \
		"$BRYO_TEST_CACHE/busybox"
	cp "$BATS_TEST_DIRNAME/../system/oddfs.sh" "$USER_DIR"
	chmod -R a+rX "$USER_DIR"
}

teardown() {
	user_bryo rm -fa -t 0 || true
	umount -l "$USER_DIR/data"
	rm -rf "$USER_DIR"
}

# a file system in a file, made by mkfs.ext4 with these options
ext4() {
	truncate -s 200M "$USER_DIR/disk"
	mkfs.ext4 -q -F "$@" "$USER_DIR/disk"
	mount -o loop "$USER_DIR/disk" "$USER_DIR/data"
	chown "$CHECK_USER:" "$USER_DIR/data"
	chmod 700 "$USER_DIR/data"
}

@test "F17: directories that do not tell types: what is removed is not listed" {
	ext4 -O ^filetype
	# what the engine chooses, and fuse-overlayfs by name
	run as_user "${USER_ENV[@]}" BRYO="$BRYO" \
		"$USER_DIR/oddfs.sh" "$LAYOUTS/odd" "" fuse-overlayfs
	echo "$output"
	[ "$status" = 0 ]
	local seen
	seen=$(cat "$BATS_TEST_DIRNAME/../system/oddfs.seen")
	assert "$seen"$'\n'"$seen"
	run user_bryo --storage-driver overlay create "$BUSYBOX"
	echo "$output"
	[ "$status" = 125 ]
	assert_match 'storage driver overlay does not work on the file system of [^ ]*: use fuse-overlayfs or vfs'
}
