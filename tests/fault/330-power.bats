#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

@test "F26: a power cut at any moment: what was reported as done is there" {
	python3 "$BATS_TEST_DIRNAME/power.py" 3>&-
}
