#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --platform of commands that look at one image; what commit, login, push and
# search take from files, secrets and options.

load helpers

setup_file() {
	engine_setup
	engine_image
	# One index of amd64 and arm64, as an OCI layout
	python3 "$BATS_TEST_DIRNAME/family.py" "$ENGINE_DIR/a.tar" p:amd64 a >/dev/null
	python3 "$BATS_TEST_DIRNAME/family.py" "$ENGINE_DIR/b.tar" p:arm64 b >/dev/null
	"$BRYO" load -q -i "$ENGINE_DIR/a.tar" >/dev/null
	"$BRYO" load -q -i "$ENGINE_DIR/b.tar" >/dev/null
	"$BRYO" manifest create both:1 >/dev/null
	"$BRYO" manifest add both:1 p:amd64 --os linux --arch amd64 >/dev/null
	"$BRYO" manifest add both:1 p:arm64 --os linux --arch arm64 >/dev/null
	export REPO=localhost:$REGISTRY_PORT/surface-$RANDOM
}

@test "--platform: the image has to be for it" {
	local cmd
	for cmd in "image inspect" history "save -q -o $ENGINE_DIR/x.tar"; do
		run_bryo $cmd --platform linux/amd64 p:amd64
		run_bryo -125 $cmd --platform linux/s390x p:amd64
		assert_match "^(\[\]
)?Error: image with reference p:amd64 was found but its platform \(linux/amd64\) does not match the specified platform \(linux/s390x\)$"
		run_bryo -125 $cmd --platform /// p:amd64
		assert_match "invalid platform"
	done
}

@test "--platform: of a manifest list the image for it" {
	local arm
	arm=$("$BRYO" image inspect p:arm64 --format '{{.Id}}')
	run_bryo image inspect --platform linux/arm64 --format '{{.Id}}' both:1
	assert "$arm"
	run_bryo history --platform linux/arm64 --format '{{.CreatedBy}}' both:1
	assert "b"
	run_bryo save -q --platform linux/arm64 -o "$ENGINE_DIR/arm.tar" both:1
	tar xOf "$ENGINE_DIR/arm.tar" manifest.json >"$ENGINE_DIR/manifest.json"
	jq -e '.[0].RepoTags == ["docker.io/library/p:arm64"]' "$ENGINE_DIR/manifest.json"
	jq -e --arg id "$arm" '.[0].Config | contains($id)' "$ENGINE_DIR/manifest.json"
	run_bryo -125 image inspect --platform linux/s390x both:1
	assert_match "Error: both:1: "
}

