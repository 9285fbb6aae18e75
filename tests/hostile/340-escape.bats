#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
bats_require_minimum_version 1.5.0
# A running container that tries to get out, to read what is not its own, or
# to reach the kernel where it is weak.  Rows of HARDENING.md and CVES.md.

load ../system/helpers

setup_file() {
	engine_setup
	export BUSYBOX=localhost/busybox:latest
	export BRYO_TEST_CACHE=${BRYO_TEST_CACHE:-$HOME/.cache/bryo-tests}
	mkdir -p "$ENGINE_DIR/canary"
	echo token-4711 >"$ENGINE_DIR/canary/secret"
	# one layout with a plain image, and one that wants to rule its host
	python3 - "$BATS_TEST_DIRNAME/../images" "$ENGINE_DIR" <<'PY'
import hashlib, json, pathlib, sys, tarfile
sys.path.insert(0, sys.argv[1])
import mkimage
out = pathlib.Path(sys.argv[2])
evil = "/proc/1/root/etc/shadow"
keys = {}
for k in ("run.oci.handler", "run.oci.hooks.stdout", "run.oci.seccomp_fail_unknown_syscall",
          "run.oci.seccomp.receiver", "run.oci.keep_original_groups", "run.oci.mount_context_type",
          "run.oci.pidfd_receiver", "run.oci.systemd.subgroup", "run.oci.delegate-cgroup",
          "run.oci.systemd.force_cgroup_v1", "org.criu.config", "org.systemd.property.ExecStart",
          "org.systemd.property.DeviceAllow", "io.podman.annotations.privileged",
          "io.podman.annotations.seccomp", "io.podman.annotations.userns", "io.podman.annotations.label",
          "io.podman.annotations.apparmor", "io.podman.annotations.init", "io.podman.annotations.pids-limit",
          "io.podman.annotations.autoremove", "io.podman.annotations.volumes-from",
          "io.kubernetes.cri-o.userns-mode", "io.kubernetes.cri-o.Devices", "io.kubernetes.cri-o.ShmSize",
          "io.kubernetes.cri-o.UnifiedCgroup", "io.containers.capabilities", "io.containers.trace-syscall",
          "io.containers.type", "cdi.k8s.io/x", "containerd.io/restart.loguri", "containerd.io/restart.status",
          "com.docker.compose.project", "io.podman.compose.config-hash", "bryo.privileged", "bryo.userns",
          "RUN", "INSTALL", "org.opencontainers.runtime-spec.privileged", "PODMAN_SYSTEMD_UNIT",
          "io.containers.autoupdate", "com.github.containers.toolbox"):
    keys[k] = "TRUE" if "priv" in k else "ALL" if "capab" in k else "unconfined" if "seccomp" in k else evil
config = {"Cmd": ["sh"]}
mkimage.Layout(str(out / "plain")).image("localhost/busybox:latest", mkimage.busybox(None)[0], config)
mkimage.Layout(str(out / "rule")).image("localhost/rule:latest", mkimage.busybox(None)[0],
    dict(config, Labels=keys, Env=["SECRET", "HOME*", "LD_PRELOAD=/x.so", "BRYO_FORCE=no-openat2", "container=none"],
         Healthcheck={"Test": ["CMD-SHELL", "touch /tmp/health"]}, StopSignal="RTMAX+9", ArgsEscaped=True))
d = out / "rule"
index = json.loads((d / "index.json").read_text())
desc = index["manifests"][0]
m = json.loads((d / "blobs" / desc["digest"].replace(":", "/")).read_text())
m["annotations"] = keys
data = json.dumps(m).encode()
h = hashlib.sha256(data).hexdigest()
(d / "blobs/sha256" / h).write_bytes(data)
desc["digest"], desc["size"] = "sha256:" + h, len(data)
desc.setdefault("annotations", {}).update(keys)
index["annotations"] = keys
(d / "index.json").write_text(json.dumps(index))
for n, name in (("plain", "busybox"), ("rule", "rule")):
    index = json.loads((out / n / "index.json").read_text())
    index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] = f"localhost/{name}:latest"
    (out / n / "index.json").write_text(json.dumps(index))
    with tarfile.open(out / (n + ".tar"), "w") as t:
        t.add(out / n, arcname=".")
