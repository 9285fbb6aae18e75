#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What holds for every command: texts, exit codes, templates, synonyms.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" create --name idle "$BUSYBOX" true
	"$BRYO" run -d --name up --label k=v --network none "$BUSYBOX" sleep 1000
}

teardown_file() {
	engine_teardown
}

@test "G1: a command that works says nothing that nobody asked for" {
	local c
	for c in "ps -a" "images" "info" "version" "volume ls" "inspect up" \
		"logs up" "top up" "run --rm $BUSYBOX true" "create $BUSYBOX" \
		"rm -l" "exec up true" "container prune -f"; do
		# shellcheck disable=SC2086
		run_bryo $c
		assert "" "$errs"
	done
	run_bryo create --name idle "$BUSYBOX" true
}

@test "G7: names are echoed as typed, --all prints whole ids" {
	local id
	id=$("$BRYO" inspect --format '{{.Id}}' idle)
	run_bryo start "${id:0:9}"
	assert "${id:0:9}"
	run_bryo wait idle
	run_bryo start --all
	assert "$id"
	run_bryo stop -t 0 up "$id"
	assert $'up\n'"$id"
	run_bryo start up
	id=$("$BRYO" inspect --format '{{.Id}}' up)
	run_bryo restart -t 0 --running
	assert "$id"
	run_bryo stop -t 0 --all
	assert "$id"
	run_bryo start up
}

@test "G9: the last one of a repeated flag wins, and synonyms" {
	run_bryo ps --format '{{.ID}}' --format '{{.Names}}'
	assert up
	run_bryo run --rm --log-driver bad --log-driver none "$BUSYBOX" echo hi
	assert hi
	run_bryo run --rm --tz Europe/Berlin --tz UTC "$BUSYBOX" date +%Z
	assert UTC
	for opt in "-t 0" "-t0" "--time 0" "--time=0" "--timeout=0"; do
		# shellcheck disable=SC2086
		run_bryo stop $opt up
		run_bryo start up
	done
	local id
	id=$("$BRYO" ps -q --no-trunc)
	run_bryo ps -q --notruncate
	assert "$id"
	run_bryo ps --noheading
	assert_no_match "CONTAINER ID"
	run_bryo volume create named
	run_bryo volume ls -n
	assert_match "^local +named$"
	run_bryo volume ls --noheading
	assert_match "^local +named$"
	run_bryo volume rm named
	run_bryo run --rm --dns-opt a:1 --dns-option b:2 "$BUSYBOX" \
		grep options /etc/resolv.conf
	assert "options a:1 b:2"
}

@test "G10: what excludes each other is named in the order of the table" {
	run_bryo -125 create --add-host a:1.1.1.1 --no-hosts "$BUSYBOX"
	assert "Error: --no-hosts and --add-host cannot be set together"
	run_bryo -125 create --cpu-quota 1000 --cpus 1 "$BUSYBOX"
	assert "Error: --cpu-quota and --cpus cannot be set together"
	run_bryo -125 create --cpu-period 1000 --cpus 1 "$BUSYBOX"
	assert "Error: --cpu-period and --cpus cannot be set together"
	for opt in "--arch arm64" "--os linux"; do
		# shellcheck disable=SC2086
		run_bryo -125 pull --platform linux/amd64 $opt "$BUSYBOX"
		assert "Error: --platform option can not be specified with --arch or --os"
	done
}

@test "G12: options of the engine stand before the command" {
	local other=$ENGINE_DIR/other
	run_bryo --root "$other/data" --runroot "$other/run" ps -aq
	assert ""
	run_bryo --root="$other/data" --runroot="$other/run" info \
		--format '{{.Store.GraphRoot}} {{.Store.RunRoot}}'
	assert "$other/data $other/run"
	run_bryo --root "$other/data" --runroot "$other/run" \
		--volumepath "$other/vols" volume create v
	[ -d "$other/vols/v" ]
	run_bryo --storage-driver vfs --root "$other/data" \
		--runroot "$other/run" info --format '{{.Store.GraphDriverName}}'
	assert vfs
	run_bryo -125 --storage-driver zfs images
	assert_match "overlay, fuse-overlayfs(,| or) vfs"
}

