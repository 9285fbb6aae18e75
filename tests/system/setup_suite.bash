# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Once for the whole suite: images made from Debian packages (kept between
# runs in the user's cache), Debian's docker-registry on a loopback port of
# its own with those images in it.

setup_suite() {
	local here=$BATS_TEST_DIRNAME/..
	here=$(cd "$here" && pwd)
	export BRYO_TEST_CACHE=${BRYO_TEST_CACHE:-$HOME/.cache/bryo-tests}
	SUITE_DIR=$(mktemp -d)
	export SUITE_DIR
	local name
	for name in busybox nginx debian; do
		python3 "$here/images/mkimage.py" "$name" \
			"$BRYO_TEST_CACHE/$name" || return 1
	done
	REGISTRY_PORT=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	export REGISTRY_PORT
	REGISTRY_PID=$("$here/images/registry.sh" "$SUITE_DIR" "$REGISTRY_PORT" \
		3>&-) || return 1
	export REGISTRY_PID
	for name in busybox nginx debian; do
		python3 "$here/images/push.py" "$BRYO_TEST_CACHE/$name" \
			"127.0.0.1:$REGISTRY_PORT/$name" || return 1
	done
}

teardown_suite() {
	kill "$REGISTRY_PID"
	rm -rf "$SUITE_DIR"
}
