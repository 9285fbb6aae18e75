#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The switches of the sandbox: each is seen from inside.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" pull -q "localhost:$REGISTRY_PORT/debian" >/dev/null
}

caps() {
	"$BRYO" run --rm "$@" "$BUSYBOX" sh -c \
		'sed -n "s/^Cap\(Inh\|Prm\|Eff\|Bnd\|Amb\):[ \t]*0*\([0-9a-f]\)/\2/p" /proc/self/status | tr "\n" " "' 3>&-
}

@test "CAP-01 CAP-02: sets of root, of a user, with what was asked for" {
	local row want
	# Inh Prm Eff Bnd Amb
	while IFS='|' read -r row want; do
		# shellcheck disable=SC2086
		output=$(caps $row)
		[ "$(xargs <<<"$output")" = "$want" ] || { echo "[$row]: $output, wanted $want"; return 1; }
	done <<-'EOF'
		|0 800405fb 800405fb 800405fb 0
		-u 1000|0 0 0 800405fb 0
		--cap-add net_raw|0 800425fb 800425fb 800425fb 0
		--cap-add CAP_NET_RAW,Chown|0 800425fb 800425fb 800425fb 0
		-u 1000 --cap-add NET_RAW|2000 2000 2000 800425fb 2000
		-u 1000 --cap-add chown|1 1 1 800405fb 1
		-u 1000 --cap-add all|1ffffffffff 1ffffffffff 1ffffffffff 1ffffffffff 1ffffffffff
		--cap-drop all|0 0 0 0 0
		--cap-drop ALL --cap-add chown,kill|0 21 21 21 0
		--cap-drop chown|0 800405fa 800405fa 800405fa 0
		--cap-add all|0 1ffffffffff 1ffffffffff 1ffffffffff 0
		--privileged|0 1ffffffffff 1ffffffffff 1ffffffffff 0
		--privileged -u 1000|0 0 0 1ffffffffff 0
		--privileged --cap-drop chown|0 1fffffffffe 1fffffffffe 1fffffffffe 0
		-u 1000 --cap-add NET_RAW --security-opt no-new-privileges|2000 2000 2000 800425fb 2000
	EOF
	run_bryo -125 run --rm --cap-add nosuch "$BUSYBOX" true
	assert_match "unknown capability"
	run_bryo -125 create --cap-drop net_rawx "$BUSYBOX" true
	# exec has the same
	run_bryo run -d --name e -u 1000 --cap-add net_raw "$BUSYBOX" sleep 100
	run_bryo exec e grep -E 'Cap(Inh|Amb)' /proc/self/status
	assert $'CapInh:\t0000000000002000\nCapAmb:\t0000000000002000'
	run_bryo exec -u 0 e grep -E 'CapAmb' /proc/self/status
	assert $'CapAmb:\t0000000000000000'
	run_bryo exec --privileged e grep -E 'CapBnd' /proc/self/status
	assert $'CapBnd:\t000001ffffffffff'
	run_bryo rm -f -t 0 e
}

@test "R19: no-new-privileges in all its forms" {
	local opt
	for opt in no-new-privileges no-new-privileges=true no-new-privileges:true; do
		run_bryo run --rm --security-opt $opt "$BUSYBOX" grep NoNewPrivs /proc/self/status
		assert_match '1$'
	done
	for opt in no-new-privileges=false no-new-privileges:false; do
		run_bryo run --rm --security-opt $opt "$BUSYBOX" grep NoNewPrivs /proc/self/status
		assert_match '0$'
	done
	run_bryo -125 run --rm --security-opt no-new-privileges=maybe "$BUSYBOX" true
	run_bryo -125 run --rm --security-opt nosuch=1 "$BUSYBOX" true
	assert_match 'invalid --security-opt 2: "nosuch=1"'
}

