#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A hand-written unit of the user's systemd: Type=notify, the container in the
# unit's own cgroup; it starts, restarts on failure and stops cleanly.

load helpers

unit_install() {
	mkdir -p ~/.config/systemd/user
	cat >~/.config/systemd/user/web.service <<-'UNIT'
		[Service]
		Type=notify
		NotifyAccess=all
		Delegate=yes
		Restart=on-failure
		RestartSec=1
		TimeoutStartSec=60
		ExecStart=/usr/local/bin/bryo run -d --rm --replace --name web \
		  --sdnotify=conmon --cgroups=split --cidfile=%t/web.cid \
		  --stop-timeout 5 localhost/busybox \
		  sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.2; done'
		ExecStop=/usr/local/bin/bryo stop --ignore --cidfile=%t/web.cid
		ExecStopPost=/usr/local/bin/bryo rm -f --ignore --cidfile=%t/web.cid
	UNIT
	systemctl --user daemon-reload
}

property() {
	systemctl --user show -P "$1" web.service
}

is_restarted() {
	[ "$(property NRestarts)" -ge 1 ] && [ "$(property ActiveState)" = active ]
}

@test "unit: starts, and is ready when the container is" {
	unit_install
	systemctl --user start web.service
	[ "$(property ActiveState)" = active ]
	run_bryo inspect --format '{{.State.ConmonPid}}' web
	assert "$(property MainPID)"
	refute grep "not our child" <(journalctl --user -u web.service)
	run_bryo inspect --format '{{.State.Pid}}' web
	grep -q web.service "/proc/$output/cgroup"
	[ "$(cat "$XDG_RUNTIME_DIR/web.cid")" = "$("$BRYO" ps -q --no-trunc)" ]
}

@test "unit: systemd restarts it when the container fails" {
	run_bryo kill web
	wait_until 120 is_restarted
	run_bryo exec web true
	# its trap is set
	wait_log web up
}

@test "unit: stops cleanly and leaves nothing" {
	systemctl --user stop web.service
	systemctl --user show -P ExecMainStatus -P Result web.service
	journalctl --user -u web.service -n 20 --no-pager || :
	[ "$(property ActiveState)" = inactive ]
	[ "$(property Result)" = success ]
	run_bryo ps -aq
	assert ""
	[ ! -e "$XDG_RUNTIME_DIR/web.cid" ]
}
