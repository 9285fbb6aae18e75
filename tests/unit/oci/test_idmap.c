/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "libpod/oci/idmap.h"
#include "util/cleanup.h"

/* Each row is one range offered to a map that already holds 0:1000:1. */
static const struct {
	const char *name;
	struct idmap_range range;
	int want;
} add_cases[] = {
	{ "next to it", { 1, 100000, 65536 }, 0 },
	{ "inside overlaps", { 0, 200000, 1 }, EEXIST },
	{ "outside overlaps", { 1, 999, 2 }, EEXIST },
	{ "around it", { 5, 900, 200 }, EEXIST },
	{ "empty", { 1, 100000, 0 }, ERANGE },
	{ "reaches (uid_t)-1", { 1, UINT32_MAX, 1 }, ERANGE },
	{ "wraps", { 1, 100000, UINT32_MAX }, ERANGE },
	{ "the last id there is", { 1, UINT32_MAX - 1, 1 }, 0 },
};

static void test_add(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(add_cases); i++) {
		struct idmap map = { .range = { { 0, 1000, 1 } }, .n = 1 };

		print_message("case: %s\n", add_cases[i].name);
		if (add_cases[i].want) {
			assert_fails(idmap_add(&map, add_cases[i].range, err),
				     add_cases[i].want);
			assert_int_equal(map.n, 1);
		} else {
			assert_ok(idmap_add(&map, add_cases[i].range, err));
			assert_int_equal(map.n, 2);
		}
	}
}

static void test_full(void **state unused_attr)
{
	struct idmap map = { .n = 0 };

	for (uint32_t i = 0; i < IDMAP_MAX; i++)
		assert_ok(idmap_add(
			&map, (struct idmap_range){ 2 * i, 3 * i, 1 }, err));
	assert_fails(
		idmap_add(&map, (struct idmap_range){ 1000, 1000, 1 }, err),
		E2BIG);
}

static void test_translate(void **state unused_attr)
{
	const struct idmap map = {
		.range = { { 0, 1000, 1 }, { 1, 100000, 65536 } }, .n = 2
	};
	struct idmap same;
	uint32_t id = 7;

	assert_true(idmap_to_outside(&map, 0, &id));
	assert_int_equal(id, 1000);
	assert_true(idmap_to_outside(&map, 33, &id));
	assert_int_equal(id, 100032);
	assert_true(idmap_to_inside(&map, 165535, &id));
	assert_int_equal(id, 65536);
	assert_false(idmap_to_outside(&map, 65537, &id));
	assert_false(idmap_to_inside(&map, 999, &id));
	assert_int_equal(id, 65536);
	assert_true(idmap_has_inside(&map, 65536));
	assert_false(idmap_has_inside(&map, UINT32_MAX));
	assert_int_equal(idmap_count(&map), 65537);
	idmap_identity(&map, &same);
	assert_int_equal(same.n, 2);
	assert_int_equal(same.range[1].inside, 1);
	assert_int_equal(same.range[1].outside, 1);
	assert_int_equal(same.range[1].count, 65536);
}

static void test_read(void **state unused_attr)
{
	struct idmap map;

	assert_ok(idmap_read("/proc/self/uid_map", &map, err));
	assert_true(map.n >= 1);
	assert_fails(idmap_read("/proc/self/nosuch", &map, err), ENOENT);
	assert_fails(idmap_read("/proc/self/status", &map, err), EINVAL);
}

/* What is written is what the kernel wants: one line for each range. */
static void test_write(void **state unused_attr)
{
	const struct idmap map = {
		.range = { { 0, 1000, 1 }, { 1, 100000, 65536 } }, .n = 2
	};
	char dir[] = "/tmp/bryo-idmap.XXXXXX";
	char text[64] = "";

	assert_non_null(mkdtemp(dir));
	autoclose int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int f = openat(at, "uid_map", O_CREAT | O_RDWR | O_CLOEXEC,
				 0600);
	assert_ok(idmap_write(at, "uid_map", &map, err));
	assert_true(read(f, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "0 1000 1\n1 100000 65536\n");
	assert_fails(idmap_write(at, "gid_map", &map, err), ENOENT);
	unlinkat(at, "uid_map", 0);
	rmdir(dir);
}

UNIT_TESTS(unit_test(test_add), unit_test(test_full),
	   unit_test(test_translate), unit_test(test_read),
	   unit_test(test_write));
