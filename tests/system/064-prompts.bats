#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Commands that ask before they remove, and the values of image filters.

load helpers

@test "prunes and reset: nobody answers, nothing goes, and it is an error" {
	local cmd
	run_bryo create --name "ended-$$" "$BUSYBOX"
	run_bryo volume create "idle-$$"
	for cmd in "container prune" "image prune -a" "volume prune -a" \
		"system prune" "system reset"; do
		# shellcheck disable=SC2086
		run_bryo -125 $cmd </dev/null
		assert_match "continue[?] [[]y/N[]] "
		assert_match "Error: EOF on stdin instead of an answer: --force"
		run_bryo container exists "ended-$$"
		run_bryo volume exists "idle-$$"
		# an answer that is no yes is none of ours to judge
		# shellcheck disable=SC2086
		run_bryo $cmd <<<"no"
		run_bryo container exists "ended-$$"
	done
	# a last line without its end is an answer, too
	printf y >"$ENGINE_DIR/y"
	run_bryo container prune <"$ENGINE_DIR/y"
	run_bryo -1 container exists "ended-$$"
	run_bryo volume rm "idle-$$"
}

@test "prunes: where there is nothing to ask, no answer is needed" {
	run_bryo volume prune </dev/null
	assert_match "No dangling anonymous volumes found"
	run_bryo image prune --dry-run </dev/null
	run_bryo system prune --dry-run </dev/null
	run_bryo container prune -f </dev/null
}

@test "system prune: the heading of a dry run says that nothing went" {
	run_bryo create "$BUSYBOX"
	local id=$out
	run_bryo system prune --dry-run
	assert_match "^Would delete Containers
$id"
	assert_no_match Deleted
	run_bryo system prune -f
	assert_match "^Deleted Containers
$id"
}

@test "images: an image in before and since is looked for once, with its name" {
	local key
	run_bryo images -q --filter "reference=$BUSYBOX"
	local id=$out
	for key in before since after before! since!; do
		run_bryo -125 images --filter "$key=nosuch-$$"
		assert_match "could not find local image for filter \"${key%!}\"=\"nosuch-$$\": "
	done
	run_bryo images -q --filter "before=$id" --filter "reference=$BUSYBOX"
	assert ""
	run_bryo images -q --filter "before!=$id" --filter "reference=$BUSYBOX"
	assert "$id"
	run_bryo images -q --filter "since!=$id" --filter "until=1s" \
		--filter "dangling=false" --filter "reference=$BUSYBOX"
	assert "$id"
	# no image has to be there for a value to be judged
	run_bryo -125 images --filter until=whenever nosuch
	assert_match "invalid time \"whenever\" in filter \"until\""
	run_bryo -125 images --filter dangling=maybe nosuch
	assert_match "non-boolean value \"maybe\" for dangling filter"
}
