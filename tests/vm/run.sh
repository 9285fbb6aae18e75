#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: run.sh TALLY-FILE BUILD-DIR [SCENARIO...]
#
# Boot the VM with the bryo of BUILD-DIR, run the scenarios (all, or those
# whose names contain one of the arguments), print their TAP as it comes and
# one closing line.  Needs no root and no KVM.
#
# A guest that hangs or dies is a failure: the tail of its console is shown.
set -euo pipefail
tally=$1 build=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
tests=${here%/*}
export BRYO_TEST_CACHE=${BRYO_TEST_CACHE:-$HOME/.cache/bryo-tests}
limit=${BRYO_VM_TIMEOUT:-1500}
work=$(mktemp -d)
qemu=""

finish() {
	[ -z "$qemu" ] || kill -9 "$qemu" 2>/dev/null || :
	[ -z "${BRYO_VM_KEEP:-}" ] || cp "$work"/{console,tap} "$BRYO_VM_KEEP/"
	rm -rf "$work"
}
trap finish EXIT
mkdir -p "$(dirname "$tally")"
echo "0 1" >"$tally"

start=$SECONDS
base=$("$here/image.sh" "$BRYO_TEST_CACHE")
echo "# base image: $((SECONDS - start)) s"

# ---- the disk with everything that is fresh -------------------------------
stage=$work/stage
mkdir -p "$stage"/{scenarios,images,usr/local/bin,usr/local/libexec/bryo}
cp "$build/bryo" "$stage/usr/local/bin/"
for program in "$build"/bryo-*; do
	[ ! -f "$program" ] || cp "$program" "$stage/usr/local/libexec/bryo/"
done
cp "$here/runner.sh" "$stage/"
cp -r "$tests/system" "$stage/system"
cp "$here"/scenarios/*.bash "$stage/scenarios/"
[ $# != 0 ] || set -- ""
for file in "$here"/scenarios/*.bats; do
	for want in "$@"; do
		case ${file##*/} in
		*"$want"*) cp "$file" "$stage/scenarios/" ;;
		esac
	done
done
ls "$stage"/scenarios/*.bats >/dev/null
for name in busybox redis; do
	python3 "$tests/images/mkimage.py" "$name" "$BRYO_TEST_CACHE/$name"
	"$here/archive.py" "$BRYO_TEST_CACHE/$name" "localhost/$name:latest" \
		"$stage/images/$name.tar"
done
mke2fs -q -t ext4 -L vm-bryo -E root_owner=0:0 -d "$stage" \
	"$work/bryo.img" "$(($(du -sm "$stage" | cut -f1) * 5 / 4 + 32))M" >/dev/null
qemu-img create -q -f qcow2 -b "$base/disk.img" -F raw "$work/root.qcow2"

# ---- run ------------------------------------------------------------------
start=$SECONDS
: >"$work/tap"
setpriv --pdeathsig KILL qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 \
	-nodefaults -display none -no-user-config \
	-kernel "$base/vmlinuz" -initrd "$base/initrd" \
	-append "root=/dev/vda rw console=ttyS0 quiet panic=5 mitigations=off systemd.show_status=no" \
	-drive "file=$work/root.qcow2,if=virtio,cache=unsafe" \
	-drive "file=$work/bryo.img,if=virtio,format=raw,readonly=on" \
	-netdev user,id=n0 -device virtio-net-pci,netdev=n0,romfile= \
	-device virtio-rng-pci \
	-serial "file:$work/console" -serial "file:$work/tap" &
qemu=$!
tail -f --pid "$qemu" -n +1 "$work/tap" | sed -u 's,\r$,,' &
printer=$!
ended=false
while [ $((SECONDS - start)) -lt "$limit" ]; do
	if ! kill -0 "$qemu" 2>/dev/null; then
		ended=true
		break
	fi
	sleep 0.5
done
kill -9 "$qemu" 2>/dev/null || :
wait "$qemu" "$printer" 2>/dev/null || :
qemu=""

# ---- count ----------------------------------------------------------------
tr -d '\r' <"$work/tap" >"$work/out"
passed=$(grep -c '^ok ' "$work/out" || :)
failed=$(grep -c '^not ok ' "$work/out" || :)
skipped=$(grep -c '^ok .* # skip' "$work/out" || :)
passed=$((passed - skipped)) failed=$((failed + skipped))
if ! $ended || ! grep -q '^# done$' "$work/out"; then
	$ended && echo "not ok - the guest ended early" ||
		echo "not ok - the guest did not end within $limit s"
	failed=$((failed + 1))
	echo "# the end of its console:"
	tail -n 60 "$work/console" | tr -d '\r' | sed 's/^/#   /'
fi
echo "$passed $failed" >"$tally"
echo "# guest: $((SECONDS - start)) s"
echo "vm: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