@test "R19: device rules and kernel memory are for others" {
	run_bryo -125 run --rm --device-cgroup-rule "c 1:3 rwm" "$BUSYBOX" true
	assert_match "Error: device cgroup rules are not supported in rootless mode or in a user namespace"
	run_bryo run --rm --kernel-memory 64m "$BUSYBOX" true
	assert "The --kernel-memory flag is no longer supported. This flag is a noop."
}

@test "R19: --privileged brings the devices that the caller may open, no console" {
	run_bryo run --rm --privileged "$BUSYBOX" sh -c 'find /dev -type c -o -type b | sort'
	refute grep -E '^/dev/tty[0-9]|^/dev/console' <<<"$out"
	local dev
	while read -r dev; do
		grep -qx "$dev" <<<"$out" || { echo "$dev is missing"; return 1; }
	done < <(find /dev -maxdepth 1 \( -type c -o -type b \) -perm -004 ! -name 'tty*' ! -name console ! -name ptmx)
	[ "$(wc -l <<<"$out")" -gt 7 ]
	run_bryo run --rm "$BUSYBOX" sh -c 'find /dev -type c | grep -vc pts/'
	assert 6
}

@test "mask and unmask: paths, lists, patterns, ALL" {
	run_bryo run --rm --security-opt mask=/etc/passwd:/root "$BUSYBOX" sh -c 'wc -c </etc/passwd; ls -A /root | wc -l; (echo x >/etc/passwd) 2>/dev/null || echo ro'
	assert $'0\n0\nro'
	run_bryo run --rm --security-opt unmask=/proc/key*:/proc/interr* "$BUSYBOX" sh -c 'wc -c </proc/interrupts; wc -c </proc/timer_list'
	assert_match $'^[1-9][0-9]*\n0$'
	local opt
	for opt in unmask=ALL unmask=all systempaths=unconfined "unmask=/proc/*"; do
		run_bryo run --rm --security-opt "$opt" "$BUSYBOX" sh -c 'wc -c </proc/interrupts; grep -c " /proc/sys " /proc/self/mountinfo || :'
		assert_match $'^[1-9][0-9]*\n0$'
	done
	run_bryo run --rm --security-opt "unmask=/proc/*" "$BUSYBOX" sh -c 'ls -A /sys/firmware | wc -l'
	assert 0
}

@test "proc-opts: what /proc shows, and nothing that loosens it" {
	run_bryo run --rm --security-opt proc-opts=hidepid=2 "$BUSYBOX" sh -c 'grep " /proc proc" /proc/mounts || grep "^proc /proc " /proc/mounts'
	assert_match "hidepid=(2|invisible)"
	assert_match "nosuid,nodev,noexec"
	run_bryo run --rm --security-opt proc-opts=subset=pid "$BUSYBOX" sh -c 'test -e /proc/meminfo || echo pids only'
	assert "pids only"
	run_bryo -125 run --rm --security-opt proc-opts=suid,exec "$BUSYBOX" true
	assert_match "invalid option"
}

@test "label is nothing where SELinux is off, an AppArmor profile needs AppArmor" {
	run_bryo run --rm --security-opt label=disable --security-opt apparmor=unconfined "$BUSYBOX" true
	if [ ! -e /sys/fs/selinux/enforce ]; then
		run_bryo run --rm --security-opt label=type:foo_t "$BUSYBOX" true
	fi
	run_bryo -125 run --rm --security-opt apparmor=mine "$BUSYBOX" true
	assert_match "[Aa]pparmor"
}

@test "sysctl: only what belongs to the container" {
	run_bryo run --rm --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=65536 "$BUSYBOX" \
		sh -c 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax'
	assert $'1\n65536'
	local s
	for s in kernel.core_pattern=x kernel.hostname=x vm.swappiness=1 net/../kernel.panic=1 kernel..x=1 .net=1 "net.ipv4.ip forward=1"; do
		run_bryo -125 create --sysctl "$s" "$BUSYBOX" true
		assert_match "is not allowed"
	done
	run_bryo -125 create --sysctl net.ipv4.ip_forward "$BUSYBOX" true
	assert_match "sysctl values must be in the form of KEY=VALUE"
	run_bryo -125 run --rm --network host --sysctl net.ipv4.ip_forward=1 "$BUSYBOX" true
	assert_match "can't be set since Network Namespace set to host"
	run_bryo -125 run --rm --ipc host --sysctl kernel.msgmax=65536 "$BUSYBOX" true
	assert_match "can't be set since IPC Namespace set to host"
}

