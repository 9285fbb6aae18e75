#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: as-user.sh COMMAND [ARG...]
#
# Run a command in this tree as an unprivileged user with subuids, a runtime
# directory and the two devices that rootless containers open.
#
# Called by an ordinary user: that user, here.  Called by root: the user
# "bryo-check", which is made when it is missing, in a copy of the tree in its
# home (an unprivileged user need not be able to read root's checkout), under
# a parent that reaps what containers leave to PID 1.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
user=bryo-check

if [ "$(id -u)" != 0 ]; then
	cd "$top"
	exec tini -s -- "$@"
fi

id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$user"
uid=$(id -u "$user")
gid=$(id -g "$user")

# A range that nobody else has.
for file in /etc/subuid /etc/subgid; do
	grep -q "^$user:" "$file" 2>/dev/null && continue
	end=$(awk -F: '{ e = $2 + $3; if (e > m) m = e } END { print m + 0 }' \
		"$file" 2>/dev/null || echo 0)
	[ "$end" -ge 100000 ] || end=100000
	echo "$user:$end:65536" >>"$file"
done

# On a desktop udev has done this; a bare VM leaves them to root.
for dev in /dev/fuse /dev/net/tun; do
	[ ! -c "$dev" ] || chmod 0666 "$dev"
done

run_dir=/run/user/$uid
install -d -m 0755 /run/user
install -d -m 0700 -o "$uid" -g "$gid" "$run_dir"

home=$(getent passwd "$user" | cut -d: -f6)
copy=$home/bryo
install -d -o "$uid" -g "$gid" "$copy"
# The working tree as git sees it: tracked files and new ones, not ignored.
git -C "$top" -c safe.directory="$top" ls-files -co --exclude-standard -z |
	python3 "$top/tests/setup/mirror.py" "$top" "$copy"
chown -R "$uid:$gid" "$copy"

cd "$copy"
exec setpriv --reuid "$uid" --regid "$gid" --init-groups \
	env -i HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash \
	XDG_RUNTIME_DIR="$run_dir" LANG=C.UTF-8 TERM="${TERM:-dumb}" \
	PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin \
	CI="${CI:-}" MAKEFLAGS= BRYO_TESTS="${BRYO_TESTS:-}" \
	tini -s -- "$@"
