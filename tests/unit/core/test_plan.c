/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <linux/capability.h>
#include <sys/resource.h>

#include "libpod/core/plan/plan.h"
#include "libpod/core/user/usermap.h"
#include "util/sb.h"
#include "util/strv.h"

/* The ids of U that appear as 0, 1, 2 ... inside. */
static uint32_t outside_of(const struct idmap *map, uint32_t inside)
{
	uint32_t id = UINT32_MAX;

	assert_true(idmap_to_outside(map, inside, &id));
	return id;
}

static void test_keep_id(void **state unused_attr)
{
	const struct idmap u = { .range = { { 0, 0, 1 }, { 1, 1, 65536 } },
				 .n = 2 };
	struct idmap map;

	assert_ok(keep_id_map(&u, 1000, 0, &map, err));
	assert_int_equal(outside_of(&map, 1000), 0);
	assert_int_equal(outside_of(&map, 0), 1);
	assert_int_equal(outside_of(&map, 999), 1000);
	assert_int_equal(outside_of(&map, 1001), 1001);
	assert_int_equal(outside_of(&map, 65536), 65536);
	assert_int_equal(idmap_count(&map), 65537);
	assert_false(idmap_has_inside(&map, 65537));
}

static void test_keep_id_edges(void **state unused_attr)
{
	const struct idmap u = { .range = { { 0, 0, 1 }, { 1, 1, 10 } },
				 .n = 2 };
	const struct idmap one = { .range = { { 0, 0, 1 } }, .n = 1 };
	struct idmap map;

	/* our id lies beyond the range: all of it comes before */
	assert_ok(keep_id_map(&u, 20001, 0, &map, err));
	assert_int_equal(outside_of(&map, 20001), 0);
	assert_int_equal(outside_of(&map, 0), 1);
	assert_int_equal(outside_of(&map, 9), 10);
	assert_false(idmap_has_inside(&map, 10));
	assert_int_equal(idmap_count(&map), 11);
	/* root of the container itself */
	assert_ok(keep_id_map(&u, 0, 0, &map, err));
	assert_int_equal(outside_of(&map, 0), 0);
	assert_int_equal(outside_of(&map, 1), 1);
	/* single-id mode */
	assert_ok(keep_id_map(&one, 1000, 0, &map, err));
	assert_int_equal(map.n, 1);
	assert_int_equal(outside_of(&map, 1000), 0);
}

/* The kernel refuses a range that spans two extents of the outer map. */
static void test_keep_id_extents(void **state unused_attr)
{
	const struct idmap u = { .range = { { 0, 0, 1 },
					    { 1, 1, 1000 },
					    { 1001, 1001, 1000 } },
				 .n = 3 };
	struct idmap map;

	/* what follows our id begins in the middle of an extent */
	assert_ok(keep_id_map(&u, 500, 0, &map, err));
	assert_int_equal(idmap_count(&map), 2001);
	for (size_t i = 0; i < map.n; i++) {
		const struct idmap_range *r = &map.range[i];
		bool within = false;

		for (size_t k = 0; k < u.n; k++)
			within |= r->outside >= u.range[k].inside &&
				  r->outside + r->count <=
					  u.range[k].inside + u.range[k].count;
		assert_true(within);
	}
	assert_int_equal(outside_of(&map, 499), 500);
	assert_int_equal(outside_of(&map, 500), 0);
	assert_int_equal(outside_of(&map, 1001), 1001);
}

/* Texts of --uidmap below ids 0 (us, 1000 outside) and 1..65536. */
static const struct {
	const char *texts;
	const char *want;	/* "inside outside count;"; NULL: refused */
} specs[] = {
	{ "0:1:100", "0 1 100;" },
	{ "0:0:10", "0 0 1;1 1 9;" },	/* rows of the outer map */
	{ "5:@1000", "5 0 1;" },
	{ "5:@100009:2", "5 10 2;" },
	{ "u5:7", "5 7 1;" },
	{ "ug5:7", "5 7 1;" },
	{ "g5:7", "" },
	{ "+0:5", "1 1 4;6 6 65531;0 5 1;5 0 1;" },
	{ "+65537:0", "1 1 65536;65537 0 1;" },
	{ "0:1 1:2", "0 1 1;1 2 1;" },
	{ "0:1:5 3:10", NULL },	/* overlap inside */
	{ "0:1:5 10:3", NULL },	/* overlap outside */
	{ "0:65536:2", NULL },
	{ "0:@5", NULL },
	{ "0:1:0", NULL },
	{ "0:1:", NULL },
	{ "0", NULL },
	{ "", NULL },
	{ "x0:1", NULL },
	{ "0:4294967295", NULL },
};

