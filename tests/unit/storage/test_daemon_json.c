/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "storage/daemon_json.h"
#include "util/compiler.h"
#include "util/strv.h"

static const char text[] =
	"{\"insecure-registries\":[\"plain.io:5000\",\"10.1.0.0/16\","
	"\"fd00::/8\",\"bare.io\"],"
	"\"registry-mirrors\":[\"https://m.io/\",\"http://p.io:5000/sub//\"],"
	"\"storage-driver\":\"overlay2\"}";

static const struct {
	const char *host;
	bool insecure;
} cases[] = {
	{ "plain.io:5000", true },
	{ "PLAIN.io:5000", true },
	{ "plain.io", false },
	{ "plain.io:5001", false },
	{ "bare.io", true },
	{ "10.1.2.3", true },
	{ "10.1.2.3:5000", true },
	{ "10.2.0.1", false },
	{ "10.1.2.3.evil.io", false },
	{ "[fd12::1]:5000", true },
	{ "[fe80::1]", false },
	{ "x", false },
};

static void test_insecure(void **state)
{
	struct daemon_json d = { NULL, NULL };

	(void)state;
	assert_ok(daemon_json_parse(text, strlen(text), &d, err));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("case: %s\n", cases[i].host);
		assert_int_equal(daemon_json_insecure(&d, cases[i].host),
				 cases[i].insecure);
	}
	assert_int_equal(strv_len(d.mirrors), 2);
	assert_string_equal(d.mirrors[0], "https://m.io");
	assert_string_equal(d.mirrors[1], "http://p.io:5000/sub");
	daemon_json_done(&d);
}

static const char *const bad[] = {
	"", "[]", "{\"insecure-registries\":\"x\"}",
	"{\"insecure-registries\":[1]}", "{\"insecure-registries\":[\"\"]}",
	"{\"registry-mirrors\":[\"m.io\"]}",
	"{\"registry-mirrors\":[\"ftp://m.io\"]}",
	"{\"registry-mirrors\":[\"https://\"]}",
	"{\"registry-mirrors\":[\"https:///x\"]}",
	"{\"registry-mirrors\":[\"https://u:p@m.io\"]}",
	"{\"registry-mirrors\":[\"https://m.io/?x\"]}",
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct daemon_json d = { NULL, NULL };

		print_message("case: %s\n", bad[i]);
		assert_fails(daemon_json_parse(bad[i], strlen(bad[i]), &d,
					       err), EINVAL);
		daemon_json_done(&d);
	}
}

static void test_odd_ranges(void **state)
{
	static const char odd[] =
		"{\"insecure-registries\":[\"10.0.0.0/33\",\"/8\",\"x/8\","
		"\"10.0.0.0/\",\"0.0.0.0/0\"]}";
	struct daemon_json d = { NULL, NULL };

	(void)state;
	assert_ok(daemon_json_parse(odd, strlen(odd), &d, err));
	assert_true(daemon_json_insecure(&d, "8.8.8.8"));
	assert_false(daemon_json_insecure(&d, "example.com"));
	assert_false(daemon_json_insecure(&d, "[::1]"));
	daemon_json_done(&d);
}

UNIT_TESTS(unit_test(test_insecure), unit_test(test_bad),
	   unit_test(test_odd_ranges));
