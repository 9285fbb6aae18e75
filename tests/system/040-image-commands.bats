#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# untag, history, image exists, tree, prune; rmi, tag and images in depth.

load helpers

setup_file() {
	engine_setup
}

setup() {
	"$BRYO" rmi -fa >/dev/null
}

# family NAME STEP...: an image with that history; its id
family() {
	local id
	id=$("$BATS_TEST_DIRNAME/family.py" "$ENGINE_DIR/family.tar" "$@")
	"$BRYO" load -q -i "$ENGINE_DIR/family.tar" >/dev/null
	echo "$id"
}

ids() {
	"$BRYO" images -aq --no-trunc | sed 's/sha256://' | sort | tr '\n' ' '
}

@test "I1: the headings of an empty store" {
	run_bryo images
	assert "REPOSITORY  TAG         IMAGE ID    CREATED     SIZE"
	run_bryo images -q
	assert ""
	run_bryo images --format json
	assert "[]"
}

@test "I11: untag drops all names, or those that are given" {
	family one:1 a >/dev/null
	run_bryo tag one:1 two three:3
	run_bryo untag one:1 three:3
	assert ""
	run_bryo image inspect --format '{{.RepoTags}}' one:1
	assert "[localhost/two:latest docker.io/library/one:1]"
	run_bryo -125 untag one:1 nosuch
	assert "Error: localhost/nosuch:latest: tag not known"
	local id
	id=$("$BRYO" images -q --no-trunc one:1)
	run_bryo untag one:1
	run_bryo image inspect --format '{{.RepoTags}} {{json .RepoTags}}' "$id"
	assert "[] []"
	run_bryo -125 untag one:1
	assert_match "one:1: image not known"
}

@test "I4: the names that an image has had, newest first" {
	local id
	id=$(family one:1 a)
	run_bryo tag one:1 two
	run_bryo untag one:1 one:1
	run_bryo tag "$id" three
	run_bryo images --format '{{.History}}' localhost/two
	assert "localhost/three:latest, localhost/two:latest, docker.io/library/one:1"
	run_bryo untag "$id"
	run_bryo images --format '{{.History}}' "$id"
	assert_match "docker.io/library/one:1"
	assert_match "localhost/three:latest"
}

@test "image exists is an exit code" {
	local id
	id=$(family one:1 a)
	run_bryo image exists one:1
	run_bryo image exists "${id:0:12}"
	assert ""
	run_bryo -1 image exists nosuch
	assert ""
}

@test "I13: history, the newest first" {
	local id
	id=$(family one:1 a -b "RUN c, which is a long command that does not fit")
	run_bryo history one:1
	assert_match "^ID +CREATED +CREATED BY +SIZE +COMMENT"
	run_bryo history --format '{{.ID}}|{{.Tags}}|{{.CreatedBy}}|{{.Comment}}' one:1
	assert "${id:0:12}|[docker.io/library/one:1]|RUN c, which is a long command that does n...|c2
<missing>|[]|-b|c1
<missing>|[]|a|c0"
	run_bryo history -q --no-trunc one:1
	assert "$id
<missing>
<missing>"
	run_bryo history --no-trunc --human=false --format '{{.Created}} {{.Size}} {{.CreatedBy}}' one:1
	assert "2024-10-13T12:34:56Z 4800 RUN c, which is a long command that does not fit
2024-10-12T12:34:56Z 0 -b
2024-10-11T12:34:56Z 100 a"
	run_bryo history -H --format '{{.Created}}/{{.Size}}' one:1
	assert_match "^[0-9]+ (months|years) ago/4.8 kB"
	run_bryo history --format json one:1
	jq -e '[.[] | .id, .created, .size] | length == 9' <<<"$out"
	jq -e '.[0].id == "'"$id"'" and .[2].size == 100' <<<"$out"
	run_bryo -125 history nosuch
	assert "Error: nosuch: image not known"
	# The image that an earlier step made is here
	local parent
	parent=$(family base:1 a)
	run_bryo history --format '{{.ID}} {{.Tags}}' one:1
	assert "${parent:0:12} [docker.io/library/base:1]" "$(tail -1 <<<"$out")"
}

