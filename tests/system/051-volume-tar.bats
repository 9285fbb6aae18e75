#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Volumes as archives.

load helpers

fill() {
	"$BRYO" run --rm --network none -v "$1:/v" "$BUSYBOX" sh -c \
		'mkdir /v/d; echo one >/v/d/f; ln /v/d/f /v/hard; ln -s d/f /v/sym
		echo odd >/v/.wh.name; chown -R 33:44 /v/d; chmod 711 /v/d; chmod 1777 /v'
}

look() {
	run_bryo run --rm --network none -v "$1:/v" "$BUSYBOX" sh -c \
		'cd /v; find . | sort | xargs stat -c "%n %F %a %u:%g %h"; cat .wh.name sym'
}

@test "volume export and import: the same files again, owners and all" {
	fill src
	look src
	local want=$out
	run_bryo volume export -o "$ENGINE_DIR/v.tar" src
	assert ""
	run_bryo volume create dst
	run_bryo volume import dst "$ENGINE_DIR/v.tar"
	assert ""
	look dst
	assert "$want" "$out"
	"$BRYO" volume export src >"$ENGINE_DIR/w.tar"
	cmp "$ENGINE_DIR/v.tar" "$ENGINE_DIR/w.tar"
	run_bryo volume create piped
	gzip <"$ENGINE_DIR/v.tar" | "$BRYO" volume import piped -
	look piped
	assert "$want" "$out"
}

@test "volume import keeps what the archive does not have, and it stays" {
	run_bryo volume create keep
	"$BRYO" run --rm --network none -v keep:/v "$BUSYBOX" sh -c \
		'echo mine >/v/mine; echo old >/v/f'
	mkdir "$ENGINE_DIR/t"
	echo new >"$ENGINE_DIR/t/f"
	tar cf "$ENGINE_DIR/t.tar" -C "$ENGINE_DIR/t" .
	run_bryo volume import keep "$ENGINE_DIR/t.tar"
	run_bryo run --rm --network none -v keep:/v "$BUSYBOX" cat /v/f /v/mine
	assert "new
mine"
	# a fresh one is not filled from the image afterwards
	run_bryo volume create fresh
	run_bryo volume import fresh "$ENGINE_DIR/t.tar"
	run_bryo run --rm --network none -v fresh:/etc "$BUSYBOX" ls /etc/f
	run_bryo -1 run --rm --network none -v fresh:/etc "$BUSYBOX" ls /etc/passwd
}

@test "volume export refuses a terminal; import junk and nothing" {
	run_bryo volume create junk
	run pty 30 200 "" "$BRYO" volume export junk
	assert_match 'refusing to export volume to terminal. Use -o flag or redirect' "$output"
	head -c 100000 /dev/urandom >"$ENGINE_DIR/junk"
	run_bryo -125 volume import junk "$ENGINE_DIR/junk"
	run_bryo -125 volume import nosuch "$ENGINE_DIR/t.tar"
	assert_match 'no such volume' "$errs"
	run_bryo -125 volume export nosuch
}

@test "volume import cannot leave the volume" {
	run_bryo volume create jail
	echo canary >"$ENGINE_DIR/canary"
	python3 - "$ENGINE_DIR" <<-'END'
		import io, sys, tarfile
		top = sys.argv[1]
		with tarfile.open(top + "/evil.tar", "w") as t:
		    l = tarfile.TarInfo("link"); l.type = tarfile.SYMTYPE; l.linkname = top
		    t.addfile(l)
		    f = tarfile.TarInfo("link/canary"); f.size = 5
		    t.addfile(f, io.BytesIO(b"evil\n"))
		with tarfile.open(top + "/dots.tar", "w") as t:
		    f = tarfile.TarInfo("../../canary"); f.size = 5
		    t.addfile(f, io.BytesIO(b"evil\n"))
	END
	run_bryo -125 volume import jail "$ENGINE_DIR/evil.tar"
	run_bryo -125 volume import jail "$ENGINE_DIR/dots.tar"
	assert_match "'\.\.' component" "$errs"
	assert canary "$(cat "$ENGINE_DIR/canary")"
}

@test "volume mount works inside the user namespace only" {
	run_bryo volume create mnt
	run_bryo -125 volume mount mnt
	assert "Error: cannot run command \"bryo volume mount\" in rootless mode, must execute \`bryo unshare\` first" "$errs"
	run_bryo -125 volume unmount mnt
	assert_match 'volume unmount' "$errs"
}