static void test_idspec(void **state unused_attr)
{
	const struct idmap u = { .range = { { 0, 1000, 1 },
					    { 1, 100000, 65536 } },
				 .n = 2 };

	for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
		autostrv char **texts = strv_split(specs[i].texts, ' ');
		autosb struct sb have = SB_INIT;
		struct idmap map;

		print_message("case: %s\n", specs[i].texts);
		if (!texts)
			strv_add(&texts, "");
		if (!specs[i].want) {
			struct err why = ERR_INIT;

			assert_true(idspec_parse(texts, 'u', &u, &map, &why) <
				    0);
			assert_true(why.msg[0]);
			continue;
		}
		assert_ok(idspec_parse(texts, 'u', &u, &map, err));
		for (size_t k = 0; k < map.n; k++)
			sb_addf(&have, "%u %u %u;", map.range[k].inside,
				map.range[k].outside, map.range[k].count);
		assert_string_equal(have.buf, specs[i].want);
	}
}

static uint64_t caps_of(const char *add, const char *drop, bool privileged)
{
	struct ctr_config c = { 0 };
	uint64_t caps = 0;

	c.cap_add = add ? strv_split(add, ',') : NULL;
	c.cap_drop = drop ? strv_split(drop, ',') : NULL;
	assert_ok(caps_resolve(&c, privileged, &caps, err));
	strv_free(c.cap_add);
	strv_free(c.cap_drop);
	return caps;
}

static void test_caps(void **state unused_attr)
{
	const uint64_t raw = UINT64_C(1) << CAP_NET_RAW;
	const uint64_t chown = UINT64_C(1) << CAP_CHOWN;

	assert_true(caps_of(NULL, NULL, false) == 0x800405fb);
	assert_true(caps_of("net_raw", NULL, false) == (0x800405fb | raw));
	assert_true(caps_of("CAP_NET_RAW", "chown", false) ==
		    ((0x800405fb | raw) & ~chown));
	assert_true(caps_of(NULL, "all", false) == 0);
	assert_true(caps_of("chown", "ALL", false) == chown);
	assert_true(caps_of("all", NULL, false) == oci_caps_all());
	assert_true(caps_of("all", "chown", false) ==
		    (oci_caps_all() & ~chown));
	assert_true(caps_of(NULL, NULL, true) == oci_caps_all());
}

static void test_caps_bad(void **state unused_attr)
{
	struct ctr_config c = { 0 };
	uint64_t caps;

	strv_add(&c.cap_add, "net_rawx");
	assert_fails(caps_resolve(&c, false, &caps, err), EINVAL);
	strv_free(c.cap_add);
}

static const struct {
	const char *text;
	int resource;	/* -1: refused */
	uint64_t soft;
	uint64_t hard;
} limits[] = {
	{ "nofile=10:20", RLIMIT_NOFILE, 10, 20 },
	{ "nofile=10", RLIMIT_NOFILE, 10, 10 },
	{ "core=-1", RLIMIT_CORE, UINT64_MAX, UINT64_MAX },
	{ "core=0:-1", RLIMIT_CORE, 0, UINT64_MAX },
	{ "core=unlimited", RLIMIT_CORE, UINT64_MAX, UINT64_MAX },
	{ "core=-1:1000", -1, 0, 0 },
	{ "nofile=20:10", -1, 0, 0 },
	{ "nosuch=1", -1, 0, 0 },
	{ "nofile", -1, 0, 0 },
	{ "nofile=", -1, 0, 0 },
	{ "nofile=1:2:3", -1, 0, 0 },
	{ "nofile=-2", -1, 0, 0 },
	{ "=5", -1, 0, 0 },
	{ "", -1, 0, 0 },
};

static void test_ulimit(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct oci_rlimit l = { 0 };

		print_message("case: %s\n", limits[i].text);
		if (limits[i].resource < 0) {
			assert_fails(ulimit_parse(limits[i].text, &l, err),
				     EINVAL);
			continue;
		}
		assert_ok(ulimit_parse(limits[i].text, &l, err));
		assert_int_equal(l.resource, limits[i].resource);
		assert_true(l.soft == limits[i].soft);
		assert_true(l.hard == limits[i].hard);
	}
}

UNIT_TESTS(unit_test(test_keep_id), unit_test(test_keep_id_edges),
	   unit_test(test_keep_id_extents), unit_test(test_idspec),
	   unit_test(test_caps), unit_test(test_caps_bad),
	   unit_test(test_ulimit));
