#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cp with containers that want out: FS-11, FS-12, EXE-01, EXE-02, EXE-03.
#
# What may not happen: a file of the host outside of the destination changes,
# or its content turns up in a copy.

load ../system/helpers

export BUSYBOX=localhost/busybox:latest

# No registry here: the image comes from its layout.
setup_file() {
	local layout=${BRYO_TEST_CACHE:-$HOME/.cache/bryo-tests}/busybox
	python3 "$BATS_TEST_DIRNAME/../images/mkimage.py" busybox "$layout"
	engine_setup
	"$BRYO" tag "$("$BRYO" pull -q "oci:$layout")" "$BUSYBOX"
}

SECRET=token-7d1f0a

setup() {
	W=$(mktemp -d "$ENGINE_DIR/w.XXXX")
	mkdir "$W/canary" "$W/src"
	echo "$SECRET" >"$W/canary/secret"
	echo in >"$W/src/x"
	chmod 0751 "$W/canary"
	before=$(snapshot)
}

snapshot() {
	find "$W/canary" -printf '%p %m %u %s %T@\n' | sort
	cat "$W"/canary/*
}

intact() {
	[ "$(snapshot)" = "$before" ] || {
		snapshot
		return 1
	}
}

unseen() {
	refute grep -rqa "$SECRET" "$@"
}

# evil COMMAND: a running container c with names that lead to the canary
evil() {
	run_bryo run -d --name c -v "$(cname v):/v" "$BUSYBOX" sh -c "
		up=../../../../../../../../../..
		for d in /tmp /v; do
			ln -s $W/canary \$d/abs
			ln -s \$up$W/canary \$d/rel
			ln -s $W/canary/secret \$d/file
			ln -s $W/canary/new \$d/dangling
			ln -s /proc/1/root \$d/magic
		done
		${1:-:}
		touch /ready
		while :; do sleep 1; done"
	wait_until 10 "$BRYO" exec c test -e /ready
}

gone() {
	run_bryo rm -f -t 0 c
	run_bryo volume rm "$(cname v)"
}

@test "FS-12: links in a container's path stay inside, in and out" {
	evil
	local d p
	for d in /tmp /v; do
		for p in abs rel abs/secret rel/secret file magic/etc/hostname; do
			"$BRYO" cp "c:$d/$p" "$W/out" >"$W/log" 2>&1 || :
			"$BRYO" cp "c:$d/$p" - >"$W/out.tar" 2>>"$W/log" || :
		done
		for p in abs/ rel abs/secret file dangling abs/new; do
			"$BRYO" cp "$W/src/x" "c:$d/$p" 2>>"$W/log" || :
			"$BRYO" cp "$W/src/." "c:$d/$p" 2>>"$W/log" || :
			tar -C "$W/src" -c x | "$BRYO" cp - "c:$d/$p" 2>>"$W/log" || :
		done
		run_bryo cp "c:$d/." "$W/all"
	done
	intact
	[ -L "$W/all/abs" ]
	[ ! -e "$W/out" ] || unseen "$W/out"
	unseen "$W/out.tar" "$W/log"
	gone
}

@test "FS-12: the same with a stopped container" {
	evil
	run_bryo stop -t 0 c
	local d p
	for d in /tmp /v; do
		for p in abs rel file abs/secret; do
			"$BRYO" cp "c:$d/$p" "$W/out" >"$W/log" 2>&1 || :
			"$BRYO" cp "$W/src/x" "c:$d/$p" 2>>"$W/log" || :
			"$BRYO" cp "$W/src/." "c:$d/$p" 2>>"$W/log" || :
		done
	done
	intact
	[ ! -e "$W/out" ] || unseen "$W/out"
	gone
}

@test "FS-12: a link in the tree is replaced, never written through" {
	evil
	mkdir "$W/t"
	echo 1 >"$W/t/file"
	echo 2 >"$W/t/dangling"
	run_bryo cp "$W/t/." c:/tmp
	run_bryo exec c cat /tmp/file
	assert 1
	mkdir "$W/t2" "$W/t2/abs"
	echo 3 >"$W/t2/abs/secret"
	run_bryo -125 cp "$W/t2/." c:/tmp
	assert_match 'error creating "/tmp/abs": mkdir /tmp/abs: file exists'
	run_bryo cp --overwrite "$W/t2/." c:/tmp
	intact
	gone
}

@test "FS-12: on the host a copied link is not followed by the next copy" {
	evil "mkdir /one /two; ln -s $W/canary /one/d; mkdir /two/d; echo bad >/two/d/secret; echo bad >/two/d/planted"
	mkdir "$W/dest"
	run_bryo cp c:/one/. "$W/dest"
	[ -L "$W/dest/d" ]
	run_bryo -125 cp c:/two/. "$W/dest"
	run_bryo cp --overwrite c:/two/. "$W/dest"
	[ "$(cat "$W/dest/d/secret")" = bad ]
	intact
	gone
}

@test "FS-12: names that swap while they are copied" {
	evil "mkdir /tmp/d /tmp/d/s; echo in >/tmp/d/s/f; echo in >/tmp/d/secret
		ln -s $W/canary /tmp/d.lnk
		(while :; do mv -T /tmp/d /tmp/k; mv -T /tmp/d.lnk /tmp/d; mv -T /tmp/d /tmp/d.lnk; mv -T /tmp/k /tmp/d; done) &"
	local i
	for i in $(seq 40); do
		"$BRYO" cp c:/tmp/d "$W/out$i" 2>/dev/null || :
		"$BRYO" cp c:/tmp/d/secret "$W/o$i" 2>/dev/null || :
		"$BRYO" cp "$W/src/x" c:/tmp/d/secret 2>/dev/null || :
		"$BRYO" cp "$W/src/." c:/tmp/d/s 2>/dev/null || :
	done
	intact
	for i in "$W"/o*; do
		[ -L "$i" ] || unseen "$i"
	done
	gone
}

@test "FS-12: fifos, devices and sockets: not opened, not copied, no hang" {
	evil "mkdir /s; mkfifo /s/fifo; echo x >/s/plain; mkfifo /tmp/only"
	run_bryo cp c:/s "$W/s"
	[ -p "$W/s/fifo" ]
	[ "$(cat "$W/s/plain")" = x ]
	run_bryo -125 cp c:/tmp/only "$W/x"
	run_bryo -125 cp "$W/src/x" c:/tmp/only
	run_bryo cp c:/dev "$W/dev"
	[ -z "$(find "$W/dev" -type b -o -type c)" ]
	gone
}

@test "setuid files of a container are plain files on the host" {
	evil "cp /bin/busybox /tmp/suid; chmod 6755 /tmp/suid; mkdir /tmp/sg; chmod 2775 /tmp/sg"
	run_bryo cp c:/tmp/suid "$W/suid"
	[ "$(stat -c %a "$W/suid")" = 755 ]
	run_bryo cp c:/tmp/sg "$W/sg"
	[ "$(stat -c %a "$W/sg")" = 775 ]
	gone
}

@test "a file of 4 terabytes and a tree of 1000 levels" {
	evil "truncate -s 4000000000000 /tmp/huge; mkdir /srv; cd /srv; for i in \$(seq 1000); do mkdir d; cd d; done; true"
	run_bryo cp c:/tmp/huge "$W/huge"
	[ "$(stat -c %b "$W/huge")" -lt 1000 ]
	run_bryo -125 cp c:/srv "$W/deep"
	assert_match "^Error: "
	intact
	chmod -R u+rwx "$W/deep"
	gone
}

@test "EXE-01: nothing of the container runs or is loaded" {
	evil "mkdir -p /lib/x86_64-linux-gnu /etc; for l in libc.so.6 libnss_files.so.2; do echo evil >/lib/x86_64-linux-gnu/\$l; done; echo /evil.so >/etc/ld.so.preload
		for p in tar gzip xz unpigz; do printf '#!/bin/sh\ntouch /ran\n' >/bin/\$p; chmod 755 /bin/\$p; done"
	run_bryo cp "$W/src" c:/tmp/n
	run_bryo cp c:/tmp/n "$W/n"
	tar -C "$W/src" -cJ x >"$W/t"
	run_bryo cp - c:/tmp <"$W/t"
	run_bryo cp c:/tmp/n - >"$W/n.tar"
	run_bryo -1 exec c test -e /ran
	gone
}

@test "cp -: members that lead out of the archive" {
	evil
	python3 - "$W" <<-'PY'
		import io, sys, tarfile
		w = sys.argv[1]
		def member(t, name, kind=tarfile.REGTYPE, link=""):
		    m = tarfile.TarInfo(name); m.type = kind; m.linkname = link
		    data = b"bad" if kind == tarfile.REGTYPE else b""
		    m.size = len(data); t.addfile(m, io.BytesIO(data))
		def archive(n, *members):
		    with tarfile.open(f"{w}/{n}.tar", "w") as t:
		        for m in members: member(t, *m)
		archive(1, ("../" * 12 + w[1:] + "/canary/new",))
		archive(2, (w + "/canary/new",))
		archive(3, ("d", tarfile.SYMTYPE, w + "/canary"), ("d/new",))
		archive(4, ("h", tarfile.LNKTYPE, w + "/canary/secret"), ("h",))
		archive(5, ("d", tarfile.SYMTYPE, "../" * 12 + w[1:] + "/canary"), ("d/secret",))
	PY
	local i
	for i in 1 2 3 4 5; do
		"$BRYO" cp - c:/var <"$W/$i.tar" || :
		"$BRYO" cp - c:/v <"$W/$i.tar" || :
	done
	intact
	gone
}
