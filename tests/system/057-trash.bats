#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What was removed is deleted in the background, and all of it.

load helpers

# A container that takes its monitor some tenths of a second to delete.
run_many_files() {
	run_bryo run --rm --network none "$BUSYBOX" sh -c \
		'mkdir /d; cd /d; seq 20000 | xargs touch'
}

@test "what is removed while a monitor deletes its own container goes too" {
	run_bryo create --name other "$BUSYBOX" true
	run_many_files
	# the monitor has just begun: who comes now leaves the rest to it
	run_bryo rm other
	# no command from here on: somebody in the background has to do it
	wait_until 30 trash_is_empty
}