PY
	"$BRYO" load -i "$ENGINE_DIR/plain.tar" >/dev/null
	"$BRYO" load -i "$ENGINE_DIR/rule.tar" >/dev/null
	"$BRYO" images
}

setup() {
	export BUSYBOX=localhost/busybox
	P=(-v "$BRYO_BUILD/probe:/probe:ro")
}

# what NAME [RUN-OPTION...]: the result of one attempt
table() {
	run_bryo run --rm "${P[@]}" "$@" "$BUSYBOX" /probe calls
}

@test "NS-07: calls into weak parts of the kernel are refused" {
	local name want have
	table
	while read -r name want; do
		have=$(sed -n "s/^$name //p" <<<"$out")
		[[ " $want " == *" $have "* ]] || { echo "$name: $have, wanted one of: $want"; return 1; }
	done <<-'EOF'
		bpf EPERM ENOSYS
		perf_event_open EPERM ENOSYS
		userfaultfd EPERM ENOSYS
		io_uring_setup ENOSYS EPERM
		kexec_load EPERM ENOSYS
		finit_module EPERM ENOSYS
		delete_module EPERM ENOSYS
		reboot EPERM ENOSYS
		syslog EPERM ENOSYS
		swapon EPERM ENOSYS
		acct EPERM ENOSYS
		clock_settime EPERM ENOSYS
		open_by_handle_at EPERM ENOSYS
		fanotify_init EPERM ENOSYS
		quotactl EPERM ENOSYS
		mount EPERM
		umount EPERM
		remount-proc-sys EPERM
		mknod EPERM
		sethostname EPERM
		AF_ALG EPERM EAFNOSUPPORT EINVAL
		AF_VSOCK EPERM EAFNOSUPPORT EINVAL
		NETLINK_AUDIT EPERM EAFNOSUPPORT EINVAL EPROTONOSUPPORT
		AF_PACKET EPERM
		SOCK_RAW EPERM
		dev-mem ENOENT EPERM EACCES
		setpriority EPERM EACCES
		SCHED_FIFO EPERM
	EOF
	if [ "$(uname -m)" = x86_64 ]; then
		assert_match $'(^|\n)iopl (EPERM|ENOSYS)'
		assert_match $'(^|\n)int80-socketcall (ENOSYS|EPERM)'
		assert_match $'(^|\n)x32-getpid (ENOSYS|EPERM)'
	fi
	# the same for exec, which has a filter of its own to load
	local first=$out
	run_bryo run -d --name x "${P[@]}" "$BUSYBOX" sleep 100
	run_bryo exec x /probe calls
	assert "$first"
	run_bryo rm -f -t 0 x
}

@test "NS-07: the filter does it, not only the kernel: without it some get through" {
	table --security-opt seccomp=unconfined
	# each of them is there and not for root only
	local n=0 name
	for name in AF_ALG AF_VSOCK io_uring_setup x32-getpid int80-socketcall; do
		if [[ $(sed -n "s/^$name //p" <<<"$out") != EPERM ]]; then n=$((n + 1)); fi
	done
	[ "$n" -ge 2 ]
}

@test "NS-06: writes to what belongs to the host fail, privileged or not" {
	local opt
	for opt in "" --privileged "--cap-add=all --security-opt=seccomp=unconfined --security-opt=unmask=ALL"; do
		# shellcheck disable=SC2086
		run_bryo run --rm $opt "${P[@]}" "$BUSYBOX" /probe write \
			/proc/sysrq-trigger /proc/sys/kernel/core_pattern \
			/proc/sys/kernel/modprobe /proc/sys/kernel/hotplug \
			/proc/sys/vm/overcommit_memory /proc/sys/fs/binfmt_misc/register \
			/proc/sys/kernel/panic_on_oops /sys/kernel/uevent_helper \
			/sys/power/state /sys/kernel/mm/transparent_hugepage/enabled \
			/proc/kcore /dev/mem /dev/kmem /dev/port
		refute grep ' done$' <<<"$out"
	done
}

