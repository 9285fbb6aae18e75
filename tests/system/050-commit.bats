#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container changed: as a list, an archive, an image, for each driver.

load helpers

DRIVERS="overlay fuse-overlayfs vfs"

# every kind of change in one go
CHANGE='echo new >/root/new; rm /etc/group; mkdir -p /a/b; ln -s x /a/l
ln /root/new /a/hard; chmod 700 /var; rm -rf /home; mkdir /home; touch /home/x
echo more >>/etc/passwd; mkdir "/two words"; echo a >"/two words/x y"
rm -r /media; echo file >/media; rm /etc/hostname.txt 2>/dev/null; mkfifo /a/p'

WANT='A /a
A /a/b
A /a/hard
A /a/l
A /a/p
C /etc
D /etc/group
C /etc/passwd
C /home
D /home/user
A /home/x
C /media
C /root
A /root/new
A /two words
A /two words/x y
C /var'

setup_file() {
	engine_setup
	engine_image
	# a directory to replace by a file
	"$BRYO" run --name base --network none "$BUSYBOX" \
		sh -c 'mkdir -p /media/sub; echo x >/media/sub/y'
	"$BRYO" commit -q base base >/dev/null
	"$BRYO" rm base >/dev/null
}

changed() {
	run_bryo --storage-driver "$1" run --name "$2" --network none \
		-v "vol-$2:/data" --tmpfs /scratch base sh -c "$CHANGE"
}

layers_of() {
	"$BRYO" image inspect --format '{{json .RootFS.Layers}}' "$1"
}

@test "diff lists what was added, changed and deleted, alike for each driver" {
	local d
	for d in $DRIVERS; do
		changed "$d" "d-$d"
		run_bryo diff "d-$d"
		assert "$WANT" "$out"
		run_bryo container diff "d-$d"
		assert "$WANT" "$out"
	done
}

@test "I19: diff --format json has three lists, -l is the last container" {
	changed overlay json
	run_bryo diff --format json -l
	python3 - "$out" <<-'END'
		import json, sys
		d = json.loads(sys.argv[1])
		assert sorted(d) == ["added", "changed", "deleted"], d
		assert d["deleted"] == ["/etc/group", "/home/user"], d
		assert "/two words/x y" in d["added"], d
		assert not [p for v in d.values() for p in v if "hosts" in p or "data" in p], d
	END
	run_bryo diff --format '{{.Kind}}:{{.Path}}' json
	assert_match 'D:/etc/group' "$out"
	run_bryo -125 diff -l json
}

@test "a container that changed nothing has no changes, even after a run" {
	local d
	for d in $DRIVERS; do
		run_bryo --storage-driver "$d" create --name "n-$d" base true
		run_bryo diff "n-$d"
		assert "" "$out"
		run_bryo start -a "n-$d"
		run_bryo diff "n-$d"
		assert "" "$out"
	done
}

@test "vfs: a file that was rewritten with its old size and time is changed" {
	run_bryo --storage-driver vfs run --name same --network none base sh -c \
		'touch -r /etc/passwd /ref; tr a-z A-Z </etc/passwd >/x; cat /x >/etc/passwd
		touch -r /ref /etc/passwd; rm /x /ref'
	run_bryo diff same
	assert_match 'C /etc/passwd' "$out"
}

@test "diff of an image is that of its last layer" {
	changed overlay img
	run_bryo commit -q img img
	run_bryo diff img
	# a name of a container wins
	assert "$WANT" "$out"
	run_bryo image diff img
	assert "$WANT" "$out"
	run_bryo -125 diff nosuch
	assert_match 'nosuch not found' "$errs"
}

@test "commit: the image has what the container had, for each driver" {
	local d want
	for d in $DRIVERS; do
		changed "$d" "c-$d"
		run_bryo commit -q "c-$d" "img-$d"
		assert_match '^[0-9a-f]{64}$' "$out"
		run_bryo --storage-driver "$d" run --rm --network none "img-$d" sh -c \
			'cd /; find . -xdev -path ./proc -prune -o -path ./sys -prune -o -path ./dev -prune -o \
			-path ./run -prune -o -print | sort | tr "\n" "\0" | xargs -0 stat -c "%n %F %a %u:%g %s" |
			grep -v -e "^./etc/\(hosts\|hostname\|resolv.conf\|mtab\) " -e "directory"'
		assert_match './root/new regular file 644 0:0 4' "$out"
		assert_match './a/hard regular file' "$out"
		assert_match './media regular file' "$out"
		assert_no_match './etc/group ' "$out"
		assert_no_match './home/user' "$out"
		: "${want:=$out}"
		assert "$want" "$out"
	done
}

