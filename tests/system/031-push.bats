#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# push to Debian's docker-registry: same digests, nothing sent twice, other
# formats and compressions; what was pushed is pulled again and read by skopeo.
bats_require_minimum_version 1.5.0

load helpers

setup_file() {
	engine_setup
	R=$ENGINE_DIR/reg
	export R
	PORT=$(free_port)
	export PORT
	mkdir "$R"
	"$BATS_TEST_DIRNAME/../images/registry.sh" "$R" "$PORT" >"$R/pid" 3>&-
	engine_image
}

teardown_file() {
	kill "$(cat "$R/pid")"
	engine_teardown
}

setup() {
	to=localhost:$PORT/t$BATS_TEST_NUMBER
}

digest() {
	skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"
}

raw() {
	skopeo inspect --tls-verify=false --raw "docker://$1"
}

@test "push: the digest is that of the pull, rmi and pull give the same image" {
	local id
	id=$("$BRYO" images -q --no-trunc "$BUSYBOX")
	run_bryo push "$BUSYBOX" "$to/bb:1"
	assert "" "$out"
	[ "$(digest "$to/bb:1")" = "$(digest "$BUSYBOX")" ]
	"$BRYO" rmi -f "$BUSYBOX" >/dev/null
	run_bryo pull -q "$to/bb:1"
	assert "${id#sha256:}"
	run_bryo run --rm "$to/bb:1" echo hello
	assert hello
	run_bryo pull -q "$BUSYBOX"
	assert "${id#sha256:}"
}

@test "I8: push tells what it does on stderr, -q nothing" {
	run_bryo push "$BUSYBOX" "docker://$to/bb"
	assert "" "$out"
	assert_match "^Getting image source signatures" "$errs"
	assert_match "Copying blob sha256:[0-9a-f]{64}" "$errs"
	assert_match "Copying config sha256:[0-9a-f]{64}" "$errs"
	assert_match "Writing manifest to image destination" "$errs"
	[ -z "$(sort <<<"$errs" | uniq -d)" ]
	run_bryo push -q "$BUSYBOX" "$to/bb:2"
	assert ""
}

@test "push: what the registry has is not sent again" {
	run_bryo push "$BUSYBOX" "$to/bb:1"
	run_bryo push "$BUSYBOX" "$to/bb:2"
	assert_match "Copying blob sha256:[0-9a-f]{64} skipped: already exists"
}

@test "push: a blob is mounted from a repository of the same registry" {
	run_bryo push "$BUSYBOX" "$to/one:1"
	"$BRYO" tag "$BUSYBOX" "$to/one:1"
	run_bryo push "$BUSYBOX" "$to/two:1"
	assert_match "skipped: mounted from another repository"
	[ "$(digest "$to/two:1")" = "$(digest "$to/one:1")" ]
	"$BRYO" untag "$BUSYBOX" "$to/one:1" || "$BRYO" rmi "$to/one:1"
}

@test "push: by id, by name without destination, --digestfile" {
	local id
	id=$("$BRYO" images -q "$BUSYBOX")
	run_bryo push -q --digestfile "$ENGINE_DIR/digest" "$id" "$to/bb:id"
	assert "$(digest "$BUSYBOX")" "$(cat "$ENGINE_DIR/digest")"
	[ "$(wc -l <"$ENGINE_DIR/digest")" = 0 ]
	"$BRYO" tag "$BUSYBOX" "$to/bb:own"
	run_bryo push -q "$to/bb:own"
	[ "$(digest "$to/bb:own")" = "$(digest "$BUSYBOX")" ]
	"$BRYO" rmi "$to/bb:own"
	run_bryo -125 push "$id"
	assert_match "a destination has to be given"
}

@test "push: --all-tags" {
	"$BRYO" tag "$BUSYBOX" "$to/all:1" "$to/all:2"
	run_bryo push -q -a "$to/all"
	[ "$(digest "$to/all:1")" = "$(digest "$to/all:2")" ]
	"$BRYO" rmi "$to/all:1" "$to/all:2"
	run_bryo -125 push -a "$to/all"
	assert_match "^Error: no local image has a tag of $to/all"
	run_bryo -125 push -a "$to/all:1"
	assert_match "tag can't be used with --all-tags"
}

