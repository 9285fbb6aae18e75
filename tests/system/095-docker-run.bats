#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What docker's command line has beside podman's: create and run.

load helpers

@test "docker: --add-host name=ip, brackets around IPv6, host-gateway" {
	run_bryo run --rm --add-host one=8.8.8.8 --add-host 'two;three:1.2.3.4' \
		--add-host 'v6=[2001:db8::33]' --add-host v7:::1 \
		--add-host gw=host-gateway "$BUSYBOX" cat /etc/hosts
	assert_match $'(^|\n)8\\.8\\.8\\.8\tone\n'
	assert_match $'\n1\\.2\\.3\\.4\ttwo three\n'
	assert_match $'\n2001:db8::33\tv6\n'
	assert_match $'\n::1\tv7\n'
	assert_match $'\n[0-9.]+\tgw\n'
	run_bryo -125 create --add-host a= "$BUSYBOX"
	assert_match 'invalid IP address "" in add-host: "a="'
	run_bryo -125 create --add-host =1.1.1.1 "$BUSYBOX"
	assert_match 'invalid host format "=1.1.1.1"'
	run_bryo -125 create --add-host 'a=[::1' "$BUSYBOX"
	assert_match 'invalid IP address'
}

@test "docker: a Mac's words behind -v change nothing" {
	mkdir "$ENGINE_DIR/src"
	touch "$ENGINE_DIR/src/f"
	run_bryo run --rm -v "$ENGINE_DIR/src:/a:cached" \
		-v "$ENGINE_DIR/src:/b:ro,delegated" \
		-v "$ENGINE_DIR/src:/c:consistent" "$BUSYBOX" \
		sh -c 'touch /a/g && ls /c && ! touch /b/x'
	assert $'f\ng' "$out"
	run_bryo -125 create -v "$ENGINE_DIR/src:/a:later" "$BUSYBOX"
	assert_match "invalid mount option"
}

@test "docker: seccomp=builtin is the filter that is there anyway" {
	run_bryo run --rm --security-opt seccomp=unconfined \
		--security-opt seccomp=builtin "$BUSYBOX" \
		grep Seccomp: /proc/self/status
	assert_match "2$"
}

@test "docker: --isolation default, --volume-driver local" {
	run_bryo run --rm --isolation default --volume-driver local \
		--mount type=volume,src=vd,dst=/d,volume-driver=local \
		"$BUSYBOX" true
	run_bryo -125 create --isolation hyperv "$BUSYBOX"
	assert_match "^Error: --isolation hyperv is not supported yet"
	run_bryo -125 create --volume-driver nfs "$BUSYBOX"
	assert 'Error: volume driver "nfs" is not supported yet'
	run_bryo -125 create --mount type=volume,dst=/d,volume-driver=nfs "$BUSYBOX"
	assert 'Error: volume driver "nfs" is not supported yet'
}

@test "docker: -p 0:PORT is a random port" {
	run_bryo run -d --name zero -p 0:80 -p 127.0.0.1:0:81 "$BUSYBOX" sleep 1000
	run_bryo port zero 80
	assert_match '^0\.0\.0\.0:[1-9][0-9]+$'
	run_bryo port zero 81
	assert_match '^127\.0\.0\.1:[1-9][0-9]+$'
	run_bryo rm -ft0 zero
}

@test "docker: each port of an exposed range is a key of inspect" {
	run_bryo create --name ex --expose 100-102 --expose 7/udp -p 90-91:80-81 "$BUSYBOX"
	run_bryo inspect -f '{{json .Config.ExposedPorts}}' ex
	assert '{"100/tcp":{},"101/tcp":{},"102/tcp":{},"7/udp":{},"80/tcp":{},"81/tcp":{}}'
	run_bryo rm ex
}

@test "docker: inspect has LogPath, Platform, Mounts.Name, StartInterval" {
	run_bryo create --name ins -v vi:/v -v /tmp:/t --health-cmd true \
		--health-start-period 9s --health-start-interval 2s "$BUSYBOX"
	run_bryo inspect -f '{{.LogPath}}' ins
	[ "${out##*/}" = ctr.log ]
	run_bryo inspect -f '{{.Platform}} {{range .Mounts}}{{.Type}}={{.Name}};{{end}}' ins
	assert "linux volume=vi;bind=;"
	run_bryo inspect -f '{{.Config.Healthcheck.StartInterval}}' ins
	assert 2s
	# podman's JSON has none of them
	run_bryo inspect ins
	jq -e '.[0] | has("LogPath") or has("Platform") | not' <<<"$out"
	run_bryo rm -v ins
}

@test "docker: logs --tail all" {
	run_bryo run --name tail "$BUSYBOX" sh -c 'echo 1; echo 2'
	run_bryo logs --tail all tail
	assert $'1\n2'
	run_bryo logs --tail 1 tail
	assert 2
	run_bryo -125 logs --tail al tail
	assert_match 'invalid argument "al" for "--tail" flag'
	run_bryo container remove tail
	assert tail
}

@test "docker: volume create --name, secret remove" {
	run_bryo volume create --name vn
	assert vn
	run_bryo -125 volume create --name vm vn
	assert_match "either specify --name or provide positional arg"
	run_bryo volume rm vn
	echo x | "$BRYO" secret create sx -
	run_bryo secret remove sx
	run_bryo -125 secret rm --all x
	assert 'Error: `bryo secret rm` takes no arguments with --all'
}

@test "docker: --help behind an unknown command is no unknown flag" {
	run_bryo -125 buildx --help
	assert_match 'Error: unrecognized command `bryo buildx`'
	run_bryo -125 image nosuch -h
	assert_match 'Error: unrecognized command `bryo image nosuch`'
}
