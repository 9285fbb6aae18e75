#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# image mount and unmount, inside a user and mount namespace.

load helpers

setup_file() {
	engine_setup
	"$BRYO" pull -q "$BUSYBOX" "$NGINX" >/dev/null
}

# inside SCRIPT: as root of a user namespace with a mount namespace
inside() {
	"$BATS_TEST_DIRNAME/../setup/in-userns.py" \
		unshare -m --propagation private bash -euc "$1"
}

@test "I18: image mount and unmount of a rootless user say what to do" {
	run_bryo -125 image mount "$BUSYBOX"
	assert_match "^Error: cannot run command \"bryo image mount\" in rootless mode, must execute .bryo unshare. first"
	run_bryo -125 image unmount "$BUSYBOX"
	assert_match "must execute"
	run_bryo -125 image mount --all "$BUSYBOX"
	assert_match "^Error: "
}

@test "I18: image mount shows the image, on each driver" {
	local driver
	for driver in overlay fuse-overlayfs vfs; do
		echo "driver $driver"
		inside "
		b='$BRYO --storage-driver $driver'
		[ -z \"\$(\$b image mount)\" ]
		m=\$(\$b image mount $NGINX)
		[ \"\$m\" = \"\$(\$b image mount $NGINX)\" ]
		grep -q 'nginx in bryo' \$m/var/www/html/index.nginx-debian.html
		[ -x \$m/usr/sbin/nginx ]
		[ \"\$(stat -c '%a %u' \$m/tmp)\" = '1777 0' ]
		[ \"\$(stat -c '%u:%g' \$m/var/log/nginx)\" = '33:4' ]
		if [ $driver != vfs ] && touch \$m/new 2>/dev/null; then exit 1; fi
		\$b image mount | grep -q \"^$NGINX:latest  \$m\$\"
		\$b image mount --format json | jq -e '.[0].Repositories[0] == \"$NGINX:latest\"'
		\$b image mount --all | wc -l | grep -qx 2
		\$b image unmount $NGINX | grep -qE '^[0-9a-f]{64}\$'
		[ ! -e \$m/usr ]
		if \$b image unmount $NGINX 2>/dev/null; then exit 1; fi
		\$b image unmount -a -f | wc -l | grep -qx 1
		[ -z \"\$(\$b image mount)\" ]"
	done
}
