#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# User namespaces: who is who inside, who owns the image's files, whose ids a
# container has that nobody else has.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" pull -q "$NGINX" >/dev/null
}

# Every mode with the map that it gives, as rows of "inside outside count".
@test "R8: image files are 0:0 and 33:4 in every mode, chown and HOME work" {
	local mode
	for mode in "" "--userns host" "--userns keep-id" "--userns keep-id --user 0" \
		"--userns keep-id:uid=200,gid=210" "--userns nomap" "--userns auto" \
		"--userns auto:size=3000" "--uidmap 0:1:100" "--uidmap +5000:0" \
		"--subuidname $(id -un)" "--userns keep-id --privileged" \
		"--userns auto --privileged" "--userns private"; do
		# shellcheck disable=SC2086
		run_bryo run --rm $mode "$NGINX" sh -c \
			'stat -c %u:%g / /etc/passwd /usr/bin/env /var/log/nginx /etc/hosts /etc/hostname /etc/resolv.conf | tr "\n" " "'
		[ "$out" = "0:0 0:0 0:0 33:4 0:0 0:0 0:0 " ] || { echo "$mode"; return 1; }
		# shellcheck disable=SC2086
		run_bryo run --rm ${mode} --user 0 "$NGINX" sh -c \
			'touch /f && chown 33:33 /f && stat -c %u:%g /f; test -u /bin/su && echo setuid; echo x >/dev/stderr'
		[ "$out" = "33:33" ] || [ "$out" = $'33:33\nsetuid' ] || { echo "$mode"; return 1; }
	done
}

@test "R8: keep-id: the caller's own id and name, also in exec and after a restart" {
	local u
	u=$(id -un)
	run_bryo run -d --name ki --userns keep-id "$BUSYBOX" sleep 100
	run_bryo exec ki sh -c 'id -un; id -u; id -gn; echo $HOME; grep -c "^'"$u"':" /etc/passwd; grep -c "^'"$(id -gn)"':" /etc/group'
	assert "$u"$'\n'"$(id -u)"$'\n'"$(id -gn)"$'\n/\n1\n1'
	run_bryo exec -u 0 ki id -u
	assert 0
	run_bryo restart -t 0 ki
	run_bryo exec ki sh -c 'grep -c "^'"$u"':" /etc/passwd'
	assert 1
	run_bryo inspect --format '{{.HostConfig.UsernsMode}} {{.Config.User}}' ki
	assert "keep-id $(id -u):$(id -g)"
	run_bryo rm -f -t 0 ki
	run_bryo run --rm --userns keep-id:uid=200,gid=210 "$BUSYBOX" sh -c 'id -u; id -g; id -un'
	assert $'200\n210\n'"$u"
	run_bryo run --rm --userns keep-id:size=100 "$BUSYBOX" sh -c 'cut -c 21-99 /proc/self/uid_map | xargs'
	assert "1 99 0 1"
	run_bryo -125 run --rm --userns keep-id:foo=1 "$BUSYBOX" true
	assert_match "unknown option"
}

@test "R8: keep-id: HOME is the host's when a volume brings it, else the workdir" {
	local home
	home=$(getent passwd "$(id -un)" | cut -d: -f6)
	mkdir -p "$ENGINE_DIR/h"
	run_bryo run --rm --userns keep-id -v "$ENGINE_DIR/h:$home" "$BUSYBOX" sh -c 'echo $HOME; touch $HOME/f'
	assert "$home"
	[ "$(stat -c %u "$ENGINE_DIR/h/f")" = "$(id -u)" ]
	run_bryo run --rm --userns keep-id -w /tmp "$BUSYBOX" sh -c 'echo $HOME'
	assert /tmp
}

@test "nomap: the caller is nobody inside" {
	mkdir -p "$ENGINE_DIR/nm"
	run_bryo run --rm --userns nomap -v "$ENGINE_DIR/nm:/m" "$BUSYBOX" sh -c 'stat -c %u /m; touch /m/f 2>&1 || echo refused; cut -c 1-21 /proc/self/uid_map | xargs'
	assert_match $'^65534\n.*refused\n0 1$'
}

@test "auto: containers have ids that no other one has, and give them back" {
	local a b
	run_bryo run -d --name a1 --userns auto:size=2000 "$BUSYBOX" sleep 100
	run_bryo run -d --name a2 --userns auto:size=2000 "$BUSYBOX" sleep 100
	run_bryo exec a1 sh -c 'xargs </proc/self/uid_map'
	a=$out
	run_bryo exec a2 sh -c 'xargs </proc/self/uid_map'
	b=$out
	assert "0 1 2000" "$a"
	assert "0 2001 2000" "$b"
	# neither may signal or see into the other's files through the host
	[ "$(stat -c %u "/proc/$("$BRYO" inspect --format '{{.State.Pid}}' a1)")" != \
		"$(stat -c %u "/proc/$("$BRYO" inspect --format '{{.State.Pid}}' a2)")" ]
	# the same ids again after a restart
	run_bryo restart -t 0 a2
	run_bryo exec a2 sh -c 'xargs </proc/self/uid_map'
	assert "0 2001 2000"
	run_bryo rm -f -t 0 a1
	run_bryo run --rm --userns auto:size=1500 "$BUSYBOX" sh -c 'xargs </proc/self/uid_map'
	assert "0 1 1500"
	run_bryo -125 create --userns auto:size=65000 "$BUSYBOX" true
	assert_match "no 65000 subordinate ids are left.*size="
	run_bryo rm -f -t 0 a2
	run_bryo create --name a3 --userns auto:size=65000 "$BUSYBOX" true
	run_bryo rm a3
	# the image's users decide where nobody does
	run_bryo run --rm --userns auto "$BUSYBOX" sh -c 'xargs </proc/self/uid_map'
	assert "0 1 1024"
	run_bryo run --rm --userns auto:size=50,uidmapping=0:0:1 "$BUSYBOX" sh -c 'xargs </proc/self/uid_map; xargs </proc/self/gid_map'
	assert $'0 0 1 1 1 50\n0 1 50'
}

