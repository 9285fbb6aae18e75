#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# inspect --security says what /proc says, not what was asked for.

load helpers

# The same facts from /proc by other means.
compare() {
	"$BRYO" inspect --security "$1" >"$ENGINE_DIR/posture.json" 3>&-
	python3 - "$ENGINE_DIR/posture.json" <<'PY'
import json, os, sys
o = json.load(open(sys.argv[1]))[0]
p = f"/proc/{o['Pid']}"
st = dict(l.rstrip("\n").split(":\t", 1) for l in open(p + "/status") if ":\t" in l)
names = """CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID
SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK
IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL
SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON
BPF CHECKPOINT_RESTORE""".split()
for key, field in (("Inheritable", "CapInh"), ("Permitted", "CapPrm"),
                   ("Effective", "CapEff"), ("Bounding", "CapBnd"), ("Ambient", "CapAmb")):
    bits = int(st[field], 16)
    want = ["CAP_" + n for i, n in enumerate(names) if bits >> i & 1]
    assert o["Capabilities"][key] == want, (key, o["Capabilities"][key], want)
assert o["NoNewPrivileges"] == (st["NoNewPrivs"] == "1")
assert o["Seccomp"]["Mode"] == {"0": "disabled", "2": "filter"}[st["Seccomp"]]
assert str(o["Seccomp"]["Filters"]) == st["Seccomp_filters"]
assert o["User"]["Uids"] == [int(x) for x in st["Uid"].split()]
assert o["User"]["Groups"] == [int(x) for x in st["Groups"].split()]
assert o["Umask"] == st["Umask"].strip()
for name, ns in o["Namespaces"].items():
    link = os.readlink(f"{p}/ns/{name}")
    assert ns == {"Id": link, "Host": link == os.readlink(f"/proc/self/ns/{name}")}, (name, ns)
assert {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"} <= set(o["Namespaces"])
for key, f in (("UidMap", "uid_map"), ("GidMap", "gid_map")):
    assert o[key] == [" ".join(l.split()) for l in open(f"{p}/{f}")], key
masked, ro, root = [], [], None
for line in open(p + "/mountinfo"):
    f, rest = line.rstrip("\n").split(" - ")
    f = f.split(" ")
    path = f[4].encode().decode("unicode_escape")
    if path == "/":
        root = f[5].startswith("ro")
    elif rest.split(" ")[1] == "bryo-mask":
        masked.append(path)
    elif f[5].split(",")[0] == "ro":
        ro.append(path)
assert (o["MaskedPaths"], o["ReadonlyPaths"], o["ReadonlyRootfs"]) == (masked, ro, root)
PY
}

@test "the posture is what /proc says, for a dozen ways to run" {
	local opts
	mkdir -p "$ENGINE_DIR/a dir"
	while IFS= read -r opts; do
		echo "== $opts"
		# shellcheck disable=SC2086
		run_bryo run -d --name po $opts "$BUSYBOX" sleep 100
		compare po
		run_bryo rm -f -t 0 po
	done <<-'EOF'

		--privileged
		--read-only
		-u 1000 --cap-add net_raw
		--cap-drop all --security-opt no-new-privileges
		--security-opt seccomp=unconfined
		--security-opt unmask=ALL
		--userns keep-id
		--userns auto
		--network host --pid host --ipc host --uts host
		--umask 077 --group-add 5
	EOF
	run_bryo run -d --name po -v "$ENGINE_DIR/a dir:/a dir:ro" "$BUSYBOX" sleep 100
	compare po
	run_bryo inspect --security --format '{{.Seccomp.Mode}} {{.Namespaces.user.Host}} {{json .ReadonlyPaths}}' po
	assert_match '^filter false .*"/a dir"'
	run_bryo container inspect --security --format '{{.NoNewPrivileges}}' po
	assert false
	run_bryo rm -f -t 0 po
}

@test "what does not run has no posture" {
	run_bryo create --name po "$BUSYBOX" true
	run_bryo -125 inspect --security po
	assert_match "is not running"
	run_bryo -125 inspect --security --type image "$BUSYBOX"
	run_bryo -125 inspect --security nosuch
	run_bryo rm po
}