@test "load --platform chooses from an index" {
	run_bryo manifest push -q --all both:1 "oci:$ENGINE_DIR/layout:both"
	tar cf "$ENGINE_DIR/both.tar" -C "$ENGINE_DIR/layout" .
	local arch by
	for arch in amd64:a arm64:b; do
		by=${arch#*:} arch=${arch%:*}
		run_bryo load -q --platform "linux/$arch" -i "$ENGINE_DIR/both.tar"
		assert_match "^Loaded image: "
		run_bryo history --format '{{.CreatedBy}}' "${out#Loaded image: }"
		assert "$by"
	done
	run_bryo -125 load -q --platform linux/s390x -i "$ENGINE_DIR/both.tar"
	assert_match 's390x'
	run_bryo -125 load -q --platform /// -i "$ENGINE_DIR/both.tar"
	assert_match "invalid platform"
}

@test "commit --config merges a file into the image's config" {
	run_bryo import -q --change 'ENV A=old' --change 'ENV B=kept' \
		--change 'LABEL x=1' --change 'ONBUILD RUN one' \
		--change 'ENTRYPOINT ["/e"]' "$ENGINE_DIR/a.tar" base:1
	run_bryo create --name conf base:1 /bin/x
	cat >"$ENGINE_DIR/config.json" <<-'END'
		{"User": "7:7", "Env": ["A=new", "C=3"], "Cmd": ["/c"],
		 "Entrypoint": [], "Labels": {"y": "2"}, "OnBuild": ["RUN two"],
		 "ExposedPorts": {"80/tcp": {}}, "Hostname": "ignored"}
	END
	run_bryo commit -q --config "$ENGINE_DIR/config.json" \
		--change 'LABEL y=change' conf conf:1
	run_bryo image inspect conf:1
	jq -e '.[0].Config | .User == "7:7" and .Cmd == ["/c"] and
		.Entrypoint == ["/e"] and .Labels == {"x": "1", "y": "change"} and
		.OnBuild == ["RUN one", "RUN two"] and
		.ExposedPorts == {"80/tcp": {}} and (has("Hostname") | not)' <<<"$out"
	jq -e '.[0].Config.Env | contains(["A=new", "B=kept", "C=3"]) and
		(contains(["A=old"]) | not)' <<<"$out"
	echo '{"Cmd": "text"}' >"$ENGINE_DIR/config.json"
	run_bryo -125 commit -q --config "$ENGINE_DIR/config.json" conf conf:2
	assert_match "field Cmd is not of the type"
	echo '[]' >"$ENGINE_DIR/config.json"
	run_bryo -125 commit -q --config "$ENGINE_DIR/config.json" conf conf:2
	assert_match "not a JSON object"
	run_bryo -125 commit -q --config /nonexistent conf conf:2
	assert "Error: read /nonexistent: no such file or directory"
	run_bryo rm conf
	run_bryo rmi conf:1 base:1
}

@test "--disable-content-trust is taken, there is no content trust" {
	run_bryo pull -q --disable-content-trust "$BUSYBOX"
	run_bryo push -q --disable-content-trust "$BUSYBOX" "$REPO/trust"
	run_bryo push -q --disable-content-trust=false "$BUSYBOX" "$REPO/trust"
}

@test "login --secret: password and user from a secret" {
	printf 'sesame' | "$BRYO" secret create joe -
	# A registry that asks for nothing takes every password
	run_bryo login --secret joe "localhost:$REGISTRY_PORT"
	assert "Login Succeeded!"
	run_bryo login --get-login "localhost:$REGISTRY_PORT"
	assert "joe"
	jq -e --arg h "localhost:$REGISTRY_PORT" \
		'.auths[$h].auth | @base64d == "joe:sesame"' \
		"$XDG_RUNTIME_DIR/containers/auth.json"
	run_bryo login --secret joe -u ann "localhost:$REGISTRY_PORT"
	run_bryo login --get-login "localhost:$REGISTRY_PORT"
	assert "ann"
	run_bryo logout "localhost:$REGISTRY_PORT"
	run_bryo -125 login --secret nosuch "localhost:$REGISTRY_PORT"
	assert_match 'no secret with name or id "nosuch"'
	run_bryo -125 login --secret joe -p x "localhost:$REGISTRY_PORT"
	assert_match "can't specify --secret together with"
	run_bryo secret rm joe
}

@test "manifest push --compression-format converts the members" {
	run_bryo manifest push -q --all --compression-format zstd both:1 "oci:$ENGINE_DIR/zstd:both"
	local d=$ENGINE_DIR/zstd index member
	index=$(jq -r '.manifests[0].digest' "$d/index.json")
	for member in $(jq -r '.manifests[].digest' "$d/blobs/${index/://}"); do
		jq -e '.layers | all(.mediaType | endswith("+zstd"))' "$d/blobs/${member/://}"
	done
	run_bryo -125 manifest push -q --compression-level -1 both:1 "oci:$ENGINE_DIR/z2:x"
	assert_match "invalid compression level"
}

@test "search --list-tags: short names, and podman's form of JSON" {
	run_bryo push -q "$BUSYBOX" "$REPO/tags:one"
	run_bryo push -q "$BUSYBOX" "$REPO/tags:two"
	run_bryo search --list-tags --format json "$REPO/tags"
	jq -e --arg n "$REPO/tags" '. == [{"Name": $n, "Tags": ["one", "two"]}]' <<<"$out"
	printf 'unqualified-search-registries = ["localhost:%s"]\n' \
		"$REGISTRY_PORT" >"$ENGINE_DIR/registries.conf"
	export CONTAINERS_REGISTRIES_CONF=$ENGINE_DIR/registries.conf
	run_bryo search --list-tags --format '{{.Name}} {{.Tag}}' "${REPO#*/}/tags"
	assert "$REPO/tags one
$REPO/tags two"
	run_bryo search nothing-has-this-name
	assert ""
	run_bryo search --format json nothing-has-this-name
	jq -e '. == []' <<<"$out"
	unset CONTAINERS_REGISTRIES_CONF
}
