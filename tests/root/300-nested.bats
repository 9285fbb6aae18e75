#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Containers in containers: bryo in a rootless podman container (masked /proc,
# no cgroup delegation) and bryo in bryo.

load helpers

# shellcheck disable=SC2034

# A root file system with bryo in it: the debian image, the programs from the
# build, and the libraries that they link.
inner_layer() {
	local dir=$1 f lib
	mkdir -p "$dir/opt/bryo"
	for f in bryo bryo-monitor bryo-init bryo-layer bryo-registry; do
		cp "$BRYO_BUILD/$f" "$dir/opt/bryo/"
	done
	mkdir -p "$dir/opt/lib"
	for f in bryo bryo-layer; do
		for lib in $(ldd "$BRYO_BUILD/$f" | awk '$3 ~ /^\// { print $3 }') \
			/usr/lib/*-linux-gnu/libcrypto.so.3; do
			case $lib in
			*/libc.so.6 | */ld-linux*) ;;
			*) cp -L "$lib" "$dir/opt/lib/" ;;
			esac
		done
	done
}

setup_file() {
	if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
		umount -R /sys/fs/cgroup || :
		mount -t cgroup2 none /sys/fs/cgroup
	fi
	user_engine
	export USER_DIR
	inner_layer "$USER_DIR/inner"
	chown -R "$CHECK_USER:" "$USER_DIR/inner"
	as_user skopeo --insecure-policy copy -q --src-tls-verify=false \
		"docker://127.0.0.1:$REGISTRY_PORT/busybox" \
		"docker-archive:$USER_DIR/inner/opt/busybox.tar:busybox:latest"
	user_bryo pull -q "localhost:$REGISTRY_PORT/debian" >/dev/null
}

setup() {
	USER_ENV=(XDG_DATA_HOME="$USER_DIR/data" XDG_RUNTIME_DIR="$USER_DIR/run"
		HOME="$USER_DIR/home")
}

# shellcheck disable=SC2034
teardown_file() {
	USER_ENV=(XDG_DATA_HOME="$USER_DIR/data" XDG_RUNTIME_DIR="$USER_DIR/run")
	user_bryo rm -fa -t 0 >/dev/null
	user_bryo rmi -fa >/dev/null
	as_user HOME="$USER_DIR/home" podman unshare rm -rf "$USER_DIR/home/.local" || :
	rm -rf "$USER_DIR"
}

JOB='set -e
cp -n /opt/lib/* "$(dirname /usr/lib/*-linux-gnu/libc.so.6)"
export HOME=/tmp/h XDG_RUNTIME_DIR=/tmp/r
mkdir -p -m 700 /tmp/h /tmp/r
/opt/bryo/bryo load -q -i /opt/busybox.tar
/opt/bryo/bryo run --rm --network none busybox echo inner works
/opt/bryo/bryo run -d --network none --name n busybox sleep 100 >/dev/null
/opt/bryo/bryo exec n echo exec works
/opt/bryo/bryo rm -f -t 0 n
/opt/bryo/bryo run --rm --network none busybox sh -c "exit 5" || echo code $?'

@test "bryo in bryo" {
	output=$(user_bryo run --rm -v "$USER_DIR/inner/opt:/opt:ro" \
		"localhost:$REGISTRY_PORT/debian" bash -c "$JOB" 3>&- 2>&1) || { echo "$output"; false; }
	assert_match "inner works"
	assert_match "exec works"
	assert_match "code 5"
}

@test "bryo in a rootless podman container" {
	mkdir -p "$USER_DIR/home/.config/containers"
	cat >"$USER_DIR/home/.config/containers/containers.conf" <<-CONF
	[engine]
	cgroup_manager = "cgroupfs"
	events_logger = "file"
	CONF
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' \
		>"$USER_DIR/home/.config/containers/policy.json"
	chown -R "$CHECK_USER:" "$USER_DIR/home"
	mkdir -p "$USER_DIR/prun"
	chown "$CHECK_USER:" "$USER_DIR/prun"
	chmod 700 "$USER_DIR/prun"
	local env=(HOME="$USER_DIR/home" XDG_RUNTIME_DIR="$USER_DIR/prun")
	as_user "${env[@]}" podman pull -q --tls-verify=false \
		"127.0.0.1:$REGISTRY_PORT/debian" 3>&-
	output=$(as_user "${env[@]}" podman run --rm -v "$USER_DIR/inner/opt:/opt:ro" \
		--network none "127.0.0.1:$REGISTRY_PORT/debian" bash -c "$JOB" 3>&- 2>&1) ||
		{ echo "$output"; false; }
	assert_match "inner works"
	assert_match "exec works"
	assert_match "code 5"
	# podman masks /proc: the kernel refuses a new one, bryo says what it did
	assert_match "level=warning"
}