@test "commit: the same files give the same layer" {
	changed overlay twice
	run_bryo commit -q twice one
	run_bryo commit -q twice two
	assert "$(layers_of one)" "$(layers_of two)"
	refute [ "$(layers_of base)" = "$(layers_of one)" ]
}

@test "commit: the config is the container's, --change goes over it" {
	run_bryo run --name conf --network none -e K=V -u 12 -w /tmp -l lab=el \
		--expose 99/udp -t base true
	run_bryo commit -q -a "Me" -m "a message" -f docker \
		-c 'CMD ["ls","-l"]' -c 'ENTRYPOINT echo "a b"' \
		-c 'ENV A="x y" B=z' -c 'LABEL m=n' -c 'EXPOSE 80 81/tcp' \
		-c 'VOLUME /v1 "/v 2"' -c WORKDIR=sub -c 'STOPSIGNAL SIGINT' \
		-c 'ONBUILD RUN x' -c 'USER 7:8' \
		-c 'HEALTHCHECK --interval=3s --retries=2 CMD test -e /x' conf \
		conf-img
	run_bryo image inspect conf-img
	python3 - "$out" <<-'END'
		import json, sys
		i = json.loads(sys.argv[1])[0]
		c = i["Config"]
		assert c["Cmd"] == ["ls", "-l"], c
		assert c["Entrypoint"] == ["/bin/sh", "-c", 'echo "a b"'], c
		assert {"A=x y", "B=z", "K=V"} <= set(c["Env"]), c["Env"]
		assert not [e for e in c["Env"] if e.startswith(("TERM=", "container="))], c["Env"]
		assert c["Labels"] == {"lab": "el", "m": "n"}, c["Labels"]
		assert set(c["ExposedPorts"]) == {"80/tcp", "81/tcp", "99/udp"}, c
		assert set(c["Volumes"]) == {"/v1", "/v 2"}, c
		assert c["WorkingDir"] == "/tmp/sub" and c["StopSignal"] == "SIGINT", c
		assert c["OnBuild"] == ["RUN x"] and c["User"] == "7:8", c
		assert i["Author"] == "Me", i
		assert i["ManifestType"].startswith("application/vnd.docker"), i["ManifestType"]
	END
	run_bryo -125 commit -c 'COPY a b' conf
	assert_match 'invalid change "COPY a b"' "$errs"
	run_bryo -125 commit -c 'STOPSIGNAL SIGNONE' conf
	run_bryo -125 commit -c 'EXPOSE 99999' conf
	run_bryo -125 commit -f zip conf
}

@test "I17: commit -m is kept in both formats" {
	run_bryo create --name msg base true
	local f
	for f in oci docker; do
		run_bryo commit -q -m "what was done" -f $f msg "msg-$f"
		local id=$out
		grep -q '"comment":"what was done"' \
			"$XDG_DATA_HOME/bryo/blobs/sha256/$id"
	done
}

@test "commit: --iidfile, --include-volumes, without a name" {
	run_bryo create --name vols -v some:/vol base true
	run_bryo commit -q --iidfile "$ENGINE_DIR/iid" --include-volumes vols
	# what inspect says, no more
	assert "$out" "$(cat "$ENGINE_DIR/iid")"
	run_bryo image inspect --format '{{.Config.Volumes}} {{.RepoTags}}' "$out"
	assert_match 'map\[/vol:.*\[\]$' "$out"
}

@test "commit --squash has one layer with everything" {
	changed overlay sq
	run_bryo commit -q --squash sq sq
	assert 1 "$(layers_of sq | tr ',' '\n' | wc -l)"
	run_bryo run --rm --network none sq sh -c \
		'cat /root/new; test -e /etc/group || echo gone; stat -c %a /var'
	assert "new
gone
700"
}

