# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Helpers of the system tests.  Each file gets an engine of its own: a data
# and a run directory that nobody else uses, removed at the end after the
# leak check.
#
#   run_bryo [-rc] ARG...   run, log, demand exit code rc (default 0);
#                           sets $status, $output (stdout+stderr), $out, $errs
#   assert WANT [WHAT]      exact text of $output
#   assert_match REGEX [TEXT], assert_no_match REGEX [TEXT]
#   pty ROWS COLUMNS INPUT CMD...   run CMD on a pseudo terminal, see setup/pty.py

BRYO=${BRYO:-$BRYO_BUILD/bryo}
BUSYBOX=${BUSYBOX:-localhost:$REGISTRY_PORT/busybox}
NGINX=${NGINX:-localhost:$REGISTRY_PORT/nginx}
export BRYO

engine_setup() {
	# Short: the path of a socket has 108 bytes.
	ENGINE_DIR=$(mktemp -d "${TMPDIR:-/tmp}/bryo.XXXXXX")
	export ENGINE_DIR
	export HOME=$ENGINE_DIR/home
	export XDG_RUNTIME_DIR=$ENGINE_DIR/run
	export XDG_DATA_HOME=$ENGINE_DIR/data
	unset XDG_CONFIG_HOME REGISTRY_AUTH_FILE DOCKER_CONFIG
	unset CONTAINERS_CONF_OVERRIDE CONTAINERS_STORAGE_CONF STORAGE_DRIVER
	# not what this machine's files say: the tests want our defaults
	export CONTAINERS_CONF=/dev/null
	mkdir -m 0700 "$HOME" "$XDG_RUNTIME_DIR" "$XDG_DATA_HOME"
}

pty() {
	python3 "$BATS_TEST_DIRNAME/../setup/pty.py" "$@"
}

trash_is_empty() {
	[ -z "$(ls -A "$XDG_DATA_HOME/bryo/trash")" ]
}

engine_image() {
	"$BRYO" pull -q "$BUSYBOX" >/dev/null
}

# package_image NAME: of Debian packages, made once for this user, in the
# suite's registry after that; prints its name there
package_image() {
	local images=$BATS_TEST_DIRNAME/../images
	[ -f "$BRYO_TEST_CACHE/$1/index.json" ] ||
		python3 "$images/mkimage.py" "$1" "$BRYO_TEST_CACHE/$1"
	python3 "$images/push.py" "$BRYO_TEST_CACHE/$1" "127.0.0.1:$REGISTRY_PORT/$1"
	echo "localhost:$REGISTRY_PORT/$1"
}

# Nothing may be left: containers, processes that hold our directories,
# staging, trash.  Then the directories go.
engine_teardown() {
	[ -n "${ENGINE_DIR:-}" ] || return 0
	local bad=0
	"$BRYO" rm -fa -t 0 >/dev/null 2>&1 || bad=1
	python3 "$BATS_TEST_DIRNAME/../fault/checker.py" --empty \
		--data "$XDG_DATA_HOME/bryo" --run "$XDG_RUNTIME_DIR/bryo" || bad=1
	"$BRYO" volume prune -f >/dev/null 2>&1
	"$BRYO" rmi -fa >/dev/null 2>&1
	engine_delete
	return $bad
}

# Files of subuids can only be removed inside the user namespace.
engine_delete() {
	rm -rf "$ENGINE_DIR" 2>/dev/null ||
		"$BATS_TEST_DIRNAME/../setup/in-userns.py" rm -rf "$ENGINE_DIR"
}

run_bryo() {
	local want=0
	case ${1:-} in
	-[0-9]*) want=${1#-}; shift ;;
	esac
	local o e
	o=$(mktemp) e=$(mktemp)
	echo "\$ bryo $*"
	status=0
	timeout --foreground "${BRYO_TIMEOUT:-100}" "$BRYO" "$@" >"$o" 2>"$e" 3>&- ||
		status=$?
	out=$(tr -d '\0' <"$o") errs=$(tr -d '\0' <"$e")
	output=$out${out:+${errs:+$'\n'}}$errs
	rm -f "$o" "$e"
	[ -z "$output" ] || echo "$output"
	[ "$status" = "$want" ] || {
		echo "exit code $status, wanted $want"
		return 1
	}
}