@test "push: --format v2s2 and oci convert the manifest, not the layers" {
	run_bryo push -q --format v2s2 "$BUSYBOX" "$to/bb:docker"
	raw "$to/bb:docker" >"$ENGINE_DIR/m"
	[ "$(jq -r .mediaType "$ENGINE_DIR/m")" = \
		application/vnd.docker.distribution.manifest.v2+json ]
	[ "$(jq -r .config.mediaType "$ENGINE_DIR/m")" = \
		application/vnd.docker.container.image.v1+json ]
	assert_match "^application/vnd.docker.image.rootfs.diff.tar" \
		"$(jq -r '.layers[0].mediaType' "$ENGINE_DIR/m")"
	run_bryo push -q --format oci "$BUSYBOX" "$to/bb:oci"
	raw "$to/bb:oci" >"$ENGINE_DIR/o"
	[ "$(jq -r .mediaType "$ENGINE_DIR/o")" = \
		application/vnd.oci.image.manifest.v1+json ]
	[ "$(jq -c '[.layers[].digest]' "$ENGINE_DIR/m")" = \
		"$(jq -c '[.layers[].digest]' "$ENGINE_DIR/o")" ]
	skopeo copy -q --src-tls-verify=false "docker://$to/bb:docker" \
		"dir:$ENGINE_DIR/skopeo"
	run_bryo -125 push --format v3 "$BUSYBOX" "$to/bb:x"
	assert_match 'unknown format "v3"'
}

@test "push: --compression-format zstd and gzip; the image stays the same" {
	local id codec
	id=$("$BRYO" images -q --no-trunc "$BUSYBOX")
	for codec in zstd gzip; do
		run_bryo push -q --format oci --compression-format $codec \
			--compression-level 5 "$BUSYBOX" "$to/bb:$codec"
		raw "$to/bb:$codec" >"$ENGINE_DIR/m"
		assert "application/vnd.oci.image.layer.v1.tar+$codec" \
			"$(jq -r '.layers[0].mediaType' "$ENGINE_DIR/m")"
		"$BRYO" rmi -fa >/dev/null
		run_bryo pull -q "$to/bb:$codec"
		assert "${id#sha256:}"
		run_bryo run --rm "$to/bb:$codec" echo "$codec"
		assert "$codec"
		skopeo copy -q --src-tls-verify=false "docker://$to/bb:$codec" \
			"dir:$ENGINE_DIR/skopeo-$codec"
		engine_image
	done
	run_bryo -125 push --format v2s2 --compression-format zstd \
		"$to/bb:gzip" "$to/bb:x"
	assert_match "v2s2 has no zstd"
	run_bryo -125 push --compression-format zstd:chunked "$to/bb:gzip" "$to/x"
	assert_match "not supported yet"
	run_bryo -125 push --compression-format gzip --compression-level 10 \
		"$to/bb:gzip" "$to/x"
	"$BRYO" rmi -fa >/dev/null
	engine_image
}

@test "push: the same conversion gives the same digest twice" {
	run_bryo push -q --compression-format zstd --digestfile "$ENGINE_DIR/d1" \
		"$BUSYBOX" "$to/a:1"
	run_bryo push -q --compression-format zstd --digestfile "$ENGINE_DIR/d2" \
		"$BUSYBOX" "$to/b:1"
	cmp "$ENGINE_DIR/d1" "$ENGINE_DIR/d2"
	# gzip blobs of a registry are kept when nobody insists
	run_bryo push -q "$BUSYBOX" "$to/c:1"
	run_bryo push -q --compression-format zstd --force-compression=false \
		"$BUSYBOX" "$to/c:2"
	[ "$(raw "$to/c:2" | jq -c '[.layers[].digest]')" = \
		"$(raw "$to/c:1" | jq -c '[.layers[].digest]')" ]
}

@test "push: errors are one line with the destination" {
	run_bryo -125 push -q nosuch "$to/x"
	assert "Error: nosuch: image not known"
	run_bryo -125 push -q "$BUSYBOX" "localhost:$(free_port)/x"
	assert_match "^Error: push localhost:.*onnection refused"
	[ "$(wc -l <<<"$output")" = 1 ]
	run_bryo -125 push -q "$BUSYBOX" "$to/x@sha256:$(printf '%064d' 0)"
	assert_match "a digest is no destination"
	run_bryo -125 push --authfile /nonexistent "$BUSYBOX" "$to/x"
	assert_match "credential file is not accessible: faccessat /nonexistent"
	run_bryo -125 push -q --platform linux/s390x "$BUSYBOX" "$to/x"
	assert_match "not for linux/s390x"
	run_bryo -125 push -q --retry-delay soon "$BUSYBOX" "$to/x"
	assert_match "retry-delay"
}
