#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Plain layers on their way to a registry: where they came from decides.

load helpers

setup_file() {
	engine_setup
	engine_image
}

REG=http://localhost:$REGISTRY_PORT/v2

# manifest NAME: as the registry has it
manifest() {
	curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
		-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' \
		"$REG/$1/manifests/latest"
}

@test "a layer that was loaded plain is pushed compressed" {
	run_bryo save -q -o "$BATS_TEST_TMPDIR/b.tar" "$BUSYBOX"
	run_bryo rmi -fa
	run_bryo load -q -i "$BATS_TEST_TMPDIR/b.tar"
	run_bryo push -q "$BUSYBOX" "localhost:$REGISTRY_PORT/t46c"
	manifest t46c | jq -e '.layers | all(.mediaType | test("gzip"))'
	run_bryo rmi -fa
	run_bryo pull -q "localhost:$REGISTRY_PORT/t46c"
	run_bryo run --rm --network none "localhost:$REGISTRY_PORT/t46c" echo back
	assert back "$out"
}

@test "what was pulled plain is pushed as it came" {
	run_bryo pull -q "$BUSYBOX"
	run_bryo save -q --format oci-dir --uncompressed \
		-o "$BATS_TEST_TMPDIR/plain" "$BUSYBOX"
	python3 "$BATS_TEST_DIRNAME/../images/push.py" "$BATS_TEST_TMPDIR/plain" \
		"localhost:$REGISTRY_PORT/t46d"
	manifest t46d >"$BATS_TEST_TMPDIR/m"
	refute grep -q gzip "$BATS_TEST_TMPDIR/m"
	run_bryo rmi -fa
	run_bryo pull -q "localhost:$REGISTRY_PORT/t46d"
	run_bryo push -q "localhost:$REGISTRY_PORT/t46d" \
		"localhost:$REGISTRY_PORT/t46e"
	manifest t46e | cmp "$BATS_TEST_TMPDIR/m" -
}
