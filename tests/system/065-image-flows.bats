#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a pipeline does with images: made here or elsewhere, put together,
# pushed on.

load helpers

# tarred NAME: an archive of one file, whose content is of this test alone
tarred() {
	mkdir -p "$ENGINE_DIR/$1"
	echo "$1 $$ $RANDOM" >"$ENGINE_DIR/$1/file"
	tar -cf "$ENGINE_DIR/$1.tar" -C "$ENGINE_DIR/$1" file
}

@test "manifest annotate: an entry by the name that it was added by" {
	local repo=localhost:$REGISTRY_PORT/flow-$$ tag
	# two images that other machines pushed; neither is in the store
	for tag in one two; do
		tarred "$tag"
		run_bryo import -q "$ENGINE_DIR/$tag.tar" "$repo:$tag"
		run_bryo push -q "$repo:$tag"
		run_bryo rmi "$repo:$tag"
	done
	run_bryo manifest create "$repo:all" "$repo:one" "$repo:two"
	run_bryo manifest annotate --arch arm64 "$repo:all" "$repo:two"
	run_bryo manifest annotate --arch riscv64 "$repo:all" \
		"docker://$repo:one"
	run_bryo manifest push -q "$repo:all"
	for tag in one:riscv64 two:arm64; do
		run bash -c "skopeo inspect --raw --tls-verify=false docker://$repo:${tag%:*} |
			sha256sum | cut -d' ' -f1"
		local digest=$output
		run bash -c "skopeo inspect --raw --tls-verify=false docker://$repo:all |
			jq -r '.manifests[] | select(.digest == \"sha256:$digest\").platform.architecture'"
		assert "${tag#*:}"
	done
	# only what can be an entry is asked for
	run_bryo -125 manifest annotate --arch x "$repo:all" "$repo-other:one"
	assert "Error: $repo-other:one: image not known"
	run_bryo -125 manifest annotate --arch x "$repo:all" "$repo:nosuch"
	assert_match "$repo:nosuch: manifest unknown"
	run_bryo -125 manifest annotate --arch x "$repo:nolist" "$repo:one"
	assert "Error: $repo:nolist: image not known"
	run_bryo manifest rm "$repo:all"
}

@test "import and commit: a layer that was just made is not skipped" {
	tarred fresh
	run_bryo import "$ENGINE_DIR/fresh.tar" "fresh:$$"
	assert_match "^Copying blob sha256:[0-9a-f]{64}
Copying config" "$errs"
	run_bryo create --name "made-$$" "fresh:$$" none
	run_bryo cp "$ENGINE_DIR/fresh.tar" "made-$$:/more"
	run_bryo commit "made-$$"
	assert_match "^Copying blob sha256:[0-9a-f]{64} skipped: already exists
Copying blob sha256:[0-9a-f]{64}
Copying config" "$errs"
	run_bryo rm "made-$$"
}

@test "push --compress: plain layers are compressed" {
	local dir=$ENGINE_DIR/dir repo=localhost:$REGISTRY_PORT/plain-$$
	run_bryo save -q -o "$ENGINE_DIR/plain.tar" "$BUSYBOX"
	export XDG_DATA_HOME=$ENGINE_DIR/other XDG_RUNTIME_DIR=$ENGINE_DIR/r
	mkdir -m 0700 "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR"
	run_bryo load -q -i "$ENGINE_DIR/plain.tar"
	run_bryo push -q "$BUSYBOX" "dir:$dir"
	jq -e '.layers[0].mediaType | endswith("tar")' "$dir/manifest.json"
	rm -r "$dir"
	run_bryo push -q --compress "$BUSYBOX" "dir:$dir"
	jq -e '.layers[0].mediaType | endswith("gzip")' "$dir/manifest.json"
	local blob
	blob=$(jq -r '.layers[0].digest' "$dir/manifest.json")
	gzip -t <"$dir/${blob#sha256:}"
	assert "${blob#sha256:}" "$(sha256sum <"$dir/${blob#sha256:}" | cut -d' ' -f1)"
	# the format that is named wins
	run_bryo push -q --compress --compression-format zstd "$BUSYBOX" "$repo"
	run bash -c "skopeo inspect --raw --tls-verify=false docker://$repo |
		jq -r '.layers[0].mediaType'"
	assert_match zstd
	run_bryo rmi -fa
}

@test "volume create --driver image: not yet, and what there is instead" {
	run_bryo -125 volume create --driver image -o "image=$BUSYBOX" "iv-$$"
	assert_match "volume driver \"image\" is not supported yet: --mount type=image"
	run_bryo -1 volume exists "iv-$$"
	run_bryo run --rm --mount "type=image,source=$BUSYBOX,target=/mnt" \
		"$BUSYBOX" ls /mnt/bin/busybox
	assert /mnt/bin/busybox
}
