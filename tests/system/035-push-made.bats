#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# push of images that were made here, from each storage driver: compressed
# once, the same container after a pull elsewhere.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	R=$ENGINE_DIR/reg
	export R
	PORT=$(free_port)
	export PORT
	mkdir "$R"
	"$BATS_TEST_DIRNAME/../images/registry.sh" "$R" "$PORT" >"$R/pid" 3>&-
}

teardown_file() {
	kill "$(cat "$R/pid")"
	engine_teardown
}

layers() {
	skopeo inspect --tls-verify=false --raw "docker://$1" |
		jq -r '.layers[] | .mediaType + " " + .digest'
}

# A store of its own with this driver
store() {
	export XDG_DATA_HOME=$ENGINE_DIR/$1
	mkdir -p "$XDG_DATA_HOME" && chmod 0700 "$XDG_DATA_HOME"
	s=(--storage-driver "${2:-$1}")
}

one_driver() {
	local to=localhost:$PORT/$1 id before
	store "$1"
	run_bryo "${s[@]}" pull -q "$BUSYBOX"
	run_bryo "${s[@]}" run --name c --network none "$BUSYBOX" sh -c \
		'seq 100000 >/numbers; chown 33:33 /numbers; rm /etc/group'
	run_bryo "${s[@]}" commit -q c "$to"
	id=$output
	run_bryo "${s[@]}" push -q "$to"
	before=$(layers "$to")
	echo "$before"
	# what was pulled goes as it came, what was made here is gzip
	[ "$(wc -l <<<"$before")" = 2 ]
	[ "$(grep -c 'tar+gzip sha256:' <<<"$before")" = 2 ]
	assert "$(layers "$BUSYBOX" | cut -d ' ' -f 2)" \
		"$(head -n 1 <<<"$before" | cut -d ' ' -f 2)"
	run_bryo "${s[@]}" system check
	run_bryo "${s[@]}" rm -fa
	run_bryo "${s[@]}" rmi "$to" "$BUSYBOX"
	[ -z "$(ls -A "$XDG_DATA_HOME/bryo/blobs/sha256")" ]
	run_bryo "${s[@]}" pull -q "$to"
	assert "$id"
	run_bryo "${s[@]}" run --rm --network none "$to" sh -c \
		'wc -l </numbers; stat -c %u:%g /numbers; test ! -e /etc/group'
	assert $'100000\n33:33'
	# and again: it has the blobs of the registry now
	run_bryo "${s[@]}" push -q "$to" "$to:again"
	assert "$before" "$(layers "$to:again")"
}

@test "push of a committed image: native overlay" {
	one_driver overlay
}

@test "push of a committed image: fuse-overlayfs" {
	one_driver fuse-overlayfs
}

@test "push of a committed image: vfs" {
	one_driver vfs
}

@test "push: a layer that was made here is compressed once" {
	local to=localhost:$PORT/once kept
	store once overlay
	run_bryo "${s[@]}" pull -q "$BUSYBOX"
	run_bryo "${s[@]}" run --name c --network none "$BUSYBOX" \
		sh -c 'seq 200000 >/numbers'
	run_bryo "${s[@]}" commit -q c "$to"
	run_bryo "${s[@]}" push -q "$to"
	kept=$(layers "$to" | tail -n 1 | cut -d : -f 2)
	[ -f "$XDG_DATA_HOME/bryo/blobs/sha256/$kept" ]
	run_bryo "${s[@]}" system prune -f --external
	[ -f "$XDG_DATA_HOME/bryo/blobs/sha256/$kept" ]
	# another repository: nothing is compressed any more
	BRYO_TRACE=store run_bryo "${s[@]}" push "$to" "$to-2"
	assert_no_match "store compress"
	assert "$kept" "$(layers "$to-2" | tail -n 1 | cut -d : -f 2)"
	# the local image is what it was
	run_bryo "${s[@]}" system check
	# when the blob is gone it is made again, and it is the same
	rm "$XDG_DATA_HOME/bryo/blobs/sha256/$kept"
	BRYO_TRACE=store run_bryo "${s[@]}" push "$to" "$to-3"
	assert_match "store compress"
	assert "$kept" "$(layers "$to-3" | tail -n 1 | cut -d : -f 2)"
	run_bryo "${s[@]}" rm -fa
	run_bryo "${s[@]}" rmi "$to" "$BUSYBOX"
	[ -z "$(ls -A "$XDG_DATA_HOME/bryo/blobs/sha256")" ]
}
