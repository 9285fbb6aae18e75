#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F01: kill -9 at every fault point of the binary.

@test "kill -9 at every fault point: listed, removed, works again" {
	python3 "$BATS_TEST_DIRNAME/points.py" all 3>&-
}