# has_grown NAME BEFORE: its /z has other lines than BEFORE says
has_grown() {
	local now
	now=$("$BRYO" exec "$1" wc -l /z) && [ "$now" != "$2" ]
}

@test "commit of a running container stops it meanwhile and lets it go on" {
	# a large file between the two, so that they are read at other times
	run_bryo run -d --name run --network none base sh -c \
		'head -c 30000000 /dev/urandom >/m
		while :; do echo x >>/a; echo x >>/z; done'
	wait_until 10 "$BRYO" exec run test -s /z
	local i
	for i in 1 2 3; do
		run_bryo commit -q run "run-$i"
		run_bryo run --rm --network none "run-$i" sh -c \
			'a=$(wc -l </a) z=$(wc -l </z); echo $((a - z))'
		assert_match '^(0|1)$' "$out"
	done
	local before
	before=$("$BRYO" exec run wc -l /z)
	wait_until 10 has_grown run "$before"
	run_bryo commit -q --pause=false run run-moving
	run_bryo rm -f -t 0 run
}

is_paused() { [ "$("$BRYO" inspect -f '{{.State.Status}}' "$1")" = paused ]; }

is_stopped() { grep -q '^State:.T' "/proc/$1/status"; }
waits_for_lock() { grep -q -- "-> FLOCK .* $1 " /proc/locks; }

# commit_and CMD...: CMD is given while a commit stands still in its pause, and
# has to wait; its output and status
commit_and() {
	BRYO_FAULT=commit.paused:stop "$BRYO" commit -q held held-img \
		3>&- >/dev/null &
	local commit=$! waiter bad=0
	wait_until 10 is_stopped "$commit"
	is_paused held || bad=1
	"$BRYO" "$@" 3>&- >"$BATS_TEST_TMPDIR/out" &
	waiter=$!
	wait_until 10 waits_for_lock "$waiter" || bad=1
	kill -CONT "$commit"
	wait "$commit"
	wait "$waiter"
	return $bad
}

@test "commit: stop and exec wait until it is done, killed it leaves paused" {
	run_bryo run -d --name held --network none base sh -c \
		'trap "exit 4" TERM; echo ready; while :; do sleep 0.1; done'
	wait_log held ready
	commit_and exec held echo in
	assert "in" "$(cat "$BATS_TEST_TMPDIR/out")"
	commit_and stop -t 60 held
	run_bryo inspect -f '{{.State.Status}} {{.State.ExitCode}}' held
	assert "exited 4"

	run_bryo start held
	wait_log held ready 2
	BRYO_FAULT=commit.paused:kill run_bryo -137 commit -q held held-c
	run_bryo -125 stop held
	assert_match 'state paused'
	run_bryo unpause held
	run_bryo stop -t 60 held
	# commit leaves no trace of its pause in the journal
	run_bryo events --stream=false --filter container=held \
		--filter event=pause --since 1h
	assert ""
	run_bryo rm held
}

@test "commit: what stood still before stands still afterwards" {
	run_bryo run -d --name stopped --network none base sh -c \
		'sleep 1000 & kill -STOP $!
		until grep -q "^State:.T" /proc/$!/status; do :; done
		echo $! >/pid; while :; do sleep 1; done'
	wait_until 5 "$BRYO" exec stopped test -s /pid
	run_bryo commit -q stopped stopped-img
	run_bryo exec stopped sh -c 'cut -d" " -f3 /proc/$(cat /pid)/stat'
	assert T
	run_bryo rm -f -t 0 stopped
}

@test "export: a flat sorted archive of what the container sees" {
	local d want
	for d in $DRIVERS; do
		changed "$d" "e-$d"
		"$BRYO" export "e-$d" >"$ENGINE_DIR/e.tar"
		run tar tf "$ENGINE_DIR/e.tar"
		assert_match $'(^|\n)root/new\n' "$output"
		assert_match $'\ndata/\n' "$output"
		assert_no_match '(^|\n)\./' "$output"
		assert_no_match 'etc/group|\.wh\.' "$output"
		# the runtime makes it, not on every driver
		output=$(grep -v '^etc/mtab$' <<<"$output")
		assert "$(sed 's,/$,,' <<<"$output" | tr / '\1' | LC_ALL=C sort)" \
			"$(sed 's,/$,,' <<<"$output" | tr / '\1')"
		: "${want:=$output}"
		assert "$want" "$output"
	done
	run tar xOf "$ENGINE_DIR/e.tar" a/hard
	assert new
	run_bryo export -o "$ENGINE_DIR/f.tar" "e-$d"
	cmp "$ENGINE_DIR/e.tar" "$ENGINE_DIR/f.tar"
}

