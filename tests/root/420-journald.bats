#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The log driver journald, with a journald of our own: it needs no systemd,
# only root and directories that nobody else sees.

load helpers

setup_file() {
	mkdir -p /run/systemd /run/log
	mount -t tmpfs none /run/systemd
	mount -t tmpfs none /run/log
	mkdir /run/systemd/journal
	/lib/systemd/systemd-journald >/dev/null 2>&1 3>&- &
	JOURNALD=$!
	export JOURNALD
	wait_until 10 test -S /run/systemd/journal/socket
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
	kill "$JOURNALD"
	umount -l /run/systemd /run/log
}

# has_lines NAME N: of both streams
has_lines() {
	[ "$("$BRYO" logs "$1" 2>&1 | wc -w)" = "$2" ]
}

# The journal's files are there again, and it takes new lines.
answers() {
	echo MESSAGE=answers | socat - UNIX-SENDTO:/run/systemd/journal/socket
	journalctl -q -o cat MESSAGE=answers | grep -q answers
}

@test "R10: journald: lines, streams, pieces and fields come back" {
	run_bryo run --name j --log-driver journald --log-opt tag='{{.Name}}!' --log-opt label=shop.kind=web \
		"$BUSYBOX" sh -c 'echo one; sleep 0.3; echo two >&2; sleep 0.3; printf three'
	local id
	run_bryo inspect --format '{{.Id}}' j
	id=$out
	# journald takes its time
	wait_until 10 has_lines j 3
	run_bryo logs j
	assert $'one\nthree' "$out"
	assert two "$errs"
	run_bryo inspect --format '{{.HostConfig.LogConfig.Type}}:{{.HostConfig.LogConfig.Path}}:' j
	assert "journald::"
	journalctl "CONTAINER_ID_FULL=$id" -o json >"$ENGINE_DIR/entries"
	python3 - "$ENGINE_DIR/entries" <<-'PY'
	import json, sys
	es = [json.loads(l) for l in open(sys.argv[1])]
	# two streams: of lines that wait in both, either may come first
	es.sort(key=lambda e: ["one", "two", "three"].index(e["MESSAGE"]))
	assert [e["MESSAGE"] for e in es] == ["one", "two", "three"], es
	assert [e["PRIORITY"] for e in es] == ["6", "3", "6"], es
	assert es[2]["CONTAINER_PARTIAL_MESSAGE"] == "true", es
	for e in es:
	    assert e["CONTAINER_ID"] == e["CONTAINER_ID_FULL"][:12], e
	    assert e["CONTAINER_NAME"] == "j" and e["CONTAINER_TAG"] == "j!", e
	    assert e["SYSLOG_IDENTIFIER"] == "j!" and e["SHOP_KIND"] == "web", e
	    assert e["IMAGE_NAME"].endswith("busybox:latest"), e
	PY
	run_bryo rm j
}

@test "R10: journald: tail, since, until, timestamps, binary lines, two starts" {
	run_bryo run --name j --log-driver journald "$BUSYBOX" sh -c 'for i in 1 2 3 4 5; do echo l$i; done; printf "a\001b\n"'
	wait_log j a.b
	run_bryo logs --tail 2 j
	assert $'l5\na\001b' "$out"
	run_bryo logs --tail 0 j
	assert ""
	run_bryo logs -t --tail 1 j
	assert_match '^[0-9-]+T[0-9:.]+Z a'
	run_bryo logs --until 2001-01-01 j
	assert ""
	run_bryo logs --since 2001-01-01 --until 1h j
	assert l1 "${out%%$'\n'*}"
	run_bryo -125 logs --details j
	run_bryo start -a j
	wait_log j a.b 2
	run_bryo logs j
	[ "$(grep -c l3 <<<"$out")" = 2 ]
	run_bryo rm j
}

@test "R10: journald: logs -f follows and ends with the container" {
	# it lives on for a while: journald may be late with the last line
	run_bryo run -d --name f --log-driver journald "$BUSYBOX" sh -c 'echo one; sleep 1.5; echo two; sleep 2'
	run_bryo logs -f f
	assert $'one\ntwo'
	run_bryo logs -f --tail 1 f
	assert two
	run_bryo rm f
}

@test "R10: journald that dies costs lines, not the container" {
	run_bryo run -d --name d --log-driver journald -v "$ENGINE_DIR:/host" "$BUSYBOX" \
		sh -c 'echo before; while ! [ -e /host/go ]; do sleep 0.1; done; for i in 1 2 3; do echo lost$i; done; exit 5'
	wait_log d before
	kill -9 "$JOURNALD"
	touch "$ENGINE_DIR/go"
	run_bryo wait d
	assert 5
	/lib/systemd/systemd-journald >/dev/null 2>&1 3>&- &
	JOURNALD=$!
	wait_until 10 answers
	run_bryo logs d
	assert before "$out"
	run_bryo rm d
	kill "$JOURNALD"
}
