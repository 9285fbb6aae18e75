#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The system-call sweep over the commands that change something.

sweep() {
	python3 "$BATS_TEST_DIRNAME/sweep.py" "$@" 3>&-
}

@test "sweep: SIGKILL at the calls of all processes of a command" {
	sweep kill
}

@test "sweep: no space at each call that needs some" {
	sweep ENOSPC
}

@test "sweep: no descriptors, no processes, input and output errors" {
	sweep EMFILE
	sweep ENOMEM run exec create
	sweep EIO create run rm
}

@test "sweep: interrupted calls" {
	sweep EINTR run exec stop rm_f
}