@test "R17: ulimits: forms, errors, unlimited is what there is, defaults" {
	run_bryo run --rm --ulimit nofile=100:200 --ulimit core=-1 "$BUSYBOX" sh -c 'ulimit -n; ulimit -Hn'
	assert $'100\n200'
	run_bryo -125 run --rm --ulimit core=-1:1000 "$BUSYBOX" true
	assert 'Error: ulimit option "core=-1:1000" requires name=SOFT:HARD, failed to be parsed: ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: 1000'
	run_bryo -125 run --rm --ulimit nosuch=1 "$BUSYBOX" true
	# unlimited is clamped without a word
	local hard
	hard=$(ulimit -Hn)
	run_bryo run --rm --ulimit nofile=-1:-1 "$BUSYBOX" sh -c 'ulimit -n'
	assert "$hard"
	run_bryo create --name ul --ulimit core=-1 "$BUSYBOX" sh -c 'ulimit -n; ulimit -c'
	run_bryo inspect --format '{{.HostConfig.Ulimits}}' ul
	assert "[]"
	# the defaults are those of each start
	run_bryo start -a ul
	assert "$((hard < 1048576 ? hard : 1048576))"$'\n'"$(ulimit -Hc)"
	run_bryo inspect --format '{{json .HostConfig.Ulimits}}' ul
	assert_match '"Name":"RLIMIT_CORE","Soft":-1,"Hard":-1'
	assert_match '"Name":"RLIMIT_NPROC"'
	(
		ulimit -n 512
		run_bryo start -a ul
		[ "$(head -1 <<<"$out")" = 512 ]
	)
	run_bryo rm ul
	run_bryo run --rm --ulimit host "$BUSYBOX" sh -c 'ulimit -n'
	assert "$(ulimit -n)"
	run_bryo run --rm "$BUSYBOX" sh -c 'ulimit -c'
	assert 0
}

@test "R18: --read-only: tmpfs where programs write, nowhere without them" {
	run_bryo run --rm --read-only "$BUSYBOX" sh -c 'for d in /tmp /var/tmp /run /dev /dev/shm; do touch $d/x || exit 1; done; echo fine'
	assert fine
	run_bryo -1 run --rm --read-only "$BUSYBOX" touch /x
	assert_match "Read-only file system"
	run_bryo run --rm --read-only --read-only-tmpfs=false "$BUSYBOX" sh -c 'for d in /tmp /var/tmp /run /dev / /etc; do (touch $d/x) 2>/dev/null && echo wrote $d; done; true'
	assert ""
}

@test "R21: ipc: shareable by default, private refuses, none has no /dev/shm" {
	run_bryo run -d --name sh1 "$BUSYBOX" sleep 100
	run_bryo run -d --name pr --ipc private "$BUSYBOX" sleep 100
	run_bryo inspect --format '{{.HostConfig.IpcMode}}' sh1 pr
	assert $'shareable\nprivate'
	run_bryo exec sh1 readlink /proc/self/ns/ipc
	local ns=$out
	run_bryo run --rm --ipc container:sh1 "$BUSYBOX" readlink /proc/self/ns/ipc
	assert "$ns"
	run_bryo create --name joiner --ipc container:sh1 "$BUSYBOX" true
	run_bryo inspect --format '{{.HostConfig.IpcMode}}' joiner
	assert_match '^container:[0-9a-f]{64}$'
	run_bryo rm joiner
	run_bryo -125 run --rm --ipc container:pr "$BUSYBOX" true
	assert_match "is not allowed: non-shareable IPC \(hint: use IpcMode:shareable for the donor container\)"
	run_bryo run --rm --ipc none "$BUSYBOX" sh -c 'grep -c " /dev/shm " /proc/self/mountinfo || true'
	assert 0
	run_bryo run --rm --ipc host "$BUSYBOX" readlink /proc/self/ns/ipc
	assert "$(readlink /proc/self/ns/ipc)"
	run_bryo rm -f -t 0 sh1 pr
	run_bryo -125 run --rm --ipc nosuch "$BUSYBOX" true
}

