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

# As the registry has them, whatever the test before made of them
setup() {
	T=$BATS_TEST_TMPDIR
	"$BRYO" rmi -fa >/dev/null
	"$BRYO" pull -q "$BUSYBOX" "$NGINX" >/dev/null
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
	run_bryo -125 save --uncompressed --format docker-dir -o "$T/x" "$BUSYBOX"
	assert_match "^Error: --uncompressed cannot be set when --format is 'docker-dir'"
	run_bryo save -q --uncompressed -o "$T/plain" "$BUSYBOX"
	assert ""
	run_bryo -125 save --format nosuch -o "$T/x" "$BUSYBOX"
	assert_match '^Error: unknown format "nosuch"'
	[ ! -e "$T/x" ]
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
}

@test "push to oci:, oci-archive:, dir: and docker-archive: and back" {
	local id digest to
	id=$(id_of "$NGINX") digest=$(digest_of "$NGINX")
	for to in "oci:$T/p:v1" "oci-archive:$T/p.tar:localhost/back:1" "dir:$T/pdir"; do
		run_bryo push -q --digestfile "$T/digest" "$NGINX" "$to"
		assert "$digest" "$(cat "$T/digest")"
		assert "$digest" "$(skopeo inspect "$to" | jq -r .Digest)"
	done
	run_bryo push "$NGINX" "docker-archive:$T/d.tar:quay.io/me/app:2"
	assert_match "Writing manifest to image destination" "$errs"
	skopeo inspect --config "docker-archive:$T/d.tar:quay.io/me/app:2" |
		jq -e '.rootfs.diff_ids | length == 4'
	run_bryo rmi -f "$id"
	run_bryo pull -q "oci:$T/p:v1"
	assert "$id"
	assert "$digest" "$(digest_of "$id")"
	run_bryo rmi -f "$id"
	run_bryo pull -q "oci-archive:$T/p.tar:localhost/back:1"
	assert "$id"
	run_bryo rmi localhost/back:1
	run_bryo pull -q "dir:$T/pdir"
	assert "$id"
	run_bryo rmi -f "$id"
	run_bryo pull -q "docker-archive:$T/d.tar:quay.io/me/app:2"
	assert "$id"
	run_bryo rmi quay.io/me/app:2
	run_bryo pull -q "docker-archive:$T/d.tar:@0"
	assert "$id"
	run_bryo -125 pull -q "docker-archive:$T/d.tar:@1"
	assert_match "no image @1 in the archive"
	run_bryo -125 pull -q "docker-archive:$T/d.tar:nosuch"
	assert_match "no image nosuch in the archive"
	run_bryo tag quay.io/me/app:2 "$NGINX"
	run_bryo rmi quay.io/me/app:2
}

@test "push: what is there already is added to, replaced or refused" {
	run_bryo push -q "$BUSYBOX" "oci:$T/o:a"
	run_bryo push -q "$BUSYBOX" "oci:$T/o:b"
	run_bryo push "$NGINX" "oci:$T/o:a"
	jq -e '[.manifests[].annotations."org.opencontainers.image.ref.name"] | sort
		== ["a", "b"]' "$T/o/index.json"
	run_bryo push "$NGINX" "oci:$T/o:c"
	assert_match "skipped: already exists"
	run_bryo push -q "$BUSYBOX" "oci-archive:$T/a.tar"
	run_bryo -125 push -q "$BUSYBOX" "oci-archive:$T/a.tar"
	assert_match "there is a file already"
	run_bryo -125 push -q "$BUSYBOX" "docker-archive:$T/a.tar:x"
	assert_match "there is a file already"
	run_bryo -125 push -q "$BUSYBOX" "dir:$T/o"
	assert_match "is not empty"
	run_bryo -125 push -q "$BUSYBOX" "oci:/nosuch/dir:x"
	assert_match "/nosuch/dir: [Nn]o such file"
	echo '{"layers":[]}' >"$T/o/index.json"
	run_bryo -125 push -q "$BUSYBOX" "oci:$T/o:d"
	assert_match "index.json"
	run_bryo push -q "$BUSYBOX" containers-storage:localhost/there:1
	run_bryo pull -q containers-storage:localhost/there:1
	assert "$(id_of "$BUSYBOX")"
	run_bryo -125 pull -q containers-storage:localhost/nosuch
	assert_match "image not known"
	run_bryo rmi localhost/there:1
}

@test "push to a full disk or a closed pipe leaves no archive" {
	run_bryo -125 push -q "$NGINX" oci-archive:/dev/full
	assert_match "[Nn]o space"
	run_bryo -125 save -q --format oci-archive -o /dev/full "$NGINX"
	assert_match "[Nn]o space"
	run_bryo -125 save -q -o /dev/full "$NGINX"
	assert_match "[Nn]o space"
}

