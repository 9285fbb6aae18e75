#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: image.sh CACHE-DIR
#
# Make the base image of the VM tier from Debian packages, without root:
# mmdebstrap as root of a user namespace, mke2fs -d for the disk. Prints the
# directory that holds disk.img, vmlinuz and initrd.  The host may be any with
# those programs and Debian's keys; BRYO_VM_SUITE, BRYO_VM_MIRROR choose.
#
# It is kept under a key made of this script and what the guest is built
# from, so a second run finds it; nothing of bryo is in it (see run.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1

packages="
systemd systemd-sysv dbus dbus-user-session libpam-systemd udev kmod
uidmap fuse-overlayfs fuse3 slirp4netns iproute2 procps cron
bats curl jq python3-minimal busybox-static util-linux
libsqlite3-0 libjson-c5 libcap2 libarchive13 libisal2 libcurl4 libzstd1
libseccomp2 polkitd
"

# The programs under test are linked to the host's libraries: the guest has to
# have the same or newer ones.  Elsewhere than on Debian that is a later Debian
# (C library, libcurl, libarchive, json-c keep their names since bookworm).
. /etc/os-release
suite=trixie
[ "$ID" != debian ] || suite=$VERSION_CODENAME
suite=${BRYO_VM_SUITE:-$suite}
mirror=${BRYO_VM_MIRROR:-http://deb.debian.org/debian}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for need in mmdebstrap qemu-system-x86_64 qemu-img mke2fs python3 $keyring; do
	[ -e "$need" ] || type "$need" >/dev/null 2>&1 || {
		echo "Error: the VM tier needs $need (packages mmdebstrap," \
			"qemu-system-x86, qemu-utils, e2fsprogs, python3," \
			"debian-archive-keyring)" >&2
		exit 1
	}
done

key=$(cat "$here/image.sh" "$here/initrd.sh" "$here"/guest/* |
	sha256sum | cut -c1-16)
out=$cache/vm/$suite-$key
if [ -e "$out/disk.img" ]; then
	echo "$out"
	exit 0
fi

# Older ones are of no use to anybody.
rm -rf "$cache"/vm
mkdir -p "$out"
work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# The kernel is unpacked, not installed: its initramfs tools take longer than
# all the rest, and initrd.sh needs two dozen lines. A hook's text is given
# as an argument: root of mmdebstrap's namespace cannot look into our home.
# shellcheck disable=SC2016
customize='chroot "$1" sh -euc "
	cd /tmp
	kernel=\$(apt-cache depends linux-image-cloud-amd64 |
		sed -n \"s/.*Depends: //p\" | head -n 1)
	apt-get download -qq \$kernel
	dpkg-deb --fsys-tarfile linux-image-*.deb |
		tar -C / -x --keep-directory-symlink
	rm linux-image-*.deb
	depmod \$(ls /lib/modules)

	useradd -m -s /bin/bash joe		# lingers
	useradd -m -s /bin/bash ann		# does not
	useradd -m -s /bin/bash bob		# has no subuids
	sed -i /^bob:/d /etc/subuid /etc/subgid
	mkdir -p /var/lib/systemd/linger /srv/bryo
	touch /var/lib/systemd/linger/joe

	chown root:root /etc/fstab /etc/systemd/system/vm-tests.service
	systemctl enable -q vm-tests.service
	systemctl mask -q apt-daily.timer apt-daily-upgrade.timer \
		systemd-timesyncd.service dpkg-db-backup.timer fstrim.timer \
		e2scrub_all.timer e2scrub_reap.service getty@tty1.service \
		serial-getty@ttyS0.service getty.target
	mkdir -p /etc/systemd/system.conf.d /etc/systemd/user.conf.d
	printf %s\\\\n [Manager] DefaultTimeoutStopSec=10s |
		tee /etc/systemd/system.conf.d/vm.conf \
		>/etc/systemd/user.conf.d/vm.conf
	echo vm >/etc/hostname
	echo 127.0.0.1 localhost vm >/etc/hosts
"'

mmdebstrap --quiet --variant=minbase --keyring="$keyring" \
	--include="$(echo $packages | tr ' ' ,)" \
	--dpkgopt='path-exclude=/usr/share/man/*' \
	--dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' \
	--customize-hook="copy-in $here/guest/fstab /etc" \
	--customize-hook="copy-in $here/guest/vm-tests.service /etc/systemd/system" \
	--customize-hook="$customize" \
	"$suite" "$work/root.tar" "deb $mirror $suite main" >&2

"$here/../setup/in-userns.py" bash -euc '
	mkdir "$1/root"
	tar -C "$1/root" --numeric-owner -xf "$1/root.tar" --exclude "./dev/*"
	"$2/initrd.sh" "$1/root" "$1/initrd"
	cp "$1"/root/boot/vmlinuz-* "$1/vmlinuz"
	rm -r "$1"/root/boot/*
	mke2fs -q -F -t ext4 -L vm-root -O ^has_journal -d "$1/root" \
		"$1/disk.img" 3G >/dev/null
	rm -rf "$1/root" "$1/root.tar"
' in-userns "$work" "$here"
mv "$work/vmlinuz" "$work/initrd" "$out/"
mv "$work/disk.img" "$out/"
echo "$out"
