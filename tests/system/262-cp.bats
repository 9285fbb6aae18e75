#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cp: what goes where, in both directions, running and stopped.

load helpers

setup() {
	cd "$(mktemp -d "$ENGINE_DIR/cp.XXXX")" || return
	echo file >f
	mkdir -p d/sub
	echo a >d/a
	echo b >d/sub/b
	ln -s a d/link
	chmod 0640 d/a
}

# both NAME...: one stopped and one running container of these names
both() {
	run_bryo create --name "$(cname s)" "$@" "$BUSYBOX" sleep 1000
	run_bryo run -d --name "$(cname r)" "$@" "$BUSYBOX" sleep 1000
}

gone() {
	run_bryo rm -f -t 0 "$(cname s)" "$(cname r)"
}

# what PATH of CONTAINER holds
inside() {
	"$BRYO" cp "$1:$2" - | tar -xO
}

@test "P14: cp in: file and directory, to old and new names" {
	local c
	both
	for c in "$(cname s)" "$(cname r)"; do
		run_bryo cp f "$c:/tmp"
		assert ""
		[ "$(inside "$c" /tmp/f)" = file ]
		run_bryo cp f "$c:/tmp/new"
		[ "$(inside "$c" /tmp/new)" = file ]
		echo longer than before >g
		run_bryo cp g "$c:/tmp/new"
		[ "$(inside "$c" /tmp/new)" = "longer than before" ]
		run_bryo cp d "$c:/tmp"
		run_bryo cp d "$c:/tmp/dd"
		run_bryo cp d/. "$c:/tmp/dd/contents"
		run_bryo cp d/. "$c:/var"
		run_bryo cp "$c:/tmp/dd" -
		[ "$(inside "$c" /tmp/d/sub/b)" = b ]
		[ "$(inside "$c" /tmp/dd/contents/a)" = a ]
		[ "$(inside "$c" /var/sub/b)" = b ]
		[ "$("$BRYO" cp "$c:/tmp/d/." - | tar -tv | grep -c 'link -> a')" = 1 ]
	done
	gone
}

@test "P14: cp out: file and directory, to old and new names" {
	local c
	both
	for c in "$(cname s)" "$(cname r)"; do
		run_bryo cp d "$c:/srv"
		mkdir "$c"
		run_bryo cp "$c:/srv/a" "$c"
		run_bryo cp "$c:/srv/a" "$c/named"
		run_bryo cp "$c:/srv" "$c/copy"
		run_bryo cp "$c:/srv/." "$c/contents"
		run_bryo cp "$c:/srv" "$c"
		[ "$(cat "$c/a" "$c/named" "$c/copy/sub/b" "$c/contents/a" "$c/srv/a")" = $'a\na\nb\na\na' ]
		[ "$(readlink "$c/copy/link")" = a ]
		[ "$(stat -c '%U %a' "$c/copy/a")" = "$(id -un) 640" ]
		# an existing file keeps its inode: it may be a link of the user's
		ln "$c/a" "$c/a2"
		run_bryo cp "$c:/srv/sub/b" "$c/a"
		[ "$(cat "$c/a2")" = b ]
		# mtime is the source's
		[ "$c/copy/a" -ot "$c/a" ] || [ "$(stat -c %Y "$c/copy/a")" = "$(stat -c %Y d/a)" ]
	done
	gone
}

@test "P14: cp says what is missing and what does not fit" {
	local c
	both
	mkdir there
	for c in "$(cname s)" "$(cname r)"; do
		run_bryo -125 cp nosuch "$c:/tmp"
		assert 'Error: "nosuch" could not be found on the host'
		run_bryo -125 cp "$c:/nosuch" .
		assert "Error: \"/nosuch\" could not be found on container $c: no such file or directory"
		run_bryo -125 cp f "$c:/no/such/dir"
		assert "Error: \"/no/such\" could not be found on container $c: no such file or directory"
		run_bryo -125 cp d "$c:/etc/passwd"
		assert "Error: destination must be a directory when copying a directory"
		run_bryo -125 cp "$c:/etc" f
		assert "Error: destination must be a directory when copying a directory"
		run_bryo -125 cp "$c:/etc/passwd" nosuch/
		run_bryo -125 cp "$c:/etc/passwd" /dev/null
		run_bryo -125 cp f "$c:/tmp/new/"
		assert "Error: \"/tmp/new/\" could not be found on container $c: no such file or directory"
		run_bryo -125 cp "$c:/etc/passwd" /dev/null
		assert 'Error: invalid destination: "/dev/null" must be a directory or a regular file'
		run_bryo -125 cp "$c:/dev/null" out
		refute [ -e out ]
	done
	run_bryo -125 cp f d
	run_bryo -125 cp nosuch:/x .
	assert_match 'no container with name or ID "nosuch" found'
	gone
}

