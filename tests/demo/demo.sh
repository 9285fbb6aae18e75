#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The main job on real input: a registry on loopback, an nginx image made from
# Debian packages, and the life of a container of it, as the calling user.
# Every command is shown before it runs; any failure ends the demo.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
bryo=${here%/*}/build/bryo
port=${DEMO_PORT:-5000}
web_port=${DEMO_WEB_PORT:-8080}
image=localhost:$port/nginx
work=$(mktemp -d)
cache=${BRYO_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bryo-tests}

# An empty home: the embedded defaults serve, and nothing of the user's is
# touched.
export HOME=$work/home XDG_RUNTIME_DIR=$work/run
unset XDG_DATA_HOME XDG_CONFIG_HOME
mkdir -m 0700 "$HOME" "$XDG_RUNTIME_DIR"

finish() {
	local rc=$?
	"$bryo" rm -fa -t 0 >/dev/null 2>&1 || :
	"$bryo" rmi -fa >/dev/null 2>&1 || :
	[ -z "${registry:-}" ] || kill "$registry"
	sleep 0.2
	rm -rf "$work" 2>/dev/null || "$here/setup/in-userns.py" rm -rf "$work"
	exit "$rc"
}
trap finish EXIT

say() {
	printf '\n\033[1m$ %s\033[0m\n' "$*"
}

show() {
	say "$@"
	"$@"
}

# Run bryo on a terminal of 30 lines and 100 columns, type the given lines.
on_terminal() {
	local input=$1
	shift
	say "bryo $*    # on a terminal of 30x100"
	python3 "$here/setup/pty.py" 30 100 "$input" "$bryo" "$@"
}

bryo() {
	"$bryo" "$@"
}

echo "Making an nginx image from Debian packages (once) ..."
BRYO_TEST_CACHE=$cache python3 "$here/images/mkimage.py" nginx "$cache/nginx"
registry=$("$here/images/registry.sh" "$work/registry" "$port")
python3 "$here/images/push.py" "$cache/nginx" "127.0.0.1:$port/nginx"

show bryo pull "$image"
show bryo images
show bryo run -d --name web -p "$web_port:80" "$image"
say curl "http://localhost:$web_port/"
curl -fsS --retry 20 --retry-delay 1 --retry-connrefused --retry-all-errors \
	"http://localhost:$web_port/"
show bryo ps
show bryo logs web
show bryo exec web nginx -v
on_terminal $'tty\nstty size\nhostname\nexit\n' exec -it web sh
show bryo top web
on_terminal $'stty size\nexit\n' run --rm -it "$image" sh
show bryo stop web
show bryo rm web
show bryo rmi "$image"
show bryo ps -a
echo
echo "demo: done"
