#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# run and create: exit codes, process, environment, identity.

load helpers

@test "R1: run prints the container's output and nothing else" {
	run_bryo run --rm "$BUSYBOX" echo hello
	assert "hello" "$out"
	assert "" "$errs"
	run_bryo run --rm "$BUSYBOX" sh -c 'echo o; echo e >&2'
	assert "o" "$out"
	assert "e" "$errs"
}

@test "G3: exit codes" {
	run_bryo -7 run --rm "$BUSYBOX" sh -c 'exit 7'
	# PID 1 of a namespace does not get signals that it has no handler for
	run_bryo -137 run --rm --init "$BUSYBOX" sh -c 'kill -9 $$'
	run_bryo -143 run --rm "$BUSYBOX" sh -c 'kill -15 $$; sleep 5' || \
		run_bryo -143 run --rm --init "$BUSYBOX" sh -c 'kill -15 $$'
	run_bryo -127 run --rm "$BUSYBOX" nosuchprogram
	assert_match 'executable file .nosuchprogram. not found in \$PATH'
	run_bryo -126 run --rm "$BUSYBOX" /etc
	assert_match "permission denied|is a directory"
	run_bryo -126 run --rm "$BUSYBOX" /etc/passwd
	assert_match "permission denied"
	run_bryo -125 run --rm --nosuch "$BUSYBOX" true
}

@test "R4: --rm is gone before the command returns, also after a failed start" {
	run_bryo run --rm --name gone "$BUSYBOX" true
	run_bryo -1 container exists gone
	run_bryo -127 run --rm --name gone "$BUSYBOX" nosuch
	run_bryo -1 container exists gone
	run_bryo -127 run --name stays "$BUSYBOX" nosuch
	run_bryo container exists stays
	run_bryo rm stays
}

@test "run -d prints the 64-hex id, 127 when there is no such program" {
	run_bryo run -d --name d1 "$BUSYBOX" sleep 100
	assert_match '^[0-9a-f]{64}$'
	run_bryo rm -f -t 0 d1
	assert "d1"
	run_bryo -127 run -d --rm "$BUSYBOX" nosuch
	run_bryo ps -aq
	assert ""
}

@test "R3: names" {
	run_bryo create --name one "$BUSYBOX" true
	run_bryo -125 create --name one "$BUSYBOX" true
	assert_match 'the container name "one" is already in use by [0-9a-f]{64}\. You have to remove that container to be able to reuse that name'
	run_bryo -125 create --name a/b "$BUSYBOX" true
	run_bryo -125 create --name "a b" "$BUSYBOX" true
	run_bryo create --name /lead "$BUSYBOX" true
	run_bryo rm /lead one
	run_bryo create "$BUSYBOX" true
	local id=$out
	run_bryo inspect --format '{{.Name}}' "$id"
	assert_match '^[a-z]+_[a-z]+$'
	run_bryo rm "${id:0:12}"
	assert "${id:0:12}"
}

@test "R7: environment" {
	run_bryo run --rm "$BUSYBOX" env
	assert_match "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	assert_match "HOSTNAME=[0-9a-f]{12}"
	assert_match "HOME=/root"
	assert_match "container="
	assert_no_match "TERM="
	FROMHOST=h PRE_A=1 PRE_B=2 run_bryo run --rm -e A=1 -e A=2 -e FROMHOST \
		-e NOTTHERE -e 'PRE_*' -e EMPTY= "$BUSYBOX" env
	assert_match $'(^|\n)A=2\n'
	assert_match "FROMHOST=h"
	assert_match "PRE_A=1"
	assert_match "PRE_B=2"
	assert_match "EMPTY="
	assert_no_match "NOTTHERE"
	printf '# c\nX=1 2 "3"\n  Y=lead\nFROMHOST\n' >"$ENGINE_DIR/env"
	FROMHOST=h run_bryo run --rm --env-file "$ENGINE_DIR/env" -e Y=cli "$BUSYBOX" env
	assert_match 'X=1 2 "3"'
	assert_match "FROMHOST=h"
	assert_match "Y=cli"
	run_bryo -125 run --rm --env-file "$ENGINE_DIR/nosuch" "$BUSYBOX" env
	run_bryo run --rm --env-file <(sleep 0.2; echo PIPED=p) "$BUSYBOX" sh -c 'echo $PIPED'
	assert p
}

