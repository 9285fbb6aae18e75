/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "cmd/gotext.h"
#include "cmd/table.h"
#include "cmd/yaml.h"
#include "util/json.h"

static const struct {
	const char *name, *text, *want;
} tables[] = {
	{ "ten at least", "A\tB\nx\ty\n", "A           B\nx           y\n" },
	{ "longest and two", "A\tB\n0123456789ab\ty\n",
	  "A             B\n0123456789ab  y\n" },
	{ "last cell is not padded", "A\nlonger\n", "A\nlonger\n" },
	{ "empty last cell", "a\t\n", "a           \n" },
	{ "accents take one place", "\xc3\xa9\xc3\xa9\tx\n",
	  "\xc3\xa9\xc3\xa9          x\n" },
	{ "wide ones take two", "\xe6\xbc\xa2\tx\n",
	  "\xe6\xbc\xa2          x\n" },
	{ "no newline at the end", "a\tb", "a           b" },
	{ "ragged", "a\tb\tc\nlonger than ten\tx\n",
	  "a                b           c\nlonger than ten  x\n" },
	{ "nothing", "", "" },
};

static void test_align(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		struct sb out = SB_INIT;

		print_message("case: %s\n", tables[i].name);
		table_align(tables[i].text, &out);
		assert_string_equal(out.buf, tables[i].want);
		sb_done(&out);
	}
}

static const struct {
	int64_t ns;
	const char *want;
} durations[] = {
	{ 0, "0s" },
	{ 1, "1ns" },
	{ 1500, "1.5\xc2\xb5s" },
	{ 20000000, "20ms" },
	{ 1000000000, "1s" },
	{ 1500000000, "1.5s" },
	{ 60000000000, "1m0s" },
	{ 3661000000000, "1h1m1s" },
	{ -1500000000, "-1.5s" },
	{ 10123456789, "10.123456789s" },
};

static void test_duration(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		struct sb out = SB_INIT;

		go_duration(&out, durations[i].ns);
		assert_string_equal(out.buf, durations[i].want);
		sb_done(&out);
	}
}

static void test_quote(void **state unused_attr)
{
	struct sb out = SB_INIT;

	go_quote(&out, "a\"\\\n\x01\x7f\xff\xc2\x9b\xe2\x80\x8b\xc3\xa9");
	assert_string_equal(out.buf, "\"a\\\"\\\\\\n\\x01\\x7f\\xff\\u009b"
				     "\\u200b\xc3\xa9\"");
	sb_done(&out);
}

static void test_yaml(void **state unused_attr)
{
	static const char text[] =
		"{\"b\":{\"y\":\"12\",\"x\":[]},\"a\":[{\"k\":1,\"j\":\"v\"},"
		"\"yes\"],\"c\":\"a: b\",\"d\":{},\"e\":null,\"f\":\"\","
		"\"g\":\"plain text\"}";
	static const char want[] =
		"a:\n- j: v\n  k: 1\n- \"yes\"\nb:\n  x: []\n  y: \"12\"\n"
		"c: \"a: b\"\nd: {}\ne: null\nf: \"\"\ng: plain text\n";
	struct json_object *o = json_parse(text, strlen(text), NULL);
	struct sb out = SB_INIT;

	assert_non_null(o);
	yaml_print(o, &out);
	assert_string_equal(out.buf, want);
	sb_done(&out);
	json_object_put(o);
}

UNIT_TESTS(unit_test(test_align), unit_test(test_duration),
	   unit_test(test_quote), unit_test(test_yaml));
