#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Secrets: keeping them, and giving them to containers and to nobody else.

load helpers

TOKEN=correct-horse-battery-staple

teardown() {
	run_bryo secret rm --all
}

make_secret() {
	printf %s "$TOKEN" >"$ENGINE_DIR/in"
	run_bryo secret create "$@" s1 "$ENGINE_DIR/in"
}

# what was removed is deleted in the background: wait before a search
@test "secret create: file, stdin, --env; prints 25 digits" {
	make_secret
	assert_match '^[0-9a-f]{25}$'
	echo -n x | run_bryo secret create s2 -
	VAR=value run_bryo secret create --env s3 VAR
	run_bryo secret inspect --showsecret --format '{{.SecretData}}' s1 s2 s3
	assert "$TOKEN"$'\nx\nvalue'
	run_bryo -125 secret create --env s4 NO_SUCH_VAR
	run_bryo -125 secret create s4 "$ENGINE_DIR/nosuch"
	assert_match "$ENGINE_DIR/nosuch: no such file or directory"
	: >"$ENGINE_DIR/empty"
	run_bryo -125 secret create s4 "$ENGINE_DIR/empty"
	assert "Error: secret data must be larger than 0 and less than 512000 bytes"
	head -c 512000 /dev/zero >"$ENGINE_DIR/big"
	run_bryo -125 secret create s4 "$ENGINE_DIR/big"
	run_bryo -125 secret create a/b "$ENGINE_DIR/in"
	assert_match "invalid secret name"
	run_bryo -125 secret create -d pass s4 "$ENGINE_DIR/in"
	assert_match "not supported yet"
}

@test "secret create: a name is used once; --replace, --ignore" {
	make_secret
	local id=$out
	run_bryo -125 secret create s1 "$ENGINE_DIR/in"
	assert "Error: s1: secret name in use"
	echo -n new >"$ENGINE_DIR/in"
	run_bryo secret create --ignore s1 "$ENGINE_DIR/in"
	assert "$id"
	run_bryo secret create --replace s1 "$ENGINE_DIR/in"
	[ "$out" != "$id" ]
	run_bryo secret inspect --showsecret --format '{{.SecretData}}' s1
	assert new
	run_bryo secret ls -q
	[ "${#out}" = 25 ]
}

@test "secret ls, inspect, exists, rm" {
	make_secret -l a=b --driver-opts k=v
	local id=$out
	run_bryo secret ls
	assert_match "^ID +NAME +DRIVER +CREATED +UPDATED"
	assert_match "$id +s1 +file +[^ ].* ago +[^ ].* ago"
	run_bryo secret ls --noheading --format '{{.Name}}' --filter name=^s
	assert s1
	run_bryo secret ls -q --filter name=nosuch
	assert ""
	run_bryo secret inspect s1
	jq -e --arg id "$id" '.[0] | .ID == $id and .Spec.Name == "s1" and
		.Spec.Driver.Name == "file" and .Spec.Driver.Options.k == "v" and
		.Spec.Labels.a == "b" and (has("SecretData") | not)' <<<"$out"
	run_bryo secret inspect --pretty s1
	assert_match "Name: +s1"
	run_bryo secret exists "${id:0:6}"
	run_bryo -1 secret exists nosuch
	assert ""
	run_bryo -125 secret inspect nosuch
	assert_match 'no secret with name or id "nosuch": no such secret'
	run_bryo -1 secret rm s1 nosuch
	assert_match "^$id"
	assert_match "no such secret"
	run_bryo secret rm --ignore nosuch
	assert ""
	run_bryo -125 secret rm
}

@test "secrets are files that only their owner reads" {
	make_secret
	local f
	f=$(grep -rl "$TOKEN" "$XDG_DATA_HOME/bryo")
	[ "$(wc -l <<<"$f")" = 1 ]
	[ "$(stat -c %a "$f")" = 600 ]
	[ "$(stat -c %a "$(dirname "$f")")" = 700 ]
}

