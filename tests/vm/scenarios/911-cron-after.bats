#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vm: root, reboot
# What 901 left, behind a real reboot.

load helpers

runs() {
	as_user ann bryo ps --format '{{.Names}}' | grep -qx cron
}

@test "boot: cron has started ann's container, without a login" {
	wait_until 90 runs
	run as_user ann bryo boot uninstall
	assert crontab
	run as_user ann crontab -l
	assert "# mine"
	as_user ann bryo rm -f -t 0 cron
}