assert() {
	local text=${2-$output}
	[ "$text" = "$1" ] || {
		printf 'wanted: %q\nfound:  %q\n' "$1" "$text"
		return 1
	}
}

assert_match() {
	local text=${2-$output}
	[[ $text =~ $1 ]] || {
		printf 'wanted: %s\nfound:  %q\n' "$1" "$text"
		return 1
	}
}

assert_no_match() {
	local text=${2-$output}
	[[ ! $text =~ $1 ]] || {
		printf 'not wanted: %s\nfound:  %q\n' "$1" "$text"
		return 1
	}
}

# refute COMMAND...: must fail (a bare "!" is no failure in bats)
refute() {
	if "$@"; then
		echo "worked, but must not: $*"
		return 1
	fi
}

# wait_until SECONDS COMMAND...: poll ten times a second.  SECONDS is what it
# may take on an idle machine; a busy one is given ten times as long, up to a
# minute, so what has to be fast needs another proof than this.
wait_until() {
	local n=$(($1 > 60 ? $1 * 10 : $1 > 6 ? 600 : $1 * 100))
	shift
	while ! "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || {
			echo "never became true: $*"
			return 1
		}
		sleep 0.1
	done
}

# wait_log NAME TEXT [N]: the payload has said it, N times: its traps are set,
# its files are there.  `run -d` and `start` return before that.
wait_log() {
	wait_until 10 log_has "$@"
}

log_has() {
	[ "$("$BRYO" logs "$1" | grep -c -- "$2")" -ge "${3:-1}" ]
}

# state NAME: STATUS CODE RESTARTS, of a container with a restart policy
state() {
	"$BRYO" inspect --format \
		'{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}' "$1"
}

# is NAME STATE
is() {
	[ "$(state "$1")" = "$2" ]
}

# monitor_pid NAME: also of one that does not run: inspect has 0 then
monitor_pid() {
	python3 - "$XDG_DATA_HOME/bryo/state.db" "$1" <<-'PY'
		import sqlite3, sys
		with sqlite3.connect(sys.argv[1]) as db:
		    print(db.execute("SELECT mon_pid FROM container WHERE name = ?",
		                     sys.argv[2:]).fetchone()[0])
	PY
}

# kill_gone PID...: kill -9, and wait for the end.  A process that has been
# killed may hold its locks and ports for some more time on a busy machine.
kill_gone() {
	kill -9 "$@"
	wait_until 20 are_gone "$@"
}

are_gone() {
	local pid
	for pid in "$@"; do
		# nobody may have reaped it yet
		if [ -d "/proc/$pid" ] &&
			! grep -q '^State:[[:space:]]*[ZX]' "/proc/$pid/status"; then
			return 1
		fi
	done
}

# stopped_at POINT ARG...: bryo ARG... up to there; $half is its pid, what it
# says is in $ENGINE_DIR/half and half.err.  What else is about may let it go
# on too early: then the commands meet its end.
stopped_at() {
	local point=$1
	shift
	BRYO_FAULT="$point:stop" "$BRYO" "$@" >"$ENGINE_DIR/half" \
		2>"$ENGINE_DIR/half.err" 3>&- &
	half=$!
	wait_until 20 is_stopped "$half"
}

is_stopped() {
	are_gone "$1" || grep -q '^State:[[:space:]]*T' "/proc/$1/status"
}

# Nobody has a file of the store open: no monitor that ends, no removal in the
# background.  A copy of the store has to wait for that.
store_is_quiet() {
	[ -z "$(find /proc/[0-9]*/fd -lname "$XDG_DATA_HOME/bryo*" 2>/dev/null)" ]
}

# A port that nobody listens on right now.
free_port() {
	python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# unique container name of this test; no beginning of an id, which may stand
# for a container wherever a name may
cname() {
	echo "t$BATS_TEST_NUMBER${1:-}"
}

setup_file() {
	engine_setup
	engine_image
}

teardown_file() {
	engine_teardown
}
