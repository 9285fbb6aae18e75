#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# F08: the data directory's file system is full.  Only root can mount one that
# is small; the unprivileged user works on it.

load helpers

setup() {
	user_engine
	mount -t tmpfs -o size=48m,mode=0700 none "$USER_DIR/data"
	chown "$CHECK_USER:" "$USER_DIR/data"
}

teardown() {
	user_bryo rm -fa -t 0 || true
	umount -l "$USER_DIR/data"
	rm -rf "$USER_DIR"
}

fill() {
	as_user dd if=/dev/zero of="$USER_DIR/data/fill" bs=4k 2>/dev/null || true
	[ "$(df --output=avail "$USER_DIR/data" | tail -1)" -le 4 ]
}

nothing_left() {
	[ -z "$(find "$USER_DIR/data/bryo/"{staging,partial} -mindepth 1)" ]
}

@test "an image that does not fit: a reason, and nothing stays" {
	run user_bryo pull -q "$NGINX"
	echo "$output"
	[ "$status" = 125 ]
	[[ $output =~ "no space left on device" ]]
	wait_until 10 nothing_left
	run user_bryo images -q
	[ -z "$output" ]
	# what fits still works
	user_bryo pull -q "$BUSYBOX"
	run user_bryo run --rm "$BUSYBOX" echo fits
	[ "$output" = fits ]
}

@test "on a full disk images are listed and removed" {
	user_bryo pull -q "$BUSYBOX"
	fill
	local i
	for i in $(seq 100); do
		# until not even a row has room
		user_bryo tag "$BUSYBOX" "t$i" 2>/dev/null || break
	done
	[ "$i" -lt 100 ]
	run user_bryo images -q
	[[ $output =~ ^[0-9a-f]{12}$ ]]
	run user_bryo rmi -fa
	echo "$output"
	[ "$status" = 0 ]
	[[ $output =~ "Deleted: " ]]
	run user_bryo images -q
	[ -z "$output" ]
	rm "$USER_DIR/data/fill"
	user_bryo pull -q "$BUSYBOX"
	[ -e "$USER_DIR/data/bryo/reserve" ]
}
