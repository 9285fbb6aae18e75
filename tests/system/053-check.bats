#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F25: bit rot.  Whatever is damaged is found, named, and repaired from what
# is sound; the rest is named to be pulled again.

load helpers

data() {
	echo "$XDG_DATA_HOME/bryo"
}

userns() {
	"$BATS_TEST_DIRNAME/../setup/in-userns.py" "$@"
}

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1
	"$BRYO" system check --repair --force >/dev/null 2>&1 || :
	"$BRYO" pull -q "$BUSYBOX" >/dev/null
}

# the layer with most of the image, and its files
layer() {
	"$BRYO" image inspect --format '{{index .RootFS.Layers 0}}' "$BUSYBOX" | cut -d: -f2
}

blob() {
	python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["digest"].split(":")[1])' \
		"$(data)/layers/$(layer)/layer.json"
}

sound() {
	run_bryo system check
	assert ""
	run_bryo run --rm --network none "$BUSYBOX" sha256sum /bin/busybox
}

# damage_is_found REGEX: without changing anything; then repaired
damage_is_found() {
	run_bryo -125 system check
	assert_match "$1" "$out"
	assert_match 'damage detected in local storage' "$errs"
	run_bryo -125 system check
	assert_match "$1" "$out"
	run_bryo system check --repair
	assert_match "$1" "$out"
}

@test "F25: a store that is whole has no findings" {
	sound
	run_bryo create --name c -v v:/v "$BUSYBOX" true
	run_bryo commit -q c derived
	sound
	run_bryo rmi derived
	run_bryo system check --quick
	assert ""
}

@test "F25: a flipped byte in a file of a layer" {
	local f
	f=$(data)/layers/$(layer)/diff/bin/busybox
	sound
	local want=$out
	printf 'X' | dd of="$f" bs=1 seek=5000 conv=notrunc status=none
	damage_is_found "layer $(layer): damaged at /bin/"
	sound
	assert "$want" "$out"
}

@test "F25: files of a layer gone, added, with another mode, truncated" {
	local d how
	d=$(data)/layers/$(layer)/diff
	for how in 'rm "$1/etc/passwd"' 'echo x >"$1/etc/more"' \
		'chmod 4755 "$1/bin/busybox"' 'truncate -s 100 "$1/bin/busybox"' \
		'rm "$1/bin/ls"; ln -s /bin/true "$1/bin/ls"'; do
		echo "$how"
		userns bash -c "$how" - "$d"
		damage_is_found "layer $(layer): damaged at /"
		sound
	done
}

@test "F25: layer.json damaged, the directory empty, the layer gone" {
	local l
	l=$(data)/layers/$(layer)
	echo '{"x' >"$l/layer.json"
	damage_is_found "layer $(layer): its description is damaged"
	sound
	userns rm -rf "$l/diff"
	damage_is_found "layer $(layer): its files are missing"
	sound
	userns rm -rf "$l"
	run_bryo -125 system check --quick
	assert_match "layer $(layer): missing|is missing" "$out"
	damage_is_found 'pull|missing'
}

@test "F25: a run of an image with a damaged layer says what to do" {
	userns rm -rf "$(data)/layers/$(layer)"
	run_bryo -125 run --rm --network none "$BUSYBOX" true
	assert_match 'layer [0-9a-f]{12} of image [^ ]* is damaged, pull it again' "$errs"
	run_bryo ps -aq
	assert ""
	run_bryo pull -q "$BUSYBOX"
	sound
}

@test "F25: a compressed blob damaged: dropped, the image still runs" {
	local b
	b=$(data)/blobs/sha256/$(blob)
	printf 'XXXX' | dd of="$b" bs=1 seek=10000 conv=notrunc status=none
	damage_is_found "blob $(blob): damaged"
	[ ! -e "$b" ]
	run_bryo system check
	assert_match '^note: image [0-9a-f]{12} runs, but cannot be pushed or saved'
	run_bryo run --rm --network none "$BUSYBOX" true
	run_bryo pull -q "$BUSYBOX"
	sound
}

@test "F25: manifest or config damaged: the image is removed, to be pulled again" {
	local id digest
	id=$("$BRYO" images -q --no-trunc | cut -d: -f2)
	digest=$("$BRYO" image inspect --format '{{.Digest}}' "$id" | cut -d: -f2)
	local hex
	for hex in "$id" "$digest"; do
		truncate -s 10 "$(data)/blobs/sha256/$hex"
		damage_is_found "image ${id:0:12}: $hex is missing, removed: pull .*busybox|blob $hex: damaged"
		run_bryo images -q
		assert ""
		run_bryo pull -q "$BUSYBOX"
		sound
	done
}

@test "F25: an image that a container uses goes with --force only" {
	local id
	id=$("$BRYO" images -q --no-trunc | cut -d: -f2)
	run_bryo create --name user "$BUSYBOX" true
	rm "$(data)/blobs/sha256/$id"
	run_bryo -125 system check --repair
	assert_match "image ${id:0:12}: $id is missing: pull" "$out"
	run_bryo ps -aq
	refute [ -z "$out" ]
	"$BRYO" rm user
	run_bryo system check --repair
	assert_match 'removed' "$out"
}

@test "F25: directories without rows, rows without directories" {
	local id
	run_bryo create --name lost --network none "$BUSYBOX" true
	id=$out
	run_bryo start -a lost
	userns rm -rf "$(data)/containers/$id"
	mkdir -p "$(data)/containers/$(printf '%064d' 7)/upper" \
		"$(data)/volumes/orphan/_data"
	echo precious >"$(data)/volumes/orphan/_data/f"
	run_bryo -125 system check
	assert_match "container ${id:0:12} \(lost\): its directory is missing" "$out"
	assert_match 'directory containers/0+7: no container has it' "$out"
	assert_match 'directory volumes/orphan: no volume has it' "$out"
	run_bryo -125 system check --repair
	run_bryo system check --repair --force
	sound
	run_bryo run --rm --network none -v orphan:/v "$BUSYBOX" cat /v/f
	assert precious
}

@test "F25: layers and blobs that no image has, by age" {
	local hex
	hex=$(printf x | sha256sum | cut -d' ' -f1)
	printf x >"$(data)/blobs/sha256/$hex"
	run_bryo system check
	assert ""
	run_bryo -125 system check --max 0s
	assert_match "blob $hex: no image has it" "$out"
	run_bryo system check --max 0s --repair
	[ ! -e "$(data)/blobs/sha256/$hex" ]
	run_bryo -125 system check --max nonsense
	run_bryo -125 system check --force
}

@test "F25: pages of the database" {
	run_bryo create --name dbuser "$BUSYBOX" true
	local db page found=0
	db=$(data)/state.db
	wait_until 30 store_is_quiet
	python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("PRAGMA wal_checkpoint(TRUNCATE)")' "$db"
	cp "$db" "$ENGINE_DIR/good.db"
	for page in 1 2 3 5 8 11 14 17; do
		cp "$ENGINE_DIR/good.db" "$db"
		rm -f "$db-wal" "$db-shm"
		dd if=/dev/urandom of="$db" bs=512 seek=$((page * 8)) count=1 \
			conv=notrunc status=none
		run timeout 100 "$BRYO" system check
		echo "page $page: $status $output"
		[ "$status" -le 125 ] && [ "$status" != 124 ]
		[[ ! $output =~ malformed|database|damage ]] || found=$((found + 1))
	done
	cp "$ENGINE_DIR/good.db" "$db"
	rm -f "$db-wal" "$db-shm"
	[ "$found" -ge 5 ]
	run_bryo ps -aq
	refute [ -z "$out" ]
}
