#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The three storage drivers and the single-id mode give the same container.

load helpers

setup_file() {
	engine_setup
}

one_driver() {
	local driver=$1
	export XDG_DATA_HOME=$ENGINE_DIR/$driver
	mkdir -p "$XDG_DATA_HOME" && chmod 0700 "$XDG_DATA_HOME"
	local s=(--storage-driver "$driver")
	run_bryo "${s[@]}" pull -q "$NGINX"
	run_bryo "${s[@]}" info --format '{{.Store.GraphDriverName}}'
	assert "$driver" || assert "${driver/fuse-overlayfs/overlay}"
	run_bryo "${s[@]}" run --name "n" "$NGINX" sh -c \
		'id -u; stat -c "%u:%g %a" /tmp /root /var/log/nginx; rm /usr/bin/tac; echo new >/etc/new; mv /etc/nginx /etc/nginx2; ls /etc/nginx2/nginx.conf; nginx -v'
	assert_match $'^0\n0:0 1777\n0:0 700\n33:4 755\n'
	run_bryo "${s[@]}" start -a n || true
	run_bryo "${s[@]}" run --rm "$NGINX" sh -c 'test -x /usr/bin/tac && test ! -e /etc/new && echo clean'
	assert clean
	run_bryo "${s[@]}" run -d --name srv "$NGINX"
	run_bryo "${s[@]}" exec srv sh -c 'ps -o user= -C nginx | sort -u | tr "\n" " "'
	assert_match "root"
	run_bryo "${s[@]}" rm -fa -t 0
	run_bryo "${s[@]}" rmi "$NGINX"
	python3 "$BATS_TEST_DIRNAME/../fault/checker.py" --empty \
		--data "$XDG_DATA_HOME/bryo" --run "$XDG_RUNTIME_DIR/bryo"
	[ -z "$(ls -A "$XDG_DATA_HOME/bryo/layers")" ]
}

@test "native overlay" {
	one_driver overlay
}

@test "fuse-overlayfs" {
	one_driver fuse-overlayfs
}

@test "vfs" {
	one_driver vfs
}

@test "whiteouts and opaque directories of layers are honoured by all three" {
	local dir=$ENGINE_DIR/wh driver
	python3 - "$BATS_TEST_DIRNAME/../images" "$dir" <<'PY'
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import mkimage
base, _ = mkimage.busybox(None)
low = mkimage.Layer()
for d in ("gone", "opaque", "keep"):
    low.dir(d)
    low.file(d + "/low", "low")
low.file("file", "low")
up = mkimage.Layer()
up.file(".wh.gone", "")
up.file(".wh.file", "")
up.dir("opaque")
up.file("opaque/.wh..wh..opq", "")
up.file("opaque/up", "up")
up.file("keep/up", "up")
mkimage.Layout(sys.argv[2]).image("wh", base + [low, up], {"Cmd": ["sh"]})
PY
	python3 "$BATS_TEST_DIRNAME/../images/push.py" "$dir" "127.0.0.1:$REGISTRY_PORT/wh"
	for driver in overlay fuse-overlayfs vfs; do
		export XDG_DATA_HOME=$ENGINE_DIR/$driver
		run_bryo --storage-driver "$driver" run --rm -q "localhost:$REGISTRY_PORT/wh" \
			sh -c 'ls -d /gone /file 2>/dev/null; ls /opaque /keep; find / -xdev -name ".wh.*"'
		assert $'/keep:\nlow\nup\n\n/opaque:\nup' || assert $'/opaque:\nup\n\n/keep:\nlow\nup'
		run_bryo --storage-driver "$driver" rmi "localhost:$REGISTRY_PORT/wh"
	done
}

@test "150 layers" {
	local dir=$ENGINE_DIR/many
	python3 - "$BATS_TEST_DIRNAME/../images" "$dir" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import mkimage
layers, _ = mkimage.busybox(None)
for n in range(149):
    l = mkimage.Layer()
    l.file(f"many/f{n}", str(n))
    l.file("last", str(n))
    layers.append(l)
mkimage.Layout(sys.argv[2]).image("many", layers, {"Cmd": ["sh"]})
PY
	python3 "$BATS_TEST_DIRNAME/../images/push.py" "$dir" "127.0.0.1:$REGISTRY_PORT/many"
	export XDG_DATA_HOME=$ENGINE_DIR/overlay
	run_bryo run --rm -q "localhost:$REGISTRY_PORT/many" sh -c 'ls /many | wc -l; cat /last'
	assert $'149\n148'
	run_bryo rmi "localhost:$REGISTRY_PORT/many"
}

@test "an unknown driver is an error that names the three" {
	run_bryo -125 --storage-driver btrfs images
	assert_match "overlay.*fuse-overlayfs.*vfs"
}

@test "single id: without newuidmap images that stay root run, with one warning" {
	# no_new_privs takes the set-uid helpers their power
	export XDG_DATA_HOME=$ENGINE_DIR/single XDG_RUNTIME_DIR=$ENGINE_DIR/r1
	mkdir -m 0700 "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR"
	local s=(setpriv --no-new-privs "$BRYO")
	output=$("${s[@]}" pull -q "$BUSYBOX" 2>&1)
	output=$("${s[@]}" run --rm "$BUSYBOX" sh -c 'id -u; cat /proc/self/uid_map; echo x >/f && cat /f' 2>"$ENGINE_DIR/err" 3>&-)
	assert_match $'^0\n +0 +[0-9]+ +1\nx'
	[ "$(grep -c level=warning "$ENGINE_DIR/err")" -le 1 ]
	output=$("${s[@]}" run -d --name s "$BUSYBOX" sleep 100 2>/dev/null 3>&-)
	output=$("${s[@]}" exec s echo in 2>/dev/null 3>&-)
	assert in
	"${s[@]}" rm -f -t 0 s 2>/dev/null
	"${s[@]}" rmi "$BUSYBOX" 2>/dev/null
}
