/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>

#include "util/cleanup.h"
#include "util/str.h"

/* The table of CVE class "exec -u 1 parsed as 0". */
static const struct {
	const char *text;
	int want;
	uint32_t value;
} id_cases[] = {
	{ "0", 0, 0 },
	{ "1", 0, 1 },
	{ "01", 0, 1 },
	{ "4294967294", 0, 4294967294u },
	{ "2147483648", 0, 2147483648u },
	{ "4294967295", -ERANGE, 0 },
	{ "4294967296", -ERANGE, 0 },
	{ "99999999999999999999999", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "0x0", -EINVAL, 0 },
	{ "1:1", -EINVAL, 0 },
	{ "root", -EINVAL, 0 },
};

static void test_parse_id(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(id_cases); i++) {
		uint32_t value = 12345;

		print_message("case: '%s'\n", id_cases[i].text);
		assert_int_equal(parse_id(id_cases[i].text, &value),
				 id_cases[i].want);
		assert_int_equal(value, id_cases[i].want ? 12345 :
							   id_cases[i].value);
	}
}

static const struct {
	const char *text;
	int want;
	uint64_t value;
} size_cases[] = {
	{ "0", 0, 0 },
	{ "512", 0, 512 },
	{ "1b", 0, 1 },
	{ "64k", 0, 65536 },
	{ "64K", 0, 65536 },
	{ "64kb", 0, 65536 },
	{ "64KiB", 0, 65536 },
	{ "1.5m", 0, 1572864 },
	{ "2g", 0, 2147483648u },
	{ "1 t", 0, 1099511627776u },
	{ "8e", -EINVAL, 0 },
	{ "8388608t", -ERANGE, 0 },
	{ "99999999999999999999", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "k", -EINVAL, 0 },
	{ "-1k", -EINVAL, 0 },
	{ "1kk", -EINVAL, 0 },
	{ "1ki", -EINVAL, 0 },
	{ "1..5k", -EINVAL, 0 },
};

static void test_parse_size(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(size_cases); i++) {
		uint64_t value = 7;

		print_message("case: '%s'\n", size_cases[i].text);
		assert_int_equal(parse_size(size_cases[i].text, &value),
				 size_cases[i].want);
		assert_int_equal(value,
				 size_cases[i].want ? 7 : size_cases[i].value);
	}
}

static const struct {
	const char *text;
	int want;
	int64_t ns;
} duration_cases[] = {
	{ "0", 0, 0 },
	{ "10s", 0, 10000000000 },
	{ "1h30m", 0, 5400000000000 },
	{ "500ms", 0, 500000000 },
	{ "1.5s", 0, 1500000000 },
	{ "-2m", 0, -120000000000 },
	{ "1us", 0, 1000 },
	{ "3", -EINVAL, 0 },
	{ "s", -EINVAL, 0 },
	{ "1x", -EINVAL, 0 },
	{ "", -EINVAL, 0 },
	{ "-", -EINVAL, 0 },
	{ "9999999999999h", -ERANGE, 0 },
};

static void test_parse_duration(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(duration_cases); i++) {
		int64_t ns = 7;

		print_message("case: '%s'\n", duration_cases[i].text);
		assert_int_equal(parse_duration(duration_cases[i].text, &ns),
				 duration_cases[i].want);
		assert_int_equal(ns, duration_cases[i].want ?
					     7 : duration_cases[i].ns);
	}
}

static const struct {
	const char *text;
	int want;
	int sig;
} signal_cases[] = {
	{ "TERM", 0, SIGTERM },	   { "SIGTERM", 0, SIGTERM },
	{ "-TERM", 0, SIGTERM },   { "term", 0, SIGTERM },
	{ "9", 0, SIGKILL },	   { "64", 0, 64 },
	{ "RTMAX", 0, 64 },	   { "RTMIN+1", 0, 35 },
	{ "RTMAX-1", 0, 63 },	   { "0", -ERANGE, 0 },
	{ "65", -ERANGE, 0 },	   { "-9", 0, SIGKILL },
	{ "--9", -ERANGE, 0 },
	{ "BADSIG", -EINVAL, 0 },  { "", -EINVAL, 0 },
	{ "RTMIN+40", -EINVAL, 0 }, { "RTMINX", -EINVAL, 0 },
};

static void test_parse_signal(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(signal_cases); i++) {
		int sig = 0;

		print_message("case: '%s'\n", signal_cases[i].text);
		assert_int_equal(parse_signal(signal_cases[i].text, &sig),
				 signal_cases[i].want);
		assert_int_equal(sig, signal_cases[i].sig);
	}
	assert_string_equal(signal_name(SIGKILL), "SIGKILL");
	assert_string_equal(signal_name(34), "SIGRTMIN+0");
	assert_null(signal_name(65));
}

static void test_parse_numbers(void **state unused_attr)
{
	int64_t i = 0;
	int n = 0;
	uint32_t mode = 0;
	bool flag = false;
	double d = 0;

	assert_int_equal(parse_i64("-5", &i), 0);
	assert_int_equal(i, -5);
	assert_int_equal(parse_i64("--5", &i), -EINVAL);
	assert_int_equal(parse_int("2147483648", &n), -ERANGE);
	assert_int_equal(parse_octal("0755", &mode), 0);
	assert_int_equal(mode, 0755);
	assert_int_equal(parse_octal("8", &mode), -EINVAL);
	assert_int_equal(parse_bool("True", &flag), 0);
	assert_true(flag);
	assert_int_equal(parse_bool("yes", &flag), -EINVAL);
	assert_int_equal(parse_double("1.25", &d), 0);
	assert_true(d > 1.24 && d < 1.26);
	assert_int_equal(parse_double("nan", &d), -EINVAL);
	assert_int_equal(parse_double("1e3", &d), -EINVAL);
}

static void test_names(void **state unused_attr)
{
	char id[65];
	char again[65];

	assert_true(name_is_valid("web_1.x-y"));
	assert_false(name_is_valid("-web"));
	assert_false(name_is_valid(".web"));
	assert_false(name_is_valid("a/b"));
	assert_false(name_is_valid("a\nb"));
	assert_false(name_is_valid(""));
	assert_true(hex_is_valid("00ff", 4));
	assert_false(hex_is_valid("00FF", 4));
	assert_false(hex_is_valid("00f", 4));
	id_random(id);
	id_random(again);
	assert_true(hex_is_valid(id, 64));
	assert_string_not_equal(id, again);
}

static void test_base64(void **state unused_attr)
{
	static const struct {
		const char *plain, *coded;
	} cases[] = {
		{ "", "" },	     { "f", "Zg==" },	     { "fo", "Zm8=" },
		{ "foo", "Zm9v" },   { "user:pass", "dXNlcjpwYXNz" },
	};
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *coded = base64_encode(cases[i].plain,
						     strlen(cases[i].plain));
		autofree char *plain = base64_decode(coded, &len);

		assert_string_equal(coded, cases[i].coded);
		assert_non_null(plain);
		assert_string_equal(plain, cases[i].plain);
		assert_int_equal(len, strlen(cases[i].plain));
	}
	assert_null(base64_decode("Zg=", &len));
	assert_null(base64_decode("Z===", &len));
	assert_null(base64_decode("Zg==Zg==", &len));
	assert_null(base64_decode("Z!==", &len));
}

UNIT_TESTS(unit_test(test_parse_id), unit_test(test_parse_size),
	   unit_test(test_parse_duration), unit_test(test_parse_signal),
	   unit_test(test_parse_numbers), unit_test(test_names),
	   unit_test(test_base64));
