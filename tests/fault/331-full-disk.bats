#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0

@test "F08: no space at any write of pull, load, commit, import, save, tag, volume import" {
	python3 "$BATS_TEST_DIRNAME/full.py" 3>&-
}
