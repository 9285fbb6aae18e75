#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install what the build, the demo and the tests need (Debian, Ubuntu).
# A no-op that touches no network when everything is there.
set -eu

packages="
build-essential gcc clang-14 make pkg-config git ca-certificates
libsqlite3-dev libjson-c-dev libcap-dev libseccomp-dev libarchive-dev
libzstd-dev libisal-dev zlib1g-dev libcurl4-openssl-dev libssl-dev
scdoc libcmocka-dev bats tini util-linux procps
uidmap slirp4netns fuse-overlayfs fuse3
docker-registry skopeo podman busybox-static apache2-utils openssl curl jq
python3 iproute2 socat strace time attr sudo xxd zstd xz-utils bzip2
mmdebstrap debian-archive-keyring qemu-system-x86 qemu-utils e2fsprogs
shellcheck codespell cppcheck clang-format-14 libclang-rt-14-dev
"

# the other machine's compiler, for the lint
[ "$(uname -m)" != x86_64 ] ||
	packages="$packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static"

missing=""
for p in $packages; do
	status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null || :)
	case $status in
	ii*) ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
root=""
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "Error: not root and no sudo: install$missing" >&2
		exit 1
	}
	root=sudo
fi
$root apt-get update -qq
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive \
	apt-get install -qq -y --no-install-recommends $missing >/dev/null
