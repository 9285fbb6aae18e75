#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What should run after a reboot; how it is called then. A reboot is played by
# another boot id and the death of everything; the real one is in tests/vm.

load helpers

# Two boots at once are nothing real: what still ends in the one would take the
# next test's containers for those of a boot that is over.
teardown() {
	python3 "$BATS_TEST_DIRNAME/../fault/checker.py" --empty \
		--data "$XDG_DATA_HOME/bryo" --run "$XDG_RUNTIME_DIR/bryo"
}

# reboot: everything of ours dies at once, the runtime directory is gone
reboot() {
	local p
	for p in $("$BRYO" ps -q | xargs -r "$BRYO" inspect \
		--format '{{.State.ConmonPid}} {{.State.Pid}}'); do
		kill -9 "$p"
		wait_until 5 refute kill -0 "$p"
	done
	rm -rf "$XDG_RUNTIME_DIR"
	mkdir -m 0700 "$XDG_RUNTIME_DIR"
	BRYO_BOOT_ID=$(cat /proc/sys/kernel/random/uuid)
	export BRYO_BOOT_ID
}

@test "F13: boot: always and unless-stopped start, in order, others do not" {
	run_bryo run -d --name base --restart always "$BUSYBOX" sleep 1000
	run_bryo run -d --name dep --restart always --network container:base \
		"$BUSYBOX" sleep 1000
	run_bryo run -d --name unless --restart unless-stopped "$BUSYBOX" sleep 1000
	run_bryo run -d --name stopped --restart unless-stopped "$BUSYBOX" sleep 1000
	run_bryo run -d --name plain "$BUSYBOX" sleep 1000
	run_bryo create --name never --restart always "$BUSYBOX" sleep 1000
	run_bryo run -d --rm --name gone "$BUSYBOX" sleep 1000
	run_bryo stop -t 0 stopped
	reboot
	run_bryo ps -a --format '{{.Names}} {{.State}}' --sort names
	assert $'base exited\ndep exited\nnever created\nplain exited\nstopped exited\nunless exited'
	run_bryo boot status || [ "$status" = 1 ]
	assert_match "containers: base dep unless"
	run_bryo boot
	assert $'base\ndep\nunless'
	run_bryo ps --format '{{.Names}}' --sort names
	assert $'base\ndep\nunless'
	run_bryo boot
	assert ""
	run_bryo rm -fa -t 0
}

@test "F14: after a reboot a number that is somebody else's is left alone" {
	run_bryo run -d --name reuse "$BUSYBOX" sleep 1000
	reboot
	sleep 1000 3>&- &
	local pid=$!
	python3 - "$XDG_DATA_HOME/bryo/state.db" "$pid" <<-'PY'
		import sqlite3, sys
		with sqlite3.connect(sys.argv[1]) as db:
		    db.execute("UPDATE container SET init_pid = ?, mon_pid = ?"
		               " WHERE name = 'reuse'", (sys.argv[2], sys.argv[2]))
	PY
	run_bryo inspect --format '{{.State.Status}} {{.State.ExitCode}}' reuse
	assert "exited -1"
	run_bryo stop -t 0 reuse
	run_bryo -125 kill reuse
	run_bryo rm -f -t 0 reuse
	kill "$pid"
}

@test "boot: one that cannot start is named, the others start" {
	run_bryo run -d --name bad --restart always -v "$ENGINE_DIR/home/src:/src" \
		"$BUSYBOX" sleep 1000
	run_bryo run -d --name good --restart always "$BUSYBOX" sleep 1000
	reboot
	rm -rf "$ENGINE_DIR/home/src"
	run_bryo -125 boot
	assert_match "^good" "$out"
	assert_match "Error: start bad: .*src" "$errs"
	run_bryo rm -f -t 0 bad good
}

@test "boot install --user-unit: unit, link, again, status, uninstall" {
	local dir=$HOME/.config/systemd/user
	run_bryo -1 boot status
	assert_match "systemd unit: none"
	run_bryo boot install --user-unit
	assert_match "$dir/bryo-boot.service"
	assert_match "enable-linger"
	grep -qx "ExecStart=$BRYO boot" "$dir/bryo-boot.service"
	grep -qx "WantedBy=default.target" "$dir/bryo-boot.service"
	[ -e "$dir/default.target.wants/bryo-boot.service" ]
	run_bryo boot install --user-unit
	run_bryo boot status
	assert_match "systemd unit: $dir/bryo-boot.service"
	run_bryo boot uninstall
	assert "$dir/bryo-boot.service"
	[ ! -e "$dir/bryo-boot.service" ]
	[ ! -L "$dir/default.target.wants/bryo-boot.service" ]
	run_bryo boot uninstall
	assert ""
	run_bryo -125 boot install --user-unit --cron
	assert_match "exclude each other"
}
