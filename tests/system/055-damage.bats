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
