#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The sandbox, seen from inside.

load helpers

@test "capabilities: 11 by default, none inheritable, none for a user" {
	run_bryo run --rm "$BUSYBOX" grep Cap /proc/self/status
	assert_match $'CapInh:\t0000000000000000'
	assert_match $'CapEff:\t00000000800405fb'
	assert_match $'CapBnd:\t00000000800405fb'
	assert_match $'CapAmb:\t0000000000000000'
	run_bryo run --rm -u 1000 "$BUSYBOX" grep -E 'Cap(Eff|Prm|Amb|Inh)' /proc/self/status
	[ "$(grep -c 0000000000000000 <<<"$out")" = 4 ]
	run_bryo run --rm --cap-drop all "$BUSYBOX" grep CapBnd /proc/self/status
	assert_match 0000000000000000
	run_bryo run --rm --cap-drop all --cap-add net_bind_service "$BUSYBOX" grep CapEff /proc/self/status
	assert_match 0000000000000400
	run_bryo -125 run --rm --cap-add nosuch "$BUSYBOX" true
	assert_match "unknown capability"
}

@test "no_new_privs is off by default, on when asked" {
	run_bryo run --rm "$BUSYBOX" grep NoNewPrivs /proc/self/status
	assert_match '0$'
	run_bryo run --rm --security-opt no-new-privileges "$BUSYBOX" grep NoNewPrivs /proc/self/status
	assert_match '1$'
	# a set-uid program gives root, unless that is off
	local image=localhost:$REGISTRY_PORT/debian opt
	run_bryo pull -q "$image"
	for opt in "" no-new-privileges; do
		run_bryo run -d --name nnp ${opt:+--security-opt "$opt"} "$image" sleep 100
		run_bryo exec nnp sh -c 'cp /usr/bin/id /id && chmod 4755 /id'
		run_bryo exec -u 1000 nnp /id -u
		[ "$out" = "$([ -n "$opt" ] && echo 1000 || echo 0)" ]
		run_bryo rm -f -t 0 nnp
	done
}

@test "seccomp is on, and off when asked" {
	run_bryo run --rm "$BUSYBOX" grep '^Seccomp:' /proc/self/status
	assert_match '2$'
	run_bryo run --rm --security-opt seccomp=unconfined "$BUSYBOX" grep '^Seccomp:' /proc/self/status
	assert_match '0$'
	run_bryo -125 run --rm --security-opt "seccomp=$ENGINE_DIR/nosuch.json" "$BUSYBOX" true
	assert_match "nosuch.json"
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":13}]}' >"$ENGINE_DIR/p.json"
	run_bryo -1 run --rm --security-opt "seccomp=$ENGINE_DIR/p.json" "$BUSYBOX" mkdir /x
	assert_match "Permission denied"
	run_bryo -125 run --rm --security-opt seccomp=<(echo '{"defaultAction":"NO"}') "$BUSYBOX" true
	assert_match "Error: seccomp profile: .*NO"
}

@test "a seccomp profile belongs to the container, not to its file" {
	cd "$ENGINE_DIR"
	echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' >p.json
	run_bryo create --name prof --security-opt seccomp=p.json "$BUSYBOX" \
		sh -c 'mkdir /x 2>&1; sleep 100'
	rm p.json
	cd /
	run_bryo start prof
	run_bryo -1 exec prof mkdir /x
	assert_match "not permitted"
	wait_log prof "not permitted"
	run_bryo rm -f -t 0 prof
}

@test "masked and read-only paths" {
	run_bryo run --rm "$BUSYBOX" sh -c 'cat /proc/kcore /proc/keys /proc/timer_list /proc/interrupts 2>/dev/null | wc -c; ls -A /sys/firmware | wc -l'
	assert $'0\n0'
	run_bryo run --rm "$BUSYBOX" sh -c 'for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/x /sys/kernel/x; do (echo 1 >$f) 2>/dev/null && echo wrote $f; done; true'
	assert ""
	run_bryo run --rm --security-opt unmask=/proc/interrupts "$BUSYBOX" sh -c 'wc -c </proc/interrupts'
	assert_no_match '^0$'
}

@test "only 0, 1 and 2 are open, whatever the caller has" {
	exec 10</etc/passwd 11</etc/group 12</
	run_bryo run --rm "$BUSYBOX" sh -c 'ls /proc/self/fd | tr "\n" " "'
	exec 10<&- 11<&- 12<&-
	assert_match '^0 1 2 3 $'
	run_bryo -126 run --rm -w /proc/self/fd/7 "$BUSYBOX" pwd
}

@test "only the container's processes are visible, and pid 1 is its own" {
	run_bryo run --rm "$BUSYBOX" sh -c 'ls -d /proc/[0-9]* | wc -l; cat /proc/1/comm; :'
	assert_match $'^[1-4]\nsh$'
}

