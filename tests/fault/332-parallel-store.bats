#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F11: commands about one image at once, in many rounds.  Whoever loses says
# why, and what is left is whole.

load ../system/helpers

ROUNDS=12

# each COMMAND gets its number of the round as $i; all at once, then waited for
at_once() {
	python3 - "$@" 3>&- <<'PY'
import subprocess, sys
all = [subprocess.Popen(["sh", "-c", c], stdin=subprocess.DEVNULL)
       for c in sys.argv[1:]]
for p in all:
    p.wait(100)
PY
}

# the next command sweeps what a child in the background could not
whole() {
	"$BRYO" ps -a >/dev/null
	python3 "$BATS_TEST_DIRNAME/checker.py" --data "$XDG_DATA_HOME/bryo" \
		--run "$XDG_RUNTIME_DIR/bryo"
}

setup() {
	"$BRYO" pull -q "$BUSYBOX" >/dev/null
	export BUSYBOX
}

@test "F11: rmi while run starts: it runs whole, or the image was gone" {
	local i codes=
	for i in $(seq $ROUNDS); do
		"$BRYO" pull -q "$BUSYBOX" >/dev/null
		at_once "'$BRYO' run --rm --pull never --network none '$BUSYBOX' sh -c 'sha256sum /bin/busybox >/dev/null && exit 7' 2>'$ENGINE_DIR/err'; echo \$? >'$ENGINE_DIR/rc'" \
			"sleep 0.0$((i * 3 % 10)); '$BRYO' rmi '$BUSYBOX' >/dev/null 2>&1 || :"
		codes+=$(cat "$ENGINE_DIR/rc")" "
		case $(cat "$ENGINE_DIR/rc") in
		7) assert "" "$(cat "$ENGINE_DIR/err")" ;;
		125) grep -qE 'image not known' "$ENGINE_DIR/err" || {
			cat "$ENGINE_DIR/err"
			return 1
		} ;;
		*) cat "$ENGINE_DIR/rc" "$ENGINE_DIR/err"; return 1 ;;
		esac
		whole
	done
	echo "codes: $codes"
}

@test "F11: rmi -f while its container runs and another starts" {
	local i
	for i in $(seq $ROUNDS); do
		"$BRYO" pull -q "$BUSYBOX" >/dev/null
		run_bryo run -d --network none "$BUSYBOX" sleep 1000
		at_once "'$BRYO' rmi -f '$BUSYBOX' >/dev/null 2>&1 || :" \
			"'$BRYO' run --rm --pull never --network none '$BUSYBOX' true 2>/dev/null || :"
		whole
		"$BRYO" rm -fa -t 0 >/dev/null
	done
}

@test "F11: prune while a pull runs: the image is there afterwards" {
	local i
	for i in $(seq $ROUNDS); do
		"$BRYO" rmi -f "$BUSYBOX" >/dev/null 2>&1 || :
		at_once "'$BRYO' pull -q '$BUSYBOX' >/dev/null || touch '$ENGINE_DIR/bad'" \
			"sleep 0.0$((i % 10)); '$BRYO' system prune -f --build >/dev/null" \
			"sleep 0.$((i % 3)); '$BRYO' system prune --external -f >/dev/null" \
			"'$BRYO' image prune -f >/dev/null"
		[ ! -e "$ENGINE_DIR/bad" ]
		whole
		run_bryo run --rm --pull never --network none "$BUSYBOX" true
	done
}

@test "F11: two loads of one archive, and a pull of the same, at once" {
	local i
	run_bryo save -q -o "$ENGINE_DIR/a.tar" "$BUSYBOX"
	for i in $(seq $ROUNDS); do
		"$BRYO" rmi -f "$BUSYBOX" >/dev/null
		at_once "'$BRYO' load -q -i '$ENGINE_DIR/a.tar' >/dev/null || touch '$ENGINE_DIR/bad'" \
			"'$BRYO' load -q -i '$ENGINE_DIR/a.tar' >/dev/null || touch '$ENGINE_DIR/bad'" \
			"'$BRYO' pull -q '$BUSYBOX' >/dev/null || touch '$ENGINE_DIR/bad'"
		[ ! -e "$ENGINE_DIR/bad" ]
		whole
		run_bryo system check
		assert ""
	done
}

@test "a fault that is not understood is an error, not a test that cannot fail" {
	local bad
	for bad in x x:explode x:errno=ENOTHING x:delay=soon x:kill@often; do
		BRYO_FAULT=$bad run_bryo -125 images
		assert "Error: BRYO_FAULT: '$bad' is not understood"
	done
	BRYO_FAULT=x:errno=ENOSPC,y:delay=5@2,z:kill run_bryo images -q
}