@test "run --secret: a file, with its owner and mode" {
	make_secret
	run_bryo run --rm --secret s1 "$BUSYBOX" sh -c 'cat /run/secrets/s1; echo; stat -c "%u:%g %a" /run/secrets/s1'
	assert "$TOKEN"$'\n0:0 444'
	run_bryo run --rm --secret s1,uid=7,gid=8,mode=0400,target=t "$BUSYBOX" stat -c "%n %u:%g %a" /run/secrets/t
	assert "/run/secrets/t 7:8 400"
	run_bryo run --rm --read-only -u 1000 --secret source=s1,type=mount,target=/etc/deep/key "$BUSYBOX" cat /etc/deep/key
	assert "$TOKEN"
	run_bryo -1 run --rm --secret s1 "$BUSYBOX" sh -c 'echo x >/run/secrets/s1'
	assert_match "Read-only file system"
	run_bryo -125 run --rm --secret nosuch "$BUSYBOX" true
	assert_match 'no secret with name or id "nosuch": no such secret'
	run_bryo -125 run --rm --secret s1,nosuch=1 "$BUSYBOX" true
	run_bryo -125 run --rm --secret s1,type=env,uid=3 "$BUSYBOX" true
	assert_match "UID, GID, Mode options cannot be set with secret env type"
	run_bryo -125 run --rm --secret s1 --secret s1 "$BUSYBOX" true
	assert_match "duplicate mount destination"
}

@test "run --secret type=env: the payload and exec see it, nobody else" {
	make_secret
	run_bryo run -d --name "$(cname)" --secret s1,type=env,target=KEY --secret s1 \
		"$BUSYBOX" sh -c 'echo "$KEY" >/dev/null; sleep 100'
	run_bryo exec "$(cname)" sh -c 'echo $KEY'
	assert "$TOKEN"
	local shown
	shown=$("$BRYO" inspect "$(cname)"; "$BRYO" ps -a --no-trunc --format json; "$BRYO" logs "$(cname)")
	refute grep -q "$TOKEN" <<<"$shown"
	jq -e '.[0].Config.Secrets | length == 2' <<<"$("$BRYO" inspect "$(cname)")"
	# in the data directory: the secret and the container's two copies, 0600
	local f
	wait_until 10 trash_is_empty
	for f in $(grep -rl "$TOKEN" "$XDG_DATA_HOME/bryo"); do
		[ "$(stat -c %a "$f")" = 600 ]
		[[ $f =~ /secrets/[0-9a-f]{25}/data$|/containers/[0-9a-f]{64}/secret-[01]$ ]]
	done
	run_bryo rm -f -t 0 "$(cname)"
}

@test "a container keeps its copy of a secret, over restarts" {
	make_secret
	run_bryo create --name "$(cname)" --secret s1 --secret s1,type=env,target=KEY \
		"$BUSYBOX" sh -c 'cat /run/secrets/s1; echo " $KEY"'
	run_bryo secret rm s1
	run_bryo start -a "$(cname)"
	assert "$TOKEN $TOKEN"
	run_bryo start -a "$(cname)"
	assert "$TOKEN $TOKEN"
	run_bryo rm "$(cname)"
	wait_until 10 trash_is_empty
	refute grep -rq "$TOKEN" "$XDG_DATA_HOME/bryo"
}

@test "secrets: a killed create or rm leaves all or nothing" {
	printf %s "$TOKEN" >"$ENGINE_DIR/in"
	BRYO_FAULT=secret.create.written:kill run_bryo -137 secret create s1 "$ENGINE_DIR/in"
	run_bryo -1 secret exists s1
	make_secret
	BRYO_FAULT=secret.rm.renamed:kill run_bryo -137 secret rm s1
	run_bryo -1 secret exists s1
	make_secret
	run_bryo secret rm s1
	refute grep -rq "$TOKEN" "$XDG_DATA_HOME/bryo"
}