@test "NS-06: masked files are empty, and stay so" {
	run_bryo run --rm "$BUSYBOX" sh -c 'cat /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/interrupts /proc/latency_stats 2>/dev/null | wc -c; umount /proc/keys 2>/dev/null; wc -c </proc/keys; mkdir /p; mount -t proc p /p 2>/dev/null && echo mounted; true'
	assert $'0\n0'
	run_bryo run -d --name mp "$BUSYBOX" sleep 100
	run_bryo inspect --security --format '{{range .MaskedPaths}}{{.}} {{end}}' mp
	local path
	for path in /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys \
		/proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list \
		/proc/timer_stats /sys/devices/virtual/powercap /sys/firmware /sys/fs/selinux; do
		[ ! -e "$path" ] || [[ " $out" == *" $path "* ]] || { echo "$path shows"; return 1; }
	done
	run_bryo inspect --security --format '{{range .ReadonlyPaths}}{{.}} {{end}}' mp
	for path in /proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger /sys /sys/fs/cgroup; do
		[ ! -e "$path" ] || [[ " $out" == *" $path "* ]] || { echo "$path can be written"; return 1; }
	done
	run_bryo rm -f -t 0 mp
}

@test "CAP-06: nothing is typed into the caller's terminal" {
	local mode
	for mode in "-i" "-it" ""; do
		timeout 30 python3 "$BATS_TEST_DIRNAME/../setup/pty.py" 30 100 "" \
			"$BRYO" run --rm ${mode:+"$mode"} "${P[@]}" "$BUSYBOX" /probe tty >"$ENGINE_DIR/o" 3>&-
		cat "$ENGINE_DIR/o"
		grep -q TIOCSTI "$ENGINE_DIR/o"
		refute grep ' done' "$ENGINE_DIR/o"
	done
}

@test "CAP-08: keys of the caller's session are not there" {
	# a session with a key in it, then bryo in that session
	cat >"$ENGINE_DIR/session.py" <<'PY'
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
KEYCTL, ADD_KEY = (250, 248) if os.uname().machine == "x86_64" else (219, 217)
ring = libc.syscall(KEYCTL, 1, 0)               # join a new session keyring
assert libc.syscall(ADD_KEY, b"user", b"probe", b"token", 5, ring) > 0
args = [a.replace("SERIAL", str(ring)) for a in sys.argv[1:]]
os.execv(args[0], args)
PY
	output=$(python3 "$ENGINE_DIR/session.py" "$BRYO" run --rm "${P[@]}" "$BUSYBOX" /probe key SERIAL 3>&-)
	echo "$output"
	assert_match "session own"
	refute grep "read done" <<<"$output"
	run_bryo run -d --name ks "${P[@]}" "$BUSYBOX" sleep 100
	output=$(python3 "$ENGINE_DIR/session.py" "$BRYO" exec ks /probe key SERIAL 3>&-)
	assert_match "session own"
	# the filter refuses keyctl; without it there is a keyring of its own
	output=$(python3 "$ENGINE_DIR/session.py" "$BRYO" run --rm "${P[@]}" \
		--security-opt seccomp=unconfined "$BUSYBOX" /probe key SERIAL 3>&-)
	assert_match "session own"
	assert_no_match "ENOSYS"
	run_bryo rm -f -t 0 ks
}

@test "CAP-05: no descriptor of the host, by number, WORKDIR or exec -w" {
	local n
	exec 20</ 21<"$ENGINE_DIR/canary"
	run_bryo run -d --name wd "$BUSYBOX" sleep 1000
	for n in 3 4 5 6 7 8 9 10 11 12 13 14 20 21; do
		"$BRYO" run --rm -w "/proc/self/fd/$n" "$BUSYBOX" cat secret ../secret etc/hostname >"$ENGINE_DIR/o" 2>&1 3>&- && { echo "run -w fd/$n worked"; return 1; }
		"$BRYO" exec -w "/proc/self/fd/$n" wd cat secret ../secret >>"$ENGINE_DIR/o" 2>&1 3>&- && { echo "exec -w fd/$n worked"; return 1; }
		refute grep token-4711 "$ENGINE_DIR/o"
	done
	run_bryo exec wd sh -c 'ls /proc/self/fd /proc/1/fd | sort -u | tr "\n" " "; ls -l /proc/1/fd | grep -c "'"$ENGINE_DIR"'" || true'
	assert_no_match "canary"
	run_bryo rm -f -t 0 wd
	exec 20<&- 21<&-
}