@test "P14: cp: a file over a directory and the reverse need --overwrite" {
	local c
	both
	mkdir -p x/foo y
	echo 1 >y/foo
	for c in "$(cname s)" "$(cname r)"; do
		run_bryo cp x/. "$c:/tmp"
		run_bryo -125 cp y/. "$c:/tmp"
		assert 'Error: error creating "/tmp/foo": open /tmp/foo: file exists'
		run_bryo cp --overwrite y/. "$c:/tmp"
		[ "$(inside "$c" /tmp/foo)" = 1 ]
		run_bryo -125 cp x/. "$c:/tmp"
		assert 'Error: error creating "/tmp/foo": mkdir /tmp/foo: file exists'
		run_bryo cp --overwrite x/. "$c:/tmp"
		run_bryo cp "$c:/tmp/foo/." -
	done
	gone
}

@test "P14: cp - is a tar, plain or compressed" {
	local c z
	both
	for c in "$(cname s)" "$(cname r)"; do
		for z in "" z J --zstd; do
			tar -c ${z:+${z/#[zJ]/-$z}} d >t.tar
			run_bryo cp - "$c:/var" <t.tar
			[ "$(inside "$c" /var/d/sub/b)" = b ]
		done
		head -c 5000 /dev/urandom >junk
		run_bryo -125 cp - "$c:/var" <junk
		assert_match "^Error: source must be a \(compressed\) tar archive when copying from stdin"
		run_bryo -125 cp - "$c:/etc/passwd" <t.tar
		assert "Error: destination must be a directory when copying from stdin"
		run_bryo -125 cp - "$c:/no/such" <t.tar
		[ -z "$(ls -d "$XDG_DATA_HOME"/bryo/containers/*/cp-* 2>/dev/null)" ]
	done
	gone
}

@test "P14: cp between containers, and relative paths" {
	both -w /var
	run_bryo cp d "$(cname s):x"
	run_bryo cp "$(cname s):/var/x" "$(cname r):/tmp/"
	[ "$(inside "$(cname r)" /tmp/x/sub/b)" = b ]
	run_bryo cp "$(cname r):/tmp/x/." "$(cname s):y"
	[ "$(inside "$(cname s)" y/a)" = a ]
	run_bryo cp "$(cname r):/tmp/x/a" "$(cname s):z"
	[ "$(inside "$(cname s)" z)" = a ]
	gone
}

@test "P14: cp: owners with -a and without" {
	local c
	both -u 1000:1000
	for c in "$(cname s)" "$(cname r)"; do
		run_bryo cp d "$c:/tmp/own"
		[ "$("$BRYO" cp "$c:/tmp/own" - | tar -tv --numeric-owner | grep -vc '1000/1000')" = 0 ]
		run_bryo cp -a=false d "$c:/tmp/keep"
		[ "$("$BRYO" cp "$c:/tmp/keep" - | tar -tv --numeric-owner | grep -vc ' 0/0 ')" = 0 ]
		tar -c --owner=33 --group=34 f >t.tar
		run_bryo cp --archive=false - "$c:/tmp" <t.tar
		assert_match "33/34" "$("$BRYO" cp "$c:/tmp/f" - | tar -tv --numeric-owner)"
	done
	gone
}

@test "P14: cp into volumes, binds and files of the engine" {
	mkdir bind
	both -v "$(cname vol):/vol" -v "$PWD/bind:/bind"
	run_bryo cp f "$(cname s):/vol/from-s"
	run_bryo cp f "$(cname r):/vol/from-r"
	[ "$(inside "$(cname s)" /vol/from-r)" = file ]
	[ "$(inside "$(cname r)" /vol/from-s)" = file ]
	run_bryo cp f "$(cname s):/bind/s"
	run_bryo cp d "$(cname r):/bind/r"
	[ "$(cat bind/s bind/r/a)" = $'file\na' ]
	[ "$(stat -c %U bind/s bind/r/a | sort -u)" = "$(id -un)" ]
	run_bryo cp f "$(cname r):/etc/hosts"
	run_bryo exec "$(cname r)" cat /etc/hosts
	assert file
	run_bryo run -d --name "$(cname t)" --tmpfs /t "$BUSYBOX" sleep 100
	run_bryo cp f "$(cname t):/t/f"
	run_bryo exec "$(cname t)" cat /t/f
	assert file
	run_bryo rm -f -t 0 "$(cname t)"
	gone
	run_bryo volume rm "$(cname vol)"
}

@test "P14: cp: a new volume has the image's files before the first copy" {
	run_bryo create --name "$(cname)" -v "$(cname vol):/etc" "$BUSYBOX" cat /etc/passwd
	run_bryo cp f "$(cname):/etc/mine"
	run_bryo start -a "$(cname)"
	assert_match "^root:"
	run_bryo rm "$(cname)"
	run_bryo volume rm "$(cname vol)"
}

@test "P14: cp with other ids, the host's pids, every driver, --pause" {
	run_bryo run -d --name "$(cname k)" --userns=keep-id "$BUSYBOX" sleep 100
	run_bryo cp d "$(cname k):/tmp/d"
	run_bryo exec "$(cname k)" stat -c %u /tmp/d/a
	assert "$(id -u)"
	run_bryo cp "$(cname k):/tmp/d" out-k
	[ "$(stat -c %u out-k/a)" = "$(id -u)" ]
	run_bryo rm -f -t 0 "$(cname k)"
	run_bryo run -d --name "$(cname p)" --pid=host "$BUSYBOX" sleep 100
	run_bryo cp --pause f "$(cname p):/tmp"
	run_bryo rm -f -t 0 "$(cname p)"
	run_bryo run -d --name "$(cname p)" "$BUSYBOX" sleep 100
	run_bryo cp --pause f "$(cname p):/tmp"
	run_bryo inspect --format '{{.State.Status}}' "$(cname p)"
	assert running
	run_bryo rm -f -t 0 "$(cname p)"
	local d
	for d in fuse-overlayfs vfs; do
		run_bryo --storage-driver "$d" create --name "$(cname)" "$BUSYBOX" cat /srv/sub/b
		run_bryo cp d "$(cname):/srv"
		run_bryo start -a "$(cname)"
		assert b
		run_bryo cp "$(cname):/srv/a" "out-$d"
		[ "$(cat "out-$d")" = a ]
		run_bryo rm "$(cname)"
	done
}

@test "cp keeps holes, and takes thousands of files" {
	truncate -s 1T sparse
	echo end >>sparse
	run_bryo create --name "$(cname)" "$BUSYBOX" true
	run_bryo cp sparse "$(cname):/tmp/"
	run_bryo cp "$(cname):/tmp/sparse" back
	[ "$(stat -c %s back)" = "$(stat -c %s sparse)" ]
	[ "$(tail -c 4 back)" = end ]
	[ "$(stat -c %b back)" -lt 1000 ]
	mkdir many
	(cd many && seq 5000 | xargs touch)
	run_bryo cp many "$(cname):/srv"
	run_bryo cp "$(cname):/srv" many-back
	[ "$(find many-back -type f | wc -l)" = 5000 ]
	run_bryo rm "$(cname)"
}

@test "cp: what the kernel makes when it is read, which has no length" {
	run_bryo run -d --name "$(cname)" "$BUSYBOX" sleep 1000
	for file in /proc/version /proc/1/status /sys/class/net/lo/mtu; do
		"$BRYO" exec "$(cname)" cat "$file" >want
		rm -f got
		run_bryo cp "$(cname):$file" got
		[ -s got ]
		[ "$(head -n 1 got | cut -c 1-5)" = "$(head -n 1 want | cut -c 1-5)" ]
		[ "$(tr -d '\0' <got | wc -c)" = "$(wc -c <got)" ]
		inside "$(cname)" "$file" >member
		[ "$(head -n 1 member)" = "$(head -n 1 got)" ]
	done
	run_bryo cp "$(cname):/proc/version" "$(cname):/tmp/version"
	run_bryo exec "$(cname)" cmp /proc/version /tmp/version
	run_bryo rm -f -t 0 "$(cname)"
}
