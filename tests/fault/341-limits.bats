#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F10: limits of the caller: one line that names the limit, and nothing half.

load ../system/helpers

# limited LIMIT ARG...: bryo ARG... under ulimit LIMIT; $code
limited() {
	local limit=$1
	shift
	code=0
	# shellcheck disable=SC2086
	(ulimit $limit && exec "$BRYO" "$@") >"$ENGINE_DIR/out" \
		2>"$ENGINE_DIR/err" 3>&- || code=$?
	[ "$code" = 0 ] || one_error
}

one_error() {
	cat "$ENGINE_DIR/err"
	assert 1 "$(wc -l <"$ENGINE_DIR/err")"
	assert_match "^Error: " "$(cat "$ENGINE_DIR/err")"
	assert "" "$(cat "$ENGINE_DIR/out")"
}

@test "F10: no descriptors left: one line, ulimit -n, nothing half" {
	local n name named=0
	name=$(cname)
	for n in $(seq 14 2 44); do
		limited "-n $n" run --network none --name "$name" "$BUSYBOX" true
		! grep -q 'too many open files (see ulimit -n)' "$ENGINE_DIR/err" ||
			named=$((named + 1))
		run_bryo rm -f "$name"
	done
	echo "named $named times"
	[ "$named" -ge 5 ]
}

@test "F10: no processes left: one line, ulimit -u, nothing half" {
	local name
	name=$(cname)
	run_bryo create --name "$name" --network none "$BUSYBOX" true
	# the shell that runs this test is more than one already
	limited "-u 1" start "$name"
	assert 125 "$code"
	assert_match "no more processes allowed \(see ulimit -u" \
		"$(cat "$ENGINE_DIR/err")"
	run_bryo inspect --format '{{.State.Status}}' "$name"
	assert created
	run_bryo start -a "$name"
	run_bryo rm "$name"
}

@test "F10: files may not grow: one line, ulimit -f, nothing half" {
	local n name
	name=$(cname)
	for n in 1 8 64; do
		limited "-f $n" run --network none --name "$name" "$BUSYBOX" true
		assert 125 "$code"
		assert_match "file too large \(see ulimit -f\)$" \
			"$(cat "$ENGINE_DIR/err")"
		run_bryo -1 container exists "$name"
	done
	# what is ours alone is not handed on
	run_bryo run --rm --network none "$BUSYBOX" \
		sh -c '(ulimit -f 1; exec dd if=/dev/zero of=/x bs=64k count=1); echo "died $?"'
	assert "died 153" "$out"
	run_bryo unshare sh -c '(ulimit -f 1; exec dd if=/dev/zero of="$0" bs=64k count=1); echo "died $?"' "$ENGINE_DIR/x"
	assert "died 153" "$out"
}
