#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# OCI hooks: which run, where, with what, and what a failure means.

load helpers

setup() {
	HOOKS=$ENGINE_DIR/hooks.d
	LOG=$ENGINE_DIR/log
	rm -rf "$HOOKS" "$LOG"
	mkdir -m 0755 "$HOOKS"
	: >"$LOG"
	export CONTAINERS_CONF=$ENGINE_DIR/containers.conf
	printf '[engine]\nhooks_dir = ["%s"]\n' "$HOOKS" >"$CONTAINERS_CONF"
	# a line per call: its argument, status and pid of the state, its parts
	cat >"$ENGINE_DIR/hook" <<-EOS
		#!/usr/bin/python3
		import json, os, sys
		s = json.load(sys.stdin)
		with open("$LOG", "a") as f:
		    print(sys.argv[1], s["status"], "pid" if s.get("pid") else "-",
		          s["id"] == os.path.basename(s["bundle"]),
		          os.path.exists("config.json"), file=f)
	EOS
	chmod 0755 "$ENGINE_DIR/hook"
}

# hook NAME STAGES WHEN [COMMAND ARG...]: a file of hooks.d; by default the
# one that writes to $LOG
hook() {
	local name=$1 stages=$2 when=$3
	shift 3
	[ $# -gt 0 ] || set -- "$ENGINE_DIR/hook" "$name"
	python3 - "$HOOKS/$name.json" "$stages" "$when" "$@" <<-'EOS'
		import json, os, sys
		path, stages, when, *args = sys.argv[1:]
		hook = {"path": args[0], "args": args}
		for key in ("TIMEOUT", "HOOKENV"):
		    if os.environ.get(key):
		        hook.update({"timeout": int(os.environ[key])} if key == "TIMEOUT"
		                    else {"env": os.environ[key].split()})
		json.dump({"version": "1.0.0", "hook": hook, "when": json.loads(when),
		           "stages": stages.split(",")}, open(path, "w"))
	EOS
}

ALWAYS='{"always": true}'

@test "G12: hooks of all stages run in order, with the state" {
	hook 1-prestart prestart "$ALWAYS"
	hook 2-runtime createRuntime "$ALWAYS"
	hook 3-poststart poststart "$ALWAYS"
	hook 4-poststop poststop "$ALWAYS"
	run_bryo run --rm "$BUSYBOX" echo hi
	assert hi
	run cat "$LOG"
	assert "1-prestart creating pid True True
2-runtime creating pid True True
3-poststart running pid True True
4-poststop stopped - True True"
}

@test "G12: createContainer is inside with the host's programs, startContainer is of the container" {
	printf '#!/bin/sh\nreadlink /proc/self/ns/uts; pwd; cat >/dev/null\n' \
		>"$ENGINE_DIR/where"
	chmod 0755 "$ENGINE_DIR/where"
	hook inside createContainer "$ALWAYS" /bin/sh -c \
		"{ $ENGINE_DIR/where; echo \$1; } >>$LOG" sh arg
	HOOKENV="K=v" hook start startContainer "$ALWAYS" /bin/sh -c \
		'cat >/state; echo "$PWD $K" >/where'
	run_bryo run --name "$(cname)" "$BUSYBOX" sh -c \
		'readlink /proc/self/ns/uts; cat /where /state'
	local id
	id=$("$BRYO" inspect --format '{{.Id}}' "$(cname)")
	assert_match "/ v"
	assert_match "\"id\":\"$id\",\"status\":\"created\",\"pid\":[1-9]"
	[ "$(head -n1 <<<"$out")" != "$(readlink /proc/self/ns/uts)" ]
	run cat "$LOG"
	assert "$(head -n1 <<<"$out")
$XDG_DATA_HOME/bryo/containers/$id
arg"
	run_bryo rm "$(cname)"
}

@test "G12: a hook that fails before the payload keeps it from running" {
	for stage in prestart createRuntime createContainer startContainer; do
		hook bad "$stage" "$ALWAYS" /bin/sh -c 'echo "no way" >&2; exit 3'
		run_bryo -126 run --name "$(cname)" "$BUSYBOX" sh -c 'echo ran'
		assert "Error: error executing $stage hook \`/bin/sh\` (exit code: 3): no way"
		run_bryo inspect --format '{{.State.Status}}' "$(cname)"
		assert created
		rm "$HOOKS/bad.json"
		run_bryo start -a "$(cname)"
		assert ran
		run_bryo rm "$(cname)"
	done
}

@test "G12: a poststart hook that fails stops the container, a poststop one nothing" {
	hook bad poststart "$ALWAYS" /bin/false
	run_bryo -126 run -d --name "$(cname)" "$BUSYBOX" sleep 60
	assert_match "error executing poststart hook \`/bin/false\` \(exit code: 1\)"
	run_bryo ps -q
	assert ""
	run_bryo rm "$(cname)"
	hook bad poststop "$ALWAYS" /bin/false
	run_bryo -7 run --rm "$BUSYBOX" sh -c 'exit 7'
	assert ""
}

@test "G12: a hook has as long as it says" {
	TIMEOUT=1 hook slow createRuntime "$ALWAYS" /bin/sleep 30
	run_bryo -126 run --rm "$BUSYBOX" true
	assert "Error: error executing createRuntime hook \`/bin/sleep\`: it has not ended within 1 seconds"
	TIMEOUT=20 hook slow createRuntime "$ALWAYS" /bin/sleep 0.1
	run_bryo run --rm "$BUSYBOX" true
}

@test "G12: conditions: all of a file have to hold" {
	hook annot prestart '{"annotations": {"^key$": "^(a|b)$"}}'
	hook binds prestart '{"hasBindMounts": true}'
	hook cmd prestart '{"commands": ["/sh$", "^sh$"]}'
	hook both prestart '{"always": true, "commands": ["nothing"]}'
	hook never prestart '{"always": false}'
	called() {
		: >"$LOG"
		run_bryo run --rm "$@"
		run cut -d' ' -f1 "$LOG"
	}
	called "$BUSYBOX" true
	assert ""
	called --annotation key=b "$BUSYBOX" true
	assert annot
	called --annotation key=bb --annotation xkey=a "$BUSYBOX" true
	assert ""
	called -v "$ENGINE_DIR:/x" "$BUSYBOX" true
	assert binds
	called -v vol:/x "$BUSYBOX" true
	assert ""
	called -v "$ENGINE_DIR:/x" --annotation key=a "$BUSYBOX" sh -c true
	assert $'annot\nbinds\ncmd'
	run_bryo volume rm vol
}

@test "G12: --hooks-dir in place of the configured ones, later ones count more" {
	mkdir -m 0755 "$ENGINE_DIR/h2" "$ENGINE_DIR/h3"
	hook conf prestart "$ALWAYS"
	HOOKS=$ENGINE_DIR/h2 hook a prestart "$ALWAYS"
	HOOKS=$ENGINE_DIR/h2 hook b prestart "$ALWAYS" "$ENGINE_DIR/hook" b-first
	HOOKS=$ENGINE_DIR/h3 hook b prestart "$ALWAYS" "$ENGINE_DIR/hook" b-later
	echo "not json" >"$ENGINE_DIR/h2/README"
	run_bryo --hooks-dir "$ENGINE_DIR/h2" --hooks-dir="$ENGINE_DIR/h3" \
		run --rm "$BUSYBOX" true
	run cut -d' ' -f1 "$LOG"
	assert $'a\nb-later'
	run_bryo -125 --hooks-dir /nonexistent run --rm "$BUSYBOX" true
	assert "Error: read hooks directory /nonexistent: no such file or directory"
}

@test "G12: an image adds no hook and matches none" {
	hook annot prestart '{"annotations": {".*": ".*"}}'
	run_bryo create --name "$(cname)" "$BUSYBOX" true
	run_bryo commit -q --change 'LABEL key=a' --change 'LABEL org.systemd.x=y' \
		"$(cname)" hookimage
	run_bryo run --rm hookimage true
	[ ! -s "$LOG" ]
	run_bryo rm "$(cname)"
	run_bryo rmi hookimage
}

# EXE-07: who else could write it must not be trusted
@test "G12, EXE-07: what others can write is refused" {
	hook one prestart "$ALWAYS"
	for what in "$HOOKS" "$HOOKS/one.json" "$ENGINE_DIR/hook"; do
		for mode in g+w o+w; do
			chmod "$mode" "$what"
			run_bryo -125 run --rm "$BUSYBOX" true
			assert_match "$what can be written by others"
			chmod go-w "$what"
		done
	done
	run_bryo run --rm "$BUSYBOX" true
	[ -s "$LOG" ]
	run_bryo -125 --hooks-dir /tmp run --rm "$BUSYBOX" true
	assert_match "/tmp can be written by others"
}

@test "G12: what is wrong with a file is said with its name" {
	bad() {
		echo "$1" >"$HOOKS/bad.json"
		run_bryo -125 run --rm "$BUSYBOX" true
		assert_match "^Error: hook $HOOKS/bad.json: .*$2"
	}
	bad 'x' ''
	bad '{"version":"0.1.0"}' 'version must be "1.0.0"'
	bad '{"version":"1.0.0","hook":{"path":"x"},"when":{"always":true},"stages":["prestart"]}' 'absolute path'
	bad '{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{"always":true},"stages":["precreate"]}' 'unknown stage "precreate"'
	bad '{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{"always":true},"stages":[]}' 'no stages'
	bad '{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{},"stages":["prestart"]}' 'no condition'
	bad '{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{"commands":["("]},"stages":["prestart"]}' 'bad regular expression'
	bad '{"version":"1.0.0","hook":{"path":"/nonexistent"},"when":{"always":true},"stages":["prestart"]}' 'no such file'
	bad '{"version":"1.0.0","hook":{"path":"/etc/passwd"},"when":{"always":true},"stages":["prestart"]}' 'not a program'
}

@test "R20: hooks run on each restart, as found at the start" {
	hook rt createRuntime,poststop "$ALWAYS"
	run_bryo run -d --name "$(cname)" --restart on-failure:2 "$BUSYBOX" \
		sh -c 'exit 1'
	wait_until 20 sh -c "[ \"\$(wc -l <$LOG)\" = 6 ]"
	run grep -c creating "$LOG"
	assert 3
	run_bryo rm -f "$(cname)"
	# the next start looks again
	: >"$LOG"
	rm "$HOOKS/rt.json"
	run_bryo run --name "$(cname)" "$BUSYBOX" true
	[ ! -s "$LOG" ]
	hook rt createRuntime "$ALWAYS"
	run_bryo start -a "$(cname)"
	[ -s "$LOG" ]
	rm "$HOOKS/rt.json"
	: >"$LOG"
	run_bryo start -a "$(cname)"
	[ ! -s "$LOG" ]
	run_bryo rm "$(cname)"
}

@test "G12: config.json has the hooks and annotations; init and start run them" {
	hook rt createRuntime "$ALWAYS"
	hook ps poststart "$ALWAYS"
	run_bryo create --annotation a=b --name "$(cname)" "$BUSYBOX" true
	run_bryo init "$(cname)"
	run cut -d' ' -f1 "$LOG"
	assert rt
	run_bryo start -a "$(cname)"
	run cut -d' ' -f1 "$LOG"
	assert $'rt\nps'
	local dir
	dir=$("$BRYO" inspect --format '{{.OCIConfigPath}}' "$(cname)")
	run python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))
print(c["hooks"]["createRuntime"][0]["path"], list(c["hooks"]),
      c["annotations"]["a"])' "$dir"
	assert "$ENGINE_DIR/hook ['createRuntime', 'poststart'] b"
	run_bryo rm "$(cname)"
}