@test "entrypoint, command and working directory" {
	run_bryo run --rm --entrypoint /bin/echo "$BUSYBOX" a b
	assert "a b"
	run_bryo run --rm --entrypoint '["/bin/echo","x"]' "$BUSYBOX" y
	assert "x y"
	run_bryo run --rm -w /tmp "$BUSYBOX" pwd
	assert "/tmp"
	run_bryo -126 run --rm -w /no/such "$BUSYBOX" pwd
	assert_match 'workdir "/no/such" does not exist on container'
	run_bryo run --rm "$BUSYBOX" sh -c 'echo $0 $1' "" ""
}

@test "users and groups" {
	run_bryo run --rm -u 1000 "$BUSYBOX" id -u
	assert "1000"
	run_bryo run --rm -u www-data "$BUSYBOX" id
	assert_match "uid=33\(www-data\) gid=33\(www-data\)"
	run_bryo run --rm -u user "$BUSYBOX" sh -c 'id -G; echo $HOME'
	assert $'1000 29\n/home/user'
	run_bryo run --rm -u 0:29 "$BUSYBOX" id -g
	assert "29"
	run_bryo run --rm -u 4242 "$BUSYBOX" sh -c 'id -u; grep -c 4242 /etc/passwd'
	assert $'4242\n1'
	run_bryo -126 run --rm -u nosuch "$BUSYBOX" true
	assert_match "nosuch.*no matching entries in passwd file"
	run_bryo -126 run --rm -u root:nosuch "$BUSYBOX" true
	assert_match "no matching entries in group file"
	run_bryo run --rm --group-add 4000,audio "$BUSYBOX" id -G
	assert_match "4000"
	assert_match "29"
	for bad in -1 " 1" 4294967295 4294967296 0x0 1:1:1; do
		run_bryo -126 run --rm "--user=$bad" "$BUSYBOX" id -u ||
			run_bryo -125 run --rm "--user=$bad" "$BUSYBOX" id -u
	done
}

@test "hostname: the container's own, the host's is unchanged" {
	local before
	before=$(uname -n)
	run_bryo run --rm --hostname box "$BUSYBOX" sh -c 'hostname; cat /etc/hostname; grep -c box /etc/hosts'
	assert_match $'^box\nbox\n?1$'
	run_bryo run --rm "$BUSYBOX" hostname
	assert_match '^[0-9a-f]{12}$'
	[ "$(uname -n)" = "$before" ]
}

@test "every namespace is the container's own" {
	run_bryo run --rm "$BUSYBOX" sh -c \
		'for n in user mnt pid net ipc uts cgroup; do readlink /proc/self/ns/$n; done'
	local n host
	for n in user mnt pid net ipc uts cgroup; do
		host=$(readlink "/proc/self/ns/$n")
		[[ $out != *"$host"* ]] || { echo "shares $n"; return 1; }
	done
	local queue
	queue=$(ipcmk -Q | grep -o '[0-9]*$')
	run_bryo run --rm "$BUSYBOX" cat /proc/sysvipc/msg
	[ "$(wc -l <<<"$out")" = 1 ]
	ipcrm -q "$queue"
}

@test "a file written in one container is in no other" {
	run_bryo run --rm "$BUSYBOX" sh -c 'echo x >/written; ls /written'
	run_bryo -1 run --rm "$BUSYBOX" ls /written
}

@test "stdin: 1.5 MB arrive intact, EOF closes, without -i nothing is read" {
	head -c 1500000 /dev/urandom >"$ENGINE_DIR/in"
	"$BRYO" run --rm -i "$BUSYBOX" cat <"$ENGINE_DIR/in" >"$ENGINE_DIR/o"
	cmp "$ENGINE_DIR/in" "$ENGINE_DIR/o"
	head -c 700000 /dev/zero | "$BRYO" run --rm -i "$BUSYBOX" wc -c >"$ENGINE_DIR/o"
	assert 700000 "$(cat "$ENGINE_DIR/o")"
	printf 'one\ntwo\n' | {
		"$BRYO" run --rm "$BUSYBOX" cat
		read -r line
		assert one "$line"
	}
}

@test "output of 20 MB is complete, on both streams" {
	"$BRYO" run --rm "$BUSYBOX" sh -c 'head -c 20000000 /dev/zero; head -c 3000000 /dev/zero >&2' \
		2>"$ENGINE_DIR/e" >"$ENGINE_DIR/o"
	[ "$(stat -c %s "$ENGINE_DIR/o")" = 20000000 ]
	[ "$(stat -c %s "$ENGINE_DIR/e")" = 3000000 ]
}

