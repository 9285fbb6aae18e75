#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec, top, inspect of a running container.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" run -d --name x -e FROM=run -w /tmp "$BUSYBOX" sleep 10000 3>&-
}

@test "exec: exit codes, streams, environment, directory" {
	run_bryo exec x echo hi
	assert hi "$out"
	run_bryo -3 exec x sh -c 'exit 3'
	run_bryo -127 exec x nosuch
	run_bryo -126 exec x /etc
	run_bryo exec -e A=1 x sh -c 'echo $A $FROM; pwd'
	assert $'1 run\n/tmp'
	run_bryo exec -w /etc x pwd
	assert /etc
	run_bryo exec x sh -c 'echo o; echo e >&2'
	assert o "$out"
	assert e "$errs"
	run_bryo -125 exec nosuch true
	run_bryo -125 exec x
}

@test "exec -i: 1.5 MB through stdin, and end of file" {
	head -c 1500000 /dev/urandom >"$ENGINE_DIR/in"
	"$BRYO" exec -i x cat <"$ENGINE_DIR/in" >"$ENGINE_DIR/o"
	cmp "$ENGINE_DIR/in" "$ENGINE_DIR/o"
}

@test "exec: a reader that is slow at the end gets all of it" {
	run_bryo run -d --name own --userns keep-id "$BUSYBOX" sleep 1000
	# the process ends with its output in the pipes on both sides of us
	output=$("$BRYO" exec own head -c 150000 /dev/zero | (sleep 3; wc -c))
	assert 150000
	run_bryo rm -f -t 0 own
}

@test "exec: users, and the same sandbox as run" {
	run_bryo exec -u 33 x id -u
	assert 33
	run_bryo exec -u user x sh -c 'echo $HOME'
	assert /home/user
	local field
	for field in CapInh: CapBnd: NoNewPrivs: Seccomp:; do
		run_bryo exec x sh -c "grep $field /proc/self/status; grep $field /proc/1/status"
		[ "$(sort -u <<<"$out" | wc -l)" = 1 ] || return 1
	done
	run_bryo exec -u 1000 x grep -E 'Cap(Eff|Prm|Inh|Amb)' /proc/self/status
	[ "$(grep -c 0000000000000000 <<<"$out")" = 4 ]
}

@test "exec lives in the container's namespaces and sees its processes" {
	run_bryo exec x sh -c 'for n in mnt pid net ipc uts user cgroup; do
		[ "$(readlink /proc/1/ns/$n)" = "$(readlink /proc/self/ns/$n)" ] || echo $n; done'
	assert ""
	run_bryo exec x sh -c 'ls /proc/self/fd | wc -l'
	assert 4
}

@test "exec -d goes on by itself" {
	run_bryo exec -d x sh -c 'sleep 0.3; echo done >/tmp/flag'
	wait_until 5 "$BRYO" exec x test -e /tmp/flag
}

@test "exec on a container that does not run is 255" {
	run_bryo create --name idle "$BUSYBOX" true
	run_bryo -255 exec idle true
	assert_match "can only create exec sessions on running containers"
	run_bryo rm idle
}

@test "50 execs at once" {
	local i pids=()
	for i in $(seq 50); do
		"$BRYO" exec x echo "$i" >"$ENGINE_DIR/e.$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	[ "$(cat "$ENGINE_DIR"/e.* | sort -n | uniq | wc -l)" = 50 ]
}

@test "P11: top" {
	run_bryo top x
	assert_match "^USER +PID +PPID +%CPU +ELAPSED +TTY +TIME +COMMAND"
	assert_match "root +1 +0 .* sleep 10000"
	run_bryo top x pid args
	assert_match "^PID +COMMAND"
	run_bryo top x hpid
	local pid
	pid=$(sed -n 2p <<<"$out")
	run_bryo inspect --format '{{.State.Pid}}' x
	assert "$((pid))" "$out"
}

@test "inspect: podman's keys, templates" {
	run_bryo inspect x
	jq -e '.[0] | .Id, .Name, .State.Pid, .State.ConmonPid, .State.Status, .Config.Env,
		.HostConfig.NetworkMode, .NetworkSettings, .Mounts, .ImageName, .Created,
		.HostConfig.RestartPolicy.Name, .Config.WorkingDir' <<<"$out"
	jq -e '.[0] | .State.Running == true and .State.Status == "running"' <<<"$out"
	run_bryo inspect --format '{{.State.Status}} {{.Config.WorkingDir}}' x
	assert "running /tmp"
	run_bryo -125 inspect nosuch
	assert_match '^\[\]'
	assert_match 'no such object: "nosuch"'
	run_bryo -125 inspect --format '{{.Nope}}' x
	run_bryo inspect --type image --format '{{.Os}}' "$BUSYBOX"
	assert linux
}

@test "#!/proc/self/exe cannot reach the bryo binary" {
	local before after
	before=$(sha256sum "$BRYO" | cut -d' ' -f1)
	run_bryo exec x sh -c 'printf "#!/proc/self/exe\n" >/evil; chmod +x /evil'
	# shellcheck disable=SC2016
	run_bryo exec -d x sh -c 'i=0; while [ $i -lt 300 ]; do
		for p in /proc/[0-9]*; do
			[ "$p" = /proc/1 ] || (echo pwned >>"$p/exe") 2>/dev/null
		done; i=$((i+1)); done; echo end >/looped'
	local i
	for i in $(seq 30); do
		timeout 10 "$BRYO" exec x /evil >/dev/null 2>&1 3>&- || :
	done
	timeout 10 "$BRYO" run --rm -v "$ENGINE_DIR:/v" "$BUSYBOX" sh -c \
		'printf "#!/proc/self/exe\n" >/evil; chmod +x /evil; exec /evil' >/dev/null 2>&1 || :
	after=$(sha256sum "$BRYO" | cut -d' ' -f1)
	assert "$before" "$after"
}
