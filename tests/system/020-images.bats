#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# pull, images, inspect, tag, rmi, load, save.

load helpers

@test "pull: progress on stderr, the id alone on stdout" {
	run_bryo rmi -f "$NGINX" || true
	run_bryo pull "$NGINX"
	assert_match '^[0-9a-f]{64}$' "$out"
	assert_match "^Trying to pull $NGINX" "$errs"
	assert_match "Copying blob" "$errs"
	assert_match "Writing manifest to image destination" "$errs"
	[ "$(sort <<<"$errs" | uniq -d)" = "" ]
	run_bryo pull -q "$NGINX"
	assert_match '^[0-9a-f]{64}$'
}

@test "I1: images has its headings, also when nothing matches" {
	run_bryo images
	assert_match "^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE"
	assert_match "localhost:$REGISTRY_PORT/busybox +latest +[0-9a-f]{12} "
	run_bryo images nosuch
	assert_match "^REPOSITORY +TAG +IMAGE ID"
	[ "${#lines[@]}" -le 1 ] || [ "$(wc -l <<<"$output")" = 1 ]
}

@test "I2: images --format json and templates" {
	run_bryo images --format json
	jq -e '.[0].Id | test("^[0-9a-f]{64}$")' <<<"$out"
	jq -e '.[0].Size > 0' <<<"$out"
	run_bryo images --format '{{.Repository}}:{{.Tag}}' "$BUSYBOX"
	assert "$BUSYBOX:latest"
	run_bryo images -q --no-trunc "$BUSYBOX"
	assert_match '^sha256:[0-9a-f]{64}$'
	run_bryo images --digests
	assert_match "DIGEST"
}

@test "I5: image filters" {
	run_bryo images -q --filter "reference=$BUSYBOX"
	assert_match '^[0-9a-f]{12}$'
	run_bryo images -q --filter dangling=true
	assert ""
	run_bryo -125 images --filter json
	assert_match "invalid image filter"
}

@test "image inspect has podman's keys and takes a template" {
	run_bryo image inspect "$NGINX"
	jq -e '.[0] | .Id, .Digest, .RepoTags, .RepoDigests, .Config.Cmd,
		.RootFS.Layers, .Architecture, .Os, .Size, .History' <<<"$out"
	run_bryo image inspect --format '{{.Config.StopSignal}} {{len .RootFS.Layers}}' "$NGINX"
	assert "SIGQUIT 4"
	run_bryo image inspect --format '{{index .Config.Cmd 0}}' "$NGINX"
	assert "nginx"
	run_bryo -125 image inspect nosuch
}

@test "tag: a bare name becomes localhost/NAME:latest" {
	run_bryo tag "$BUSYBOX" mine
	assert ""
	run_bryo images --format '{{.Repository}}:{{.Tag}}' mine
	assert "localhost/mine:latest"
	run_bryo run --rm mine echo tagged
	assert "tagged"
	run_bryo rmi mine
	assert "Untagged: localhost/mine:latest"
	run_bryo -125 tag nosuch x
	assert_match "nosuch.*image not known"
}

@test "I9: rmi of an unknown image is 1, of one in use is 2" {
	run_bryo -1 rmi nosuch
	assert_match "Error: nosuch: image not known"
	run_bryo create --name user "$NGINX"
	run_bryo -2 rmi "$NGINX"
	assert_match "image is in use by a container"
	run_bryo rmi -f "$NGINX"
	run_bryo -1 container exists user
}

@test "rmi frees the layers that nobody shares and keeps the others" {
	run_bryo pull -q "$NGINX"
	run_bryo tag "$NGINX" second
	run_bryo rmi "$NGINX"
	assert "Untagged: $NGINX:latest"
	run_bryo rmi second
	assert_match "Untagged: localhost/second:latest"
	assert_match "Deleted: [0-9a-f]{64}"
	run_bryo run --rm "$BUSYBOX" echo still
	assert "still"
	wait_until 5 sh -c "[ \"\$(find '$XDG_DATA_HOME/bryo/layers' -mindepth 1 -maxdepth 1 | wc -l)\" = 1 ]"
}

