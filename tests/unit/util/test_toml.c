/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "util/json.h"
#include "util/sb.h"
#include "util/toml.h"

static struct json_object *parse(const char *text, struct err *err)
{
	return toml_parse(text, strlen(text), err);
}

/* Each row is a document and the JSON that it means. */
static const struct {
	const char *text;
	const char *want;
} good[] = {
	{ "", "{}" },
	{ "\xef\xbb\xbf# only a comment", "{}" },
	{ "a = 1\r\nb = -2 # c\n", "{\"a\":1,\"b\":-2}" },
	{ "a = 1_000\nb = 0xFf\nc = 0o17\nd = 0b101\ne = +5",
	  "{\"a\":1000,\"b\":255,\"c\":15,\"d\":5,\"e\":5}" },
	{ "a = 1.5\nb = true\nc = false",
	  "{\"a\":1.5,\"b\":true,\"c\":false}" },
	{ "a = 1979-05-27T07:32:00Z\nb = 1979-05-27 07:32:00\nc = 07:32:00",
	  "{\"a\":\"1979-05-27T07:32:00Z\",\"b\":\"1979-05-27 07:32:00\","
	  "\"c\":\"07:32:00\"}" },
	{ "a = \"x\\ty\\\"\\\\\\u00e9\\U0001F600\"",
	  "{\"a\":\"x\\ty\\\"\\\\\u00e9\U0001F600\"}" },
	{ "a = 'C:\\dir'", "{\"a\":\"C:\\\\dir\"}" },
	{ "a = \"\"\"\none\ntwo \\\n   three\"\"\"\"\"",
	  "{\"a\":\"one\\ntwo three\\\"\\\"\"}" },
	{ "a = '''x'y''z'''", "{\"a\":\"x'y''z\"}" },
	{ "a = \"\"\nb = ''", "{\"a\":\"\",\"b\":\"\"}" },
	{ "a.b.\"c.d\" = 1\na.b.e = 2", "{\"a\":{\"b\":{\"c.d\":1,\"e\":2}}}" },
	{ "a = [1, 2,\n # c\n 3,\n]\nb = []", "{\"a\":[1,2,3],\"b\":[]}" },
	{ "a = [[1], [\"x\"]]", "{\"a\":[[1],[\"x\"]]}" },
	{ "a = { b = 1, c.d = 2 }\ne = {}",
	  "{\"a\":{\"b\":1,\"c\":{\"d\":2}},\"e\":{}}" },
	{ "[a]\nx = 1\n[a.b]\ny = 2\n[ c ]\nz = 3",
	  "{\"a\":{\"x\":1,\"b\":{\"y\":2}},\"c\":{\"z\":3}}" },
	{ "[a.b]\nx = 1\n[a]\ny = 2", "{\"a\":{\"b\":{\"x\":1},\"y\":2}}" },
	{ "[[r]]\nx = 1\n[[r.m]]\ny = 2\n[[r.m]]\ny = 3\n[[r]]\nx = 4",
	  "{\"r\":[{\"x\":1,\"m\":[{\"y\":2},{\"y\":3}]},{\"x\":4}]}" },
	{ "\"quoted key\" = 1\n'lit' = 2", "{\"quoted key\":1,\"lit\":2}" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct err err = ERR_INIT;
		autojson struct json_object *o = parse(good[i].text, &err);

		print_message("case: %s\n", good[i].text);
		if (!o)
			fail_msg("%s", err.msg);
		assert_string_equal(json_text(o), good[i].want);
		assert_int_equal(err.code, 0);
	}
}

