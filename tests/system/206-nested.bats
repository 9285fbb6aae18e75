#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2016
#
# bryo in a container of bryo's.  The outer one shows the host's programs, the
# inner one brings its own image.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" save -q --format docker-archive -o "$ENGINE_DIR/image.tar" \
		"$BUSYBOX"
	mkdir "$ENGINE_DIR/outer"
}

teardown_file() {
	engine_teardown
}

# inner [FLAG...] -- SCRIPT: in an outer container; $B is bryo in there
inner() {
	local flags=() dir
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	for dir in bin sbin lib lib32 lib64 libx32 etc usr; do
		[ -d "/$dir" ] && flags+=(-v "/$dir:/$dir:ro")
	done
	mkdir -p "$ENGINE_DIR/root/proc" "$ENGINE_DIR/root/sys" \
		"$ENGINE_DIR/root/dev" "$ENGINE_DIR/root/tmp"
	run_bryo run --rm --tmpfs /root --tmpfs /tmp --env HOME=/root \
		-v "$(dirname "$BRYO"):/b:ro" -v "$ENGINE_DIR/image.tar:/image:ro" \
		--env B=/b/bryo --env CONTAINERS_CONF=/dev/null "${flags[@]}" \
		--rootfs "$ENGINE_DIR/root" \
		sh -c "\$B load -q -i /image >/dev/null; I=$BUSYBOX; $2"
}

@test "nested: with tun and fuse a container has a network and a hidden host" {
	inner --device /dev/net/tun --device /dev/fuse -- '
		$B run --rm $I sh -c "ip route | head -n 1; hostname" &&
		$B run -d --name x $I sleep 100 >/dev/null &&
		$B exec x id -u && $B stop -t 0 x && $B rm x && $B ps -aq'
	assert_match $'^default via 10.0.2.2 .*\n[0-9a-f]{12}\n0\nx\nx$' "$out"
	# what nobody asked for and cannot be had is not worth a line
	assert_no_match "sysctl" "$errs"
	assert_match "level=warning .*outer pid namespace" "$errs"
}

@test "nested: a wish of the user that cannot be had is said" {
	inner -- '$B run --rm --network none --sysctl \
		net.ipv4.ip_unprivileged_port_start=80 $I echo did'
	assert did "$out"
	assert_match "sysctl net.ipv4.ip_unprivileged_port_start is not set" \
		"$errs"
}

@test "nested: what the outer container lacks, and the flag that gives it" {
	inner -- '$B run --rm $I true; echo $?'
	assert 126 "$out"
	assert_match "needs /dev/net/tun, .*in a container: give it --device /dev/net/tun" \
		"$errs"
	inner --cap-drop all -- '$B run --rm --network none $I true; echo $?'
	assert 125 "$out"
	assert_match "root without CAP_SETFCAP cannot map itself .*--cap-add setfcap" \
		"$errs"
	inner --cap-drop all --cap-add setfcap -- \
		'$B run --rm --network none $I echo runs'
	assert runs "$out"
	inner --privileged -- 'mount -t tmpfs none /dev
		$B run --rm --network none --uidmap 0:1:9 $I true; echo $?'
	assert 126 "$out"
	assert_match "needs /dev/fuse, which is missing .*--device /dev/fuse" "$errs"
}

@test "nested: privileged has all ids again" {
	inner --privileged -- '$B run --rm --user 5:6 $I sh -c "id -u; id -g"'
	assert 5$'\n'6
}

# filter NAME ERRNO CALL...: a profile that refuses these calls only
filter() {
	local name=$1 errno=$2
	shift 2
	printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[%s],"action":"SCMP_ACT_ERRNO","errnoRet":%s}]}' \
		"$(printf '"%s",' "$@" | sed 's/,$//')" "$errno" >"$ENGINE_DIR/$name.json"
	echo "seccomp=$ENGINE_DIR/$name.json"
}

@test "nested: filters that do not know the newer system calls" {
	local e
	# EPERM (docker before 20.10), ENOSYS (after)
	for e in 1 38; do
		inner --security-opt "$(filter old $e faccessat2 openat2 close_range statx)" -- \
			'$B run --rm --network none $I echo runs; $B system check'
		assert runs "$out"
		assert_no_match "damaged" "$output"
		inner --security-opt "$(filter tree $e open_tree)" -- \
			'$B load -q -i /image; echo $?'
		assert 125 "$out"
		assert_match "clone the mount of the layer directory: " "$errs"
	done
	inner --security-opt "$(filter clone 38 clone3)" -- \
		'$B run --rm --network none $I true; echo $?'
	assert 126 "$out"
	assert_match "function not implemented \(the kernel is too old, or a filter of system calls around us says so\)" "$errs"
	inner --security-opt "$(filter pidfd 38 pidfd_open)" -- '$B load -i /image; echo $?'
	assert 125 "$out"
	assert_match "bryo-layer: pidfd_open: function not implemented" "$errs"
}