@test "save and load: docker-archive and oci-archive keep the image id" {
	run_bryo pull -q "$NGINX"
	local id=$out format
	for format in docker-archive oci-archive; do
		run_bryo save -q --format "$format" -o "$ENGINE_DIR/i.tar" "$NGINX"
		run_bryo rmi "$NGINX"
		run_bryo load -q -i "$ENGINE_DIR/i.tar"
		assert_match "Loaded image: $NGINX:latest"
		run_bryo images -q --no-trunc "$NGINX"
		assert "sha256:$id"
		run_bryo run --rm "$NGINX" nginx -v
		assert_match "nginx/"
		rm "$ENGINE_DIR/i.tar"
	done
}

@test "save to a pipe, load from one, compressed too" {
	"$BRYO" save -q "$BUSYBOX" | gzip >"$ENGINE_DIR/b.tar.gz"
	run_bryo rmi "$BUSYBOX"
	"$BRYO" load -q <"$ENGINE_DIR/b.tar.gz" >"$ENGINE_DIR/o"
	assert "Loaded image: $BUSYBOX:latest" "$(cat "$ENGINE_DIR/o")"
}

@test "skopeo reads what we save and we load what skopeo writes" {
	run_bryo save -q -o "$ENGINE_DIR/d.tar" "$BUSYBOX"
	skopeo inspect --config "docker-archive:$ENGINE_DIR/d.tar" |
		jq -e '.rootfs.diff_ids | length == 1'
	run_bryo save -q --format oci-archive -o "$ENGINE_DIR/o.tar" "$BUSYBOX"
	skopeo inspect "oci-archive:$ENGINE_DIR/o.tar" | jq -e '.Layers | length == 1'
	local policy=$ENGINE_DIR/policy.json
	echo '{"default":[{"type":"insecureAcceptAnything"}]}' >"$policy"
	skopeo --policy "$policy" copy -q "oci-archive:$ENGINE_DIR/o.tar" \
		"docker-archive:$ENGINE_DIR/s.tar:localhost/skopeo:x"
	run_bryo load -q -i "$ENGINE_DIR/s.tar"
	assert "Loaded image: localhost/skopeo:x"
	run_bryo run --rm skopeo:x echo read
	assert "read"
	run_bryo rmi skopeo:x
}

@test "I14: junk is refused with a reason, nothing changes" {
	run_bryo images -q
	local before=$out
	head -c 10000 /dev/urandom >"$ENGINE_DIR/junk"
	run_bryo -125 load -i "$ENGINE_DIR/junk"
	assert_match "payload does not match any of the supported image formats"
	run_bryo -125 load -i "$ENGINE_DIR/nosuch"
	assert_match "nosuch.*[Nn]o such file"
	run_bryo images -q
	assert "$before"
}

@test "pull policies of run: never names what was typed, missing pulls" {
	run_bryo -125 run --rm --pull=never nosuch true
	assert_match "nosuch.*image not known"
	run_bryo -125 run --rm --pull=bogus "$BUSYBOX" true
	assert_match "unsupported pull policy"
	run_bryo run --rm --pull=always -q "$BUSYBOX" echo pulled
	assert "pulled" "$out"
}

@test "malformed references and unknown tags are one line, 125" {
	run_bryo -125 pull "UPPER/case:x"
	assert_match "^Error: .*UPPER"
	run_bryo -125 pull "a b"
	assert_match "^Error: "
	run_bryo -125 pull "$BUSYBOX@sha256:123"
	assert_match "^Error: .*digest|invalid"
	run_bryo -125 pull -q "$BUSYBOX:nosuch"
	assert_match "Error: .*manifest unknown"
	run_bryo -125 pull -q "localhost:$REGISTRY_PORT/no/such"
	assert_match "Error: "
}

@test "a dead registry is an error within 30 seconds that names it" {
	local port
	port=$(free_port)
	local start=$SECONDS
	BRYO_TIMEOUT=40 run_bryo -125 pull -q "localhost:$port/x"
	assert_match "localhost:$port"
	[ $((SECONDS - start)) -le 30 ]
}

@test "pull by digest, and 20 pulls of one image at once" {
	run_bryo image inspect --format '{{.Digest}}' "$BUSYBOX"
	local digest=$out
	run_bryo pull -q "$BUSYBOX@$digest"
	run_bryo rmi -f "$NGINX" || true
	local i pids=()
	for i in $(seq 20); do
		"$BRYO" pull -q "$NGINX" >"$ENGINE_DIR/pull.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	[ "$(sort -u "$ENGINE_DIR"/pull.* | wc -l)" = 1 ]
	run_bryo run --rm "$NGINX" nginx -v
}
