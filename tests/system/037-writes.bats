#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Files are replaced as a whole, and an image's files never replace those of
# a volume.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	engine_image
	# an image with two files in /data
	"$BRYO" create -q --name maker "$BUSYBOX" true >/dev/null
	mkdir "$ENGINE_DIR/data-src"
	echo image >"$ENGINE_DIR/data-src/a"
	echo image >"$ENGINE_DIR/data-src/b"
	"$BRYO" cp "$ENGINE_DIR/data-src" maker:/data
	"$BRYO" commit -q maker localhost/writes >/dev/null
	"$BRYO" rm maker >/dev/null
}

teardown_file() {
	engine_teardown
}

@test "ST-03: a new volume gets the image's files once, and never again" {
	run_bryo run --rm -v v1:/data localhost/writes cat /data/a /data/b
	assert $'image\nimage'
	run_bryo run --rm -v v1:/data localhost/writes sh -c \
		'echo mine >/data/a; rm /data/b'
	run_bryo run --rm -v v1:/data localhost/writes sh -c \
		'cat /data/a; ls /data'
	assert $'mine\na'
	# emptied by its user it stays empty
	run_bryo run --rm -v v1:/data localhost/writes rm /data/a
	run_bryo run --rm -v v1:/data localhost/writes ls /data
	assert ""
}

@test "ST-03: a volume that holds something is not filled from the image" {
	run_bryo volume create v2
	run_bryo run --rm -v v2:/other "$BUSYBOX" sh -c 'echo mine >/other/a'
	run_bryo run --rm -v v2:/data localhost/writes sh -c \
		'cat /data/a; ls /data'
	assert $'mine\na'

	run_bryo volume create v3
	echo kept >"$ENGINE_DIR/keep"
	tar -C "$ENGINE_DIR" -cf "$ENGINE_DIR/keep.tar" keep
	run_bryo volume import v3 "$ENGINE_DIR/keep.tar"
	run_bryo run --rm -v v3:/data localhost/writes sh -c \
		'cat /data/keep; ls /data'
	assert $'kept\nkeep'
}

@test "ST-03: a link in a volume does not lead the image's files out of it" {
	mkdir "$ENGINE_DIR/canary"
	echo victim >"$ENGINE_DIR/canary/a"
	run_bryo volume create v4
	run_bryo volume inspect --format '{{.Mountpoint}}' v4
	ln -s "$ENGINE_DIR/canary/a" "$out/a"
	run_bryo run --rm -v v4:/data localhost/writes ls /data
	assert "a"
	[ "$(cat "$ENGINE_DIR/canary/a")" = victim ]
	[ "$(ls "$ENGINE_DIR/canary")" = a ]
}

@test "ST-03: a shorter text leaves no rest of the longer one before" {
	local file=$XDG_RUNTIME_DIR/containers/auth.json old
	mkdir -p "${file%/*}"
	jq -n '{auths: {"a.example": {auth: "eDp5"},
		"b.example": {auth: ("eHl6" * 2000 + "eDp5")}}}' >"$file"
	exec 9<"$file"
	old=$(stat -c %i "$file")
	run_bryo logout b.example
	[ "$(jq -r '.auths | keys[]' "$file")" = a.example ]
	[ "$(stat -c %a "$file")" = 600 ]
	# replaced, not rewritten: who had it open reads the old one to its end
	[ "$(stat -c %i "$file")" != "$old" ]
	[ "$(jq -r '.auths | length' <&9)" = 2 ]
	exec 9<&-
	[ "$(ls -A "${file%/*}")" = auth.json ]
}
