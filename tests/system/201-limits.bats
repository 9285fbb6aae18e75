# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Limits on a machine that cannot enforce them (cgroup v1): what is checked,
# what is said, what inspect shows.  tests/vm has the machine that can.
load helpers

teardown() {
	[ -z "${server:-}" ] || kill "$server" 2>/dev/null || :
	"$BRYO" rm -fa -t 0 >/dev/null
}

warnings() {
	grep -c 'level=warning' <<<"$errs" || true
}

@test "F29: a limit that cannot be enforced is one warning that names the fix" {
	run_bryo run --rm -m 64m --cpus 0.5 --pids-limit 100 "$BUSYBOX" true
	[ "$(warnings)" = 1 ]
	assert_match '--memory, --cpus, --pids-limit not in force' "$errs"
	assert_match 'the memory, cpu and pids controllers of cgroup v2 missing' "$errs"
	assert_match 'systemd.unified_cgroup_hierarchy=1' "$errs"
}

@test "F29: no limit typed, no warning, whatever the machine lacks" {
	run_bryo run --rm "$BUSYBOX" true
	assert ""
	run_bryo run --rm -m 0 "$BUSYBOX" true
	assert ""
}

@test "F29: --limits=strict makes it an error, and nothing is left" {
	run_bryo -125 run --rm --limits=strict -m 64m "$BUSYBOX" true
	assert_match 'Error: --memory not in force, the memory controller of cgroup v2 missing' "$errs"
	run_bryo ps -aq
	assert ""
	run_bryo run --rm --limits=strict "$BUSYBOX" true
	assert ""
	run_bryo run --rm --limits=best-effort -m 64m "$BUSYBOX" true
	[ "$(warnings)" = 1 ]
	run_bryo -125 run --limits=loose "$BUSYBOX" true
	assert_match 'want strict or best-effort'
}

@test "F29: what cgroup v2 does not know is said to be so" {
	run_bryo run --rm --memory-swappiness 10 "$BUSYBOX" true
	[ "$(warnings)" = 1 ]
	assert_match '--memory-swappiness not in force: cgroup v2 has no such limit' "$errs"
}

@test "F29: --cgroup-manager and --cgroup-parent that do not fit" {
	run_bryo -125 --cgroup-manager=openrc ps
	assert_match 'unknown cgroup manager "openrc"'
	run_bryo -125 --cgroup-manager=systemd create --cgroup-parent /x "$BUSYBOX"
	assert_match 'did not receive systemd slice as cgroup parent'
	run_bryo -126 run --rm --cgroup-parent /x "$BUSYBOX" true
	assert_match 'make cgroup /x: permission denied'
}

@test "F29: --cgroups=disabled and a manager that hangs" {
	run_bryo run --rm --cgroups=disabled -m 64m "$BUSYBOX" true
	[ "$(warnings)" = 1 ]
	run_bryo run --rm --cgroups=disabled "$BUSYBOX" true
	assert ""
	mkdir -p "$XDG_RUNTIME_DIR/systemd"
	python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1]); s.listen(8)
print("listens", flush=True); time.sleep(1000)' "$XDG_RUNTIME_DIR/systemd/private" >"$ENGINE_DIR/server" 3>&- &
	server=$!
	wait_until 5 grep -q listens "$ENGINE_DIR/server"
	run_bryo -126 run --rm --cgroup-manager=systemd -m 64m "$BUSYBOX" true
	assert_match 'connect to systemd at .*: connection timed out'
	rm -rf "$XDG_RUNTIME_DIR/systemd"
}

@test "G10: pairs of limits that exclude each other" {
	run_bryo -125 run --cpus 1 --cpu-period 5000 "$BUSYBOX" true
	assert_match 'Error: --cpu-period and --cpus cannot be set together'
	run_bryo -125 create --cpu-quota 5000 --cpus 1 "$BUSYBOX" true
	assert_match 'Error: --cpu-quota and --cpus cannot be set together'
}