@test "auto: thirty at once are disjoint" {
	local i pids=()
	for i in $(seq 30); do
		"$BRYO" create -q --name "p$i" --userns auto:size=2000 "$BUSYBOX" \
			sh -c 'xargs </proc/self/uid_map' >/dev/null 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in $(seq 30); do
		"$BRYO" start -a "p$i" 3>&-
	done >"$ENGINE_DIR/maps"
	[ "$(sort -u "$ENGINE_DIR/maps" | wc -l)" = 30 ] || { cat "$ENGINE_DIR/maps"; return 1; }
	run_bryo rm -fa -t 0
}

@test "--uidmap and --gidmap: rows, flags, host ids, and what is wrong with them" {
	local row want
	while IFS='|' read -r row want; do
		# shellcheck disable=SC2086
		run_bryo run --rm $row "$BUSYBOX" sh -c 'echo $(cat /proc/self/uid_map) / $(cat /proc/self/gid_map)'
		[ "$out" = "$want" ] || { echo "$row: $out, wanted $want"; return 1; }
	done <<-EOF
		--uidmap 0:1:100|0 1 100 / 0 1 100
		--uidmap 0:1:100 --gidmap 0:2:200|0 1 100 / 0 2 200
		--uidmap 0:1 --uidmap 7:5:2 --gidmap 0:0:10|0 1 1 7 5 2 / 0 0 1 1 1 9
		--uidmap 0:0:1000|0 0 1 1 1 999 / 0 0 1 1 1 999
		--uidmap u0:1:10 --uidmap g0:2:20|0 1 10 / 0 2 20
		--uidmap +u100:@$(id -u) --gidmap 0:1:5|1 1 99 101 101 65436 100 0 1 0 100 1 / 0 1 5
	EOF
	run_bryo -125 run --rm --uidmap 0:100000:5 "$BUSYBOX" true
	assert_match "this user has ids 0 to 65536 only"
	run_bryo -125 run --rm --uidmap 5:1:5 "$BUSYBOX" true
	assert_match "no id 0"
	run_bryo -125 run --rm --uidmap 0:1:5 --uidmap 4:9:2 "$BUSYBOX" true
	assert_match "overlaps"
	for row in x 1 1:2:3:4 0:1:0 0:-1:5 0:@1:1 :1:1; do
		run_bryo -125 run --rm --uidmap "$row" "$BUSYBOX" true
	done
	run_bryo -125 run --rm --userns host --uidmap 0:1:5 "$BUSYBOX" true
	assert_match "mutually exclusive"
	run_bryo -125 run --rm --subuidname root "$BUSYBOX" true
}

@test "container:X shares X's ids, whichever namespace is shared" {
	run_bryo run -d --name x --userns auto -p 127.0.0.1::80 "$NGINX"
	run_bryo exec x sh -c 'echo $(cat /proc/self/uid_map)'
	local map=$out flag
	for flag in --userns --network --ipc --pid; do
		run_bryo run --rm $flag container:x "$BUSYBOX" sh -c 'xargs </proc/self/uid_map; stat -c %u:%g /bin/busybox /etc/hosts'
		assert "$map"$'\n0:0\n0:0'
	done
	wait_until 10 "$BRYO" run --rm --network container:x "$BUSYBOX" wget -qO- http://localhost/
	run_bryo run --rm --network container:x "$BUSYBOX" wget -qO- http://localhost/
	assert_match "nginx in bryo"
	run_bryo rm -f -t 0 x
}

@test "ns:PATH joins the user namespace that the path names" {
	run_bryo run -d --name x --userns keep-id "$BUSYBOX" sleep 100
	run_bryo inspect --format '{{.State.Pid}}' x
	local ns=/proc/$out/ns/user
	run_bryo run --rm --userns "ns:$ns" "$BUSYBOX" sh -c 'readlink /proc/self/ns/user; stat -c %u:%g /bin/busybox'
	assert "$(readlink "$ns")"$'\n0:0'
	run_bryo rm -f -t 0 x
	run_bryo -125 run --rm --userns ns:/nosuch "$BUSYBOX" true
}

@test "a new volume belongs to root of the container, and a real server runs" {
	local mode
	for mode in auto nomap; do
		run_bryo run -d --name srv --userns $mode -v "v$mode:/var/log/nginx" -v "w$mode:/empty" -p 127.0.0.1::80 "$NGINX"
		run_bryo inspect --format '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}' srv
		wait_until 10 curl -fsS "http://127.0.0.1:$out/"
		run_bryo exec srv stat -c %u:%g /var/log/nginx /empty
		assert $'33:4\n0:0'
		run_bryo rm -f -t 0 srv
		run_bryo volume rm "v$mode" "w$mode"
	done
}

@test "PODMAN_USERNS is the default, a flag wins" {
	export PODMAN_USERNS=keep-id
	run_bryo run --rm "$BUSYBOX" id -u
	assert "$(id -u)"
	run_bryo run --rm --userns host "$BUSYBOX" id -u
	assert 0
	run_bryo run --rm --uidmap 0:1:5 "$BUSYBOX" sh -c 'xargs </proc/self/uid_map'
	assert "0 1 5"
	unset PODMAN_USERNS
	run_bryo -125 run --rm --userns nosuch "$BUSYBOX" true
	assert_match "unrecognized namespace mode nosuch"
}
