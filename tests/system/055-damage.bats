#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F25: more kinds of damage, each of them named, and what puts it right.

load helpers

data() {
	echo "$XDG_DATA_HOME/bryo"
}

userns() {
	"$BATS_TEST_DIRNAME/../setup/in-userns.py" "$@"
}

layer() {
	"$BRYO" image inspect --format '{{index .RootFS.Layers 0}}' "$BUSYBOX" | cut -d: -f2
}

teardown() {
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1
	"$BRYO" system check --repair --force >/dev/null 2>&1 || :
	"$BRYO" pull -q "$BUSYBOX" >/dev/null
}

@test "F25: a pull replaces a layer without files, and one that cannot be read" {
	local l how
	l=$(data)/layers/$(layer)
	for how in 'rm -rf "$1/diff"' ': >"$1/layer.json"' 'rm "$1/layer.json"'; do
		userns bash -c "$how" - "$l"
		run_bryo pull -q "$BUSYBOX"
		run_bryo run --rm --network none "$BUSYBOX" true
		run_bryo system check
		assert ""
	done
}

@test "F25: a container that never ran gets its directories again" {
	local id
	run_bryo create --name new --network none "$BUSYBOX" echo ran
	id=$out
	userns rm -rf "$(data)/containers/$id"
	run_bryo -125 system check
	assert_match "container ${id:0:12} \(new\): its directory is missing" "$out"
	run_bryo system check --repair
	assert "container ${id:0:12} (new): its directory is missing, made again" "$out"
	run_bryo start -a new
	assert ran
	# now there was something in it
	userns rm -rf "$(data)/containers/$id/upper"
	run_bryo -125 system check --repair
	assert_match "container ${id:0:12} \(new\): its files are missing$" "$out"
	run_bryo system check --repair --force
	assert_match "its files are missing, removed" "$out"
}

db() {
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); db.commit()' \
		"$(data)/state.db" "$1"
}

# found REGEX: named without being changed, repaired, and gone
found() {
	run_bryo -125 system check
	assert_match "$1" "$out"
	run_bryo -125 system check
	assert_match "$1" "$out"
	run_bryo system check --repair
	assert_match "$1" "$out"
	run_bryo system check
	assert_no_match "$1"
}

@test "F25: a layer without its blob runs, is not pushed, and pulled again is whole" {
	local id blob
	id=$("$BRYO" images -q --no-trunc "$BUSYBOX" | cut -d: -f2)
	blob=$("$BRYO" image inspect --format '{{.Digest}}' "$id" | cut -d: -f2)
	blob=$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["layers"][0]["digest"].split(":")[1])' \
		"$(data)/blobs/sha256/$blob")
	rm "$(data)/blobs/sha256/$blob"
	found "image ${id:0:12}: compressed layer $blob is missing"
	# no damage any more, but it is said what does not work, and the cure
	run_bryo system check
	assert_match "^note: image ${id:0:12} runs, but cannot be pushed or saved: its layer sha256:[0-9a-f]{12} is only there unpacked: pull $BUSYBOX:latest again$"
	run_bryo run --rm --network none "$BUSYBOX" true
	run_bryo -125 save -q -o "$ENGINE_DIR/no.tar" "$BUSYBOX"
	run_bryo pull -q "$BUSYBOX"
	[ -e "$(data)/blobs/sha256/$blob" ]
	run_bryo system check
	assert ""
	run_bryo save -q -o "$ENGINE_DIR/yes.tar" "$BUSYBOX"
}

@test "F25: rows of images that are not there" {
	local id table
	id=$(printf '%064d' 5)
	local -A rows=(
		[image_name]="'x/y:1', '$id', 'sha256:$id', 1, ''"
		[image_past]="'$id', 'x/z:1', 1"
		[image_layer]="'$id', 0, '$id', 1"
		[image_blob]="'$id', '$id'"
		[list_source]="'$id', '$id', 'local:x'"
		[image_user]="'$("$BRYO" create "$BUSYBOX" true)', '$id'"
	)
	for table in "${!rows[@]}"; do
		echo "$table"
		db "INSERT INTO $table VALUES (${rows[$table]})"
		found "image ${id:0:12}: is not there, but .* of it is recorded"
	done
}

@test "F25: rows of a container that is not there keep no image and no volume" {
	local id image
	id=$(printf '%064d' 6)
	image=$("$BRYO" images -q --no-trunc "$BUSYBOX" | cut -d: -f2)
	run_bryo volume create held
	db "INSERT INTO image_user VALUES ('$id', '$image')"
	db "INSERT INTO volume_use(volume, ctr) VALUES ('held', '$id')"
	run_bryo -2 rmi "$BUSYBOX"
	run_bryo -2 volume rm held
	found "container ${id:0:12}: is not there, but keeps images or volumes"
	run_bryo volume rm held
	run_bryo rmi "$BUSYBOX"
}

@test "F25: layers in another order than the config's, one too many, one missing" {
	local id sql other
	run_bryo create --name c "$BUSYBOX" true
	echo x >"$ENGINE_DIR/file"
	run_bryo cp "$ENGINE_DIR/file" c:/file
	run_bryo commit -q c two
	id=$("$BRYO" images -q --no-trunc two | cut -d: -f2)
	other=$(printf '%064d' 9)
	for sql in "UPDATE image_layer SET pos = 3 - pos WHERE image = '$id'" \
		"DELETE FROM image_layer WHERE image = '$id' AND pos = 1" \
		"INSERT INTO image_layer VALUES ('$id', 2, '$other', 1)"; do
		echo "$sql"
		db "$sql"
		found "image ${id:0:12}: recorded with other layers than its config has"
		run_bryo run --rm --network none two cat /file
		assert x
	done
	run_bryo rmi two
}

@test "F25: a container without its configuration, or without its image" {
	local id image
	run_bryo create --name c --network none "$BUSYBOX" true
	id=$out
	db "DELETE FROM container_config WHERE id = '$id'"
	run_bryo -125 system check
	assert_match "container ${id:0:12} \(c\): its configuration is missing" "$out"
	run_bryo system check --repair --force
	run_bryo ps -aq
	assert ""
	run_bryo create --name c --network none "$BUSYBOX" true
	id=$out
	image=$("$BRYO" images -q --no-trunc "$BUSYBOX" | cut -d: -f2)
	db "DELETE FROM image WHERE id = '$image'"
	run_bryo -125 system check
	assert_match "container ${id:0:12} \(c\): its image is missing" "$out"
	run_bryo system check --repair --force
	run_bryo ps -aq
	assert ""
	run_bryo system check
	assert ""
}

@test "F25: staging and trash of the dead are swept by the next command" {
	local d
	d=$(data)
	# nobody empties the trash while it is filled
	wait_until 30 store_is_quiet
	mkdir -p "$d/staging/4194300.1.0/diff/a" "$d/trash/4194300.1.1/b/c"
	echo x >"$d/staging/4194300.1.2"
	echo x >"$d/trash/4194300.1.3"
	# that of the living stays
	mkdir "$d/staging/$$.$(awk '{ print $22 }' "/proc/$$/stat").0"
	run_bryo images -q
	wait_until 10 sh -c "[ -z \"\$(ls '$d/trash')\" ]"
	assert "$$.$(awk '{ print $22 }' "/proc/$$/stat").0" "$(ls "$d/staging")"
	rmdir "$d/staging/$$."*
}
