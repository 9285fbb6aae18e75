#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What the store does with layers: shared, twice, implied, resumed, merged by
# each driver, several hundred of them.

load helpers

setup_file() {
	engine_setup
	LAYOUTS=$(mktemp -d)
	export LAYOUTS
	python3 "$BATS_TEST_DIRNAME/layouts.py" "$LAYOUTS" "$BRYO_TEST_CACHE/busybox"
}

teardown_file() {
	rm -rf "$LAYOUTS"
	engine_teardown
}

store() {
	echo "$XDG_DATA_HOME/bryo"
}

# a layer that was finished, of the two
one_layer() {
	[ "$(layers)" -ge "${1:-1}" ]
}

# of the other one something is on disk already
part_arrived() {
	[ -n "$(find "$(store)/partial" -type f -size +0)" ]
}

layers() {
	find "$(store)/layers" -mindepth 1 -maxdepth 1 | wc -l
}

# What the container sees must not depend on the driver.
each_driver() {
	local driver
	for driver in overlay fuse-overlayfs vfs; do
		echo "driver $driver"
		run_bryo --storage-driver "$driver" run --rm --network none "$@"
		[ -z "${seen+x}" ] || assert "$seen" "$out"
		seen=$out
	done
}

@test "an image from an OCI layout, named after its place" {
	run_bryo pull -q "oci:$LAYOUTS/plain"
	run_bryo run --rm --network none "$out" cat /etc/top
	assert "top"
}

@test "directories that a layer only implies keep owner and mode" {
	local seen
	run_bryo pull -q "oci:$LAYOUTS/implied"
	each_driver "$out" stat -c '%n %a %u:%g' /tmp /home/u /home/u/sub /
	assert_match '^/tmp 1777 0:0' "$seen"
	assert_match '/home/u 700 1000:1000' "$seen"
	assert_match '/home/u/sub 750 1000:7' "$seen"
}

@test "whiteouts and opaque directories are the same for each driver" {
	local seen
	run_bryo pull -q "oci:$LAYOUTS/whiteout"
	each_driver "$out" sh -c 'ls -A /etc/gone /opaque /opaque/sub /kind 2>&1; cat /again'
	assert_match '/etc/gone: No such file' "$seen"
	assert_match 'new' "$seen"
	assert_no_match 'old' "$seen"
	assert_match 'upper$' "$seen"
}

@test "a layer that comes twice, and none at all" {
	local seen
	run_bryo pull -q "oci:$LAYOUTS/twice"
	each_driver "$out" cat /etc/top /etc/between
	assert "top
between" "$seen"
	run_bryo pull -q "oci:$LAYOUTS/none"
	assert_match '^[0-9a-f]{64}$' "$out"
	run_bryo -127 run --rm "$out" true
}

@test "200 layers" {
	run_bryo pull -q "oci:$LAYOUTS/many"
	run_bryo run --rm --network none "$out" sh -c 'cat /many/* | wc -l'
	assert "200"
}

@test "two images share what they can, and only that goes with one" {
	run_bryo rmi -fa
	wait_until 20 trash_is_empty
	run_bryo pull -q "oci:$LAYOUTS/plain"
	local plain=$out
	# its name keeps it: an untagged parent would go with its child
	run_bryo tag "$plain" base
	assert 2 "$(layers)"
	run_bryo pull "oci:$LAYOUTS/whiteout"
	assert 2 "$(grep -c "already exists" <<<"$errs")"
	assert 4 "$(layers)"
	run_bryo rmi "$out"
	assert 2 "$(layers)"
	run_bryo run --rm --network none "$plain" cat /etc/top
	assert "top"
	run_bryo rmi -fa
	assert 0 "$(layers)"
	assert "" "$(find "$(store)/blobs" "$(store)/partial" -type f)"
}

@test "an image whose blobs came with another one can be saved" {
	run_bryo pull -q "oci:$LAYOUTS/plain"
	local id=$out
	run_bryo save -q -o "$ENGINE_DIR/p.tar" "$id"
	run_bryo rmi "$id"
	# uncompressed blobs now; the same image again, with compressed ones
	run_bryo load -q -i "$ENGINE_DIR/p.tar"
	run_bryo pull -q "oci:$LAYOUTS/plain"
	assert "$id" "$out"
	run_bryo save -q --format oci-archive -o "$ENGINE_DIR/o.tar" "$id"
	run_bryo rmi -f "$id"
	run_bryo load -q -i "$ENGINE_DIR/o.tar"
	run_bryo run --rm --network none "$id" cat /etc/top
	assert "top"
	rm "$ENGINE_DIR/p.tar" "$ENGINE_DIR/o.tar"
}

@test "F24, F11: nothing is fetched twice: by a second try, by 20 at once" {
	local port log=$ENGINE_DIR/requests pid
	port=$(free_port)
	# a registry that serves the layout and stops in the middle of one blob
	python3 "$BATS_TEST_DIRNAME/layouts.py" --serve "$LAYOUTS/plain" "$port" \
		"$log" >/dev/null 2>&1 3>&- &
	pid=$!
	wait_until 5 curl -sf "http://localhost:$port/v2/"
	run_bryo rmi -fa
	"$BRYO" pull -q "localhost:$port/plain" >/dev/null 2>&1 3>&- &
	local pull=$!
	wait_until 10 one_layer
	wait_until 10 grep -q stalled "$log"
	# sent is not received: the registry's half may be in the socket still
	wait_until 10 part_arrived
	kill -9 "$pull"
	wait "$pull" || true
	: >"$log"
	run_bryo pull -q "localhost:$port/plain"
	cat "$log"
	assert 1 "$(grep -c "GET blob" "$log")"
	grep -q "GET blob .* bytes=[1-9]" "$log"
	run_bryo run --rm --network none "localhost:$port/plain" cat /etc/top
	assert "top"

	# F11: 20 pulls at once, each blob is asked for once
	run_bryo rmi -fa
	: >"$log"
	local i pids=()
	for i in $(seq 20); do
		"$BRYO" pull -q "localhost:$port/plain" >>"$ENGINE_DIR/ids" 2>&1 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	kill "$pid"
	assert 1 "$(sort -u "$ENGINE_DIR/ids" | wc -l)"
	cat "$log"
	assert 2 "$(grep -c "GET blob" "$log")"
}