@test "G15: templates: functions, methods, table, literals" {
	run_bryo ps --format '{{upper .Names}} {{len .Names}}{{"\n"}}x'
	assert $'UP 2\nx'
	run_bryo ps --format '{{.Names}}\t{{.State}}\n.'
	assert $'up\trunning\n.'
	run_bryo ps --format '{{.Label "k"}}|{{.Label "nope"}}|{{json .Labels}}'
	assert 'v||"k=v"'
	run_bryo ps -a --format '{{if eq .State "running"}}R{{else}}N{{end}} {{.Names}}' --sort names
	assert $'N idle\nR up'
	run_bryo ps -a --sort names --format 'table {{.Names}} {{.State}}'
	assert $'NAMES       STATE\nidle        '"$("$BRYO" inspect --format '{{.State.Status}}' idle)"$'\nup          running'
	run_bryo inspect up --format '{{.Config.Labels}} {{.Config.Labels.nope}} {{.Config.Cmd}} {{json .Config.Cmd}} {{index .Config.Cmd 1}}'
	assert 'map[k:v] <no value> [sleep 1000] ["sleep","1000"] 1000'
	run_bryo inspect up --format '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}} {{end}}{{range .Config.Cmd}}<{{.}}>{{end}}'
	assert 'k=v <sleep><1000>'
	run_bryo -125 inspect up --format '{{.Nope}}'
	assert_match "can't evaluate field Nope"
	run_bryo -125 ps --format '{{.Names'
	assert_match "^Error: template: "
}

@test "P3: an unknown object" {
	run_bryo -125 inspect nosuch
	assert "[]" "$out"
	assert 'Error: no such object: "nosuch"' "$errs"
	run_bryo -125 container inspect nosuch
	assert "[]" "$out"
	assert 'Error: no such container "nosuch"' "$errs"
	local c
	for c in start stop restart kill wait pause unpause top logs port \
		stats "exec nosuch true#" "rename nosuch x#"; do
		c=${c/nosuch/NONE}
		case $c in
		*'#') c=${c%#} c=${c/NONE/nosuch} ;;
		*) c="$c nosuch" ;;
		esac
		# shellcheck disable=SC2086
		run_bryo -125 $c
		assert 'Error: no container with name or ID "nosuch" found: no such container'
	done
	run_bryo -1 rm nosuch
	assert 'Error: no container with ID or name "nosuch" found: no such container'
}

@test "P6: stopping is seen meanwhile and blocks nobody" {
	run_bryo run -d --name slow "$BUSYBOX" sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	wait_until 5 sh -c "'$BRYO' logs slow | grep -q ready"
	"$BRYO" stop -t 1000 slow >"$ENGINE_DIR/stop" 2>&1 3>&- &
	local stop=$!
	wait_until 5 sh -c "'$BRYO' inspect --format '{{.State.Status}}' slow | grep -qx stopping"
	BRYO_TIMEOUT=60 run_bryo ps --filter name=slow --format '{{.Names}} {{.State}} {{.Status}}'
	assert_match "^slow stopping Stopping"
	BRYO_TIMEOUT=60 run_bryo kill slow
	wait "$stop"
	assert slow "$(cat "$ENGINE_DIR/stop")"
	run_bryo inspect --format '{{.State.ExitCode}}' slow
	assert 137
	run_bryo rm slow
}