@test "EXE-04: a payload that is /proc/self/exe cannot change bryo" {
	# a bryo that its user can write
	mkdir -p "$ENGINE_DIR/own"
	cp "$BRYO_BUILD"/bryo "$BRYO_BUILD"/bryo-* "$ENGINE_DIR/own/"
	local sum n b=$ENGINE_DIR/own/bryo
	sum=$(cat "$ENGINE_DIR"/own/* | sha256sum)
	# with the libraries that bryo needs to come up at all
	"$b" run -d --name ex "${P[@]}" -v /usr/lib:/lib:ro -v /lib64:/lib64:ro "$BUSYBOX" sh -c \
		'printf "#!/proc/self/exe\n" >/bin/payload; chmod 755 /bin/payload; exec /probe exe' >/dev/null 3>&-
	for n in $(seq 40); do
		"$b" exec ex /bin/payload >/dev/null 2>&1 3>&- || true
	done
	sleep 1.5	# while none of it runs it could be written
	"$b" run --rm "$BUSYBOX" sh -c 'printf "#!/proc/self/exe\n" >/x; chmod 755 /x; exec /x' >/dev/null 2>&1 3>&- || true
	"$b" rm -f -t 0 ex 3>&-
	[ "$sum" = "$(cat "$ENGINE_DIR"/own/* | sha256sum)" ]
}

@test "chroot, ptrace and signals end at the container" {
	run_bryo run --rm "${P[@]}" "$BUSYBOX" /probe chroot
	assert_match $'(^|\n)probe(\n|$)'
	refute grep -x work <<<"$out"
	# nobody outside is visible or gets a signal
	sleep 300 3>&- &
	local pid=$!
	run_bryo run --rm "$BUSYBOX" sh -c "test -e /proc/$pid && echo visible; kill -9 $pid 2>&1; exit 0"
	assert_no_match visible
	run_bryo run --rm --init "$BUSYBOX" sh -c 'kill -9 -1; true' || true
	kill -0 "$pid"
	kill "$pid"
}

@test "NS-04: no abstract socket, none that the container could connect to" {
	run_bryo run -d --name ns --network host "$BUSYBOX" sleep 100
	refute grep -E '@.*(bryo|attach)' /proc/net/unix
	run_bryo exec ns sh -c 'grep -c "@.*bryo" /proc/net/unix || true'
	assert 0
	run_bryo rm -f -t 0 ns
}

@test "EXE-05: labels and annotations of an image change nothing" {
	local image
	for image in busybox rule; do
		SECRET=token-4711 "$BRYO" run -d --name "e-$image" "localhost/$image" sleep 100 >/dev/null 3>&-
		"$BRYO" inspect --security --format json "e-$image" >"$ENGINE_DIR/$image.json"
		"$BRYO" inspect "e-$image" >"$ENGINE_DIR/$image.full"
		"$BRYO" exec "e-$image" env >"$ENGINE_DIR/$image.env"
	done
	refute grep token-4711 "$ENGINE_DIR/rule.env"
	python3 - "$ENGINE_DIR" <<'PY'
import json, re, sys
d = sys.argv[1]
def posture(n):
    o = json.load(open(f"{d}/{n}.json"))[0]
    for k in ("Id", "Name", "Pid"):
        o.pop(k)
    for ns in o["Namespaces"].values():
        if not ns["Host"]:
            ns.pop("Id")
    return o
def host(n):
    o = json.load(open(f"{d}/{n}.full"))[0]["HostConfig"]
    text = json.dumps(o, sort_keys=True)
    return re.sub(r"containers/[0-9a-f]{64}", "containers/ID", text)
a, b = posture("busybox"), posture("rule")
assert a == b, (a, b)
assert a["Capabilities"]["Bounding"] and a["Seccomp"]["Mode"] == "filter"
assert host("busybox") == host("rule"), (host("busybox"), host("rule"))
PY
	run_bryo rm -f -t 0 e-busybox e-rule
}

@test "a set-uid program of an image is out of reach for others" {
	run_bryo run -d --name su "$BUSYBOX" sh -c 'cp /bin/busybox /su; chmod 4755 /su; sleep 100'
	wait_until 5 test -u "$XDG_DATA_HOME/bryo/containers/$("$BRYO" inspect --format '{{.Id}}' su)/upper/su"
	[ "$(stat -c %a "$XDG_DATA_HOME/bryo")" = 700 ]
	run_bryo rm -f -t 0 su
}