@test "R21: pid, uts, net and cgroup namespaces: host, container:X, ns:PATH" {
	run_bryo run -d --name don -h donor "$BUSYBOX" sleep 100
	run_bryo inspect --format '{{.State.Pid}}' don
	local pid=$out kind flag
	for kind in pid uts net cgroup; do
		flag=--$kind
		[ $kind != cgroup ] || flag=--cgroupns
		[ $kind != net ] || flag=--network
		run_bryo run --rm $flag container:don "$BUSYBOX" readlink /proc/self/ns/$kind
		assert "$(readlink "/proc/$pid/ns/$kind")"
		run_bryo run --rm $flag host "$BUSYBOX" readlink /proc/self/ns/$kind
		assert "$(readlink /proc/self/ns/$kind)"
		run_bryo run --rm $flag private "$BUSYBOX" readlink /proc/self/ns/$kind || [ $kind = net ]
		refute [ "$out" = "$(readlink /proc/self/ns/$kind)" ]
	done
	run_bryo run --rm --userns container:don --uts "ns:/proc/$pid/ns/uts" "$BUSYBOX" hostname
	assert donor
	run_bryo rm -f -t 0 don
	run_bryo run --rm --uts host "$BUSYBOX" cat /etc/hostname
	assert "$(uname -n)"
	run_bryo -125 run --rm --uts host -h x "$BUSYBOX" true
	assert_match "cannot set hostname when running in the host UTS namespace"
	run_bryo -125 run --rm --pid container:nosuch "$BUSYBOX" true
}

@test "R21: --no-hostname keeps the image's file, --domainname sets one" {
	run_bryo run --rm --no-hostname "$BUSYBOX" sh -c 'grep -c " /etc/hostname " /proc/self/mountinfo || hostname | wc -c'
	assert $'0\n13'
	run_bryo run --rm -h h1 --domainname dom.example "$BUSYBOX" sh -c 'hostname; cat /proc/sys/kernel/domainname'
	assert $'h1\ndom.example'
	run_bryo -125 run --rm -h 'a b' "$BUSYBOX" true
}

@test "R22: hosts, resolv.conf and hostname are root's; the cgroup tree is read-only" {
	local mode
	for mode in host keep-id auto nomap; do
		run_bryo run --rm --userns $mode "$BUSYBOX" stat -c %u:%g /etc/hosts /etc/resolv.conf /etc/hostname
		assert $'0:0\n0:0\n0:0'
	done
	for mode in host private; do
		run_bryo run --rm --network host --cgroupns $mode "$BUSYBOX" sh -c \
			'mkdir /sys/fs/cgroup/x 2>&1; awk "\$5 ~ \"^/sys/fs/cgroup\" && \$6 !~ /^ro/" /proc/self/mountinfo'
		assert_match "^mkdir: .*(Read-only|denied|not permitted)[^$'\n']*$"
	done
}

@test "--init: signals reach the program, orphans are reaped, the code comes through" {
	run_bryo -7 run --rm --init "$BUSYBOX" sh -c 'cat /proc/1/comm; exit 7'
	assert bryo-init
	run_bryo run -d --name in --init "$BUSYBOX" sh -c 'trap "exit 42" USR1; (sh -c "sleep 0.1 & exit" ) ; echo ready; while :; do sleep 0.1; done'
	wait_log in ready
	run_bryo kill -s USR1 in
	run_bryo wait in
	assert 42
	run_bryo rm in
	run_bryo run -d --name in --init "$BUSYBOX" sh -c 'sh -c "(sleep 0.2; exit 3) &"; sleep 100'
	sleep 0.6
	wait_until 2 "$BRYO" exec in sh -c '! grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null'
	run_bryo rm -f -t 0 in
}

