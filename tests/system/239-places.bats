#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Machines that are set up in another way: homes behind links, directories that
# are missing, an environment of somebody else, few descriptors.

load helpers

setup_file() {
	engine_setup
	engine_image
}

teardown_file() { engine_teardown; }

@test "a home behind a symbolic link" {
	ln -sfn "$XDG_DATA_HOME" "$ENGINE_DIR/link"
	XDG_DATA_HOME=$ENGINE_DIR/link run_bryo run --rm "$BUSYBOX" echo data
	assert data
	run_bryo --root "$ENGINE_DIR/link/bryo" run --rm "$BUSYBOX" echo root
	assert root
	ln -sfn "$XDG_RUNTIME_DIR" "$ENGINE_DIR/runlink"
	XDG_RUNTIME_DIR=$ENGINE_DIR/runlink run_bryo run -d --name l "$BUSYBOX" sleep 1000
	run_bryo exec l echo both
	assert both
	run_bryo rm -f -t 0 l
}

@test "a home that cannot be used is named, with what helps" {
	local home
	for home in /nonexistent /dev/null /proc; do
		HOME=$home XDG_DATA_HOME='' run_bryo -125 images
		assert_match "^Error: no place for containers: set HOME, XDG_DATA_HOME or --root to a directory of yours: create $home/[^ ]*: "
	done
	mkdir -m 0500 "$ENGINE_DIR/closed"
	HOME=$ENGINE_DIR/closed XDG_DATA_HOME='' run_bryo -125 images
	assert_match "permission denied$"
}

@test "F15: a runtime directory that is not ours is not used, another one is" {
	local usual want bad
	usual=/run/user/$(id -u)
	want=/tmp/bryo-$(id -u)
	[ "$(stat -c %u "$usual" 2>/dev/null)" != "$(id -u)" ] || [ ! -w "$usual" ] || want=$usual/bryo
	mkdir -m 0500 "$ENGINE_DIR/readonly"
	mkdir -p "$ENGINE_DIR/shared"
	chmod 0777 "$ENGINE_DIR/shared"
	for bad in /nonexistent /dev/null / relative "" "$ENGINE_DIR/readonly" "$ENGINE_DIR/shared"; do
		XDG_RUNTIME_DIR=$bad run_bryo info --format '{{.Store.RunRoot}}'
		assert "$want"
	done
	(unset XDG_RUNTIME_DIR; run_bryo info --format '{{.Store.RunRoot}}'; assert "$want")
	[ ! -e "$ENGINE_DIR/readonly/bryo" ] && [ ! -e "$ENGINE_DIR/shared/bryo" ]
}

@test "few descriptors: each failure says so, and leaves nothing" {
	local n
	for n in 12 13 14 16 20 24 30; do
		run bash -c "ulimit -n $n; exec '$BRYO' run --rm '$BUSYBOX' true 3>&-"
		[ "$status" = 0 ] || {
			[ "$status" = 125 ]
			assert_match "^Error: .*too many open files \(see ulimit -n\)$"
		}
	done
	run_bryo ps -aq
	assert ""
}

@test "no environment, no working directory, a closed umask" {
	run env -i "$BRYO" --root "$XDG_DATA_HOME/bryo" --runroot "$XDG_RUNTIME_DIR/bryo" run --rm "$BUSYBOX" echo bare
	assert bare
	mkdir "$ENGINE_DIR/gone"
	cd "$ENGINE_DIR/gone"
	rmdir "$ENGINE_DIR/gone"
	run_bryo run --rm "$BUSYBOX" pwd
	assert /
	run_bryo -125 run --rm -v ./x:/y "$BUSYBOX" true
	assert_match "current directory: no such file or directory"
	cd /
	umask 077
	run_bryo run --rm "$BUSYBOX" sh -c 'umask; touch /x; stat -c %a /x'
	assert $'0022\n644'
}
