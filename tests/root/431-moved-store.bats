#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A data directory that was copied to another user, with another uid and another
# range of subids.

load helpers

setup() {
	user_engine
	cp -r "$BRYO_TEST_CACHE/busybox" "$USER_DIR/layout"
	chmod -R a+rX "$USER_DIR/layout"
	OTHER=$(mktemp -d "${TMPDIR:-/tmp}/bryo.XXXXXX")
	chmod 711 "$OTHER"
	install -d -o nobody -g nogroup -m 700 "$OTHER/home" "$OTHER/run" \
		"$OTHER/data"
	# the home that bryo was built in may be closed to others
	install -D -t "$OTHER/bin" "$BRYO" "${BRYO%/*}"/bryo-{init,layer,monitor,registry}
	grep -v '^nobody:' /etc/subuid >"$OTHER/subids" || true
	echo nobody:3000000:65536 >>"$OTHER/subids"
	# in the mount namespace of this tier only
	mount --bind "$OTHER/subids" /etc/subuid
	mount --bind "$OTHER/subids" /etc/subgid
	user_bryo pull -q "oci:$USER_DIR/layout" >"$USER_DIR/id"
	user_bryo run --name c --network none -v vol:/v "$(cat "$USER_DIR/id")" \
		sh -c 'echo f >/root/f; chown 33:44 /root/f; echo v >/v/f'
	user_bryo commit -q c localhost/img
}

teardown() {
	umount /etc/subuid /etc/subgid
	user_bryo rm -fa -t 0 || true
	rm -rf "$USER_DIR" "$OTHER"
}

other() {
	setpriv --reuid nobody --regid nogroup --clear-groups env -i \
		PATH="$PATH" HOME="$OTHER/home" LANG=C.UTF-8 \
		XDG_RUNTIME_DIR="$OTHER/run" XDG_DATA_HOME="$OTHER/data" "$@"
}

# all of it works for the other user
works() {
	other "$OTHER/bin/bryo" system check
	run other "$OTHER/bin/bryo" run --rm --network none -v vol:/v localhost/img \
		sh -c 'stat -c %u:%g /root/f; cat /v/f'
	assert "33:44
v"
	other "$OTHER/bin/bryo" start -a c
	run other "$OTHER/bin/bryo" diff c
	assert "C /root
A /root/f"
	other "$OTHER/bin/bryo" rm -f c
	other "$OTHER/bin/bryo" volume rm vol
	other "$OTHER/bin/bryo" rmi -fa
}

@test "a store packed inside unshare works for another uid and range" {
	local pack=(--numeric-owner --xattrs '--xattrs-include=*')
	user_bryo unshare tar cf "$USER_DIR/data/store.tar" "${pack[@]}" \
		-C "$USER_DIR/data/bryo" .
	mv "$USER_DIR/data/store.tar" "$OTHER/store.tar"
	chmod 644 "$OTHER/store.tar"
	install -d -o nobody -g nogroup -m 700 "$OTHER/data/bryo"
	other env XDG_DATA_HOME="$OTHER/home" "$OTHER/bin/bryo" unshare \
		tar xf "$OTHER/store.tar" "${pack[@]}" -C "$OTHER/data/bryo"
	works
}

@test "a store copied by root with its old ids: the fix is named, and it is one" {
	cp -a "$USER_DIR/data/bryo" "$OTHER/data/bryo"
	local top
	for top in no yes; do
		[ $top = no ] || chown nobody: "$OTHER/data/bryo"
		run other "$OTHER/bin/bryo" images
		echo "$output"
		[ "$status" = 125 ]
		assert_match "^Error: data directory $OTHER/data/bryo belongs to uid [0-9]*: if it is a copy, as root chown -R 65534:65534 it, then run system check --repair\$"
	done
	chown -R nobody:nogroup "$OTHER/data/bryo"
	run other "$OTHER/bin/bryo" system check
	[ "$status" = 125 ]
	assert_match 'damaged at /root/f'
	other "$OTHER/bin/bryo" system check --repair
	works
}
