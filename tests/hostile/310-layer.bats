#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0
# Hostile layers against bryo-layer alone; layer_cases.py has the cases, one
# group per class of attack.  As root of a user namespace, so that the tests
# can look at what belongs to subuids and remove it.

cases() {
	export TMPDIR=$BATS_TEST_TMPDIR
	run python3 "$BATS_TEST_DIRNAME/../setup/in-userns.py" \
		python3 "$BATS_TEST_DIRNAME/layer_cases.py" "$1"
	echo "$output"
	[ "$status" = 0 ]
}

@test "TAR-01: layer names that lead out of the root" {
	cases TAR-01
}

@test "TAR-02: symlinks in the place of parent directories" {
	cases TAR-02
}

@test "TAR-03: hard links that lead out of the layer" {
	cases TAR-03
}

@test "TAR-03b: random programs against the kernel's own path resolution" {
	cases TAR-03B
}

@test "TAR-04: metadata through symlinks" {
	cases TAR-04
}

@test "TAR-05: whiteouts" {
	cases TAR-05
}

@test "TAR-06: extended attributes that drivers interpret" {
	cases TAR-06
}

@test "TAR-07: device nodes, setuid files, owners" {
	cases TAR-07
}

@test "TAR-08: bombs: size, number, depth, compression" {
	cases TAR-08
}

@test "TAR-09: malformed pax headers" {
	cases TAR-09
}

@test "TAR-10: lies about sizes, broken ends" {
	cases TAR-10
}

@test "TAR-11: truncated and damaged streams" {
	cases TAR-11
}

@test "packing gives back what was unpacked, byte for byte" {
	cases PACK-TREE
}

@test "the helper ends with the command that started it" {
	cases CLIENT-KILLED
}

@test "a job that a loaded helper forks has the sandbox of one that was started" {
	cases HOSTED
}
