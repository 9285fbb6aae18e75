/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "libpod/core/user/subid.h"

static const struct {
	const char *name;
	const char *text;
	int added;
	uint32_t first;
	uint64_t total; /* ids of the map, 0 included */
} cases[] = {
	{ "by name", "alice:100000:65536\n", 1, 100000, 65537 },
	{ "by uid", "1000:100000:10\n", 1, 100000, 11 },
	{ "others only", "bob:100000:65536\nalicex:1:2\n1001:5:5\n", 0, 0, 1 },
	{ "two ranges count on", "alice:100000:10\nalice:300000:20\n", 2,
	  100000, 31 },
	{ "no newline at the end", "alice:100000:7", 1, 100000, 8 },
	{ "overlap is passed over", "alice:100000:10\nalice:100005:10\n", 1,
	  100000, 11 },
	{ "comment", "#alice:100000:10\nalice:7:3\n", 1, 7, 4 },
	{ "missing field", "alice:100000\n", 0, 0, 1 },
	{ "extra field", "alice:100000:10:x\n", 0, 0, 1 },
	{ "not a number", "alice:1e5:10\nalice:-1:10\n", 0, 0, 1 },
	{ "empty count", "alice:100000:\nalice:100000:0\n", 0, 0, 1 },
	{ "beyond 32 bits", "alice:4294967290:10\n", 0, 0, 1 },
	{ "blanks belong to the name", " alice:100000:10\n", 0, 0, 1 },
	{ "empty lines", "\n\n\nalice:9:1\n\n", 1, 9, 2 },
	{ "uid with a sign", "+1000:100000:10\n", 0, 0, 1 },
};

static void test_parse(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct idmap map = { .range = { { 0, 1000, 1 } }, .n = 1 };
		int n;

		print_message("case: %s\n", cases[i].name);
		n = subid_parse(cases[i].text, strlen(cases[i].text), "alice",
				1000, &map);
		assert_int_equal(n, cases[i].added);
		assert_int_equal(map.n, cases[i].added + 1);
		assert_int_equal(idmap_count(&map), cases[i].total);
		if (n > 0) {
			assert_int_equal(map.range[1].outside, cases[i].first);
			assert_int_equal(map.range[1].inside, 1);
		}
	}
}

/* A line longer than any real one, a NUL, no text at all. */
static void test_odd(void **state unused_attr)
{
	struct idmap map = { .range = { { 0, 1000, 1 } }, .n = 1 };
	char text[2048];
	static const char nul[] = "alice:1\0:5\nalice:9:1\n";

	memset(text, 'a', sizeof(text));
	memcpy(text + 1500, "\nalice:9:1\n", 11);
	assert_int_equal(subid_parse(text, sizeof(text), "alice", 1000, &map),
			 1);
	map.n = 1;
	assert_int_equal(subid_parse(nul, sizeof(nul) - 1, "alice", 1000,
				     &map), 1);
	map.n = 1;
	assert_int_equal(subid_parse("", 0, "alice", 1000, &map), 0);
	assert_int_equal(subid_parse("1000:9:1", 8, NULL, 1000, &map), 1);
}

/* More ranges than a map holds: the first ones count. */
static void test_many(void **state unused_attr)
{
	struct idmap map = { .range = { { 0, 1000, 1 } }, .n = 1 };
	char text[IDMAP_MAX * 2 * 32];
	size_t len = 0;

	for (int i = 0; i < IDMAP_MAX * 2; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"alice:%d:10\n", 100000 + i * 100);
	assert_int_equal(subid_parse(text, len, "alice", 1000, &map),
			 IDMAP_MAX - 1);
	assert_int_equal(map.n, IDMAP_MAX);
}

static void test_missing_file(void **state unused_attr)
{
	struct idmap map = { .n = 0 };

	assert_ok(subid_load("/nonexistent/subuid", "alice", 1000, &map, err));
	assert_int_equal(map.n, 0);
}

UNIT_TESTS(unit_test(test_parse), unit_test(test_odd), unit_test(test_many),
	   unit_test(test_missing_file));
