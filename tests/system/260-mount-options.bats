#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What -v and --mount can say beyond a plain bind: types, keys, owners.

load helpers

setup() {
	SRC=$(mktemp -d "$ENGINE_DIR/src.XXXX")
	mkdir "$SRC/sub"
	echo data >"$SRC/sub/f"
	echo keep >"$SRC/file"
}

@test "-v :O keeps what is written from the source, and starts anew" {
	run_bryo create --name "$(cname)" -v "$SRC:/x:O" "$BUSYBOX" \
		sh -c 'ls /x; echo new >/x/n; echo mod >/x/file; cat /x/file'
	run_bryo start -a "$(cname)"
	assert $'file\nsub\nmod'
	run_bryo start -a "$(cname)"
	assert $'file\nsub\nmod'
	[ "$(ls "$SRC")" = $'file\nsub' ]
	[ "$(cat "$SRC/file")" = keep ]
	run_bryo rm "$(cname)"
}

@test "-v :O with an upper directory of the user's own" {
	mkdir "$SRC.up" "$SRC.work"
	run_bryo run --rm -v "$SRC:/x:O,upperdir=$SRC.up,workdir=$SRC.work" \
		"$BUSYBOX" sh -c 'echo new >/x/n'
	[ "$(cat "$SRC.up/n")" = new ]
	[ ! -e "$SRC/n" ]
	run_bryo -125 run --rm -v "$SRC:/x:O,upperdir=$SRC.up" "$BUSYBOX" true
	assert_match "must specify both upperdir and workdir"
	run_bryo -125 run --rm -v "$SRC/file:/x:O" "$BUSYBOX" true
	assert_match "option O needs a directory"
}

@test "P15: -v :U gives the files to the container's user, once" {
	run_bryo create --name "$(cname)" -u 33:44 -v "$SRC:/x:U" "$BUSYBOX" \
		stat -c %u:%g /x /x/sub/f /x/file
	run_bryo start -a "$(cname)"
	assert $'33:44\n33:44\n33:44'
	run_bryo run --rm -v "$SRC:/x" "$BUSYBOX" chown 7:8 /x/file
	run_bryo start -a "$(cname)"
	assert $'33:44\n33:44\n7:8'
	run_bryo rm "$(cname)"
	run_bryo run --rm -v "$SRC:/x:U" "$BUSYBOX" stat -c %u /x/sub/f
	assert 0
}

@test "--mount type=image: read-only, rw=true, subpath, pins the image" {
	run_bryo -1 run --rm --mount "type=image,src=$BUSYBOX,dst=/i" "$BUSYBOX" \
		sh -c 'ls /i/etc/passwd; touch /i/x'
	assert_match "^/i/etc/passwd"
	assert_match "Read-only file system"
	run_bryo run --rm --mount "type=image,src=$BUSYBOX,dst=/i,rw=true,subpath=etc" \
		"$BUSYBOX" sh -c 'touch /i/x && ls /i'
	assert_match "passwd"
	run_bryo run --rm --mount "type=image,src=$BUSYBOX,dst=/i" "$BUSYBOX" sh -c "ls /i/x /i/etc/x || :"
	assert_match "No such file"
}

@test "--mount type=image: an unknown image, and rmi while it is mounted" {
	run_bryo -125 run --rm --mount "type=image,src=nosuch,dst=/i" "$BUSYBOX" true
	assert_match "nosuch: image not known"
	run_bryo pull -q "localhost:$REGISTRY_PORT/nginx"
	run_bryo create --name "$(cname)" --mount "type=image,src=$NGINX,dst=/i" "$BUSYBOX" true
	run_bryo -2 rmi "$NGINX"
	assert_match "image is in use by a container"
	run_bryo inspect --format '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}}{{end}}' "$(cname)"
	assert "image /i false"
	run_bryo rm "$(cname)"
	run_bryo rmi "$NGINX"
}

