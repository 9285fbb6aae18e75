#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# save, load and pull in every format, with skopeo on the other side.

load helpers

setup_file() {
	engine_setup
	engine_image
	"$BRYO" pull -q "$NGINX" >/dev/null
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' \
		>"$ENGINE_DIR/policy.json"
}

setup() {
	T=$BATS_TEST_TMPDIR
}

# copy FROM TO: with skopeo
copy() {
	skopeo --policy "$ENGINE_DIR/policy.json" copy -q "$@"
}

id_of() {
	"$BRYO" image inspect --format '{{.Id}}' "$1"
}

digest_of() {
	"$BRYO" image inspect --format '{{.Digest}}' "$1"
}

@test "save --format oci-dir: original digests, skopeo reads it, we load it" {
	run_bryo save --format oci-dir -o "$T/oci" "$NGINX"
	assert_match "Copying blob .*Writing manifest" "$(tr '\n' ' ' <<<"$errs")"
	assert "$(digest_of "$NGINX")" "$(jq -r '.manifests[0].digest' "$T/oci/index.json")"
	(cd "$T/oci/blobs/sha256" && sha256sum * | while read -r sum name; do
		[ "$sum" = "$name" ] || exit 1
	done)
	copy "oci:$T/oci:$NGINX:latest" "docker-archive:$T/s.tar:localhost/x:1"
	# A second image joins the first one, a second save changes nothing
	run_bryo save -q --format oci-dir -o "$T/oci" "$BUSYBOX"
	run_bryo save -q --format oci-dir -o "$T/oci" "$NGINX"
	jq -e '.manifests | length == 2' "$T/oci/index.json"
	local id
	id=$(id_of "$NGINX")
	run_bryo rmi "$NGINX"
	run_bryo load -q -i "$T/oci"
	assert "$(printf 'Loaded image: %s:latest\n' "$BUSYBOX" "$NGINX" | sort)" \
		"$(sort <<<"$out")"
	assert "$id" "$(id_of "$NGINX")"
}

@test "save --format docker-dir: skopeo reads it, we pull it" {
	run_bryo save -q --format docker-dir -o "$T/dir" "$NGINX"
	[ "$(cat "$T/dir/version")" = "Directory Transport Version: 1.1" ]
	jq -e '.mediaType | test("docker.distribution.manifest.v2")' \
		"$T/dir/manifest.json"
	copy "dir:$T/dir" "oci-archive:$T/s.tar:x"
	# Another image takes the place of the first, other directories stay
	run_bryo save -q --format docker-dir -o "$T/dir" "$BUSYBOX"
	[ "$(find "$T/dir" -type f | wc -l)" = 4 ]
	mkdir "$T/other"
	touch "$T/other/mine"
	run_bryo -125 save -q --format docker-dir -o "$T/other" "$BUSYBOX"
	assert_match "is not empty"
	[ -f "$T/other/mine" ]
	run_bryo -125 save -q --format docker-dir -o "$T/two" "$BUSYBOX" "$NGINX"
	assert_match "one image"
	[ ! -e "$T/two" ]
	run_bryo pull -q "dir:$T/dir"
	assert "$(id_of "$BUSYBOX")"
}

@test "save --uncompressed and --compress change the layers, not the image" {
	run_bryo save -q --format oci-archive --uncompressed -o "$T/u.tar" "$NGINX"
	mkdir "$T/u"
	tar -xf "$T/u.tar" -C "$T/u"
	local m
	m=$(jq -r '.manifests[0].digest' "$T/u/index.json")
	jq -e '[.layers[].mediaType] | unique ==
		["application/vnd.oci.image.layer.v1.tar"]' "$T/u/blobs/sha256/${m#*:}"
	copy "oci-archive:$T/u.tar" "oci:$T/copy:x"
	local id
	id=$(id_of "$NGINX")
	run_bryo rmi "$NGINX"
	run_bryo load -q -i "$T/u.tar"
	assert "$id" "$(id_of "$NGINX")"
	run_bryo save -q --format docker-dir --compress -o "$T/c" "$NGINX"
	jq -e '[.layers[].mediaType | endswith(".gzip")] | all' "$T/c/manifest.json"
	copy "dir:$T/c" "docker-archive:$T/c.tar:x:1"
	run_bryo save -q --format docker-dir --compress -o "$T/d" "$NGINX"
	diff -r "$T/c" "$T/d"
	run_bryo -125 save --compress -o "$T/x" "$BUSYBOX"
	assert "Error: --compress can only be set when --format is 'docker-dir'"
	run_bryo -125 save --uncompressed -o "$T/x" "$BUSYBOX"
	assert_match "^Error: --uncompressed can only be set"
	run_bryo -125 save --format nosuch -o "$T/x" "$BUSYBOX"
	assert_match '^Error: unknown format "nosuch"'
	[ ! -e "$T/x" ]
	"$BRYO" rmi "$NGINX" >/dev/null
	"$BRYO" pull -q "$NGINX" >/dev/null
}

@test "I15: several images in one archive, also to a pipe; names are kept" {
	local format
	run_bryo tag "$BUSYBOX" localhost/second:2
	for format in docker-archive oci-archive; do
		"$BRYO" save -q -m --format "$format" "$BUSYBOX" "$NGINX" \
			localhost/second:2 | cat >"$T/m.tar"
		run_bryo rmi "$BUSYBOX" "$NGINX" localhost/second:2
		run_bryo load -q -i "$T/m.tar"
		assert "$(printf 'Loaded image: %s\n' "$BUSYBOX:latest" \
			localhost/second:2 "$NGINX:latest" | sort)" "$(sort <<<"$out")"
	done
	run_bryo rmi localhost/second:2
}

@test "I14: saved by id, it loads without a name" {
	local id
	id=$(id_of "$BUSYBOX")
	run_bryo save -q -o "$T/i.tar" "$id"
	run_bryo rmi "$BUSYBOX"
	run_bryo load -i "$T/i.tar"
	assert_match "Loaded image: sha256:$id" "$out"
	run_bryo images --format '{{.Repository}}:{{.Tag}}' --filter dangling=true
	assert "<none>:<none>"
	run_bryo rmi "$id"
	run_bryo pull -q "$BUSYBOX"
}
