# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A server of tests/tools (hreg.py, hpush.py, hfile.py) for the tests of one
# file: its folder is $H, its ports are variables, what it saw is in $H/log.

# A home in which nothing of the machine's configuration is seen
fake_home() {
	H=$(mktemp -d)
	export H
	export HOME=$H/home XDG_RUNTIME_DIR=$H/run XDG_DATA_HOME=$H/data
	mkdir -m 0700 "$HOME" "$XDG_RUNTIME_DIR" "$XDG_DATA_HOME"
	unset XDG_CONFIG_HOME REGISTRY_AUTH_FILE DOCKER_CONFIG \
		CONTAINERS_REGISTRIES_CONF http_proxy https_proxy all_proxy \
		HTTP_PROXY HTTPS_PROXY ALL_PROXY SSL_CERT_FILE
}

# fake_start PROGRAM: it listens
fake_start() {
	python3 "$BATS_TEST_DIRNAME/../tools/$1" "$H" 3>&- &
	echo $! >"$H/pid"
	for _ in $(seq 600); do
		[ ! -f "$H/ports" ] || return 0
		sleep 0.1
	done
	return 1
}

fake_stop() {
	kill "$(cat "$H/pid")"
	rm -rf "$H" 2>/dev/null ||
		"$BATS_TEST_DIRNAME/../setup/in-userns.py" rm -rf "$H"
}

# In setup(): the ports, and an empty log
fake_setup() {
	# shellcheck disable=SC1091
	. "$H/ports"
	: >"$H/log"
}

# tried -WANT CMD...: ends with WANT; sets $out (a file) and $errs
tried() {
	local want=${1#-} status=0
	shift
	out=$BATS_TEST_TMPDIR/out
	"$@" >"$out" 2>"$BATS_TEST_TMPDIR/errs" || status=$?
	errs=$(cat "$BATS_TEST_TMPDIR/errs")
	echo "$* -> $status: $(head -c 200 "$out" | tr -dc '[:print:]') $errs"
	[ "$status" = "$want" ]
}

# said TEXT: the error has it, in one line
said() {
	[ "$(grep -c '^Error: ' <<<"$errs")" = 1 ] || {
		echo "not one error line"
		return 1
	}
	grep -qF -- "$1" <<<"$errs" || {
		echo "not said: $1"
		return 1
	}
}

# requests JQ-CONDITION: how many the server saw
requests() {
	jq -s "[.[] | select($1)] | length" "$H/log"
}
