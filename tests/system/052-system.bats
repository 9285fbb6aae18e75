#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# system df, prune, reset.

load helpers

data() {
	echo "$XDG_DATA_HOME/bryo"
}

# disk space as du counts it, of directories of the store
du_of() {
	(cd "$(data)" && "$BATS_TEST_DIRNAME/../setup/in-userns.py" \
		du -sc --block-size=1 "$@" | tail -1 | cut -f1)
}

raw() {
	"$BRYO" system df --format '{{.Type}} {{.RawSize}}' | sed -n "s/^$1 //p"
}

@test "I20: system df has three rows and podman's fields" {
	run_bryo system df
	assert_match $'^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE\nImages +1 +0 +' "$out"
	assert_match $'\nContainers +0 +0 +0B +0B \(0%\)\nLocal Volumes +0 +0 +0B +0B \(0%\)$' "$out"
	run_bryo system df --format json
	python3 - "$out" <<-'END'
		import json, sys
		rows = json.loads(sys.argv[1])
		assert [r["Type"] for r in rows] == ["Images", "Containers", "Local Volumes"]
		for r in rows:
		    assert {"Total", "Active", "Size", "Reclaimable", "RawSize",
		            "RawReclaimable", "TotalCount"} <= set(r), r
		assert rows[0]["RawSize"] == rows[0]["RawReclaimable"] > 1000000
	END
	run_bryo -125 system df -v --format json
	assert_match 'cannot combine --format and --verbose' "$errs"
}

@test "system df adds up to what du says" {
	"$BRYO" run --name big --network none -v vol:/v "$BUSYBOX" sh -c \
		'head -c 3000000 /dev/zero | tr "\0" x >/big; cp /big /v/a; ln /v/a /v/b'
	"$BRYO" commit -q big derived >/dev/null
	local dirs
	dirs=$(stat -c '%b' "$(data)/layers" "$(data)/blobs" "$(data)/blobs/sha256" \
		"$(data)/partial" | awk '{ n += $1 * 512 } END { print n }')
	assert $(($(du_of layers blobs partial) - dirs)) "$(raw Images)"
	assert "$(du_of "containers/$("$BRYO" ps -aq --no-trunc)")" "$(raw Containers)"
	assert "$(du_of volumes/vol)" "$(raw 'Local Volumes')"
	[ "$(raw 'Local Volumes')" -lt 4000000 ]
}

@test "system df -v: what images share and what is theirs" {
	run_bryo system df -v
	assert_match 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS' "$out"
	assert_match 'localhost/derived +latest .* 3\.[0-9]+MB +[67]\.[0-9]+MB +0' "$out"
	assert_match $'CONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE' "$out"
	assert_match ' 1 +3\.[0-9]+MB .* big' "$out"
	assert_match $'VOLUME NAME +LINKS +SIZE\nvol +1 +3\.[0-9]+MB' "$out"
	assert_no_match '-[0-9]' "$out"
}

@test "system prune: stopped containers and dangling images, and tells the space" {
	"$BRYO" run -d --name runs --network none "$BUSYBOX" sleep 1000
	"$BRYO" commit -q big old >/dev/null
	"$BRYO" commit -q -c 'ENV X=1' big old >/dev/null
	local before
	before=$(du_of layers blobs containers volumes)
	run_bryo system prune --dry-run
	assert_match 'Would delete Containers' "$out"
	assert "$before" "$(du_of layers blobs containers volumes)"
	run bash -c 'echo n | "$BRYO" system prune'
	assert_match 'WARNING! This command removes:' "$output"
	run_bryo ps -a --format '{{.Names}}'
	assert_match big "$out"
	run_bryo system prune -f
	assert_match $'Deleted Containers\n[0-9a-f]{64}\nDeleted Images\n[0-9a-f]{64}\nTotal reclaimed space: 3\.[0-9]+MB' "$out"
	run_bryo ps -a --format '{{.Names}}'
	assert runs
	run_bryo volume ls -q
	assert vol
	run_bryo images --format '{{.Repository}}'
	assert_match localhost/derived "$out"
}

@test "system prune -a --volumes leaves what a running container needs" {
	run_bryo system prune -f -a --volumes
	assert_match $'Deleted Volumes\nvol\n' "$out"
	run_bryo images --format '{{.Repository}}'
	assert "${BUSYBOX%:*}${BUSYBOX#"${BUSYBOX%:*}"}" "$out"
	run_bryo volume ls -q
	assert ""
	run_bryo exec runs echo alive
	assert alive
	run_bryo system prune -f
	assert "Total reclaimed space: 0B"
}

@test "system prune --filter label keeps the rest" {
	run_bryo create --name has -l keep=no "$BUSYBOX" true
	run_bryo create --name hasnot "$BUSYBOX" true
	run_bryo system prune -f --filter label=keep=no
	run_bryo ps -a --format '{{.Names}}'
	assert_match hasnot "$out"
	assert_no_match $'(^|\n)has($|\n)' "$out"
	run_bryo rm hasnot
	run_bryo -125 system prune -f --filter nonsense=1
}

@test "system prune --external: layers and downloads that no image has" {
	head -c 1000 /dev/urandom >"$ENGINE_DIR/x"
	local hex
	hex=$(sha256sum <"$ENGINE_DIR/x" | cut -d' ' -f1)
	cp "$ENGINE_DIR/x" "$(data)/blobs/sha256/$hex"
	mkdir -p "$(data)/layers/$hex/diff"
	: >"$(data)/partial/$hex"
	run_bryo system prune --external --dry-run
	assert_match "layer $hex" "$out"
	assert_match "download $hex" "$out"
	[ -e "$(data)/blobs/sha256/$hex" ]
	run_bryo system prune --external -f
	assert_match "blob $hex" "$out"
	[ ! -e "$(data)/blobs/sha256/$hex" ] && [ ! -e "$(data)/layers/$hex" ] &&
		[ ! -e "$(data)/partial/$hex" ]
	run_bryo exec runs true
	run_bryo -125 system prune --external -a -f
	run_bryo -125 system prune --external --build -f
}

@test "image prune --build-cache and --external, system prune --build: leftovers, too" {
	local hex argv
	hex=$(printf left | sha256sum | cut -d' ' -f1)
	for argv in "image prune --build-cache" "image prune --external" \
		"system prune --build"; do
		printf left >"$(data)/blobs/sha256/$hex"
		run_bryo ${argv/--*/} -f
		[ -e "$(data)/blobs/sha256/$hex" ]
		run_bryo $argv --dry-run
		assert_match "blob $hex" "$out"
		[ -e "$(data)/blobs/sha256/$hex" ]
		run_bryo $argv -f
		assert_match "blob $hex" "$out"
		[ ! -e "$(data)/blobs/sha256/$hex" ]
	done
	run_bryo exec runs true
}

@test "system reset removes everything, running containers too" {
	run_bryo volume create named
	echo hidden >"$ENGINE_DIR/hidden"
	run_bryo secret create sec "$ENGINE_DIR/hidden"
	run bash -c 'echo n | "$BRYO" system reset'
	run_bryo exec runs true
	BRYO_TIMEOUT=100 run_bryo system reset -f
	run_bryo ps -aq
	assert ""
	run_bryo images -qa
	assert ""
	run_bryo volume ls -q
	assert ""
	run_bryo secret ls -q
	assert ""
	run bash -c "find '$(data)' -type f -size +0 -printf '%f\n' | grep -v -e '^state.db' -e '^reserve$'"
	assert ""
	trash_is_empty
	# and it goes on from there
	engine_image
	run_bryo run --rm --network none "$BUSYBOX" true
}
