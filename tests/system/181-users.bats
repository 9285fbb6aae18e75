#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Users and groups of the payload, and their lines in /etc/passwd and /etc/group.

load helpers

setup_file() {
	engine_setup
	engine_image
	# accounts: bob has memberships, "1000" is a name with another id
	python3 - "$BATS_TEST_DIRNAME/../images" "$ENGINE_DIR/accounts" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
import mkimage
layers, _ = mkimage.busybox(None)
l = mkimage.Layer()
l.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
       "bob:x:501:502:Bob:/home/bob:/bin/sh\n"
       "1000:x:0:0::/root:/bin/sh")
l.file("etc/group", "root:x:0:\nbobs:x:502:\nwheel:x:10:root,bob\n"
       "video:x:44:bob\naudio:x:45:\n")
mkimage.Layout(sys.argv[2]).image("accounts", layers + [l], {"Cmd": ["id"]})
PY
	python3 "$BATS_TEST_DIRNAME/../images/push.py" "$ENGINE_DIR/accounts" \
		"127.0.0.1:$REGISTRY_PORT/accounts"
	"$BRYO" pull -q "localhost:$REGISTRY_PORT/accounts" >/dev/null
}

setup() {
	ACC=localhost:$REGISTRY_PORT/accounts
}

# The ids that pid 1 and a process of exec have, as /proc says.
ids_of() {
	"$BRYO" exec ${2:+-u "$2"} "$1" sh -c \
		'for p in 1 self; do sed -n "s/^\(Uid\|Gid\|Groups\):[ \t]*//p" /proc/$p/status | cut -f1 | tr "\n" " "; echo; done' 3>&-
}

@test "R9: memberships of --user, of user:group, and of exec agree" {
	local row want
	while IFS='|' read -r row want; do
		# shellcheck disable=SC2086
		run_bryo run --rm $row "$ACC" sh -c 'sed -n "s/^\(Uid\|Gid\|Groups\):[ \t]*//p" /proc/self/status | cut -f1 | tr "\n" " "'
		[ "${out% *}" = "$want" ] || [ "$(xargs <<<"$out")" = "$want" ] || { echo "[$row]: $out, wanted $want"; return 1; }
		# shellcheck disable=SC2086
		run_bryo run -d --name r9 $row "$ACC" sleep 100
		output=$(ids_of r9)
		[ "$(xargs <<<"$(head -1 <<<"$output")")" = "$want" ] || { echo "pid 1 [$row]: $output"; return 1; }
		[ "$(xargs <<<"$(tail -1 <<<"$output")")" = "$want" ] || { echo "exec [$row]: $output"; return 1; }
		run_bryo rm -f -t 0 r9
	done <<-'EOF'
		|0 0 0 10
		-u root|0 0 0 10
		-u 0|0 0 0 10
		-u root:root|0 0 0
		-u bob|501 502 10 44 502
		-u 501|501 502 10 44 502
		-u bob:audio|501 45 45
		-u bob:7|501 7 7
		-u 1000|1000 0 0
		-u 1000:1001|1000 1001 1001
		-u root:root --group-add audio,46|0 0 0 45 46
		-u bob --group-add 46 --group-add audio|501 502 10 44 45 46 502
	EOF
}

@test "CAP-03: an id is decimal, whole and below 2^32-1" {
	local bad
	for bad in -1 +1 ' 1' 4294967295 4294967296 18446744073709551616 0x0 1:1:1 nosuch root:nosuch 0:4294967295 1a; do
		run_bryo -126 run --rm -u "$bad" "$ACC" id
	done
	assert_match "Error: "
	run_bryo run --rm -u 01 "$ACC" id -u
	assert 1
	run_bryo run --rm -u :10 "$ACC" id
	assert_match "uid=0.*gid=10"
}

@test "R8: a group that nobody knows is 126, with podman's words" {
	run_bryo -126 run --rm -u root:nosuch "$ACC" id
	assert_match "no matching entries in group file"
	run_bryo -126 run --rm --group-add nosuch "$ACC" id
	assert_match "no matching entries in group file"
	run_bryo -126 run --rm -u nosuch "$ACC" id
	assert_match "no matching entries in passwd file"
}