@test "I18: image tree, and what needs an image" {
	family base:1 a >/dev/null
	family mid:1 a b >/dev/null
	family left:1 a b c >/dev/null
	family right:1 a b d >/dev/null
	run_bryo image tree mid:1
	assert_match "^Image ID: [0-9a-f]{12}
Tags:     \[docker.io/library/mid:1\]
Size:     200B
Image Layers
├── ID: [0-9a-f]{12} Size: 100B Top Layer of: \[docker.io/library/base:1\]
└── ID: [0-9a-f]{12} Size: 100B Top Layer of: \[docker.io/library/mid:1\]$"
	run_bryo image tree --whatrequires base:1
	assert_match "└── ID: [0-9a-f]{12} Size: 100B Top Layer of: \[docker.io/library/base:1\]
    └── ID: [0-9a-f]{12} Size: 100B Top Layer of: \[docker.io/library/mid:1\]
        ├── ID: [0-9a-f]{12} Size: 100B Top Layer of: \[docker.io/library/(left|right):1\]
        └── ID: [0-9a-f]{12} Size: 100B Top Layer of: \[docker.io/library/(left|right):1\]$"
}

@test "I9: rmi takes untagged parents along, --no-prune does not" {
	local base mid top other
	base=$(family "" a)
	mid=$(family "" a b)
	top=$(family top:1 a b c)
	run_bryo images -q
	assert "${top:0:12}"
	run_bryo images -aq
	assert "${top:0:12}
${mid:0:12}
${base:0:12}"
	run_bryo rmi --dry-run top:1
	assert "Untagged: docker.io/library/top:1
Deleted: $top
Deleted: $mid
Deleted: $base"
	assert "$(printf '%s\n' "$base" "$mid" "$top" | sort | tr '\n' ' ')" "$(ids)"
	run_bryo rmi --no-prune top:1
	assert "Untagged: docker.io/library/top:1
Deleted: $top"
	top=$(family top:1 a b c)
	other=$(family other:1 a d)
	# The base has another child: it stays
	run_bryo rmi top:1
	assert "Untagged: docker.io/library/top:1
Deleted: $top
Deleted: $mid"
	run_bryo rmi "$other"
	assert "Untagged: docker.io/library/other:1
Deleted: $other
Deleted: $base"
	assert "" "$(ids)"
}

@test "I9: a parent that has a name or a container stays" {
	local base top
	base=$(family base:1 a)
	top=$(family top:1 a b)
	run_bryo rmi top:1
	assert_no_match "$base"
	top=$(family top:1 a b)
	run_bryo untag base:1
	run_bryo create --name user "$base"
	run_bryo rmi top:1
	assert_no_match "Deleted: $base"
	run_bryo rm user
	run_bryo rmi "$base"
	assert "Deleted: $base"
}

@test "rmi: exit codes of several arguments, ids with several names" {
	local id
	id=$(family one:1 a)
	run_bryo tag one:1 two
	run_bryo -125 rmi "$id"
	assert_match "^Error: unable to delete image \"$id\" by ID with more than one tag"
	run_bryo create --name user two
	run_bryo rmi -f --dry-run nosuch two
	assert "Untagged: localhost/two:latest"
	run_bryo -2 rmi --dry-run -a
	assert_match "image is in use by a container"
	run_bryo rmi -f --dry-run "$id"
	assert_match "Deleted: $id"
	run_bryo container exists user
	run_bryo -2 rmi nosuch one:1 "$id" two
	assert_match "Untagged: docker.io/library/one:1"
	assert_match "Error: nosuch: image not known"
	run_bryo rm user
	run_bryo -1 rmi nosuch two
	assert_match "Deleted: $id"
}

@test "image prune: what has no name; with -a what has no container" {
	local base mid dangling used
	base=$(family base:1 a)
	dangling=$(family "" x y)
	used=$(family used:1 u)
	mid=$(family "" a b)
	run_bryo create --name user used:1
	run_bryo image prune <<<n
	assert_match "WARNING! This command removes all dangling images."
	assert_match "$dangling" "$(ids)"
	run_bryo image prune --dry-run
	assert "$(printf '%s\n' "$dangling" "$mid" | sort)" "$(sort <<<"$out")"
	run_bryo image prune -f --filter until=2024-10-01
	assert ""
	run_bryo image prune -f
	assert "$(printf '%s\n' "$dangling" "$mid" | sort)" "$(sort <<<"$out")"
	run_bryo image prune -a -f --filter label=none
	assert ""
	run_bryo image prune -a -f
	assert "$base"
	assert "$used " "$(ids)"
	run_bryo rm user
	run_bryo image prune -a -f
	assert "$used"
}