@test "P15: --mount type=glob" {
	run_bryo run --rm --mount "type=glob,src=$SRC/*,dst=/g" "$BUSYBOX" ls /g
	assert $'file\nsub'
	run_bryo run --rm --mount "type=glob,src=$SRC/f*,ro" "$BUSYBOX" cat "$SRC/file"
	assert keep
	run_bryo -125 run --rm --mount "type=glob,src=$SRC/nosuch*" "$BUSYBOX" true
	assert "Error: no file paths matching glob \"$SRC/nosuch*\""
	run_bryo -125 run --rm --mount "type=glob,src=$SRC/f*,dst=/g" -v v:/g/file "$BUSYBOX" true
	assert "Error: /g/file: duplicate mount destination"
}

@test "P15: ro, readonly and rw on every type, with and without a value" {
	local t
	for t in "type=bind,src=$SRC" type=tmpfs type=volume; do
		run_bryo -1 run --rm --mount "$t,dst=/m,ro" "$BUSYBOX" touch /m/x
		run_bryo -1 run --rm --mount "$t,dst=/m,readonly=true" "$BUSYBOX" touch /m/x
		run_bryo -1 run --rm --mount "$t,dst=/m,rw=false" "$BUSYBOX" touch /m/x
		run_bryo run --rm --mount "$t,dst=/m,ro=false" "$BUSYBOX" touch /m/x
		run_bryo run --rm --mount "$t,dst=/m,rw" "$BUSYBOX" touch /m/x
	done
	run_bryo -125 run --rm --mount "type=tmpfs,dst=/m,ro=maybe" "$BUSYBOX" true
}

@test "P15: ramfs, devpts, noswap, noexec" {
	run_bryo run --rm --mount type=ramfs,dst=/r "$BUSYBOX" grep -c "^ramfs /r ramfs" /proc/self/mounts
	assert 1
	run_bryo run --rm --mount type=devpts,dst=/p,mode=0600 "$BUSYBOX" grep " /p devpts" /proc/self/mounts
	assert_match "mode=600"
	run_bryo -125 run --rm --mount type=tmpfs,dst=/t,noswap "$BUSYBOX" true
	assert "Error: the 'noswap' option is only allowed with rootful tmpfs mounts: must provide an argument for option"
	cp "$BRYO_BUILD/nettool" "$SRC/prog"
	run_bryo run --rm -v "$SRC:/x" "$BUSYBOX" sh -c '/x/prog >/dev/null 2>&1; [ $? -lt 126 ]'
	run_bryo -126 run --rm -v "$SRC:/x:noexec" "$BUSYBOX" /x/prog
	assert_match "permission denied"
}

@test "P15: no-dereference makes the link, otherwise its target is mounted" {
	ln -s /nowhere/at/all "$SRC/dangling"
	run_bryo run --rm --mount "type=bind,src=$SRC/dangling,dst=/l,no-dereference" "$BUSYBOX" readlink /l
	assert /nowhere/at/all
	run_bryo -125 run --rm --mount "type=bind,src=$SRC/dangling,dst=/l" "$BUSYBOX" true
	assert_match "statfs $SRC/dangling: no such file or directory"
}

@test "FS-13: a subpath stays inside its volume" {
	run_bryo run --rm --mount "type=bind,src=$SRC,dst=/x,subpath=sub" "$BUSYBOX" cat /x/f
	assert data
	mkdir "$ENGINE_DIR/canary"
	echo secret >"$ENGINE_DIR/canary/s"
	run_bryo run --rm -v "vol:/v" "$BUSYBOX" sh -c \
		"ln -s $ENGINE_DIR/canary /v/abs; ln -s ../../../../../../../../$ENGINE_DIR/canary /v/rel; mkdir /v/ok"
	local p
	for p in abs rel ../../.. /etc; do
		"$BRYO" run --rm --mount "type=volume,src=vol,dst=/x,subpath=$p" "$BUSYBOX" \
			ls -R /x >"$ENGINE_DIR/out" 2>&1 || :
		refute grep -qE '^s$|passwd' "$ENGINE_DIR/out"
	done
	run_bryo run --rm --mount "type=volume,src=vol,dst=/x,subpath=ok" "$BUSYBOX" touch /x/here
	run_bryo run --rm -v vol:/v "$BUSYBOX" ls /v/ok
	assert here
	run_bryo volume rm vol
}

