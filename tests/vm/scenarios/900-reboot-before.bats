#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What 910 looks at behind the reboot.

load helpers

# The containers are to be there.
teardown_file() {
	:
}

@test "before the reboot: one runs, one with --rm runs, one has ended" {
	run_bryo volume create keep
	run_bryo run -d --name runs -v keep:/data "$BUSYBOX" \
		sh -c 'echo kept >/data/file; exec sleep 10000'
	run_bryo run -d --rm --name gone "$BUSYBOX" sleep 10000
	run_bryo run --name ended "$BUSYBOX" sh -c 'exit 7' || [ "$status" = 7 ]
	run_bryo run -d --name always --restart always -v keep:/data "$BUSYBOX" \
		sh -c 'echo start >>/data/starts; exec sleep 10000'
	run_bryo run -d --name stopped --restart unless-stopped "$BUSYBOX" \
		sleep 10000
	run_bryo stop -t 0 stopped
	run_bryo boot install
	assert "$HOME/.config/systemd/user/bryo-boot.service"
	systemctl --user daemon-reload
	systemctl --user is-enabled bryo-boot.service
	cat /proc/sys/kernel/random/boot_id >~/boot_id
}
