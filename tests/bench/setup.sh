#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install the peers that bryo is measured against.
set -eu
missing=""
for p in podman crun conmon bubblewrap slirp4netns skopeo umoci; do
	dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null |
		grep -q '^ii' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
root=""
[ "$(id -u)" = 0 ] || root=sudo
$root apt-get update -qq
# shellcheck disable=SC2086
$root env DEBIAN_FRONTEND=noninteractive \
	apt-get install -qq -y --no-install-recommends $missing >/dev/null
