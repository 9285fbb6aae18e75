#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Which containers a command means, and what it says when that is unclear.

load helpers

@test "G8: without a name, and with one too many" {
	local c
	for c in kill pause unpause stop restart rm init; do
		run_bryo -125 $c
		assert "Error: you must provide at least one name or id"
		run_bryo -125 $c --all x
		assert "Error: no arguments are needed with --all"
	done
	for c in wait attach; do
		run_bryo -125 $c
		assert "Error: \"bryo $c\" requires a name, id, or the \"--latest\" flag"
	done
	run_bryo -125 start -a
	assert "Error: start requires at least one argument"
	run_bryo -125 start --all x
	assert "Error: either start all containers or the container(s) provided in the arguments"
	run_bryo -125 start --attach --all
	assert "Error: you cannot start and attach all containers at once"
	run_bryo -125 port
	assert "Error: you must supply a running container name or id"
	run_bryo -125 port -a x
	assert "Error: no arguments are needed with --all"
	run_bryo -125 exec
	assert "Error: exec requires the name or ID of a container or the --latest flag"
}

@test "flags that need another one are not ignored without it" {
	run_bryo create --name a "$BUSYBOX" true
	run_bryo -125 start --sig-proxy a
	assert "Error: you cannot use sig-proxy without --attach: invalid argument"
	run_bryo -125 rm -t 5 a
	assert "Error: --force option must be specified to use the --time option"
	run_bryo start -a --sig-proxy a
	run_bryo start --sig-proxy=false a
	run_bryo -125 ps -q --size
	assert "Error: quiet conflicts with size and namespace"
	run_bryo -125 ps -q --ns
	run_bryo -125 ps --size --ns
	assert "Error: size and namespace options conflict"
	run_bryo rm -f -t 0 a
}

@test "P1: ps --format wins over --quiet" {
	run_bryo create --name a "$BUSYBOX" true
	run_bryo ps -aq --format '{{.Names}}'
	assert a
	run_bryo ps -aq --format json
	assert_match '"Names"'
	run_bryo ps -a --filter id= --format '{{.Names}}'
	assert a
	run_bryo -125 ps --filter until=bad
	assert 'Error: failed to parse value as time or duration: "bad"'
	run_bryo rm a
}

@test "P5: rm --depend names all that went" {
	local id
	run_bryo create --name d1 "$BUSYBOX" true
	run_bryo create --name d2 --network container:d1 "$BUSYBOX" true
	id=$out
	run_bryo rm --depend d1
	assert "$id"$'\nd1'
	run_bryo create --name d1 "$BUSYBOX" true
	run_bryo create --name d2 --network container:d1 "$BUSYBOX" true
	run_bryo rm --all
	[ "$(wc -l <<<"$out")" = 2 ]
	run_bryo ps -aq
	assert ""
}

@test "P4: conditions of wait in one list" {
	run_bryo run -d --name w "$BUSYBOX" sleep 1000
	run_bryo wait --condition exited,running w
	[ "$output" = -1 ]
	run_bryo -125 wait --condition exited,bad w
	assert "Error: unknown container state: bad: invalid argument"
	run_bryo rm -f -t 0 w
}

@test "rename says which name is taken" {
	local id
	run_bryo create --name a "$BUSYBOX" true
	id=$out
	run_bryo create --name b "$BUSYBOX" true
	run_bryo -125 rename a b
	assert "Error: renaming container $id: name b already in use, cannot rename container $id: container already exists"
	run_bryo rm a b
}

@test "G15: inspect has the fields that JSON leaves out" {
	run_bryo create --name a "$BUSYBOX" true
	run_bryo inspect --format '{{.Config.Healthcheck}} {{json .Config.Healthcheck}} {{.SizeRw}}' a
	assert "<nil> null <nil>"
	run_bryo inspect --format '{{if .Config.Healthcheck}}yes{{else}}no{{end}}' a
	assert no
	run_bryo create --name b --health-cmd true "$BUSYBOX" true
	run_bryo inspect --format '{{.Config.Healthcheck.Test}} {{.State.Healthcheck.Status}}' b
	assert "[CMD-SHELL true] starting"
	run_bryo inspect a
	assert_no_match '"(Healthcheck|SizeRw)"'
	run_bryo rm a b
}

@test "P14: cp wants two paths, and a tar with something in it" {
	echo x >"$BATS_TEST_TMPDIR/f"
	run_bryo create --name c "$BUSYBOX" true
	run_bryo -125 cp "$BATS_TEST_TMPDIR/f" c:
	assert_match "you must specify paths"
	run_bryo -125 cp - c:/tmp </dev/null
	assert_match "^Error: source must be a \(compressed\) tar archive when copying from stdin"
	tar cf "$BATS_TEST_TMPDIR/none.tar" -T /dev/null
	run_bryo cp - c:/tmp <"$BATS_TEST_TMPDIR/none.tar"
	run_bryo rm c
}