@test "image prune: filters" {
	family old:1 a >/dev/null
	family keep:1 b label:keep=yes >/dev/null
	run_bryo image prune -a --dry-run --filter label!=keep
	assert "$("$BRYO" images -q --no-trunc old:1 | cut -d: -f2)"
	run_bryo image prune -a --dry-run --filter label=keep=yes
	assert "$("$BRYO" images -q --no-trunc keep:1 | cut -d: -f2)"
	run_bryo image prune -a --dry-run --filter until=2024-10-12
	assert "$("$BRYO" images -q --no-trunc old:1 | cut -d: -f2)"
	run_bryo -125 image prune -f --filter nosuch=1
	assert_match "^Error: .*nosuch"
}

@test "I5: filters by time, label, id, reference, containers" {
	family a:1 a >/dev/null
	family b:2 b label:k=v >/dev/null
	family c:3 c d e >/dev/null
	local f='{{.Repository}}'
	local lib=docker.io/library
	run_bryo images --format "$f" -f since=a:1 -f before=c:3
	assert "$lib/b"
	run_bryo images --format "$f" -f after=b:2
	assert "$lib/c"
	run_bryo images --format "$f" -f until=2024-10-12T00:00:00Z
	assert "$lib/a"
	run_bryo images --format "$f" -f label=k
	assert "$lib/b"
	run_bryo images --format "$f" -f label!=k
	assert "$lib/c
$lib/a"
	run_bryo images --format "$f" -f 'reference=*:2'
	assert "$lib/b"
	run_bryo images --format "$f" -f "id=$("$BRYO" images -q c:3)"
	assert "$lib/c"
	run_bryo create --name user b:2
	run_bryo images --format "$f" -f containers=true
	assert "$lib/b"
	run_bryo images --format "$f" -f readonly=true
	assert ""
	run_bryo images --format "$f" -f intermediate=true
	assert ""
	run_bryo -125 images -f dangling=perhaps
	assert_match "non-boolean value"
	run_bryo -125 images -f before=nosuch
	assert_match "nosuch: image not known"
	run_bryo rm user
}

@test "I6: sorting, I3: times" {
	family b:2 a >/dev/null
	family b:1 a b >/dev/null
	family a:9 a b c >/dev/null
	local f='{{.Repository}}:{{.Tag}}' lib=docker.io/library
	run_bryo images --sort repository --format "$f"
	assert "$lib/a:9
$lib/b:1
$lib/b:2"
	run_bryo images --sort tag --format "{{.Tag}}"
	assert "1
2
9"
	run_bryo images --sort size --format "{{.Tag}}"
	assert "2
1
9"
	run_bryo -125 images --sort nosuch
	assert_match "is not a valid field for sorting"
	run_bryo images --format '{{.CreatedAt}}' b:2
	assert "2024-10-11 12:34:56 +0000 UTC"
	run_bryo images --format '{{.CreatedSince}}' b:2
	assert_match " ago$"
	run_bryo images --format 'table {{.Tag}} {{.Repository}}' b
	assert_match "^TAG +REPOSITORY"
}

@test "I10: a short name finds any registry's image; localhost wins" {
	local id
	id=$(family quay.io/libpod/testimage:latest a)
	run_bryo image inspect --format '{{.Id}}' testimage
	assert "$id"
	run_bryo tag testimage other:5
	run_bryo images --format '{{.Repository}}:{{.Tag}}' other
	assert "localhost/other:5"
	run_bryo -125 tag testimage Upper/Case
	assert_match "^Error: .*Upper/Case"
	run_bryo -125 tag testimage "x@sha256:$id"
	assert_match "^Error: "
	family quay.io/libpod/second:1 b >/dev/null
	run_bryo tag quay.io/libpod/second:1 testimage
	run_bryo image inspect --format '{{.RepoTags}}' testimage
	assert_match "second"
}

@test "events of images; a dry run has none" {
	local start
	start=$(date +%s.%N)
	family one:1 a >/dev/null
	run_bryo tag one:1 two
	run_bryo rmi --dry-run two
	run_bryo image prune -a --dry-run
	run_bryo untag one:1 two
	run_bryo save -q -o "$ENGINE_DIR/saved.tar" one:1
	run_bryo rmi one:1
	run_bryo events --stream=false --since "$start" --format '{{.Status}}'
	assert "$(printf '%s\n' loadfromarchive tag untag save untag remove)"
}

@test "image inspect names the parent" {
	local base
	base=$(family base:1 a)
	family mid:1 a -b >/dev/null
	run_bryo image inspect --format '{{.Parent}}' mid:1
	assert "$base"
	run_bryo image inspect --format '{{json .Parent}}' base:1
	assert '""'
}
