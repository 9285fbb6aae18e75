#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0
# Hostile archives and layouts against the whole of `bryo load`.

@test "TAR-12: docker-archives, oci-archives and layouts that lie about names" {
	export TMPDIR=$BATS_TEST_TMPDIR
	run python3 "$BATS_TEST_DIRNAME/load_cases.py"
	echo "$output"
	[ "$status" = 0 ]
}
