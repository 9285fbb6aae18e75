#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Manifest lists: create, add, annotate, inspect, push, rm, remove, exists.

load helpers

setup_file() {
	engine_setup
	engine_image
	# An image of the same content for another machine
	python3 "$BATS_TEST_DIRNAME/family.py" "$ENGINE_DIR/arm.tar" \
		localhost/arm:1 a >/dev/null
	"$BRYO" load -q -i "$ENGINE_DIR/arm.tar" >/dev/null
	export REPO=localhost:$REGISTRY_PORT/lists-$RANDOM
}

setup() {
	local id
	for id in $("$BRYO" images -q --filter manifest=true); do
		"$BRYO" rmi -f "$id" >/dev/null
	done
}

digest_of() {
	"$BRYO" image inspect --format '{{.Digest}}' "$1"
}

inspect() {
	"$BRYO" manifest inspect "$1"
}

@test "manifest create, exists, inspect, rm; images shows lists" {
	run_bryo manifest create one:1
	assert_match '^[0-9a-f]{64}$'
	local id=$out
	run_bryo manifest exists one:1
	run_bryo manifest exists "${id:0:12}"
	assert ""
	run_bryo -1 manifest exists "$BUSYBOX"
	run_bryo -1 manifest exists nosuch
	run_bryo manifest inspect one:1
	jq -e '.schemaVersion == 2 and .manifests == [] and
		.mediaType == "application/vnd.oci.image.index.v1+json"' <<<"$out"
	run_bryo images --format '{{.Repository}}:{{.Tag}} {{.ID}}' --filter manifest=true
	assert "localhost/one:1 ${id:0:12}"
	run_bryo images --filter manifest=false
	assert_no_match "localhost/one"
	run_bryo -125 manifest create one:1
	assert_match "^Error: creating manifest list: that name is already in use"
	run_bryo -125 manifest create "$BUSYBOX"
	assert_match "already in use"
	run_bryo -125 image inspect one:1
	assert_match "is a manifest list"
	run_bryo -125 manifest rm "$BUSYBOX"
	assert_match "image is not a manifest list"
	run_bryo manifest rm one:1
	assert "Untagged: localhost/one:1
Deleted: $id"
	run_bryo -1 manifest rm one:1
	assert_match "one:1: image not known"
	run_bryo manifest rm -i one:1
	assert ""
}

@test "manifest add: images of the store, overrides, annotations" {
	run_bryo manifest create two "$BUSYBOX"
	local id=$out
	run_bryo manifest add --arch arm64 --variant v8 --os linux \
		--os-version 6 --features sse4 --annotation k=v --annotation l=a=b \
		two arm:1
	assert "$id"
	run_bryo manifest inspect two
	jq -e --arg d "$(digest_of "$BUSYBOX")" '.manifests[0].digest == $d and
		.manifests[0].platform.os == "linux"' <<<"$out"
	jq -e --arg d "$(digest_of arm:1)" '.manifests[1] | .digest == $d and
		.platform.architecture == "arm64" and .platform.variant == "v8" and
		.platform."os.version" == "6" and .platform.features == ["sse4"] and
		.annotations == {"k": "v", "l": "a=b"}' <<<"$out"
	# Again: the entry is replaced, the list keeps its id, digests are stable
	run_bryo manifest add --arch arm64 two arm:1
	assert "$id"
	local before
	before=$("$BRYO" images --digests --format '{{.Digest}}' two)
	run_bryo manifest add --arch arm64 two arm:1
	assert "$before" "$("$BRYO" images --digests --format '{{.Digest}}' two)"
	inspect two | jq -e '.manifests | length == 2'
	run_bryo -125 manifest add two nosuch.invalid/x
	run_bryo -125 manifest add two "docker://$REPO:nosuch"
	assert_match "^Error: "
	run_bryo -125 manifest add "$BUSYBOX" arm:1
	assert_match "is not a manifest list"
	run_bryo -125 manifest add --annotation novalue two arm:1
	assert_match 'no value given for annotation "novalue"'
	inspect two | jq -e '.manifests | length == 2'
}