@test "P6: stop: cidfiles and created containers" {
	run_bryo -125 stop --cidfile "$ENGINE_DIR/none"
	assert "Error: reading CIDFile: open $ENGINE_DIR/none: no such file or directory"
	run_bryo stop --ignore --cidfile "$ENGINE_DIR/none"
	assert ""
	run_bryo create --name fresh --cidfile "$ENGINE_DIR/cid" "$BUSYBOX"
	run_bryo stop -t 0 -a
	assert_no_match "$(cat "$ENGINE_DIR/cid")"
	run_bryo inspect --format '{{.State.Status}}' fresh
	assert created
	run_bryo rm --cidfile "$ENGINE_DIR/cid"
	run_bryo start up
}

@test "P7: start: filters, all, attached" {
	run_bryo -125 start --filter restart-policy=bogus
	assert "Error: bogus invalid restart policy"
	run_bryo create --name three "$BUSYBOX" sh -c 'echo out; echo err >&2; exit 3'
	run_bryo create --name again --restart always "$BUSYBOX" sleep 1000
	run_bryo -3 start -a three
	assert out "$out"
	assert err "$errs"
	run_bryo start --filter restart-policy=always
	assert "$("$BRYO" inspect --format '{{.Id}}' again)"
	run_bryo start --filter exited=3
	assert "$("$BRYO" inspect --format '{{.Id}}' three)"
	run_bryo wait three
	assert 3
	run_bryo -125 start
	assert "Error: start requires at least one argument"
	run_bryo -125 start -a three idle
	assert_match "cannot start and attach multiple containers"
	run_bryo create --name bad "$BUSYBOX" nosuchprogram
	run_bryo -125 start bad
	assert_match 'nosuchprogram. not found in \$PATH'
	run_bryo rm -f -t 0 three again bad
}

@test "P8: kill: every spelling of a signal, bad ones before the container" {
	local s
	for s in bogus SIGBOGUS -SIGBOGUS; do
		run_bryo -125 kill -s "$s" nosuch
		assert "Error: invalid signal: ${s#-}"
		run_bryo -125 create --stop-signal "$s" "$BUSYBOX"
		assert "Error: invalid signal: ${s#-}"
	done
	for s in 0 65 1000; do
		run_bryo -125 kill --signal "$s" nosuch
		assert "Error: valid signals are 1 through 64"
		run_bryo -125 create --stop-signal "$s" "$BUSYBOX"
		assert "Error: valid signals are 1 through 64"
	done
	run_bryo run -d --name sig "$BUSYBOX" sh -c \
		'for s in 1 10 12 34 64; do trap "echo got $s" $s; done; echo ready; while :; do sleep 0.05; done'
	wait_until 5 sh -c "'$BRYO' logs sig | grep -q ready"
	local n=0
	for s in HUP:1 sighup:1 -SIGUSR1:10 usr2:12 12:12 RTMAX:64 SIGRTMAX:64 -64:64; do
		run_bryo kill -s "${s%:*}" sig
		assert sig
		n=$((n + 1))
		wait_until 5 sh -c "[ \$('$BRYO' logs sig | grep -c got) = $n ]"
		run_bryo logs --tail 1 sig
		assert "got ${s#*:}"
	done
	run_bryo rm -f -t 0 sig
}

@test "R2: what cannot be executed: texts and codes" {
	run_bryo -127 run --rm "$BUSYBOX" /no/such
	assert 'Error: bryo: executable file `/no/such` not found in $PATH: No such file or directory: OCI runtime attempted to invoke a command that was not found'
	run_bryo -127 run --rm "$BUSYBOX" nosuch
	assert_match 'executable file `nosuch` not found in \$PATH'
	run_bryo -126 run --rm "$BUSYBOX" /etc
	assert_match 'exec `/etc`: is a directory: permission denied'
	run_bryo -126 run --rm "$BUSYBOX" /etc/passwd
	assert_match "permission denied"
	local id
	run_bryo create --name wd -w /nope "$BUSYBOX" pwd
	id=$out
	run_bryo -126 start -a wd
	assert_match "workdir \"/nope\" does not exist on container $id"
	run_bryo rm wd
	# made by a volume, or by a mount below it
	run_bryo run --rm -w /v/x -v "$ENGINE_DIR:/v/x/y" "$BUSYBOX" pwd
	assert /v/x
	run_bryo run --rm -w /w -v data:/w "$BUSYBOX" pwd
	assert /w
	run_bryo volume rm data
	run_bryo -127 exec up nosuch
	assert_match 'executable file `nosuch` not found in \$PATH'
	run_bryo -126 exec up /etc
	run_bryo -126 exec -w /nope up true
}

