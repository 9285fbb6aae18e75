#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# vm: root
# `boot install --cron` for ann, who does not linger; 911 looks at it.

load helpers

@test "before the reboot: ann has a container and an @reboot line" {
	as_user ann bryo load -q -i /srv/bryo/images/busybox.tar
	as_user ann bryo run -d --name cron --restart always "$BUSYBOX" \
		sleep 10000
	as_user ann sh -c 'echo "# mine" | crontab -'
	run as_user ann bryo boot install --cron
	assert crontab
	as_user ann bryo boot install --cron
	run as_user ann crontab -l
	assert $'# mine\n@reboot /usr/local/bin/bryo boot # bryo-boot'
}
