#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The system-call sweep over create, run, run -d and rm.

sweep() {
	python3 "$BATS_TEST_DIRNAME/sweep.py" "$@" 3>&-
}

@test "sweep: SIGKILL at each write-class call" {
	sweep kill create run run_d rm
}

@test "sweep: ENOSPC at each write-class call" {
	sweep ENOSPC create run rm
}

@test "sweep: EMFILE and EINTR at each write-class call" {
	sweep EMFILE run
	sweep EINTR run
}
