#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F16: the disk of the store becomes read-only while containers run.

load ../system/helpers

@test "F16: read-only: looking, exec, kill and stop work, the rest says why" {
	export BUSYBOX
	mkdir "$ENGINE_DIR/disk"
	cat >"$ENGINE_DIR/disk.sh" <<'SH'
set -e
mount -t tmpfs -o size=64m,mode=0700 t "$1"
export XDG_DATA_HOME=$1
shift
exec "$@"
SH
	cat >"$ENGINE_DIR/job.sh" <<'SH'
# works WANT ARG...: and says so
works() {
	want=$1
	shift
	"$BRYO" "$@" >"$ENGINE_DIR/out" 2>&1
	rc=$?
	echo "$rc: bryo $*: $(cat "$ENGINE_DIR/out")"
	[ "$rc" = 0 ] && [ "$(cat "$ENGINE_DIR/out")" = "$want" ] || exit 1
}

# refused ARG...: in one line that has the reason
refused() {
	"$BRYO" "$@" >"$ENGINE_DIR/out" 2>"$ENGINE_DIR/err"
	rc=$?
	echo "$rc: bryo $*: $(cat "$ENGINE_DIR/err")"
	[ "$rc" = 125 ] && [ ! -s "$ENGINE_DIR/out" ] &&
		[ "$(wc -l <"$ENGINE_DIR/err")" = 1 ] &&
		grep -q '^Error: .*read-only file system$' "$ENGINE_DIR/err" || exit 1
}

trap 'umount "$XDG_DATA_HOME" 2>/dev/null; "$BRYO" rm -fa -t 0' EXIT
"$BRYO" pull -q "$BUSYBOX" || exit 1
for n in t-stop t-kill; do
	"$BRYO" run -d --network none --name $n "$BUSYBOX" \
		sh -c 'echo line; exec sleep 1000' || exit 1
	until [ "$("$BRYO" logs $n)" = line ]; do sleep 0.1; done
done
"$BRYO" run -d --network none --restart always --name t-policy "$BUSYBOX" sleep 1000
"$BRYO" create --name t-new "$BUSYBOX" true || exit 1
mount --bind "$XDG_DATA_HOME" "$XDG_DATA_HOME"
mount -o remount,bind,ro "$XDG_DATA_HOME" || exit 1

works "t-stop
t-kill
t-policy" ps --format '{{.Names}}'
works running inspect --format '{{.State.Status}}' t-stop
works line logs t-stop
works in exec t-stop echo in
works t-stop stop -t 0 t-stop
works 137 wait t-stop
works "exited 137" inspect --format '{{.State.Status}} {{.State.ExitCode}}' t-stop
works t-kill kill t-kill
works 137 wait t-kill
for c in "stop -t 0 t-policy" "rm t-new" "rm -f -t 0 t-policy" "start t-new" \
	"create $BUSYBOX true" "run $BUSYBOX true" "volume create t-vol" \
	"rmi -f $BUSYBOX" "tag $BUSYBOX other" "rename t-new t-newer" \
	"commit t-new other"; do
	refused $c
done

umount "$XDG_DATA_HOME"
trap '"$BRYO" rm -fa -t 0' EXIT
"$BRYO" rm t-stop t-kill t-new || exit 1
"$BRYO" rm -f -t 0 t-policy || exit 1
works "" ps -aq
SH
	python3 "$BATS_TEST_DIRNAME/../setup/in-userns.py" unshare -m \
		sh "$ENGINE_DIR/disk.sh" "$ENGINE_DIR/disk" \
		sh "$ENGINE_DIR/job.sh" 3>&-
}
