#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The runner inside the guest, as root, once per boot. TAP goes to stdout (the
# second serial port), everything else to the console.
#
# First boot: installs bryo, gives joe the image, runs every scenario that
# does not ask for a reboot. If any asks ("# vm: reboot" in its head), the
# machine reboots, and the second boot runs those. Then it powers off.
#
# Head lines of a scenario:
#   # vm: root		run it as root (default: as joe, in a login session)
#   # vm: reboot	run it in the second boot
set -u
# shellcheck source=tests/vm/scenarios/helpers.bash
. /srv/bryo/scenarios/session.bash
state=/var/lib/vm-tests
out=$(mktemp)

wants() {
	sed -n '1,20p' "$1" | grep -q "^# vm: .*\<$2\>"
}

install_bryo() {
	cp -r /srv/bryo/usr/. /usr/
	as_user joe bash -euc '
		bryo load -q -i /srv/bryo/images/busybox.tar
		bryo images' >/dev/ttyS0 2>&1 ||
		echo "not ok - load the image"
	mkdir -p "$state"
}

run_one() {
	local file=$1 name rc user=joe
	name=$(basename "$file" .bats)
	! wants "$file" root || user=root
	echo "# $name ($user), $(cut -d. -f1 /proc/uptime) s after boot"
	as_user "$user" env BATS_TEST_TIMEOUT=300 timeout -k 5 900 \
		bats --tap --timing "$file" >"$out" 2>&1
	rc=$?
	cat "$out"
	if [ "$rc" != 0 ] && ! grep -q '^not ok ' "$out"; then
		echo "not ok - $name ended with $rc"
	fi
}

second=false
[ ! -d "$state" ] || second=true
$second || install_bryo
again=false
for file in /srv/bryo/scenarios/*.bats; do
	if wants "$file" reboot; then
		again=true
		$second || continue
	elif $second; then
		continue
	fi
	run_one "$file"
done
if $again && ! $second; then
	echo "# reboot"
	systemctl reboot
else
	echo "# done"
	systemctl poweroff
fi