@test "R6: run docker-archive:FILE" {
	run_bryo save -q -o "$T/r.tar" "$BUSYBOX"
	run_bryo run --rm "docker-archive:$T/r.tar" echo from-file
	assert "from-file" "$out"
	run_bryo run --rm "docker-archive:$T/r.tar:$BUSYBOX:latest" echo by-name
	assert "by-name" "$out"
	run_bryo -125 run --rm "docker-archive:$T/nosuch.tar" true
	assert_match "nosuch.tar.*[Nn]o such file"
}

@test "I14: load of gzip, xz, zstd, bzip2, of a pipe and of a directory" {
	local id z
	id=$(id_of "$BUSYBOX")
	run_bryo save -q -o "$T/z.tar" "$BUSYBOX"
	run_bryo save -q --format oci-archive -o "$T/o.tar" "$BUSYBOX"
	for z in gzip xz zstd bzip2; do
		$z -qc "$T/z.tar" >"$T/z.$z"
		$z -qc "$T/o.tar" >"$T/o.$z"
		run_bryo rmi "$BUSYBOX"
		run_bryo load -q -i "$T/z.$z"
		assert "Loaded image: $BUSYBOX:latest"
		assert "$id" "$(id_of "$BUSYBOX")"
		run_bryo rmi "$BUSYBOX"
		"$BRYO" load -q <"$T/o.$z"
		assert "$id" "$(id_of "$BUSYBOX")"
	done
	mkdir "$T/x"
	tar -xf "$T/z.tar" -C "$T/x"
	run_bryo rmi "$BUSYBOX"
	run_bryo load -q --input "$T/x"
	assert "Loaded image: $BUSYBOX:latest"
}

@test "I14: junk of any kind has one reason per transport" {
	local before
	before=$("$BRYO" images -a)
	head -c 100000 /dev/urandom >"$T/junk"
	: >"$T/empty"
	echo '<html>404</html>' >"$T/html"
	tar -cf "$T/other.tar" -C "$T" html
	mkdir "$T/d"
	local f
	for f in junk empty html other.tar d; do
		run_bryo -125 load -i "$T/$f"
		assert_match "^Error: payload does not match any of the supported image formats: oci: .*; oci-archive: .*; docker-archive: .*; dir: .*"
	done
	assert "$before" "$("$BRYO" images -a)"
	run_bryo -125 load -i http://localhost:1/x.tar
	assert_match "cannot connect: connection refused"
	run_bryo -125 load -i "$T/nosuch"
	assert_match "nosuch.*[Nn]o such file"
}

@test "an image of docker's form: every format is read by skopeo by name" {
	run_bryo save -q -o "$T/d.tar" "$NGINX"
	local id to format
	id=$(id_of "$NGINX")
	run_bryo rmi "$NGINX"
	run_bryo load -q -i "$T/d.tar"
	assert_match "docker.distribution.manifest" \
		"$("$BRYO" image inspect --format '{{.ManifestType}}' "$NGINX")"
	for to in "oci:$T/o:name" "oci-archive:$T/o.tar:name" "dir:$T/dir" \
		"docker-archive:$T/x.tar:x:1"; do
		run_bryo push -q "$NGINX" "$to"
		copy "$to" "dir:$T/copy"
		assert "$id" "$(skopeo inspect --raw "dir:$T/copy" |
			jq -r .config.digest | cut -d: -f2)"
	done
	for format in oci-archive oci-dir; do
		run_bryo save -q --format $format -o "$T/$format" "$NGINX"
		copy "${format%-dir}:$T/$format:$NGINX:latest" "dir:$T/copy"
	done
	run_bryo -125 push --format v2s2 "$NGINX" "oci:$T/o:v2"
	assert_match 'takes no manifests of format "v2s2"'
}

@test "skopeo writes it, we read it: every format, by name" {
	local to
	copy "docker://$NGINX" "oci:$T/o:name" --src-tls-verify=false
	for to in "oci-archive:$T/o.tar:localhost/n:1" "dir:$T/dir" \
		"docker-archive:$T/d.tar:localhost/n:1"; do
		copy "oci:$T/o:name" "$to"
	done
	local id
	id=$(id_of "$NGINX")
	for to in "oci:$T/o:name" "oci-archive:$T/o.tar:localhost/n:1" \
		"dir:$T/dir" "docker-archive:$T/d.tar:localhost/n:1"; do
		run_bryo rmi -f "$id"
		run_bryo pull -q "$to"
		assert "$id"
	done
}
