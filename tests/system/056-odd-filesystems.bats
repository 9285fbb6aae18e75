#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F17: stores on file systems that lack something.  Those that only root can
# mount are in tests/root/430-odd-filesystems.bats.

load helpers

setup_file() {
	engine_setup
	export LAYOUTS=$ENGINE_DIR/layouts
	python3 "$BATS_TEST_DIRNAME/layouts.py" "$LAYOUTS" "$BRYO_TEST_CACHE/busybox"
}

userns() {
	"$BATS_TEST_DIRNAME/../setup/in-userns.py" "$@"
}

# on_ramfs SCRIPT ARG...: as root of a user namespace, with a store on a file
# system without attributes; $1 of the script is a directory on another one
on_ramfs() {
	local script=$1
	shift
	mkdir -p "$ENGINE_DIR/$BATS_TEST_NUMBER"
	export -f wait_until store_is_quiet
	run userns unshare -m bash -c '
		set -e
		mkdir -p "$1/m"; mkdir -p -m 700 "$1/run"
		mount -t ramfs none "$1/m"
		export XDG_DATA_HOME="$1/m" XDG_RUNTIME_DIR="$1/run"
		'"$script" - "$ENGINE_DIR/$BATS_TEST_NUMBER" "$@"
	echo "$output"
	[ "$status" = 0 ]
}

seen=$(cat "$BATS_TEST_DIRNAME/oddfs.seen")

@test "F17: a store without attributes: an image and its containers" {
	# shellcheck disable=SC2016
	on_ramfs '"$2" "$3" "" vfs' "$BATS_TEST_DIRNAME/oddfs.sh" "$LAYOUTS/odd"
	assert "$seen"$'\n'"$seen"
}

@test "F17: a store without attributes: the overlays are refused, with the reason" {
	# shellcheck disable=SC2016
	on_ramfs '
		"$BRYO" pull -q "oci:$2" >/dev/null; id=$("$BRYO" images -q)
		"$BRYO" info --format "{{.Store.GraphDriverName}}"
		for d in overlay fuse-overlayfs; do
			"$BRYO" --storage-driver $d run --rm --network none "$id" true || echo "$?"
		done
		"$BRYO" ps -aq' "$LAYOUTS/odd"
	assert_match '^vfs
Error: storage driver overlay does not work on the file system of [^ ]*/m/bryo: use vfs, or another --root
125
Error: storage driver fuse-overlayfs does not work on the file system of [^ ]*/m/bryo: use vfs, or another --root
125$'
}

@test "a store that comes from there works on this file system, --repair makes it native" {
	# shellcheck disable=SC2016
	on_ramfs '
		"$BRYO" pull -q "oci:$2" >/dev/null; id=$("$BRYO" images -q)
		"$BRYO" run --name old --network none "$id" sh -c "rm -r /kept; mkdir /kept; touch /kept/n"
		wait_until 30 store_is_quiet
		cp -a "$1/m/bryo" "$1/moved"
		b=("$BRYO" --root "$1/moved" --runroot "$1/run2")
		"${b[@]}" info --format "{{.Store.GraphDriverName}}"
		"${b[@]}" run --rm --network none "$id" sh -c "ls /opaque; find / -xdev -name .wh.*"
		"${b[@]}" system check --repair | sed "s/[0-9a-f]\{64\}/HASH/" | sort -u
		"${b[@]}" info --format "{{.Store.GraphDriverName}}"
		"${b[@]}" run --rm --network none "$id" sh -c "ls /opaque; find / -xdev -name .wh.*"
		"${b[@]}" diff old
		"${b[@]}" commit -q old localhost/old >/dev/null
		"${b[@]}" run --rm --network none localhost/old ls /kept
		"${b[@]}" system check
		"${b[@]}" rm -fa >/dev/null; "${b[@]}" rmi -fa >/dev/null' "$LAYOUTS/odd"
	assert_match "^(fuse-overlayfs|vfs)
up
layer HASH: in the form of another file system, unpacked again
overlay
up
C /attr
C /kept
D /kept/a
D /kept/b
A /kept/n
n\$"
}

@test "a store that went there by a copy without marks is repaired" {
	run_bryo pull -q "oci:$LAYOUTS/odd"
	# shellcheck disable=SC2016
	on_ramfs '
		cp -a "$3/bryo" "$1/m/bryo" 2>/dev/null || :
		id=$("$BRYO" images -q)
		"$BRYO" info --format "{{.Store.GraphDriverName}}" 2>&1 >/dev/null
		"$BRYO" system check --repair | sed "s/[0-9a-f]\{64\}/HASH/" | sort -u
		"$BRYO" run --rm --network none "$id" sh -c "ls /opaque; find / -xdev -name .wh.*"' \
		"$LAYOUTS/odd" "$XDG_DATA_HOME"
	assert_match 'level=warning msg="the file system of [^ ]* cannot hold what its layers need: run bryo system check --repair"
layer HASH: in the form of another file system, unpacked again
up$'
}
