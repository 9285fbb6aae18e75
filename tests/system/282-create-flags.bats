#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Flags of create and run that few people need.

load helpers

@test "--env-merge: with the image's variables, below --env" {
	# shellcheck disable=SC2016
	run_bryo run --rm --env-merge 'PATH=/x:${PATH}' --env-merge 'A=$PATH$' "$BUSYBOX" sh -c 'echo "$PATH"; echo "$A"'
	local path
	path=$("$BRYO" run --rm "$BUSYBOX" sh -c 'echo "$PATH"')
	assert "/x:$path"$'\n'"$path\$"
	# shellcheck disable=SC2016
	run_bryo run --rm --env-merge 'B=<${NONE}>${' -e A=user --env-merge A=merged "$BUSYBOX" sh -c 'echo "$B $A"'
	assert '<>${ user'
	run_bryo -125 run --rm --env-merge A "$BUSYBOX" true
	assert_match "KEY=VALUE"
}

@test "--requires: started first, removed last" {
	run_bryo create --name a "$BUSYBOX" sleep 1000
	run_bryo create --name b --requires a "$BUSYBOX" sleep 1000
	run_bryo run -d --name c --requires a,b "$BUSYBOX" sleep 1000
	run_bryo ps --format '{{.Names}}' --sort names
	assert $'a\nb\nc'
	run_bryo inspect --format '{{len .Dependencies}}' c
	assert 2
	run_bryo stop -t 0 a b c
	run_bryo -125 rm a
	assert_match "has dependent containers which must be removed before it"
	run_bryo start c
	run_bryo ps --format '{{.Names}}' --sort names
	assert $'a\nb\nc'
	run_bryo -125 create --requires nope "$BUSYBOX" true
	assert 'Error: "nope" is not a valid container, cannot be used as a dependency: no container with name or ID "nope" found: no such container'
	run_bryo rm -f -t 0 --depend a
	run_bryo ps -aq
	assert ""
	run_bryo create --name a "$BUSYBOX" nosuchprogram
	run_bryo -127 run --name b --requires a "$BUSYBOX" true
	assert_match "start [0-9a-f]{12}, which b requires: .*nosuchprogram"
	run_bryo rm -f --depend a
}

@test "--chrootdirs: the engine's files are there, too" {
	run_bryo run --rm --hostname inner --chrootdirs /srv/root/,/jail "$BUSYBOX" sh -c \
		'cat /srv/root/etc/hostname /jail/etc/hostname; cmp /etc/resolv.conf /jail/etc/resolv.conf && cmp /etc/hosts /jail/etc/hosts && echo same'
	assert $'inner\ninner\nsame'
	run_bryo -125 run --rm --chrootdirs a/b "$BUSYBOX" true
	run_bryo -125 run --rm --chrootdirs /a/../b "$BUSYBOX" true
	assert_match "absolute path"
}

@test "--disable-content-trust is always so, --retry-delay is a time" {
	run_bryo run --rm --disable-content-trust "$BUSYBOX" echo ok
	assert ok
	run_bryo -125 run --rm --disable-content-trust=false "$BUSYBOX" true
	assert "Error: --disable-content-trust=false is not supported yet"
	local t=$SECONDS
	run_bryo -125 run --rm --retry 2 --retry-delay 1s localhost:1/no:1 true
	[ $((SECONDS - t)) -ge 2 ]
	run_bryo -125 run --rm --retry-delay soon localhost:1/no:1 true
	assert_match "retry-delay"
}