@test "R9: keep-groups is alone or an error" {
	run_bryo -125 run --rm --group-add keep-groups --group-add 5 "$ACC" id
	assert_match "the '--group-add keep-groups' option is not allowed with any other --group-add options"
	run_bryo -125 run --rm --group-add 5,keep-groups "$ACC" id
	run_bryo run --rm --group-add keep-groups "$ACC" id -u
	assert 0
}

@test "R8: an unknown user gets lines in passwd and group, once" {
	run_bryo run --name acc -u 1234:1235 -w /etc "$ACC" sh -c 'id; tail -1 /etc/passwd; tail -1 /etc/group; echo $HOME'
	assert_match $'uid=1234\\(1234\\) gid=1235\\(1235\\)'
	assert_match $'\n1234:\\*:1234:1235:container user:/etc:/bin/sh\n1235:x:1235:1234\n/etc$'
	run_bryo start -a acc
	run_bryo start -a acc
	assert_match $'\n1234:\\*:1234:1235:container user:/etc:/bin/sh\n1235:x:1235:1234\n/etc$'
	run_bryo rm acc
	run_bryo run --rm -u 1234 "$ACC" grep -c . /etc/passwd
	# the last line of the image's file had no newline
	assert 4
	run_bryo run --rm -u bob "$ACC" sh -c 'grep -c . /etc/passwd; echo $HOME'
	assert $'3\n/home/bob'
	run_bryo run --rm -u 1234 --passwd=false "$ACC" sh -c 'grep -c . /etc/passwd; echo $HOME; id -u'
	assert $'3\n/\n1234'
}

@test "R8: --passwd-entry and --group-entry with their variables" {
	run_bryo run --rm -u 1234:1235 --passwd-entry '$UID-$GID-$NAME-$HOME-$USERNAME' \
		--group-entry '$GID-$GROUPNAME-$NAME-$USERLIST-$X' "$ACC" \
		sh -c 'tail -1 /etc/passwd; tail -1 /etc/group'
	assert $'1234-1235-container user-/-1234\n1235-1235-1235-1234-$X'
	run_bryo -125 run --rm -u 1234 --passwd-entry $'a:b\nroot2::0:0::/:' "$ACC" true
}

@test "R8: --hostuser brings users of the host, and no one twice" {
	run_bryo run --rm --hostuser "$(id -un)" --hostuser 1 --hostuser root "$ACC" \
		sh -c 'cat /etc/passwd /etc/group'
	assert_match $'\n'"$(id -un):\\*:$(id -u):$(id -g):"
	assert_match $'\ndaemon:\\*:1:1:'
	assert_match $'\n'"$(id -gn):x:$(id -g):$(id -un)"
	[ "$(grep -c '^root:' <<<"$out")" = 2 ]
	run_bryo -126 run --rm --hostuser nosuch "$ACC" true
	assert_match "unknown user nosuch"
}

@test "R8: passwd and group can be changed, also where the image cannot" {
	run_bryo run --rm -u 1234:1235 --user 0 "$ACC" sh -c 'echo >>/etc/passwd; echo "eve:x:99:99::/:/bin/sh" >>/etc/passwd && id -u eve && sed -i s/eve/eva/ /etc/passwd && id -u eva'
	assert $'99\n99'
	run_bryo run --rm -u 1234 --read-only "$ACC" sh -c 'id -un; id -gn'
	assert $'1234\nroot'
	run_bryo run --rm -u 1234:1235 --read-only "$ACC" sh -c 'id -un; id -gn'
	assert $'1234\n1235'
}

@test "R16: --umask is for run and exec, 0022 by default" {
	run_bryo run --rm "$ACC" sh -c umask
	assert 0022
	run_bryo run -d --name um --umask 0077 "$ACC" sleep 100
	run_bryo exec um sh -c 'umask; touch /f; stat -c %a /f'
	assert $'0077\n600'
	run_bryo rm -f -t 0 um
	run_bryo -125 run --rm --umask 9999 "$ACC" true
	assert_match "invalid umask"
}
