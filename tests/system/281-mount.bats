#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# mount and unmount of containers, inside `bryo unshare`.

load helpers

# inside SCRIPT [ARG...]: b is bryo; the script ends at the first failure
inside() {
	"$BRYO" unshare bash -euc 'b=$1; shift; '"$1" inside "$BRYO" "${@:2}"
}

@test "mount and unmount of a rootless user say what to do" {
	run_bryo create --name c "$BUSYBOX" true
	run_bryo -125 mount c
	assert 'Error: cannot run command "bryo mount" in rootless mode, must execute `bryo unshare` first'
	run_bryo -125 umount c
	assert 'Error: cannot run command "bryo unmount" in rootless mode, must execute `bryo unshare` first'
	run_bryo -125 unmount
	assert "Error: you must provide at least one name or id"
	run_bryo -125 mount --all c
	run_bryo -125 mount --format xml
	assert 'Error: unknown --format argument: "xml"'
	run_bryo rm c
}

@test "mount: a stopped container's files, both ways, on each driver" {
	local driver
	for driver in overlay fuse-overlayfs vfs; do
		echo "driver $driver"
		run_bryo --storage-driver $driver create --name c -v "v$driver:/data" \
			"$BUSYBOX" sh -c 'cat /etc/put; chown 33:33 /etc/put; exit 3'
		inside '
		m=$($b mount c)
		[ "$m" = "$($b container mount c)" ]
		[ -x $m/bin/sh ]
		echo put by hand >$m/etc/put
		[ "$($b mount)" = "$($b inspect --format {{.Id}} c | cut -c-12)  $m" ]
		$b mount --no-trunc | grep -qE "^[0-9a-f]{64}  $m$"
		$b mount --format json | jq -e ".[0].Names[0] == \"c\" and .[0].mountpoint == \"$m\""
		[ "$($b unmount c)" = c ]
		[ ! -e $m/bin ]
		[ -z "$($b mount)" ]
		# not mounted any more is fine
		[ "$($b umount c)" = c ]'
		run_bryo -3 start -a c
		assert "put by hand"
		inside '
		m=$($b mount -l)
		[ "$(stat -c %u:%g $m/etc/put)" = 33:33 ]'
		run_bryo rm c
	done
}

@test "mount: a running container as it is now, without its volumes" {
	run_bryo run -d --name c --tmpfs /t -v vol:/data "$BUSYBOX" sleep 1000
	run_bryo exec c sh -c 'echo live >/etc/live; touch /data/in /t/in'
	inside '
	m=$($b mount c)
	[ "$(cat $m/etc/live)" = live ]
	[ ! -e $m/data/in ]
	[ ! -e $m/t/in ]
	[ ! -e $m/proc/self ]
	echo back >$m/etc/back
	[ "$($b exec c cat /etc/back)" = back ]
	$b stop -t 0 c
	# still the only overlay of these files: no start until it is unmounted
	if $b start c 2>$HOME/why; then exit 1; fi
	grep -q "is mounted in the namespace of process [0-9]*, unmount it there first" $HOME/why
	$b umount c
	$b start c
	$b exec c cat /etc/back'
	run_bryo rm -f -t 0 c
}

@test "mount: somebody else's mount keeps a container from starting, a dead one does not" {
	run_bryo create --name c "$BUSYBOX" sleep 1000
	mkfifo "$ENGINE_DIR/ready" "$ENGINE_DIR/end"
	inside '$b mount c >"$1"; read -r _ <"$2"' "$ENGINE_DIR/ready" \
		"$ENGINE_DIR/end" 3>&- &
	local pid=$!
	read -r _ <"$ENGINE_DIR/ready"
	run_bryo -125 start c
	assert_match "mounted in the namespace of process"
	run_bryo -125 init c
	run_bryo -125 cp /etc/hostname c:/x
	refute inside '$b mount c'
	run_bryo ps -a --format '{{.State}}' --filter name=c
	assert created
	echo >"$ENGINE_DIR/end"
	wait $pid
	run_bryo start c
	run_bryo rm -f -t 0 c
}

@test "mount: rm unmounts, rm from outside works as well" {
	run_bryo create --name c "$BUSYBOX" true
	inside '
	m=$($b mount c)
	$b rm c
	[ ! -e $m ]
	! grep -q "$m" /proc/self/mountinfo'
	run_bryo create --name c "$BUSYBOX" true
	mkfifo "$ENGINE_DIR/r2" "$ENGINE_DIR/e2"
	inside '$b mount c >"$1"; read -r _ <"$2"' "$ENGINE_DIR/r2" \
		"$ENGINE_DIR/e2" 3>&- &
	local pid=$!
	read -r _ <"$ENGINE_DIR/r2"
	run_bryo rm c
	echo >"$ENGINE_DIR/e2"
	wait $pid
	run_bryo ps -aq
	assert ""
}

@test "mount: --all, --latest, one that is in use, unknown ones" {
	run_bryo create --name c1 "$BUSYBOX" true
	run_bryo create --name c2 "$BUSYBOX" true
	inside '
	[ "$($b mount --all | wc -l)" = 2 ]
	cd "$($b mount -l)"
	if $b umount c2 2>/dev/null; then exit 1; fi
	$b umount -f c2
	cd /
	[ "$($b umount --all)" = "$($b inspect --format {{.Id}} c1)" ]
	[ -z "$($b umount -a)" ]
	$b mount nope c1 >$HOME/out 2>&1 && exit 1
	grep -q "no container with name or ID \"nope\" found: no such container" $HOME/out
	grep -q /merged$ $HOME/out'
	run_bryo events --stream=false --filter container=c1 --format '{{.Status}}'
	assert_match $'mount\nunmount\nmount$'
	run_bryo rm c1 c2
}

@test "mount: with --userns=keep-id and --rootfs" {
	run_bryo create --name k --userns keep-id "$BUSYBOX" sh -c 'echo x >~/f'
	inside '
	m=$($b mount k)
	[ -x $m/bin/sh ]
	$b umount k'
	mkdir "$ENGINE_DIR/root" "$ENGINE_DIR/root/etc"
	run_bryo create --name r --rootfs "$ENGINE_DIR/root" true
	inside '
	m=$($b mount r)
	echo hi >$m/etc/hi'
	[ "$(cat "$ENGINE_DIR/root/etc/hi")" = hi ]
	run_bryo rm k r
}

@test "initialized containers are mounted as running ones" {
	run_bryo create --name i "$BUSYBOX" cat /etc/now
	run_bryo init i
	inside 'm=$($b mount i); echo now >$m/etc/now'
	run_bryo start -a i
	assert now
	run_bryo rm i
}