@test "--init-path: a program of the host is pid 1" {
	cp /bin/busybox "$ENGINE_DIR/i"
	mkdir -p "$ENGINE_DIR/bin"
	printf '#!/bin/sh\necho "init of mine: $*"\nshift\nexec "$@"\n' >"$ENGINE_DIR/myinit"
	chmod +x "$ENGINE_DIR/myinit"
	run_bryo run --rm --init --init-path "$ENGINE_DIR/myinit" "$BUSYBOX" echo hello
	assert $'init of mine: -- echo hello\nhello'
	run_bryo run --rm --init-path "$ENGINE_DIR/myinit" "$BUSYBOX" echo hello
	assert hello
	run_bryo -125 run --rm --init --init-path /nosuch "$BUSYBOX" true
}

@test "R12: --systemd: detected by the command, or always, or never" {
	local row want
	mkdir -p "$ENGINE_DIR/sd"
	cp /bin/busybox "$ENGINE_DIR/sd/"
	while IFS='|' read -r row want; do
		# shellcheck disable=SC2086
		run_bryo create --name sd $row
		run_bryo inspect --format '{{.Config.SystemdMode}} {{.Config.StopSignal}}' sd
		[[ $out == "$want"* ]] || { echo "$row: $out"; return 1; }
		run_bryo rm sd
	done <<-EOF
		$BUSYBOX /sbin/init|true
		$BUSYBOX /usr/sbin/init|true
		$BUSYBOX systemd --x|true
		$BUSYBOX /lib/systemd/systemd|true
		$BUSYBOX /bin/init|false
		--systemd=false $BUSYBOX /sbin/init|false
		--systemd=always $BUSYBOX sh|true
		--systemd=true $BUSYBOX sh|false
	EOF
	run_bryo run --rm --systemd=always "$BUSYBOX" sh -c \
		'awk "\$9 == \"tmpfs\" || \$8 == \"tmpfs\" || /- tmpfs/ {print \$5}" /proc/self/mountinfo | sort -u; echo "$container_uuid" | wc -c; test -e /run/.containerenv && echo env; stat -c %a /tmp /run/lock'
	for want in /run /run/lock /tmp /var/log/journal; do
		grep -qx "$want" <<<"$out" || { echo "no tmpfs at $want"; return 1; }
	done
	assert_match $'\n33\nenv\n1777\n1777$'
	run_bryo run -d --name sd --systemd=always "$BUSYBOX" sh -c 'trap "exit 9" RTMIN+3 2>/dev/null || trap "exit 9" 37; echo ready; while :; do sleep 0.1; done'
	run_bryo inspect --format '{{.Config.StopSignal}}' sd
	assert_match '^(37|SIGRTMIN\+3)$'
	wait_log sd ready
	run_bryo stop -t 60 sd
	run_bryo inspect --format '{{.State.ExitCode}}' sd
	assert 9
	run_bryo rm sd
	run_bryo -125 run --rm --systemd=maybe "$BUSYBOX" true
}

@test "--personality" {
	run_bryo run --rm "$BUSYBOX" uname -m
	assert "$(uname -m)"
	run_bryo run -d --name pers --personality=LINUX32 "$BUSYBOX" sleep 100
	run_bryo exec pers uname -m
	assert "$(setarch linux32 uname -m)"
	run_bryo rm -f -t 0 pers
	run_bryo -125 run --rm --personality=BSD "$BUSYBOX" true
}

@test "--seccomp-policy: an image does not choose its filter" {
	run_bryo run --rm --seccomp-policy default "$BUSYBOX" true
	run_bryo -125 run --rm --seccomp-policy image "$BUSYBOX" true
}