@test "R19: values of limits that mean nothing are refused before anything is made" {
	local bad=(
		"--memory=1x" "--memory=-5" "--memory-swap=-2"
		"--memory-swap=1g" "--cpus=x" "--cpus=-1" "--cpu-period=10"
		"--cpu-quota=5" "--cpuset-cpus=a" "--cpuset-cpus=3-1"
		"--cpuset-mems=," "--pids-limit=many" "--blkio-weight=5"
		"--blkio-weight=2000" "--blkio-weight-device=/dev/x:5"
		"--device-read-bps=x" "--device-write-bps=/dev/x:1q"
		"--device-read-iops=/dev/x:1m" "--cgroups=maybe"
		"--cgroup-conf=../x=1" "--cgroup-conf=cgroup.procs=0"
		"--cgroup-conf=memory.high" "--memory-swappiness=101"
		"--cgroup-parent=../../x"
	)
	for b in "${bad[@]}"; do
		run_bryo -125 run "$b" "$BUSYBOX" true
		assert_match '^Error: '
	done
	run_bryo -125 run -m 10m --memory-swap 5m "$BUSYBOX" true
	assert_match 'minimum memoryswap limit should be larger than memory limit'
	run_bryo -125 run -m 10m --memory-reservation 20m "$BUSYBOX" true
	assert_match 'minimum memory limit cannot be less than memory reservation limit'
	run_bryo ps -aq
	assert ""
}

@test "P16: inspect shows what was asked for, of a running one what is in force" {
	run_bryo create --name "$(cname)" -m 64m --cpus 1.5 --cpuset-cpus 0 \
		--pids-limit 50 --blkio-weight 500 --memory-reservation 32m \
		--device-read-bps /dev/null:1mb "$BUSYBOX" sleep 100
	f='{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.MemoryReservation}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}} {{.HostConfig.CpusetCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.BlkioWeight}}'
	run_bryo inspect -f "$f" "$(cname)"
	assert "67108864 134217728 33554432 1500000000 150000 100000 0 50 500"
	run_bryo inspect -f '{{json .HostConfig.BlkioDeviceReadBps}}' "$(cname)"
	assert '[{"Path":"/dev/null","Rate":1048576}]'
	run_bryo -125 start "$(cname)"
	assert_match '/dev/null: not a block device'
	run_bryo run -d --name "$(cname b)" -m 64m --cpus 1 "$BUSYBOX" sleep 100
	run_bryo inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}' "$(cname b)"
	assert "0 0"
	run_bryo kill "$(cname b)"
	run_bryo wait "$(cname b)"
	run_bryo inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.State.OOMKilled}}' "$(cname b)"
	assert "67108864 1000000000 false"
}

@test "P16: update changes limits, restart policy and environment" {
	run_bryo create --name "$(cname)" -m 64m -e A=1 -e B=2 "$BUSYBOX" env
	run_bryo update -m 128m --cpus 2 --pids-limit 20 --restart on-failure:3 \
		-e A=5 --unsetenv B --ulimit nofile=50:60 "$(cname)"
	assert "$(cname)"
	run_bryo inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' "$(cname)"
	assert "134217728 268435456 2000000000 20 on-failure 3"
	run_bryo update --cpu-quota 50000 "$(cname)"
	run_bryo inspect -f '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}' "$(cname)"
	assert "0 50000"
	run_bryo start -a "$(cname)"
	assert_match 'A=5' "$out"
	assert_no_match 'B=2' "$out"
	run_bryo -125 update --restart sometimes "$(cname)"
	run_bryo -125 update -m 1x "$(cname)"
	run_bryo -125 update -m 1m nobody
	run_bryo inspect -f '{{.HostConfig.Memory}}' "$(cname)"
	assert "134217728"
}

@test "P16: update of a container that runs without a cgroup" {
	run_bryo run -d --name "$(cname)" "$BUSYBOX" sleep 100
	run_bryo update -m 64m "$(cname)"
	assert_match '--memory not in force.*the container runs without a cgroup' "$errs"
	run_bryo -125 update --limits=strict -m 32m "$(cname)"
	run_bryo update --restart always "$(cname)"
	[ -z "$errs" ]
	run_bryo inspect -f '{{.HostConfig.Memory}}' "$(cname)"
	assert "0"
	run_bryo update --restart no "$(cname)"
	run_bryo kill "$(cname)"
	run_bryo wait "$(cname)"
	run_bryo inspect -f '{{.HostConfig.Memory}}' "$(cname)"
	assert "67108864"
	run_bryo -125 run -d --rm --name "$(cname b)" --restart always "$BUSYBOX" true
	run_bryo run -d --rm --name "$(cname b)" "$BUSYBOX" sleep 100
	run_bryo -125 update --restart always "$(cname b)"
}