@test "manifest annotate and remove" {
	run_bryo manifest create three "$BUSYBOX" arm:1
	local id=$out d
	d=$(digest_of arm:1)
	run_bryo manifest annotate --arch riscv64 --os-features a,b \
		--annotation x=y three "$d"
	assert "$id"
	inspect three | jq -e --arg d "$d" '.manifests[] | select(.digest == $d) |
		.platform.architecture == "riscv64" and
		.platform."os.features" == ["a", "b"] and .annotations.x == "y"'
	run_bryo manifest annotate --variant v1 three arm:1
	inspect three | jq -e '.manifests[1].platform.variant == "v1"'
	run_bryo manifest annotate --index --annotation of=list three
	inspect three | jq -e '.annotations.of == "list"'
	run_bryo -125 manifest annotate --arch x three "sha256:$id"
	assert_match "no entry of the manifest list has this digest"
	run_bryo -125 manifest annotate three
	assert_match "must be specified"
	run_bryo manifest remove three "$d"
	assert "$id"
	inspect three | jq -e '.manifests | length == 1'
	run_bryo -125 manifest remove three "$d"
	assert_match "no entry"
}

@test "manifest push: what a registry has is pulled for each platform" {
	run_bryo manifest create four "$BUSYBOX"
	run_bryo manifest add --arch arm64 four arm:1
	run_bryo manifest push -q --digestfile "$BATS_TEST_TMPDIR/d" four "docker://$REPO:v1"
	local digest=$out
	assert_match '^sha256:[0-9a-f]{64}$'
	assert "$digest" "$(cat "$BATS_TEST_TMPDIR/d")"
	# arm:1 came with plain layers: what is there has compressed ones
	assert "$digest" "sha256:$(skopeo inspect --tls-verify=false --raw \
		"docker://$REPO:v1" | sha256sum | cut -d' ' -f1)"
	skopeo inspect --tls-verify=false --raw "docker://$REPO:v1" |
		jq -e '[.manifests[].platform.architecture] | contains(["arm64"])'
	skopeo copy --insecure-policy -q --all --src-tls-verify=false "docker://$REPO:v1" \
		"oci:$BATS_TEST_TMPDIR/oci:x"
	run_bryo pull -q "$REPO:v1"
	assert "$("$BRYO" image inspect --format '{{.Id}}' "$BUSYBOX")"
	run_bryo pull -q --platform linux/arm64 "$REPO:v1"
	assert "$("$BRYO" image inspect --format '{{.Id}}' arm:1)"
	run_bryo manifest push -q -f v2s2 --rm four "$REPO:v2"
	skopeo inspect --tls-verify=false --raw "docker://$REPO:v2" |
		jq -e '.mediaType | test("manifest.list.v2")'
	run_bryo -1 manifest exists four
	# A list from the registry, all of it or the image of this machine
	run_bryo manifest create five
	run_bryo manifest add --all five "docker://$REPO:v1"
	inspect five | jq -e '.manifests | length == 2'
	run_bryo manifest create --all --amend five "docker://$REPO:v2"
	inspect five | jq -e '.manifests | length == 2'
	run_bryo manifest create six "docker://$REPO:v1"
	inspect six | jq -e '.manifests | length == 1'
	run_bryo manifest inspect "docker://$REPO:v1"
	jq -e '.manifests | length == 2' <<<"$out"
	run_bryo manifest inspect --insecure "$BUSYBOX"
	jq -e '.layers | length == 1' <<<"$out"
	# Images that are only in a registry are fetched, pushed, and leave again
	run_bryo rmi arm:1 "$REPO:v1"
	local before
	before=$("$BRYO" images -aq | sort)
	run_bryo manifest push -q five "$REPO-copy:v1"
	assert "$before" "$("$BRYO" images -aq | sort)"
	skopeo copy --insecure-policy -q --all --src-tls-verify=false "docker://$REPO-copy:v1" \
		"dir:$BATS_TEST_TMPDIR/dir"
	run_bryo manifest push -q five "oci:$BATS_TEST_TMPDIR/mine:x"
	skopeo copy --insecure-policy -q --all "oci:$BATS_TEST_TMPDIR/mine:x" \
		"dir:$BATS_TEST_TMPDIR/dir2"
	"$BRYO" load -q -i "$ENGINE_DIR/arm.tar" >/dev/null
}

