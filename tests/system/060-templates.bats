#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Templates of images, volumes and versions: fields that are empty, fields
# with Go's names, what --format and --quiet do together.

load helpers

setup_file() {
	engine_setup
	engine_image
	# An image that says nothing of itself
	echo hello >"$ENGINE_DIR/file"
	tar cf "$ENGINE_DIR/bare.tar" -C "$ENGINE_DIR" file
	"$BRYO" import -q "$ENGINE_DIR/bare.tar" bare:1 >/dev/null
	python3 "$BATS_TEST_DIRNAME/family.py" "$ENGINE_DIR/steps.tar" \
		steps:1 a -b c >/dev/null
	"$BRYO" load -q -i "$ENGINE_DIR/steps.tar" >/dev/null
}

@test "G15: fields that an image has not set print Go's empty values" {
	run_bryo image inspect bare:1 --format '{{.Config.Cmd}}|{{.Config.Env}}|{{.Config.Labels}}|{{.Config.Entrypoint}}|{{.Config.User}}|{{.Config.ExposedPorts}}|{{.Config.Volumes}}|{{.Config.WorkingDir}}|{{.Config.StopSignal}}'
	assert "[]|[]|map[]|[]||map[]|map[]||"
	run_bryo image inspect bare:1 --format '{{.HealthCheck}}|{{.Labels}}|{{.Annotations}}|{{.Config.Healthcheck}}'
	assert "<nil>|map[]|map[]|<nil>"
	run_bryo image inspect bare:1 --format '{{json .Config.Labels}} {{json .Labels}} {{json .Config.Cmd}}'
	assert "null null null"
	run_bryo image inspect bare:1 --format '{{range $k, $v := .Config.Labels}}x{{else}}none{{end}} {{index .Config.Labels "a"}} {{len .Config.Env}}'
	assert "none  0"
	run_bryo inspect bare:1 --format '{{if .Config.Volumes}}some{{else}}no volumes{{end}}'
	assert "no volumes"
	run_bryo -125 image inspect bare:1 --format '{{.Config.Nope}}'
	assert_match "can't evaluate field Nope"
}

@test "what is there for templates only is not in the JSON" {
	run_bryo image inspect bare:1
	jq -e '.[0].Config == {}' <<<"$out"
	jq -e '.[0] | has("HealthCheck") | not' <<<"$out"
	jq -e '.[0].Annotations == {}' <<<"$out"
	run_bryo image inspect bare:1 --format '{{json .}}'
	jq -e '.Config == {} and (has("HealthCheck") | not)' <<<"$out"
	run_bryo volume create plain
	run_bryo volume inspect plain
	jq -e '.[0] | (has("UID") or has("Status")) | not' <<<"$out"
	run_bryo volume inspect plain --format '{{.UID}} {{.GID}} {{.Status}} {{.Timeout}}'
	assert "0 0 map[] 0"
	run_bryo volume rm plain
}

@test "History of image inspect takes Go's names" {
	run_bryo image inspect steps:1 --format '{{range .History}}{{.CreatedBy}},{{.EmptyLayer}},{{.Comment}};{{end}}'
	assert "a,false,c0;-b,true,c1;c,false,c2;"
	run_bryo image inspect steps:1 --format '{{(index .History 0).Created}}'
	assert "2024-10-11 12:34:56 +0000 UTC"
	run_bryo image inspect steps:1 --format '{{.Comment}}'
	assert "c2"
	run_bryo image inspect steps:1
	jq -e '.[0].History[0] == {"created": "2024-10-11T12:34:56Z",
		"created_by": "a", "comment": "c0"}' <<<"$out"
}

@test "HealthCheck of image inspect, under podman's and docker's name" {
	run_bryo import -q --change 'HEALTHCHECK CMD /bin/true' \
		"$ENGINE_DIR/bare.tar" healthy:1
	run_bryo image inspect healthy:1 --format '{{.HealthCheck.Test}} {{.Config.Healthcheck.Test}}'
	assert "[CMD-SHELL /bin/true] [CMD-SHELL /bin/true]"
	run_bryo image inspect healthy:1
	jq -e '.[0].Healthcheck.Test[0] == "CMD-SHELL"' <<<"$out"
	run_bryo rmi healthy:1
}

@test "images: every field of podman's list" {
	local id
	id=$("$BRYO" image inspect bare:1 --format '{{.Id}}')
	run_bryo images --format '{{.Id}} {{.ID}} {{.Containers}} {{.ParentId}}.{{.SharedSize}} {{.Dangling}} {{.ReadOnly}} {{.IsManifestList}}' bare
	assert "$id ${id:0:12} 0 .0 false false false"
	run_bryo create --name user bare:1 /x
	run_bryo images --format '{{.Containers}} {{.Labels}} {{json .Labels}}' bare
	assert "1 map[] null"
	run_bryo rm user
	run_bryo images --format '{{.VirtualSize}}' bare
	assert_match '^[0-9]+$'
	run_bryo -125 images --filter since=nosuch
	assert 'Error: could not find local image for filter "since"="nosuch": nosuch: image not known'
}

@test "images and history: json beats --quiet, --quiet beats a template" {
	run_bryo images -q --format json bare
	jq -e '.[0].Names == ["localhost/bare:1"]' <<<"$out"
	run_bryo images -q --format '{{.Repository}}' bare
	assert_match '^[0-9a-f]{12}$'
	run_bryo history -q --format json steps:1
	jq -e 'length == 3' <<<"$out"
	run_bryo history -q --format '{{.CreatedBy}}' steps:1
	[ "$(wc -l <<<"$out")" = 3 ]
	assert_no_match "-b"
}

@test "inspect aligns a table and gives it no heads" {
	run_bryo image inspect --format 'table {{.Os}}' bare:1
	assert "linux"
}

@test "P22: version answers for a server too" {
	run_bryo version --format '{{.Server.Version}}'
	local server=$out
	run_bryo version --format '{{.Client.Version}}'
	assert "$server"
	run_bryo version --format json
	jq -e 'keys == ["Client"]' <<<"$out"
}