@test "hostile images: /dev, /proc, /etc as symlinks to the outside" {
	mkdir -p "$ENGINE_DIR/canary" "$ENGINE_DIR/evil"
	echo secret >"$ENGINE_DIR/canary/secret"
	local trick
	for trick in dev proc etc sys run; do
		rm -rf "$ENGINE_DIR/evil"
		mkdir -p "$ENGINE_DIR/evil/bin"
		cp /bin/busybox "$ENGINE_DIR/evil/bin/"
		ln -s busybox "$ENGINE_DIR/evil/bin/sh"
		ln -s "$ENGINE_DIR/canary" "$ENGINE_DIR/evil/$trick"
		"$BRYO" run --rm --rootfs "$ENGINE_DIR/evil" /bin/sh -c true 2>/dev/null 3>&- || :
		ln -sfn ../canary "$ENGINE_DIR/evil/$trick"
		"$BRYO" run --rm --rootfs "$ENGINE_DIR/evil" /bin/sh -c true 2>/dev/null 3>&- || :
		[ "$(ls -A "$ENGINE_DIR/canary")" = secret ] || { ls -lR "$ENGINE_DIR/canary"; return 1; }
	done
}

@test "FS-10: a hostile /etc/passwd cannot hang or leak" {
	echo "token-from-the-host:x:0:0::/:/" >"$ENGINE_DIR/secret"
	local kind
	for kind in zero fifo outside big; do
		rm -rf "$ENGINE_DIR/evil"
		mkdir -p "$ENGINE_DIR/evil/bin" "$ENGINE_DIR/evil/etc"
		cp /bin/busybox "$ENGINE_DIR/evil/bin/"
		ln -s busybox "$ENGINE_DIR/evil/bin/sh"
		case $kind in
		zero) ln -s /dev/zero "$ENGINE_DIR/evil/etc/passwd" ;;
		fifo) mkfifo "$ENGINE_DIR/evil/etc/passwd" ;;
		outside) ln -s "../../secret" "$ENGINE_DIR/evil/etc/passwd" ;;
		big) truncate -s 10G "$ENGINE_DIR/evil/etc/passwd" ;;
		esac
		local rc=0
		timeout 60 "$BRYO" run --rm -u token-from-the-host --rootfs "$ENGINE_DIR/evil" \
			/bin/sh -c 'echo in' >"$ENGINE_DIR/o" 2>&1 3>&- || rc=$?
		[ "$rc" = 126 ] || { echo "$kind: $rc"; cat "$ENGINE_DIR/o"; return 1; }
	done
}

@test "--privileged: all capabilities of the namespace, no masks, no filter" {
	run_bryo run --rm --privileged "$BUSYBOX" grep -E 'CapEff|^Seccomp:' /proc/self/status
	assert_match $'CapEff:\t000001ffffffffff'
	assert_match $'Seccomp:\t0'
	run_bryo run --rm --privileged "$BUSYBOX" sh -c 'mount -t tmpfs t /mnt 2>/dev/null || mkdir /mnt && mount -t tmpfs t /mnt && echo mounted'
	assert_match mounted
	run_bryo run --rm --privileged "$BUSYBOX" sh -c '(echo x >/proc/sys/kernel/core_pattern) 2>&1 || true'
	assert_match "[Dd]enied|not permitted"
}

@test "sysctls outside of the container's namespaces are refused" {
	run_bryo -125 run --rm --sysctl kernel.core_pattern=x "$BUSYBOX" true
	run_bryo -125 run --rm --sysctl net/../kernel.panic=1 "$BUSYBOX" true
	run_bryo -125 run --rm --network host --sysctl net.ipv4.ip_forward=1 "$BUSYBOX" true
}

@test "ST-01: nothing of the engine is open to others" {
	umask 000
	run_bryo run -d --name st "$BUSYBOX" sleep 100
	[ "$(stat -c %a "$XDG_DATA_HOME/bryo")" = 700 ]
	[ "$(stat -c %a "$XDG_RUNTIME_DIR/bryo")" = 700 ]
	refute grep -q '@.*bryo' /proc/net/unix
	run_bryo rm -f -t 0 st
	umask 022
}

@test "image environment without = is never looked up on the host" {
	local dir=$ENGINE_DIR/envimg
	cp -r "$BRYO_TEST_CACHE/busybox" "$dir"
	python3 - "$dir" <<'PY'
import hashlib, json, pathlib, sys
d = pathlib.Path(sys.argv[1])
blob = lambda x: d / "blobs" / x.replace(":", "/")
def put(o):
    data = json.dumps(o).encode()
    h = hashlib.sha256(data).hexdigest()
    (d / "blobs/sha256" / h).write_bytes(data)
    return "sha256:" + h, len(data)
index = json.loads((d / "index.json").read_text())
manifest = json.loads(blob(index["manifests"][0]["digest"]).read_text())
config = json.loads(blob(manifest["config"]["digest"]).read_text())
config["config"]["Env"] = ["SECRET", "SECRET*", "*", "=x", "A=1", "A=2"]
config["config"]["Labels"] = {"run.oci.handler": "x", "io.podman.annotations.privileged": "TRUE"}
manifest["config"]["digest"], manifest["config"]["size"] = put(config)
index["manifests"][0]["digest"], index["manifests"][0]["size"] = put(manifest)
(d / "index.json").write_text(json.dumps(index))
PY
	python3 "$BATS_TEST_DIRNAME/../images/push.py" "$dir" "127.0.0.1:$REGISTRY_PORT/env"
	SECRET=token run_bryo run --rm -q "localhost:$REGISTRY_PORT/env" env
	assert_no_match "token"
	assert_match $'(^|\n)A=2'
	run_bryo run --rm "localhost:$REGISTRY_PORT/env" grep CapEff /proc/self/status
	assert_match 00000000800405fb
	run_bryo rmi -f "localhost:$REGISTRY_PORT/env"
}
