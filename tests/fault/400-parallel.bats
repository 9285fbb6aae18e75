#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# F11: many commands at once.  The result is as if they had run one by one.

load ../system/helpers

# at_once N COMMAND...: N of it at the same time; %i in an argument is the
# number of the copy.  Leaves N.out, N.err and N.rc in $ENGINE_DIR/at.
at_once() {
	rm -rf "$ENGINE_DIR/at"
	mkdir "$ENGINE_DIR/at"
	python3 - "$ENGINE_DIR/at" "$@" 3>&- <<'PY'
import pathlib, subprocess, sys
at, n, argv = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
all = []
for i in range(n):
    with open(at / f"{i}.out", "wb") as out, open(at / f"{i}.err", "wb") as err:
        all.append(subprocess.Popen([a.replace("%i", str(i)) for a in argv],
                                    stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=err))
for i, p in enumerate(all):
    (at / f"{i}.rc").write_text(f"{p.wait(600)}\n")
PY
	# whatever happens, nobody is told about the database
	refute grep -ri --include='*.err' 'database\|is locked\|sqlite' "$ENGINE_DIR/at"
}

# codes: "count code" of each, sorted
codes() {
	cat "$ENGINE_DIR"/at/*.rc | sort -n | uniq -c | awk '{ print $1, $2 }'
}

@test "100 run --rm at once: each its own output and code" {
	at_once 100 "$BRYO" run --rm --network none "$BUSYBOX" sh -c 'echo n%i; exit $((%i % 50))'
	local i
	for i in $(seq 0 99); do
		assert "n$i" "$(cat "$ENGINE_DIR/at/$i.out")"
		assert "$((i % 50))" "$(cat "$ENGINE_DIR/at/$i.rc")"
		assert "" "$(cat "$ENGINE_DIR/at/$i.err")"
	done
	run_bryo ps -aq
	assert ""
}

@test "50 creates of one name at once: one gets it, the others are told whose it is" {
	at_once 50 "$BRYO" create --name wanted "$BUSYBOX" true
	assert $'1 0\n49 125' "$(codes)"
	run_bryo ps -a --no-trunc --format '{{.ID}} {{.Names}}'
	local id=${out%% *}
	assert "$id wanted"
	assert 49 "$(grep -l "already in use by $id" "$ENGINE_DIR"/at/*.err | wc -l)"
	run_bryo rm wanted
}

@test "100 rm -f of one running container at once: all succeed, it is gone" {
	run_bryo run -d --name one --network none "$BUSYBOX" sleep 1000
	at_once 100 "$BRYO" rm -f -t 0 one
	assert "100 0" "$(codes)"
	run_bryo ps -aq
	assert ""
}

# monitors NAME N: so many of containers of that name
monitors() {
	[ "$(pgrep -u "$(id -u)" -fc "bryo-monitor .* $1\$")" = "$2" ]
}

@test "50 starts of one container at once: it runs once" {
	run_bryo create --name one --network none "$BUSYBOX" sleep 1000
	at_once 50 "$BRYO" start one
	assert "50 0" "$(codes)"
	run_bryo inspect --format '{{.State.Status}} {{.RestartCount}} {{.State.ConmonPid}}' one
	assert_match "^running 0 "
	# that of an earlier "one" may be on its way out
	wait_until 10 monitors one 1
	run_bryo rm -f -t 0 one
}

@test "20 containers started, stopped and listed at once" {
	at_once 20 sh -c "'$BRYO' run -d --name many%i --network none '$BUSYBOX' sleep 1000 && '$BRYO' ps -a && '$BRYO' stop -t 0 many%i && '$BRYO' rm many%i"
	assert "20 0" "$(codes)"
	run_bryo ps -aq
	assert ""
}

@test "20 pulls of one image at once: all succeed, the image is whole" {
	run_bryo rmi -f "$BUSYBOX"
	at_once 20 "$BRYO" pull -q "$BUSYBOX"
	assert "20 0" "$(codes)"
	run_bryo run --rm --network none "$BUSYBOX" echo whole
	assert whole
}

@test "20 first-ever commands on an empty home at once" {
	local old=$XDG_DATA_HOME old_run=$XDG_RUNTIME_DIR
	export XDG_DATA_HOME=$ENGINE_DIR/first XDG_RUNTIME_DIR=$ENGINE_DIR/first-run
	mkdir -m 0700 "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR"
	at_once 20 "$BRYO" run --rm --network none "$BUSYBOX" sh -c 'exit 7'
	assert "20 7" "$(codes)"
	python3 "$BATS_TEST_DIRNAME/checker.py" --empty \
		--data "$XDG_DATA_HOME/bryo" --run "$XDG_RUNTIME_DIR/bryo"
	run_bryo rmi -fa
	export XDG_DATA_HOME=$old XDG_RUNTIME_DIR=$old_run
}

@test "volumes made, used and removed at once stay consistent" {
	at_once 50 sh -c "'$BRYO' volume create shared 2>/dev/null; '$BRYO' run --rm --network none -v shared:/v '$BUSYBOX' touch /v/%i; '$BRYO' volume rm shared 2>/dev/null; :"
	assert "50 0" "$(codes)"
	"$BRYO" volume rm -f shared || :
	assert "" "$(ls "$XDG_DATA_HOME/bryo/volumes")"
}