/* Each row is refused with this in the reason. */
static const struct {
	const char *text;
	const char *why;
} bad[] = {
	{ "a", "line 1: expected '='" },
	{ "a =", "expected a value" },
	{ "\n\n= 1", "line 3: expected a key" },
	{ "a = b", "needs quotes" },
	{ "a = 1 b = 2", "unexpected text" },
	{ "a = 1\na = 2", "line 2: key is defined twice" },
	{ "a = \"x", "without an end" },
	{ "a = \"x\ny\"", "without an end" },
	{ "a = \"\"\"x", "without an end" },
	{ "a = \"\\q\"", "bad escape" },
	{ "a = \"\\u00\"", "bad \\u escape" },
	{ "a = \"\\ud800\"", "not a character" },
	{ "a = \"\\u0000\"", "not a character" },
	{ "a = \"x\x01\"", "control character" },
	{ "a = 01", "not a value" },
	{ "a = 1__0", "not a value" },
	{ "a = _1", "not a value" },
	{ "a = 1_", "not a value" },
	{ "a = 99999999999999999999999", "not a value" },
	{ "a = 0x", "not a value" },
	{ "a = 0xfffffffffffffffff", "not a value" },
	{ "a = nan", "not a value" },
	{ "a = [1 2]", "expected ',' or ']'" },
	{ "a = [1,", "expected a value" },
	{ "a = { b = 1", "expected ',' or '}'" },
	{ "a = { b = 1, }", "expected a key" },
	{ "a = { b = 1 }\n[a]\nc = 1", "not as a table" },
	{ "a = { b = 1 }\na.c = 2", "not as a table" },
	{ "[a]\n[a]", "table is defined twice" },
	{ "a = 1\n[a]", "not as a table" },
	{ "a = 1\na.b = 2", "not as a table" },
	{ "a = [1]\n[[a]]", "not as [[" },
	{ "[a]\nb.c = 1\n[[a.b]]", "not as [[" },
	{ "[[a]]\n[a]", "defined" },
	{ "[a", "closing bracket" },
	{ "[[a]", "closing bracket" },
	{ "[]", "expected a key" },
	{ "[a] x", "unexpected text" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = ERR_INIT;
		autojson struct json_object *o = parse(bad[i].text, &err);

		print_message("case: %s\n", bad[i].text);
		assert_null(o);
		assert_true(err.code > 0);
		if (!strstr(err.msg, bad[i].why))
			fail_msg("said: %s", err.msg);
	}
}

static void test_bounds(void **state)
{
	autosb struct sb text = SB_INIT;
	struct err err = ERR_INIT;

	(void)state;
	assert_null(toml_parse("a = \"\0\"", 8, &err));
	assert_string_equal(err.msg, "NUL byte in the text");

	sb_add(&text, "a = ");
	for (int i = 0; i < 100000; i++)
		sb_addch(&text, '[');
	assert_null(toml_parse(text.buf, text.len, &err));
	assert_non_null(strstr(err.msg, "nested too deep"));

	sb_trunc(&text, 0);
	for (int i = 0; i < 40; i++)
		sb_add(&text, "a.");
	sb_add(&text, "a = 1");
	assert_null(toml_parse(text.buf, text.len, &err));
	assert_non_null(strstr(err.msg, "too many parts"));

	sb_trunc(&text, 0);
	for (int i = 0; i < 1 << 20; i++)
		sb_addch(&text, '\n');
	sb_add(&text, "a = 1");
	assert_null(toml_parse(text.buf, text.len, &err));
	assert_int_equal(err.code, EFBIG);
}

/* Text that ends in the middle: the parser must not look past the end. */
static void test_every_prefix(void **state)
{
	static const char text[] =
		"[[r]]\na.b = { c = [1, 0x2, '''l'''] }\n"
		"d = \"\"\"m\\\n\"\"\"\ne = 1979-05-27 07:32:00\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n ? n : 1);
		struct json_object *o;

		memcpy(copy, text, n);
		o = toml_parse(copy, n, NULL);
		json_object_put(o);
		free(copy);
	}
}

UNIT_TESTS(unit_test(test_good), unit_test(test_bad), unit_test(test_bounds),
	   unit_test(test_every_prefix));
