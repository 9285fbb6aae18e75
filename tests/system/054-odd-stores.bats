#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Stores in odd places, and stores that moved.

load helpers

userns() {
	"$BATS_TEST_DIRNAME/../setup/in-userns.py" "$@"
}

@test "docker's driver name is understood, what is not there names the three" {
	run_bryo --storage-driver overlay2 run --rm --network none "$BUSYBOX" true
	run_bryo --storage-driver overlay2 create --name o2 "$BUSYBOX" true
	run_bryo inspect --format '{{.GraphDriver.Name}}' o2
	assert overlay
	run_bryo rm o2
	local d
	for d in aufs devicemapper zfs btrfs; do
		run_bryo -125 --storage-driver $d create "$BUSYBOX" true
		assert_match "storage driver '$d' is not supported: use overlay, fuse-overlayfs or vfs" "$errs"
	done
}

@test "a data directory that moved to another path works there" {
	run_bryo run --name mover --network none -v mv:/v "$BUSYBOX" sh -c \
		'echo file >/root/f; echo vol >/v/f; chown 33 /root/f'
	run_bryo commit -q mover moved
	mkdir "$ENGINE_DIR/there"
	wait_until 30 store_is_quiet
	userns cp -a "$XDG_DATA_HOME/bryo" "$ENGINE_DIR/there/bryo"
	local root=(--root "$ENGINE_DIR/there/bryo" --runroot "$ENGINE_DIR/there/run")
	run_bryo "${root[@]}" system check
	assert ""
	run_bryo "${root[@]}" start -a mover
	run_bryo "${root[@]}" diff mover
	assert_match 'A /root/f' "$out"
	run_bryo "${root[@]}" run --rm --network none -v mv:/v moved \
		sh -c 'cat /root/f /v/f; stat -c %u /root/f'
	assert "file
vol
33"
	run_bryo "${root[@]}" rm -fa
	run_bryo "${root[@]}" system reset -f
	run_bryo start -a mover
	run_bryo rm mover
}

@test "a data directory that was packed with its attributes and unpacked again" {
	run_bryo commit -q "$("$BRYO" create "$BUSYBOX" true)" shifted
	mkdir "$ENGINE_DIR/shift"
	wait_until 30 store_is_quiet
	userns tar cf "$ENGINE_DIR/shift.tar" --numeric-owner --xattrs \
		--xattrs-include='*' --exclude=./state.db.lock -C "$XDG_DATA_HOME/bryo" .
	userns tar xf "$ENGINE_DIR/shift.tar" --numeric-owner --xattrs \
		--xattrs-include='*' -C "$ENGINE_DIR/shift"
	local root=(--root "$ENGINE_DIR/shift" --runroot "$ENGINE_DIR/shiftrun")
	run_bryo "${root[@]}" system check
	assert ""
	run_bryo "${root[@]}" run --rm --network none shifted true
	run_bryo "${root[@]}" system reset -f
	run_bryo rm -fa
}

@test "500 layers work, 501 are refused with the kernel's limit" {
	local dir=$ENGINE_DIR/deep
	python3 - "$dir" <<-'END'
		import sys, json, hashlib, io, tarfile, pathlib
		def digest(b): return "sha256:" + hashlib.sha256(b).hexdigest()
		for n in (500, 501):
		    top = pathlib.Path(sys.argv[1] + str(n)); blobs = top / "blobs/sha256"
		    blobs.mkdir(parents=True)
		    def put(b, kind):
		        (blobs / digest(b)[7:]).write_bytes(b)
		        return {"mediaType": kind, "digest": digest(b), "size": len(b)}
		    descs, ids = [], []
		    for i in range(n):
		        out = io.BytesIO()
		        with tarfile.open(fileobj=out, mode="w") as t:
		            f = tarfile.TarInfo("l/%d" % i); f.size = 1
		            t.addfile(f, io.BytesIO(b"x"))
		        descs.append(put(out.getvalue(), "application/vnd.oci.image.layer.v1.tar"))
		        ids.append(digest(out.getvalue()))
		    conf = put(json.dumps({"os": "linux", "architecture": "amd64", "config": {"Cmd": ["x"]},
		        "rootfs": {"type": "layers", "diff_ids": ids}}).encode(),
		        "application/vnd.oci.image.config.v1+json")
		    m = put(json.dumps({"schemaVersion": 2, "config": conf, "layers": descs}).encode(),
		        "application/vnd.oci.image.manifest.v1+json")
		    (top / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
		    (top / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [m]}))
	END
	run_bryo pull -q "oci:${dir}500"
	local id=$out
	run_bryo create --name deep "$id" true
	"$BRYO" export deep | tar t >"$ENGINE_DIR/names"
	assert 500 "$(grep -c '^l/[0-9]' "$ENGINE_DIR/names")"
	run_bryo commit -q --squash deep flat
	run_bryo diff deep
	assert ""
	# mounts: the payload is not there, the root is
	run_bryo -127 run --rm --network none "$id" /nothing
	run_bryo pull -q "oci:${dir}501"
	run_bryo -125 run --rm --network none "$out" /nothing
	assert_match '500' "$errs"
	run_bryo rm deep
}

@test "a store on overlayfs and one on a small tmpfs" {
	local fs
	for fs in overlay tmpfs; do
		run userns unshare -m bash -c '
			set -e
			mkdir -p "$1/m" "$1/u" "$1/w" "$1/l"
			if [ "$2" = tmpfs ]; then mount -t tmpfs -o size=64m none "$1/m"
			else mount -t overlay -o userxattr,lowerdir="$1/l",upperdir="$1/u",workdir="$1/w" none "$1/m"; fi
			export XDG_DATA_HOME="$1/m" XDG_RUNTIME_DIR="$1/run"
			mkdir -m 700 "$1/run"
			"$BRYO" pull -q "$3" >/dev/null
			"$BRYO" run --name c --network none "$3" sh -c "echo hi >/f; rm /etc/group"
			"$BRYO" diff c
			"$BRYO" commit -q c img >/dev/null
			"$BRYO" run --rm --network none img sh -c "cat /f; test ! -e /etc/group && echo gone"
			"$BRYO" system check
			"$BRYO" rm -fa >/dev/null; "$BRYO" rmi -fa >/dev/null
		' - "$ENGINE_DIR/fs-$fs" "$fs" "$BUSYBOX"
		assert "C /etc
D /etc/group
A /f
hi
gone" "$output"
	done
}

@test "rmi of an image with 5000 files returns before its files are gone" {
	mkdir "$ENGINE_DIR/files"
	python3 - "$ENGINE_DIR/files.tar" <<-'END'
		import sys, tarfile, io
		with tarfile.open(sys.argv[1], "w") as t:
		    for i in range(5000):
		        f = tarfile.TarInfo("d%d/f%d" % (i // 200, i)); f.size = 100
		        t.addfile(f, io.BytesIO(b"x" * 100))
	END
	run_bryo import -q "$ENGINE_DIR/files.tar"
	local id=$out
	# the command itself deletes next to nothing: somebody behind it does
	strace -qq -e trace=unlink,unlinkat,rmdir -o "$ENGINE_DIR/rmi.trace" \
		"$BRYO" rmi "$id" >/dev/null
	[ "$(wc -l <"$ENGINE_DIR/rmi.trace")" -lt 50 ]
	[ ! -e "$XDG_DATA_HOME/bryo/blobs/sha256/$id" ]
	wait_until 100 trash_is_empty
}
