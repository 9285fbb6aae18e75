#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Lists, digests and messages of images as podman's and docker's scripts read
# them.

load helpers

# made NAME STEP...: an image with this history; prints its id
made() {
	python3 "$BATS_TEST_DIRNAME/family.py" "$ENGINE_DIR/made.tar" "$@" >/dev/null
	"$BRYO" load -q -i "$ENGINE_DIR/made.tar" >/dev/null
	"$BRYO" images -q --no-trunc "$1" | cut -d: -f2
}

# both NAME: two platforms under one name of the registry; prints the digest
both() {
	made w:amd64 a >/dev/null
	made w:arm64 b >/dev/null
	"$BRYO" manifest create "l-$$" >/dev/null
	"$BRYO" manifest add "l-$$" w:amd64 --os linux --arch amd64 >/dev/null
	"$BRYO" manifest add "l-$$" w:arm64 --os linux --arch arm64 >/dev/null
	"$BRYO" manifest push --all -q --rm "l-$$" "$1" >/dev/null
	"$BRYO" rmi -f w:amd64 w:arm64 >/dev/null
	skopeo inspect --raw --tls-verify=false "docker://$1" |
		sha256sum | sed 's/^\([0-9a-f]*\).*/sha256:\1/'
}

@test "I7: an image of a list is known by the list's digest, too" {
	local repo=localhost:$REGISTRY_PORT/words-$RANDOM list own
	list=$(both "$repo:1")
	run_bryo pull -q --platform linux/arm64 "$repo:1"
	local id=$out
	run_bryo image inspect --format '{{.Digest}}' "$repo:1"
	own=$out
	refute [ "$own" = "$list" ]
	# the one that suits every machine comes first
	run_bryo image inspect --format '{{.RepoDigests}}' "$repo:1"
	assert "[$repo@$list $repo@$own]"
	run_bryo image exists "$repo@$list"
	run_bryo image exists "$repo@$own"
	run_bryo image inspect --format '{{.Id}}' "words-${repo##*-}@$list"
	assert "$id"
	run_bryo images --digests --format '{{.Digest}}' "$repo"
	assert "$list"
	# no row more for it
	run_bryo pull -q --platform linux/arm64 "$repo@$list"
	run_bryo images -a --format '{{.Repository}}:{{.Tag}}' --filter "id=$id"
	assert "$repo:1"
	run_bryo rmi "$repo@$list"
	assert "Untagged: $repo@$list"
	# other names of the image say nothing about the registry
	run_bryo tag "$repo:1" mine
	run_bryo untag "$repo:1" "$repo:1"
	run_bryo image inspect --format '{{.RepoDigests}}' mine
	assert "[localhost/mine@$own]"
	run_bryo -1 image exists "$repo@$list"
	run_bryo rmi mine
}

@test "I4, I2: images as JSON: parent and names it has had" {
	local base child
	base=$(made p:1 one)
	child=$(made p:2 one two)
	run_bryo tag p:2 q
	run_bryo untag p:2 p:2
	run_bryo images --format json q
	assert "$base [\"localhost/q:latest\",\"docker.io/library/p:2\"]" \
		"$(jq -r '.[0] | "\(.ParentId) \(.History)"' <<<"$out")"
	run_bryo images --format '{{.ParentId}}' q
	assert "$base"
	run_bryo images --format '{{json .}}' q
	assert "$base" "$(jq -r .ParentId <<<"$out")"
	run_bryo images --format '{{.ParentId}}|' p:1
	assert "|"
	run_bryo rmi q p:1
	assert_match "Deleted: $child"
}

@test "images: --digests and --history together; JSON with blanks" {
	run_bryo images --digests --history "$BUSYBOX"
	assert_match "^REPOSITORY +TAG +DIGEST +IMAGE ID +CREATED +SIZE +HISTORY
$BUSYBOX +latest +sha256:[0-9a-f]{64} .* $BUSYBOX:latest"
	run_bryo images --format json
	local plain=$out
	run_bryo images --format ' json '
	assert "$plain"
}

@test "images --digests: each name has the digest of its registry" {
	local repo=localhost:$REGISTRY_PORT/words-$RANDOM first name
	run_bryo push -q "$BUSYBOX" "$repo/oci:1"
	run_bryo push -q --format v2s2 "$BUSYBOX" "$repo/docker:1"
	run_bryo pull -q "$repo/oci:1" "$repo/docker:1"
	for name in oci docker; do
		first=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' \
			"docker://$repo/$name:1")
		run_bryo images --digests --format '{{.Digest}}' "$repo/$name"
		assert "$first"
		run_bryo image exists "$repo/$name@$first"
	done
	run_bryo rmi "$repo/oci:1" "$repo/docker:1"
}

