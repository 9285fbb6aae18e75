#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Log drivers and their options.

load helpers

@test "R10: --log-opt path: the log is there, logs reads it, rm leaves it" {
	local f=$ENGINE_DIR/own.log driver
	for driver in k8s-file json-file; do
		run_bryo run --name p --log-driver "$driver" --log-opt "path=$f" "$BUSYBOX" sh -c 'echo o; echo e >&2'
		[ "$(wc -l <"$f")" = 2 ]
		run_bryo logs p
		assert o "$out"
		assert e "$errs"
		run_bryo inspect --format '{{.HostConfig.LogConfig.Path}}' p
		assert "$f"
		run_bryo rm p
		[ -s "$f" ]
		rm "$f"
	done
	cd "$ENGINE_DIR"
	run_bryo run --rm --log-opt path=rel.log "$BUSYBOX" echo r
	[ -s rel.log ]
	run_bryo -125 run --rm --log-opt path=/no/such/dir/x "$BUSYBOX" true
	assert_match "open the directory of the log /no/such/dir/x: no such file or directory"
	run_bryo -125 run --rm --log-opt path=/tmp/ "$BUSYBOX" true
}

@test "R10: rotation with a path of one's own, and logs over all files" {
	local f=$ENGINE_DIR/rot.log
	run_bryo run --name p --log-opt "path=$f" --log-opt max-size=8k --log-opt max-file=3 "$BUSYBOX" \
		sh -c 'i=0; while [ $i -lt 1000 ]; do echo "line $i"; i=$((i+1)); done'
	[ "$(ls "$f"* | wc -l)" = 3 ]
	[ "$(stat -c %s "$f.1")" -le 8000 ]
	run_bryo logs --tail 150 p
	assert "line 850" "${out%%$'\n'*}"
	assert "line 999" "${out##*$'\n'}"
	run_bryo rm p
}

@test "json-file: attributes of tag, label, labels and env; logs --details" {
	run_bryo run --name j --log-driver json-file --label role=web -e COLOUR=red --log-opt labels=role,none \
		--log-opt env=COLOUR --log-opt 'label=k="v{' --log-opt 'tag={{.Name}}/{{.ID}}' "$BUSYBOX" echo hi
	local id
	run_bryo inspect --format '{{.Id}} {{.HostConfig.LogConfig.Path}} {{.HostConfig.LogConfig.Tag}}' j
	id=${out:0:12}
	assert_match ' \{\{\.Name\}\}/\{\{\.ID\}\}$'
	python3 - "$(cut -d' ' -f2 <<<"$out")" "$id" <<-'PY'
	import json, sys
	e = json.loads(open(sys.argv[1]).read())
	assert list(e) == ["log", "stream", "attrs", "time"], e
	assert e["attrs"] == {"role": "web", "COLOUR": "red", "k": '"v{',
	    "tag": "j/" + sys.argv[2]}, e
	assert e["log"] == "hi\n"
	PY
	run_bryo logs j
	assert hi
	run_bryo logs --details j
	assert "COLOUR=red,k=\"v{,role=web,tag=j/$id hi"
	run_bryo rm j
}

@test "log options that do not fit are errors, not ignored" {
	run_bryo -125 create --log-opt label=a=b "$BUSYBOX"
	assert 'Error: log option "label" does not work with the log driver k8s-file, only with json-file and journald'
	run_bryo -125 create --log-driver none --log-opt max-size=1m "$BUSYBOX"
	assert_match 'only with k8s-file and json-file'
	run_bryo -125 create --log-driver none --log-opt path=/tmp/x "$BUSYBOX"
	run_bryo -125 create --log-opt mode=maybe "$BUSYBOX"
	assert 'Error: invalid log option "mode=maybe"'
	run_bryo -125 create --log-opt max-file=0 "$BUSYBOX"
	run_bryo -125 create --log-opt nonsense "$BUSYBOX"
	run_bryo -125 create --log-opt 'tag={{.Nope}}' "$BUSYBOX"
	assert_match 'log option tag: unknown field'
	run_bryo -125 create --log-driver fluentd "$BUSYBOX"
	assert 'Error: log driver fluentd is not supported yet'
}

@test "R10: --log-opt max-size in inspect; log drivers in inspect; no path for none" {
	run_bryo create --name s1 --log-opt max-size=8000 "$BUSYBOX"
	run_bryo create --name s2 --log-opt max-size=1.5m "$BUSYBOX"
	run_bryo create --name s3 --log-driver none "$BUSYBOX"
	run_bryo inspect --format '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Size}}' s1 s2
	assert $'k8s-file 8kB\nk8s-file 1.5MB'
	run_bryo inspect --format '{{.HostConfig.LogConfig.Type}}:{{.HostConfig.LogConfig.Path}}:' s3
	assert "none::"
	run_bryo -125 logs s3
	assert_match "using the 'none' log driver, cannot read logs"
	run_bryo rm s1 s2 s3
}

@test "R10: passthrough: the container has the caller's own streams" {
	echo in >"$ENGINE_DIR/in"
	timeout 20 "$BRYO" run --rm -i --log-driver passthrough "$BUSYBOX" sh -c 'read x; echo "$x"; echo e >&2; stat -Lc %F /proc/self/fd/1' \
		<"$ENGINE_DIR/in" >"$ENGINE_DIR/o" 2>"$ENGINE_DIR/e"
	assert $'in\nregular file' "$(cat "$ENGINE_DIR/o")"
	assert e "$(cat "$ENGINE_DIR/e")"
	run_bryo -125 run --rm -t --log-driver passthrough "$BUSYBOX" true
	assert "Error: the passthrough log driver cannot be used with --tty"
}

@test "R10: passthrough refuses a terminal, passthrough-tty gives it away" {
	output=$(pty 24 80 "" "$BRYO" run --rm --log-driver passthrough "$BUSYBOX" true) || true
	assert_match "cannot be used on a TTY"
	output=$(pty 24 80 "" "$BRYO" run --rm --log-driver passthrough-tty "$BUSYBOX" \
		sh -c 'test -t 1 && echo is a tty; stty size')
	assert $'is a tty\r\n24 80\r'
}

@test "R10: journald: where it is it works, where it is not the error says so" {
	if [ -e /run/systemd/journal/socket ]; then
		run_bryo run --name j --log-driver journald "$BUSYBOX" echo there
		run_bryo logs j
		assert there
		run_bryo rm j
	else
		run_bryo -125 run --rm --log-driver journald "$BUSYBOX" true
		assert_match 'log driver journald: connect /run/systemd/journal/socket: no such file or directory'
	fi
}