@test "labels, and image labels never change anything but labels" {
	run_bryo create --name lab -l a=b -l bare "$NGINX" || run_bryo create --name lab -l a=b -l bare "$BUSYBOX"
	run_bryo inspect --format '{{index .Config.Labels "a"}}' lab
	assert "b"
	run_bryo rm lab
}

@test "limits: ulimit, umask, sysctl, shm-size" {
	run_bryo run --rm --ulimit nofile=100:200 "$BUSYBOX" sh -c 'ulimit -Sn; ulimit -Hn'
	assert $'100\n200'
	run_bryo -125 run --rm --ulimit core=-1:1000 "$BUSYBOX" true
	assert_match "soft limit must be less than or equal to hard limit"
	run_bryo run --rm "$BUSYBOX" sh -c umask
	assert 0022
	run_bryo run --rm --umask 0077 "$BUSYBOX" sh -c umask
	assert 0077
	run_bryo run --rm --sysctl net.ipv4.ip_forward=1 "$BUSYBOX" cat /proc/sys/net/ipv4/ip_forward
	assert 1
	run_bryo run --rm --shm-size 1m "$BUSYBOX" sh -c 'df -k /dev/shm | tail -1'
	assert_match "^shm +1024 "
}

@test "--init reaps and passes signals and exit codes on" {
	run_bryo -9 run --rm --init "$BUSYBOX" sh -c 'exit 9'
	# an orphan that ended and is not reaped keeps its directory in /proc
	run_bryo run --rm --init "$BUSYBOX" sh -c 'cat /proc/1/comm
		(sleep 0.1 & echo $! >/orphan)
		i=0
		while [ -e "/proc/$(cat /orphan)" ] && [ $i -lt 300 ]; do
			sleep 0.1; i=$((i+1))
		done
		[ -e "/proc/$(cat /orphan)" ] || echo reaped'
	assert $'bryo-init\nreaped'
}

@test "tz, add-host, dns" {
	run_bryo run --rm --add-host one:10.9.8.7 --dns 192.0.2.1 --dns-search x.test \
		"$BUSYBOX" sh -c 'cat /etc/hosts /etc/resolv.conf'
	assert_match "10.9.8.7[[:space:]]+one"
	assert_match "nameserver 192.0.2.1"
	assert_match "search x.test"
}

@test "R12, R14: .containerenv and mtab" {
	run_bryo run --rm "$BUSYBOX" sh -c 'ls /run/.containerenv; readlink /etc/mtab'
	assert $'/run/.containerenv\n/proc/mounts' || assert_match "containerenv"
}

@test "-a stdin alone prints the id; --cidfile holds it" {
	run_bryo run -d --cidfile "$ENGINE_DIR/cid" --name cid "$BUSYBOX" sleep 50
	assert "$(cat "$ENGINE_DIR/cid")"
	run_bryo rm -f -t 0 cid
	[ ! -e "$ENGINE_DIR/cid" ]
}

@test "--userns keep-id maps the caller, image files stay root's" {
	run_bryo run --rm --userns keep-id "$BUSYBOX" sh -c 'id -u; stat -c %u /bin/busybox'
	assert "$(id -u)"$'\n0'
	run_bryo run --rm --userns keep-id --user 0 "$BUSYBOX" id -u
	assert 0
	mkdir "$ENGINE_DIR/mine"
	run_bryo run --rm --userns keep-id -v "$ENGINE_DIR/mine:/m" "$BUSYBOX" sh -c 'touch /m/f'
	[ "$(stat -c %u "$ENGINE_DIR/mine/f")" = "$(id -u)" ]
}

@test "--platform: another architecture is refused or warned about, the own runs" {
	local arch
	arch=$(dpkg --print-architecture)
	run_bryo run --rm --platform "linux/$arch" "$BUSYBOX" echo own
	assert_match "own"
}

@test "create, then start -a gives output and exit code" {
	run_bryo create --name later "$BUSYBOX" sh -c 'echo started; exit 3'
	run_bryo ps -a --filter name=later --format '{{.State}} {{.Status}}'
	assert "created Created"
	run_bryo -3 start -a later
	assert "started"
	run_bryo rm later
}