@test "G15: a line that ends itself is not ended twice" {
	local f
	for f in '{{.Tag}}{{"\n"}}' '{{.Tag}}\n' $'{{.Tag}}\n' '{{.Tag}}'; do
		assert "latest." \
			"$("$BRYO" images --format "$f" "$BUSYBOX" | tr '\n' .)"
	done
}

@test "G15: a range over a field is one per row, over . it is one for all" {
	run_bryo tag "$BUSYBOX" a1 a2
	run_bryo images --format '{{range .Names}}<{{.}}>{{end}}' a1
	assert_match '<localhost/a1:latest>'
	assert_match '<localhost/a2:latest>'
	assert 1 "$(wc -l <<<"$out")"
	local f
	for f in '{{range .}}{{.Tag}};{{end}}' '{{ range . }}{{.Tag}};{{end}}' \
		'{{range $i, $e := .}}{{$e.Tag}};{{end}}'; do
		run_bryo images --format "$f" "$BUSYBOX"
		assert "latest;"
		run_bryo images --format "$f" --filter reference='a?'
		assert "latest;latest;"
	done
	run_bryo untag a1 a1 a2
}

@test "I5: a filter's value is looked at without any image, too" {
	local empty=(--root "$ENGINE_DIR/empty" --runroot "$ENGINE_DIR/erun")
	local f
	for f in until=x dangling=x intermediate=x containers=x readonly=x \
		manifest=x since=nosuch before=nosuch after=nosuch; do
		run_bryo -125 "${empty[@]}" images -f "$f"
		run_bryo -125 "${empty[@]}" image prune -f --filter "$f"
	done
	assert 'Error: could not find local image for filter "after"="nosuch": nosuch: image not known'
	run_bryo -125 "${empty[@]}" images -f dangling=x
	assert 'Error: non-boolean value "x" for dangling filter'
	for f in until=1h dangling=1 intermediate=false; do
		run_bryo "${empty[@]}" images -q -f "$f"
		assert ""
	done
}

@test "what a list or a registry does not have is said once" {
	local repo=localhost:$REGISTRY_PORT/words-$RANDOM
	both "$repo:1"
	run_bryo -125 pull -q --platform linux/s390x "$repo:1"
	assert_match "no image found in (image index|manifest list) for architecture \"s390x\""
	run_bryo -125 manifest inspect "$repo:none"
	assert "Error: $repo:none: manifest unknown"
	run_bryo -125 pull -a "$repo-none"
	assert_match "^Error: pull $repo-none: .*not known"
}

@test "I8: pull -a names every tag that it pulls" {
	local repo=localhost:$REGISTRY_PORT/words-$RANDOM
	run_bryo push -q "$BUSYBOX" "$repo:1"
	run_bryo push -q "$BUSYBOX" "$repo:2"
	run_bryo pull -a "$repo"
	assert "Trying to pull $repo:1...
Trying to pull $repo:2..." "$(grep Trying <<<"$errs" | sort)"
	run_bryo rmi "$repo:1" "$repo:2"
}

@test "push to a docker-archive keeps the name of the image" {
	run_bryo push -q "$BUSYBOX" "docker-archive:$ENGINE_DIR/n.tar"
	assert "[[\"$BUSYBOX:latest\"]]" \
		"$(tar xOf "$ENGINE_DIR/n.tar" manifest.json | jq -c 'map(.RepoTags)')"
	run_bryo push -q "$BUSYBOX" "docker-archive:$ENGINE_DIR/o.tar:other/name:5"
	assert '[["docker.io/other/name:5"]]' \
		"$(tar xOf "$ENGINE_DIR/o.tar" manifest.json | jq -c 'map(.RepoTags)')"
}

@test "I14: no archive is read from a terminal" {
	local cmd
	run_bryo volume create tty
	for cmd in load 'load -i -' 'load -i /dev/stdin' 'import - x:1' \
		'import /dev/stdin x:1' 'volume import tty -'; do
		echo "$cmd"
		status=0
		output=$(pty 24 200 "" \
			timeout --foreground 60 "$BRYO" $cmd) || status=$?
		echo "$output"
		assert 125 "$status"
		assert_match "^Error: cannot read from terminal, use command-line redirection or"
	done
}