@test "run of a manifest list takes the image of this machine" {
	run_bryo manifest create seven
	run_bryo manifest add --arch arm64 seven arm:1
	run_bryo -125 run --rm seven true
	assert_match "^Error: "
	run_bryo manifest add seven "$BUSYBOX"
	run_bryo run --rm seven echo of the list
	assert "of the list"
}

@test "a list that is changed after its row was read is read again" {
	run_bryo manifest create moving "$BUSYBOX"
	local blob
	blob=$("$BRYO" images --digests --format '{{.Digest}}' moving | cut -d: -f2)
	strace -qq -P "$blob" -e inject=openat:delay_enter=3000000 \
		-o "$BATS_TEST_TMPDIR/trace" "$BRYO" manifest inspect moving \
		3>&- >"$BATS_TEST_TMPDIR/out" &
	wait_until 10 grep -q "$blob" "$BATS_TEST_TMPDIR/trace"
	run_bryo manifest add moving arm:1
	wait $!
	jq -e '.manifests | length == 2' "$BATS_TEST_TMPDIR/out"
}

@test "20 additions to one list at once" {
	run_bryo manifest create many
	local i pids=()
	for i in $(seq 20); do
		"$BATS_TEST_DIRNAME/family.py" "$BATS_TEST_TMPDIR/$i.tar" "m:$i" "s$i" >/dev/null
		"$BRYO" load -q -i "$BATS_TEST_TMPDIR/$i.tar" >/dev/null
	done
	for i in $(seq 20); do
		"$BRYO" manifest add many "m:$i" >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
	inspect many | jq -e '.manifests | length == 20'
	# The indexes before the last one are gone
	local blobs
	blobs=$(grep -rl image.index "$XDG_DATA_HOME/bryo/blobs/sha256" | wc -l)
	assert 1 "$blobs"
}

@test "manifest inspect -v: each manifest with its descriptor, here or remote" {
	run_bryo manifest create all
	run_bryo manifest add all "$BUSYBOX"
	run_bryo manifest add --arch arm64 all arm:1
	run_bryo manifest inspect -v all
	jq -e 'length == 2 and (map(.Descriptor.platform.architecture) | sort) == ["amd64", "arm64"] and
		all(.[]; (.OCIManifest // .SchemaV2Manifest).layers)' <<<"$out"
	assert_match "\"Ref\": \"localhost/arm:1@$(digest_of arm:1)\""
	run_bryo manifest push -q --all all "docker://$REPO:verbose"
	run_bryo manifest inspect --verbose "docker://$REPO:verbose"
	jq -e --arg d "$(digest_of "$BUSYBOX")" 'length == 2 and
		any(.[]; .Descriptor.digest == $d and (.Ref | endswith("@" + $d)))' <<<"$out"
	# what is no list is one object
	run_bryo manifest inspect -v "docker://$REPO@$(digest_of "$BUSYBOX")"
	jq -e --arg d "$(digest_of "$BUSYBOX")" '.Descriptor.digest == $d and
		.Descriptor.platform.os == "linux"' <<<"$out"
	run_bryo -125 manifest inspect -v "docker://$REPO:nosuch"
}

@test "images --tree: the platforms below each name" {
	run_bryo manifest create wood
	run_bryo manifest add wood "$BUSYBOX"
	run_bryo manifest add --arch arm64 --variant v8 wood arm:1
	run_bryo images --tree wood
	assert_match "^IMAGE +ID +DISK USAGE"
	assert_match $'\nlocalhost/wood:latest +[0-9a-f]{12}'
	assert_match "├─ linux/amd64 +[0-9a-f]{12} +[0-9.]+ MB"
	assert_match "└─ linux/arm64/v8 +[0-9a-f]{12} +[0-9.]+ k?B"
	run_bryo images --tree --noheading arm:1
	assert_match "^localhost/arm:1 +[0-9a-f]{12} .*"$'\n'"└─ linux/"
	run_bryo -125 images --tree -q
	assert "Error: tree and quiet are mutually exclusive"
	run_bryo -125 images --tree --format json
	assert "Error: tree and format are mutually exclusive"
}