@test "rename: the old name is free, the new one is taken" {
	run_bryo rename idle busy
	assert ""
	run_bryo -125 rename busy up
	assert_match 'name up already in use, cannot rename container [0-9a-f]{64}: container already exists$'
	run_bryo create --name idle "$BUSYBOX"
	run_bryo rm idle
	run_bryo rename busy idle
	run_bryo -125 rename idle a/b
	assert_match "names must match"
}

# userns_of NAME: the user namespace of its monitor, which all containers are
# below; the record of it goes with its holder, ten seconds after the last use
userns_of() {
	echo "/proc/$("$BRYO" inspect --format '{{.State.ConmonPid}}' "$1")/ns/user"
}

@test "system migrate: containers stop, the next one has the ids of now" {
	run_bryo run -d --name old "$BUSYBOX" sleep 1000
	local was
	# held open, so that its number is not used again
	exec {was}<"$(userns_of old)"
	[ "/proc/self/fd/$was" -ef "$(userns_of up)" ]
	run_bryo system migrate
	assert_match "$("$BRYO" inspect --format '{{.Id}}' old)"
	run_bryo ps -q
	assert ""
	[ ! -e "$XDG_RUNTIME_DIR/bryo/userns" ]
	run_bryo start up old
	refute [ "/proc/self/fd/$was" -ef "$(userns_of old)" ]
	[ "$(userns_of up)" -ef "$(userns_of old)" ]
	exec {was}<&-
	run_bryo rm -f -t 0 old
}

@test "--size: what a container wrote, and that with its image" {
	run_bryo create --name empty "$BUSYBOX" true
	run_bryo run --name wrote "$BUSYBOX" dd if=/dev/zero of=/x bs=1000 count=3000
	run_bryo ps -a --size --filter name=wrote --format '{{.Names}} {{.Size}}'
	assert_match '^wrote 3MB \(virtual [0-9.]+MB\)$'
	run_bryo ps -a -s --sort size --format '{{.Names}} {{.Size}}'
	assert_match $'empty 0B \(virtual [0-9.]+MB\)\n(.*\n)?wrote 3MB'
	run_bryo ps -as --filter name=empty
	assert_match $'NAMES +SIZE\n.* empty +0B \(virtual'
	run_bryo inspect --size --format '{{.SizeRw}} {{.SizeRootFs}}' wrote
	assert_match '^3000000 [0-9]+$'
	local root=${out#* }
	run_bryo container inspect -s --format '{{.SizeRw}} {{.SizeRootFs}}' empty
	assert "0 $((root - 3000000))"
	# not counted unless asked for
	run_bryo inspect --format '{{.SizeRw}}' wrote
	assert "<nil>"
	run_bryo ps -a --format '{{.Size}}' --filter name=wrote
	assert ""
	run_bryo ps -as --format json --filter name=wrote
	assert_match '"rwSize": 3000000'
	run_bryo rm empty wrote
}

@test "a container never ends before it has started" {
	local i times
	for i in 1 2 3 4 5; do
		run_bryo run --name "t$i" "$BUSYBOX" true
		run_bryo inspect --format '{{json .State.StartedAt}} {{json .State.FinishedAt}}' "t$i"
		times=${out//\"/}
		[ "$(date -d "${times% *}" +%s%N)" -lt "$(date -d "${times#* }" +%s%N)" ]
		run_bryo rm "t$i"
	done
}
