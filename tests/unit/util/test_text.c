/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "util/safe.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

static void test_sb(void **state unused_attr)
{
	autosb struct sb sb = SB_INIT;
	autofree char *taken = NULL;

	assert_string_equal(sb.buf, "");
	sb_add(&sb, "a");
	sb_addf(&sb, "%d-%s", 7, "x");
	sb_addch(&sb, '!');
	assert_string_equal(sb.buf, "a7-x!");
	sb_drop(&sb, 2);
	assert_string_equal(sb.buf, "-x!");
	sb_trunc(&sb, 1);
	assert_string_equal(sb.buf, "-");
	taken = sb_take(&sb);
	assert_string_equal(taken, "-");
	assert_int_equal(sb.len, 0);
	free(sb_take(&sb));
}

static void test_sb_limit(void **state unused_attr)
{
	autosb struct sb sb = SB_INIT;

	sb_limit(&sb, 4);
	sb_add(&sb, "abc");
	assert_false(sb.over);
	sb_add(&sb, "de");
	assert_true(sb.over);
	assert_string_equal(sb.buf, "abc");
	assert_null(sb_reserve(&sb, SIZE_MAX / 2));
}

static void test_strv(void **state unused_attr)
{
	autostrv char **v = NULL;
	autostrv char **parts = strv_split("a,,b", ',');
	autofree char *joined = strv_join(parts, "|");

	for (int i = 0; i < 100; i++)
		strv_addf(&v, "%d", i);
	assert_int_equal(strv_len(v), 100);
	assert_string_equal(v[99], "99");
	assert_true(strv_contains(v, "42"));
	strv_remove(v, 42);
	assert_false(strv_contains(v, "42"));
	assert_int_equal(strv_len(v), 99);
	strv_add(&v, "tail");
	assert_string_equal(v[99], "tail");
	assert_string_equal(joined, "a||b");
	assert_null(strv_split("", ','));
}

static void test_env(void **state unused_attr)
{
	autostrv char **env = NULL;

	strv_env_set(&env, "A", "1");
	strv_env_put(&env, "AB=2");
	strv_env_put(&env, "A=3");
	strv_env_put(&env, "BARE");
	assert_int_equal(strv_len(env), 3);
	assert_string_equal(strv_env_get(env, "A"), "3");
	assert_string_equal(strv_env_get(env, "AB"), "2");
	assert_string_equal(strv_env_get(env, "BARE"), "");
	assert_null(strv_env_get(env, "B"));
	strv_env_unset(env, "A");
	assert_null(strv_env_get(env, "A"));
	assert_string_equal(strv_env_get(env, "AB"), "2");
}

static const struct {
	const char *name, *in, *want;
} safe_cases[] = {
	{ "plain", "nginx:latest", "nginx:latest" },
	{ "utf-8", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
	{ "escape", "\x1b[31m", "\\x1b[31m" },
	{ "c1 csi", "\xc2\x9b" "2J", "\\xc2\\x9b2J" },
	{ "raw c1", "\x9b", "\\x9b" },
	{ "bidi", "a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb" },
	{ "overlong", "\xc0\xaf", "\\xc0\\xaf" },
	{ "surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	{ "beyond the last", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
	{ "cut", "\xe2\x80", "\\xe2\\x80" },
	{ "newline", "a\nb\tc", "a\\nb\\tc" },
	{ "delete", "\x7f", "\\x7f" },
};

static void test_safe_line(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(safe_cases); i++) {
		autofree char *once = safe_line(safe_cases[i].in);
		autofree char *twice = safe_line(once);

		print_message("case: %s\n", safe_cases[i].name);
		assert_string_equal(once, safe_cases[i].want);
		assert_string_equal(once, twice);
	}
}

static void test_safe_text(void **state unused_attr)
{
	autosb struct sb sb = SB_INIT;

	safe_text(&sb, "a\n\tb\0c", 6);
	assert_string_equal(sb.buf, "a\n\tb\\x00c");

	/* what lies behind the text does not complete a character of it */
	sb_trunc(&sb, 0);
	safe_text(&sb, "\xc3\xa9", 1);
	assert_string_equal(sb.buf, "\\xc3");
}

static void test_err(void **state unused_attr)
{
	struct err err = ERR_INIT;
	char longer[3000];

	errno = EPERM;
	assert_int_equal(err_sys(&err, "mount %s", "/proc"), -EPERM);
	assert_int_equal(err_wrap(&err, -EPERM, "start %s", "web"), -EPERM);
	assert_string_equal(err.msg,
			    "start web: mount /proc: operation not permitted");
	assert_int_equal(err_set(NULL, ERR_FAIL, EINVAL, "x"), -EINVAL);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	err_set(&err, ERR_FAIL, EINVAL, "%s", longer);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	err_wrap(&err, -EINVAL, "context");
	assert_true(str_starts(err.msg, "context: xxx"));
	err_clear(&err);
	assert_false(err_is_set(&err));
}

UNIT_TESTS(unit_test(test_sb), unit_test(test_sb_limit), unit_test(test_strv),
	   unit_test(test_env), unit_test(test_safe_line),
	   unit_test(test_safe_text), unit_test(test_err));
