#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What pull, images and containers say about an image.

load helpers

@test "I3: times in lists are those of history" {
	run_bryo images --format '{{.CreatedAt}}'
	assert_match '^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} \+0000 UTC$'
	local at=$out since
	run_bryo images --format '{{.CreatedSince}}'
	assert_match ' ago$'
	since=$out
	TZ=UTC run_bryo history --format '{{.CreatedAt}}|{{.CreatedSince}}' "$BUSYBOX"
	assert "$at|$since" "${out%%$'\n'*}"
}

@test "I7: pull: text, policies, and by digest" {
	run_bryo rmi -f "$BUSYBOX"
	run_bryo pull "$BUSYBOX"
	local id=$out
	assert_match "^Trying to pull $BUSYBOX:latest\.\.\." "$errs"
	assert_match '^[0-9a-f]{64}$' "$id"
	[ -z "$(sort <<<"$errs" | uniq -d)" ]
	local p
	for p in missing newer; do
		run_bryo pull --policy "$p" "$BUSYBOX"
		assert "$id"
	done
	# a registry that does not answer is no reason to fail
	run_bryo tag "$BUSYBOX" localhost:1/busybox
	run_bryo pull --policy newer localhost:1/busybox
	assert "$id"
	run_bryo untag localhost:1/busybox localhost:1/busybox
	run_bryo -125 pull --policy invalid "$BUSYBOX"
	assert 'Error: unsupported pull policy "invalid"'
	run_bryo -125 pull --policy never localhost/nosuch
	assert "Error: localhost/nosuch: image not known"

	run_bryo image inspect --format '{{index .RepoDigests 0}}' "$BUSYBOX"
	local by_digest=$out rows
	rows=$("$BRYO" images -a --format '{{.Repository}}:{{.Tag}} {{.ID}}')
	run_bryo pull -q "$by_digest"
	assert "$id"
	assert "$rows" "$("$BRYO" images -a --format '{{.Repository}}:{{.Tag}} {{.ID}}')"
	run_bryo rmi "$by_digest"
	assert_match '^Untagged: '
	assert_no_match 'Deleted'
	run_bryo pull -q "$BUSYBOX"
}

@test "I12: a container's image keeps its names, also when they go" {
	local id digests
	id=$("$BRYO" images -q --no-trunc)
	id=${id#sha256:}
	digests=$("$BRYO" image inspect --format '{{json .RepoDigests}}' "$BUSYBOX")
	run_bryo create --name named "$BUSYBOX" true
	run_bryo inspect --format '{{.ImageName}} {{.Image}} {{.ImageDigest}}' named
	assert_match "^$BUSYBOX:latest $id sha256:[0-9a-f]{64}$"
	[[ $digests == *"@${out##* }"* ]]
	run_bryo untag "$BUSYBOX"
	run_bryo run --name unnamed "$id" echo still
	assert still
	run_bryo inspect --format '{{.Image}}' unnamed
	assert "$id"
	run_bryo inspect --format '{{.ImageName}}' named
	assert "$BUSYBOX:latest"
	run_bryo rm named unnamed
	run_bryo create --name tree --rootfs "$ENGINE_DIR/home" true
	run_bryo inspect --format '[{{.ImageDigest}}]' tree
	assert "[]"
	run_bryo rm tree
}
