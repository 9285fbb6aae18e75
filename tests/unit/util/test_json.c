/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "util/json.h"
#include "util/sb.h"
#include "util/strv.h"

static const struct {
	const char *name, *text;
	bool good;
} cases[] = {
	{ "object", "{\"a\":1}", true },
	{ "blanks around", " \n{\"a\":[1,2]} \n", true },
	{ "number", "12", true },
	{ "string", "\"x\"", true },
	{ "empty", "", false },
	{ "null alone", "null", false },
	{ "trailing", "{} x", false },
	{ "two values", "{}{}", false },
	{ "cut", "{\"a\":", false },
	{ "duplicate key", "{\"a\":1,\"a\":2}", false },
	{ "duplicate deep", "{\"x\":[{\"a\":1,\"b\":{},\"a\":2}]}", false },
	{ "duplicate by an escape", "{\"\\u006cay\":1,\"lay\":2}", false },
	{ "duplicate by two ways", "{\"a\\/b\":1,\"a\\u002fb\":2}", false },
	{ "escapes that differ", "{\"a\\u003c\":1,\"a\\u003e\":2}", true },
	{ "quote in a key", "{\"a\\\"\":1,\"a\":2}", true },
	{ "bad escape in a key", "{\"a\\q\":1}", false },
	{ "key that does not end", "{\"a\\", false },
	{ "same key elsewhere", "{\"a\":{\"a\":1},\"b\":{\"a\":2}}", true },
	{ "key in a string", "{\"a\":\"\\\"a\\\":1\",\"b\":2}", true },
	{ "NUL in a string", "{\"a\":\"x\\u0000y\"}", false },
	{ "NUL in a key", "{\"a\\u0000b\":1}", false },
	{ "no NUL but a backslash", "{\"a\":\"x\\\\u0000y\"}", true },
	{ "comment", "{/*x*/\"a\":1}", false },
	{ "single quotes", "{'a':1}", false },
	{ "trailing comma", "[1,]", false },
	{ "NaN", "{\"a\":NaN}", false },
	{ "Infinity", "[-Infinity]", false },
	{ "line break in a string", "[\"a\nb\"]", false },
	{ "leading zero", "[01]", false },
};

static void test_parse(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;
		autojson struct json_object *o =
			json_parse(cases[i].text, strlen(cases[i].text), &err);

		print_message("case: %s\n", cases[i].name);
		assert_int_equal(o != NULL, cases[i].good);
		assert_int_equal(err.code != 0, !cases[i].good);
		assert_int_equal(err.msg[0] != 0, !cases[i].good);
	}
}

static void test_bounds(void **state unused_attr)
{
	struct err err = ERR_INIT;
	char deep[20001];

	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_null(json_parse(deep, sizeof(deep) - 1, &err));
	assert_int_equal(err.kind, ERR_LIMIT);
	err_clear(&err);
	assert_null(json_parse("{\"a\0b\":1}", 9, &err));
	assert_int_equal(err.code, EINVAL);
	err_clear(&err);
	assert_null(json_parse("{\"a\":[", 6, &err));
	assert_string_equal(err.msg, "invalid JSON: it ends too early");
	err_clear(&err);
}

/* "[" @n times "@item," "0]" */
static bool parses(const char *item, size_t n)
{
	struct err err = ERR_INIT;
	autosb struct sb text = SB_INIT;
	autojson struct json_object *o = NULL;

	sb_add(&text, "[");
	for (size_t i = 0; i < n; i++)
		sb_addf(&text, "%s,", item);
	sb_add(&text, "0]");
	o = json_parse(text.buf, text.len, &err);
	assert_int_equal(err.kind == ERR_LIMIT, !o);
	return o;
}

static void test_budget(void **state unused_attr)
{
	assert_true(parses("{}", 100000));
	assert_false(parses("{}", 140000));
	assert_false(parses("[]", 140000));
	assert_true(parses("1", 500000));
	assert_false(parses("1", 600000));
}

static void test_case(void **state unused_attr)
{
	static const char *const known[] = { "layers", "Kind", NULL };
	static const char good[] = "{\"layers\":1,\"Kind\":2,\"layer\":3}";
	static const char *const wrong[] = {
		"{\"Layers\":1}", "{\"layer\u017f\":1}", "{\"kind\":1}",
		"{\"\u212aind\":1}", "{\"\\u212aind\":1}",
	};
	struct err err = ERR_INIT;
	autojson struct json_object *o =
		json_parse(good, strlen(good), &err);

	assert_int_equal(json_check_case(o, known, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		autojson struct json_object *w =
			json_parse(wrong[i], strlen(wrong[i]), &err);

		print_message("case: %s\n", wrong[i]);
		assert_non_null(w);
		assert_int_equal(json_check_case(w, known, &err), -EINVAL);
		err_clear(&err);
	}
}

static void test_get(void **state unused_attr)
{
	static const char text[] = "{\"s\":\"x\",\"n\":5,\"b\":true,"
				   "\"l\":[\"a\",1,\"b\"],\"o\":{\"k\":\"v\"}}";
	autojson struct json_object *o = json_parse(text, strlen(text), NULL);
	autostrv char **l = json_strv(o, "l");
	autostrv char **env = json_env_list(json_obj(o, "o"));

	assert_non_null(o);
	assert_string_equal(json_str(o, "s"), "x");
	assert_null(json_str(o, "n"));
	assert_int_equal(json_i64(o, "n", 0), 5);
	assert_int_equal(json_i64(o, "s", -1), -1);
	assert_true(json_flag(o, "b", false));
	assert_int_equal(strv_len(l), 2);
	assert_string_equal(env[0], "k=v");
	assert_null(json_arr(o, "o"));
}

static void test_pretty(void **state unused_attr)
{
	static const char text[] =
		"{\"a\":[1,{\"b\":\"/x\"}],\"c\":{},\"d\":[]}";
	autojson struct json_object *o = json_parse(text, strlen(text), NULL);
	autosb struct sb out = SB_INIT;

	json_pretty(o, 2, &out);
	assert_string_equal(out.buf, "{\n  \"a\": [\n    1,\n    {\n"
				     "      \"b\": \"/x\"\n    }\n  ],\n"
				     "  \"c\": {},\n  \"d\": []\n}");
}

UNIT_TESTS(unit_test(test_parse), unit_test(test_bounds),
	   unit_test(test_budget), unit_test(test_case), unit_test(test_get),
	   unit_test(test_pretty));
