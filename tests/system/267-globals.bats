#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Flags in front of the command.

load helpers

@test "G12: --syslog sends log lines to /dev/log, too" {
	# a /dev of our own, with somebody who listens
	cat >"$ENGINE_DIR/listen.py" <<-'EOS'
		import os, socket, subprocess, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind("/dev/log")
		s.settimeout(0.2)
		subprocess.run(sys.argv[1:], stderr=subprocess.PIPE)
		try:
		    while True:
		        print(s.recv(4096).decode())
		except TimeoutError:
		    pass
	EOS
	listen() {
		run unshare -rm sh -c 'mount -t tmpfs none /dev && exec python3 "$@"' \
			sh "$ENGINE_DIR/listen.py" "$BRYO" "$@"
	}
	listen --syslog --log-level=info version
	assert_match "<14>.* bryo\[[0-9]+\]: bryo filtering at log level info"
	listen --log-level=info version
	assert_no_match "filtering"
	listen --syslog version
	assert_no_match "bryo\["
}

@test "G12: --storage-opt: mount_program is a driver, the rest is refused" {
	run_bryo --storage-opt overlay.mount_program=/usr/bin/fuse-overlayfs info \
		--format '{{.Store.GraphDriverName}}'
	assert fuse-overlayfs
	run_bryo --storage-driver overlay \
		--storage-opt mount_program=/usr/bin/fuse-overlayfs \
		create --name "$(cname)" "$BUSYBOX" true
	run_bryo inspect --format '{{.Driver}}' "$(cname)"
	assert fuse-overlayfs
	run_bryo rm "$(cname)"
	run_bryo -125 --storage-opt overlay.mount_program=/bin/true ps
	assert_match "the only program is /usr/bin/fuse-overlayfs"
	run_bryo -125 --storage-opt overlay.ignore_chown_errors=true ps
	assert 'Error: storage option "overlay.ignore_chown_errors=true" is not supported yet'
	run_bryo -125 --storage-opt size=1g ps
	assert_match "not supported yet"
	run_bryo -125 --storage-opt nonsense ps
	assert_match "is not KEY=VALUE"
	run_bryo -125 --storage-driver vfs \
		--storage-opt overlay.mount_program=/usr/bin/fuse-overlayfs ps
	assert_match "does not work with --storage-driver vfs"
}

@test "G12: there is no remote service" {
	run_bryo --remote=false ps -q
	run_bryo -125 --remote ps
	assert "Error: --remote is not supported yet"
	run_bryo -125 -r ps
	for flag in --url --connection --identity --conmon --network-cmd-path \
		--runtime-flag --network-config-dir; do
		run_bryo -125 "$flag" x ps
		assert_match "^Error: $flag is not supported yet"
	done
}

@test "G12: info shows what is in force" {
	run_bryo info --format '{{.Host.EventLogger}} {{.Host.LogDriver}}'
	assert "file k8s-file"
	run_bryo --events-backend none info --format '{{.Host.EventLogger}}'
	assert none
	run_bryo info --format '{{.Host.CgroupManager}} {{.CgroupDriver}}'
	assert_match "^(systemd systemd|cgroupfs cgroupfs|none none)$"
	run_bryo --cgroup-manager=cgroupfs info --format '{{.Host.CgroupManager}}'
	assert_match "^(cgroupfs|none)$"
}