@test "export refuses a terminal, ends quietly with its reader" {
	run_bryo create --name pipe base true
	run pty 30 200 "" "$BRYO" export pipe
	assert_match 'refusing to export to terminal. Use -o flag or redirect' "$output"
	run bash -c '"$BRYO" export pipe | head -c 10 >/dev/null; echo "${PIPESTATUS[0]}"'
	assert 141
}

@test "import: each compression, from a file and a pipe" {
	changed overlay imp
	"$BRYO" export imp >"$ENGINE_DIR/i.tar"
	local how id
	for how in cat gzip zstd xz bzip2; do
		$how <"$ENGINE_DIR/i.tar" >"$ENGINE_DIR/i.$how"
		run_bryo import "$ENGINE_DIR/i.$how" "imp:$how"
		assert_match '^sha256:[0-9a-f]{64}$' "$out"
		run_bryo run --rm --network none "imp:$how" cat /root/new
		assert new
		assert "$(layers_of imp:cat)" "$(layers_of "imp:$how")"
	done
	# what a registry does not know is stored plainly
	id=$("$BRYO" image inspect --format '{{.Digest}}' imp:xz)
	grep -q 'layer.v1.tar"' "$XDG_DATA_HOME/bryo/blobs/sha256/${id#sha256:}"
	gzip <"$ENGINE_DIR/i.tar" | "$BRYO" import -q - piped >"$ENGINE_DIR/id"
	assert "$("$BRYO" images -q --no-trunc piped)" "sha256:$(cat "$ENGINE_DIR/id")"
}

@test "I16: import -q prints the bare id, --change a shell form, no name" {
	"$BRYO" create --name i16 base true
	"$BRYO" export i16 >"$ENGINE_DIR/i16.tar"
	run_bryo import -q --change 'CMD sh -c "echo from the shell"' \
		-m "a comment" --os linux --arch arm64 --variant v8 \
		"$ENGINE_DIR/i16.tar"
	assert_match '^[0-9a-f]{64}$' "$out"
	local id=$out
	run_bryo image inspect --format '{{.Os}} {{.Architecture}} {{.RepoTags}}' "$id"
	assert "linux arm64 []"
	run_bryo import -q --change 'CMD sh -c "echo from the shell"' - <"$ENGINE_DIR/i16.tar"
	run_bryo run --rm --network none "$out"
	assert "from the shell"
}

@test "import of what is no tar changes nothing" {
	local before
	before=$(find "$XDG_DATA_HOME/bryo/layers" "$XDG_DATA_HOME/bryo/blobs" | sort)
	head -c 100000 /dev/urandom >"$ENGINE_DIR/junk"
	run_bryo -125 import "$ENGINE_DIR/junk" junk
	run_bryo -125 import "$ENGINE_DIR/nosuch" junk
	assert_match 'no such file' "${errs,,}"
	"$BRYO" create --name short base true
	"$BRYO" export short | gzip | head -c 20000 >"$ENGINE_DIR/short.gz"
	run_bryo -125 import "$ENGINE_DIR/short.gz" junk
	assert "$before" "$(find "$XDG_DATA_HOME/bryo/layers" "$XDG_DATA_HOME/bryo/blobs" | sort)"
	run_bryo rm short
}

@test "commit, rmi, and the base stays; names move" {
	changed overlay life
	run_bryo commit -q life life:1
	local first=$out
	run_bryo commit -q -c 'ENV N=2' life life:1
	refute [ "$first" = "$out" ]
	run_bryo images -q --filter dangling=true
	assert_match "${first:0:12}" "$out"
	run_bryo rmi "$first" life:1
	run_bryo run --rm --network none base true
}
