/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "util/clock.h"

#define S 1000000000LL

static void test_format(void **state unused_attr)
{
	char buf[TIME_TEXT_MAX];

	assert_string_equal(time_rfc3339(0, buf), "0001-01-01T00:00:00Z");
	assert_string_equal(time_rfc3339(1700000000 * S, buf),
			    "2023-11-14T22:13:20Z");
	assert_string_equal(time_rfc3339(1700000000 * S + 120000000, buf),
			    "2023-11-14T22:13:20.12Z");
	assert_string_equal(time_go(1700000000 * S + 1, buf),
			    "2023-11-14 22:13:20.000000001 +0000 UTC");
	assert_string_equal(time_rfc3339(-S / 2, buf),
			    "1969-12-31T23:59:59.5Z");
}

static const struct {
	const char *text;
	int want;
	int64_t ns;
} cases[] = {
	{ "2023-11-14T22:13:20Z", 0, 1700000000 * S },
	{ "2023-11-14T22:13:20.5Z", 0, 1700000000 * S + S / 2 },
	{ "2023-11-14T23:13:20+01:00", 0, 1700000000 * S },
	{ "2023-11-14T22:13:20", 0, 1700000000 * S },
	{ "2023-11-14T22:13", 0, 1699999980 * S },
	{ "2023-11-14", 0, 1699920000 * S },
	{ "1700000000", 0, 1700000000 * S },
	{ "1700000000.25", 0, 1700000000 * S + S / 4 },
	{ "", -EINVAL, 0 },
	{ "now", -EINVAL, 0 },
	{ "2023-13-14", -EINVAL, 0 },
	{ "2024-02-30", -EINVAL, 0 },
	{ "2023-02-29", -EINVAL, 0 },
	{ "1900-02-29T00:00:00Z", -EINVAL, 0 },
	{ "2024-02-29T00:00:00Z", 0, 1709164800 * S },
	{ "2023-11-14T25:00", -EINVAL, 0 },
	{ "2023-11-14T22:13:20Zx", -EINVAL, 0 },
	{ "99999999999999999999", -EINVAL, 0 },
	{ "0001-01-01T00:00:00Z", 0, 0 },
	{ "1013-11-26T13:27:48.1Z", -EINVAL, 0 },
	{ "2300-01-01T00:00:00Z", -EINVAL, 0 },
};

static void test_parse(void **state unused_attr)
{
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ns = 7;

		print_message("case: '%s'\n", cases[i].text);
		assert_int_equal(time_parse(cases[i].text, &ns),
				 cases[i].want);
		assert_int_equal(ns, cases[i].want ? 7 : cases[i].ns);
	}
}

static void test_human(void **state unused_attr)
{
	static const struct {
		int64_t s;
		const char *want;
	} table[] = {
		{ 0, "Less than a second" }, { 1, "1 second" },
		{ 59, "59 seconds" },	     { 60, "About a minute" },
		{ 150, "2 minutes" },	     { 3600, "About an hour" },
		{ 3 * 3600, "3 hours" },     { 3 * 86400, "3 days" },
		{ 15 * 86400, "2 weeks" },   { 90 * 86400, "3 months" },
		{ 800 * 86400, "2 years" },
	};
	char buf[TIME_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_string_equal(time_human(table[i].s * S, buf),
				    table[i].want);
}

static void test_sizes(void **state unused_attr)
{
	char buf[SIZE_TEXT_MAX];

	assert_string_equal(size_human(0, false, buf), "0B");
	assert_string_equal(size_human(999, false, buf), "999B");
	assert_string_equal(size_human(2130000, true, buf), "2.13 MB");
	assert_string_equal(size_human(6393000, false, buf), "6.393MB");
	assert_string_equal(size_human(65536000000, false, buf), "65.54GB");
}

static void test_durations(void **state unused_attr)
{
	static const struct {
		int64_t ns;
		const char *want;
	} table[] = {
		{ 0, "0s" },
		{ 1, "1ns" },
		{ 1500, "1.5\xc2\xb5s" },
		{ 2000000, "2ms" },
		{ 2000001, "2.000001ms" },
		{ 999999999, "999.999999ms" },
		{ S, "1s" },
		{ 1500000000, "1.5s" },
		{ 90 * S, "1m30s" },
		{ 3600 * S, "1h0m0s" },
		{ -90 * S, "-1m30s" },
		{ INT64_MIN, "-2562047h47m16.854775808s" },
	};
	char buf[DURATION_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		assert_string_equal(duration_go(table[i].ns, buf),
				    table[i].want);
}

UNIT_TESTS(unit_test(test_durations), unit_test(test_format),
	   unit_test(test_parse), unit_test(test_human), unit_test(test_sizes));
