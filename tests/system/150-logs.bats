#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# logs: drivers, options, rotation.

load helpers

@test "P13: logs: streams, tail, timestamps, both formats" {
	local driver
	for driver in k8s-file json-file; do
		run_bryo run --name "l$driver" --log-driver "$driver" "$BUSYBOX" \
			sh -c 'for i in 1 2 3 4 5; do echo out$i; done; echo err >&2; printf tail'
		run_bryo logs "l$driver"
		assert $'out1\nout2\nout3\nout4\nout5\ntail' "$out"
		assert err "$errs"
		run_bryo logs --tail 2 "l$driver"
		run_bryo logs -t --tail 1 "l$driver"
		assert_match '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z '
		run_bryo inspect --format '{{.HostConfig.LogConfig.Type}}' "l$driver"
		assert "$driver"
		run_bryo rm "l$driver"
	done
}

@test "k8s-file records are what kubelet reads" {
	run_bryo run --name k "$BUSYBOX" sh -c 'echo a; printf b'
	run_bryo inspect --format '{{.HostConfig.LogConfig.Path}}' k
	local file=$out
	[ -f "$file" ]
	assert_match '^[0-9-]+T[0-9:.]+\+00:00 stdout F a' "$(head -1 "$file")"
	assert_match ' stdout P b' "$(tail -1 "$file")"
	run_bryo rm k
}

@test "logs -f ends when the container does, --since and --until cut" {
	run_bryo run -d --name f "$BUSYBOX" sh -c 'echo one; sleep 1.5; echo two'
	run_bryo logs -f f
	assert $'one\ntwo'
	run_bryo logs --since 2000-01-01 f
	assert $'one\ntwo'
	run_bryo logs --until 2000-01-01 f
	assert ""
	run_bryo logs --since 1h f
	assert $'one\ntwo'
	run_bryo logs -n 0 f || true
	run_bryo logs --tail 0 f
	assert ""
	run_bryo rm f
}

@test "several containers: each line names its own" {
	run_bryo run --name g1 "$BUSYBOX" echo a
	run_bryo run --name g2 "$BUSYBOX" echo b
	run_bryo logs g1 g2
	assert_match '[0-9a-f]{12} a'
	assert_match '[0-9a-f]{12} b'
	run_bryo logs -n --tail 5 g1 || true
	run_bryo rm g1 g2
}

@test "rotation keeps size and number, loses no line at the cut" {
	run_bryo run --name rot --log-opt max-size=64k --log-opt max-file=3 "$BUSYBOX" \
		sh -c 'i=0; while [ $i -lt 5000 ]; do echo "line $i with some text behind it"; i=$((i+1)); done' >/dev/null
	run_bryo inspect --format '{{.HostConfig.LogConfig.Path}}' rot
	local total dir
	dir=$(dirname "$out")
	total=$(cat "$dir"/ctr.log* | wc -c)
	[ "$total" -le $((3 * 65536 + 4096)) ]
	[ "$(ls "$dir"/ctr.log* | wc -l)" -le 3 ]
	"$BRYO" logs rot >"$ENGINE_DIR/o"
	# what is left is gap free up to the last line
	tail -1 "$ENGINE_DIR/o" | grep -q "^line 4999 "
	awk '{ if (NR > 1 && $2 != last + 1) exit 1; last = $2 }' "$ENGINE_DIR/o"
	run_bryo rm rot
}

@test "none and passthrough; a bad driver" {
	run_bryo run --name n --log-driver none "$BUSYBOX" echo x
	assert x
	run_bryo logs n || true
	run_bryo rm n
	run_bryo -125 run --log-driver nosuch "$BUSYBOX" true
	assert_match "invalid log driver"
}

@test "the default driver is k8s-file with 100 MB twice" {
	run_bryo create --name def "$BUSYBOX" true
	run_bryo inspect --format '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}}' def
	assert "k8s-file 100MB"
	run_bryo rm def
}

@test "a flood stays within the monitor's memory" {
	run_bryo run -d --name flood --log-opt max-size=1m "$BUSYBOX" yes
	run_bryo inspect --format '{{.State.ConmonPid}}' flood
	local pid=$out kb
	sleep 3
	kb=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	[ "$kb" -lt 8192 ]
	run_bryo rm -f -t 0 flood
}