@test "bind-nonrecursive, idmap: done or refused with the reason" {
	run_bryo run --rm --mount "type=bind,src=$SRC,dst=/x,bind-nonrecursive" "$BUSYBOX" cat /x/file
	assert keep
	run_bryo -125 run --rm --mount "type=bind,src=/,dst=/x,bind-nonrecursive" "$BUSYBOX" true
	assert_match "bind-nonrecursive: something is mounted below /"
	run_bryo -125 run --rm -v "$SRC:/x:idmap" "$BUSYBOX" true
	assert_match "option idmap: the kernel lets only root"
}

@test "--volumes-from: all of it, :ro, own mounts win" {
	run_bryo create --name "$(cname a)" -v "$SRC:/b" -v nv:/n "$BUSYBOX" true
	run_bryo run --rm --volumes-from "$(cname a)" "$BUSYBOX" sh -c 'cat /b/file; echo 1 >/n/one'
	assert keep
	run_bryo -1 run --rm --volumes-from "$(cname a):ro" "$BUSYBOX" touch /n/two
	run_bryo run --rm --volumes-from "$(cname a)" -v "$SRC/sub:/b" "$BUSYBOX" ls /b /n
	assert $'/b:\nf\n\n/n:\none'
	run_bryo -125 run --rm --volumes-from "$(cname a):bad" "$BUSYBOX" true
	assert "Error: invalid options \"bad\", can only specify 'ro', 'rw', and 'z'"
	run_bryo -125 run --rm --volumes-from nosuch "$BUSYBOX" true
	run_bryo rm "$(cname a)"
	run_bryo volume rm nv
}

@test "P16: volume create -o: tmpfs, bind, owner, refusals" {
	run_bryo volume create -o type=tmpfs -o device=tmpfs -o o=size=2m,nodev,noexec,uid=5 tv
	run_bryo run --rm -v tv:/t "$BUSYBOX" sh -c 'grep " /t tmpfs" /proc/self/mounts; stat -c %u /t'
	assert_match "noexec.*size=2048k"
	assert_match $'\n5$'
	run_bryo volume create -o type=none -o "device=$SRC" -o o=bind bv
	run_bryo run --rm -v bv:/t "$BUSYBOX" cat /t/file
	assert keep
	run_bryo -125 volume create -o type=bind -o device=/bogus bad
	assert "Error: invalid volume option device for driver 'local': faccessat /bogus: no such file or directory"
	run_bryo -125 volume create -o nosuch=1 bad
	assert "Error: invalid volume option nosuch for driver 'local': invalid argument"
	run_bryo -125 volume create -o type=nfs -o device=host:/x bad
	assert_match "only root of the host mount it"
	run_bryo -125 volume create -o size=1g bad
	assert_match "quotas need root of the host"
	run_bryo volume create -o o=uid=7,gid=8 ov
	run_bryo run --rm -u 1000 -v ov:/t "$BUSYBOX" stat -c %u:%g /t
	assert 7:8
	run_bryo volume rm tv bv ov
	[ -e "$SRC/file" ]
}

@test "P16: a new volume belongs to the container's user where the image has nothing" {
	run_bryo run --rm -u 1000:1000 -v nv:/not/in/image "$BUSYBOX" stat -c %u:%g /not/in/image
	assert 1000:1000
	run_bryo volume inspect nv --format '{{.NeedsCopyUp}} {{.NeedsChown}}'
	assert "false false"
	run_bryo volume rm nv
}

@test "P16: volume create --uid --gid, rm --force --time removes the users" {
	run_bryo volume create --uid 11 --gid 12 ov
	run_bryo run --rm -v ov:/t "$BUSYBOX" stat -c %u:%g /t
	assert 11:12
	run_bryo -125 volume create --uid nobody bad
	assert_match "is no user or group id"
	run_bryo run -d --name "$(cname)" -v ov:/t "$BUSYBOX" sh -c 'trap "" TERM; sleep 100'
	run_bryo -125 volume rm --time 0 ov
	assert_match "^Error: --force option must be specified to use the --time option"
	run_bryo volume rm -f -t 0 ov
	assert ov
	run_bryo -1 container exists "$(cname)"
}
