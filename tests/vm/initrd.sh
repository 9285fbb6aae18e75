#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: initrd.sh ROOT OUT
#
# The smallest initramfs that mounts /dev/vda: busybox and the modules of a
# virtio disk with ext4, in the order that modules.dep gives.
set -euo pipefail
root=$1 out=$2
kernel=$(ls "$root/lib/modules")
modules=$root/lib/modules/$kernel
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"/{bin,dev,proc,sys,root,modules}
cp "$root/bin/busybox" "$dir/bin/"

# dependencies first, each once
closure() {
	local line name
	line=$(grep "/$1\.ko:" "$modules/modules.dep") || return 0
	for name in $(tac -s ' ' <<<"${line#*:} "); do
		echo "$name"
	done
	echo "${line%%:*}"
}
for m in virtio_pci virtio_blk crc32c_generic ext4; do
	closure "$m"
done | awk '!seen[$0]++' >"$dir/modules/order"
while read -r path; do
	cp "$modules/$path" "$dir/modules/"
done <"$dir/modules/order"
sed -i 's|.*/||' "$dir/modules/order"

cat >"$dir/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
while read -r m; do insmod "/modules/$m"; done </modules/order
n=0
while [ ! -b /dev/vda ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
mount -t ext4 /dev/vda /root || { echo "initrd: no root disk"; poweroff -f; }
mount --move /dev /root/dev
umount /proc
exec switch_root /root /sbin/init
INIT
chmod +x "$dir/init"
(cd "$dir" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$out"
