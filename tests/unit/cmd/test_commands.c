/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "cmd/cmd.h"
#include "cmd/filter.h"
#include "cmd/timearg.h"
#include "util/clock.h"
#include "util/str.h"
#include "util/strv.h"

static const struct {
	const char *line;
	const char *path;	/* NULL: no command */
	size_t words;
} lines[] = {
	{ "ps -a", "ps", 1 },
	{ "container ls", "ps", 2 },
	{ "container list x", "ps", 2 },
	{ "volume ls", "volume ls", 2 },
	{ "volume list", "volume ls", 2 },
	{ "volume", NULL, 0 },
	{ "volume nosuch", NULL, 0 },
	{ "psx", NULL, 0 },
	{ "p", NULL, 0 },
	{ "info", "info", 1 },
	{ "system info", "info", 2 },
	{ "inspect x", "inspect", 1 },
	{ "container inspect x", "container inspect", 2 },
};

static void test_find(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		autostrv char **argv = strv_split(lines[i].line, ' ');
		size_t words = 0;
		const struct cmd *c = cmd_find(argv, &words);

		print_message("case: %s\n", lines[i].line);
		if (!lines[i].path) {
			assert_null(c);
			continue;
		}
		assert_non_null(c);
		assert_string_equal(c->path, lines[i].path);
		assert_int_equal(words, lines[i].words);
	}
}

/* What every row of the table promises (see cmd.h). */
static void test_table_is_sound(void **state unused_attr)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct cmd *c = commands[i];
		bool options = false;

		print_message("case: %s\n", c->path);
		assert_non_null(c->run);
		assert_non_null(c->summary);
		for (const struct opt *const *t = c->opts; t && *t; t++)
			for (const struct opt *o = *t; o->type != OPT_T_END;
			     o++) {
				options |= !(o->flags & OPT_HIDDEN);
				assert_non_null(o->name);
				assert_non_null(o->help);
			}
		if (c->flags & CMD_HIDDEN)
			continue;
		/* "[options]" stands in the usage exactly when there are any */
		assert_int_equal(options,
				 str_starts(c->usage ? c->usage : "",
					    "[options]"));
		assert_true(c->max_args < 0 || c->max_args >= c->min_args);
		for (size_t j = 0; commands[j]; j++)
			if (i != j)
				assert_string_not_equal(c->path,
							commands[j]->path);
	}
}

/* Two rows of one command must not share a letter or a name. */
static void test_options_are_unique(void **state unused_attr)
{
	for (size_t i = 0; commands[i]; i++) {
		autostrv char **seen = NULL;
		const struct opt *const *t = commands[i]->opts;

		for (; t && *t; t++) {
			for (const struct opt *o = *t; o->type != OPT_T_END;
			     o++) {
				char letter[3] = { '-', o->shorthand, '\0' };

				if (strv_contains(seen, o->name) ||
				    strv_contains(seen, o->alias) ||
				    (o->shorthand &&
				     strv_contains(seen, letter)))
					fail_msg("%s: --%s or its letter is "
						 "there twice",
						 commands[i]->path, o->name);
				strv_add(&seen, o->name);
				if (o->alias)
					strv_add(&seen, o->alias);
				if (o->shorthand)
					strv_add(&seen, letter);
			}
		}
	}
}

static const struct {
	enum err_kind kind;
	bool rm;
	int code;
} codes[] = {
	{ ERR_FAIL, false, 125 },
	{ ERR_USAGE, true, 125 },
	{ ERR_START, false, 126 },
	{ ERR_CMD_NOT_FOUND, false, 127 },
	{ ERR_NOT_FOUND, false, 125 },
	{ ERR_NOT_FOUND, true, 1 },
	{ ERR_IN_USE, false, 125 },
	{ ERR_IN_USE, true, 2 },
	{ ERR_UNSUPPORTED, false, 125 },
};

static void test_codes(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct err why = ERR_INIT;

		err_set(&why, codes[i].kind, EINVAL, "expected by the test");
		assert_int_equal(cmd_error(&why, codes[i].rm), codes[i].code);
	}
}

static int odd_fails(struct runtime *rt unused_attr, const char *arg,
		     void *data, struct err *err)
{
	*(int *)data += 1;
	if (streq(arg, "gone"))
		return err_set(err, ERR_NOT_FOUND, ENOENT, "no %s", arg);
	if (streq(arg, "bad"))
		return err_set(err, ERR_FAIL, EIO, "broken %s", arg);
	return 0;
}

/* Every argument is done; the most severe code wins. */
static void test_each_arg(void **state unused_attr)
{
	static const struct cmd rm = { .path = "rm", .flags = CMD_RM_EXIT };
	static const struct {
		const char *args;
		int code;
	} rows[] = { { "a b", 0 },
		     { "a gone b", 1 },
		     { "gone bad gone", 125 } };

	cmd_current_set(&rm);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autostrv char **argv = strv_split(rows[i].args, ' ');
		int calls = 0;

		assert_int_equal(each_arg(NULL, argv, false, odd_fails,
					  &calls),
				 rows[i].code);
		assert_int_equal(calls, strv_len(argv));
	}
	cmd_current_set(NULL);
}

/* ---- filters ---------------------------------------------------------- */

static const char *const keys[] = { "name", "label", "status", NULL };
static const struct filter_texts words = { { "bad form <", ">" },
					   { "bad key <", ">" } };

static bool value_is_in(const struct filter *f, void *obj)
{
	return strstr(obj, f->value) != NULL;
}

static const struct {
	const char *filters;
	const char *object;
	bool want;
} filter_rows[] = {
	{ "", "abc", true },
	{ "name=a", "abc", true },
	{ "name=x", "abc", false },
	{ "name=x name=a", "abc", true },	/* one key: or */
	{ "name=a status=x", "abc", false },	/* two keys: and */
	{ "label=a label=x", "abc", false },	/* labels: and */
	{ "name!=x", "abc", true },
	{ "name!=a", "abc", false },
	{ "name!=x name!=a", "abc", false },
};

static void test_filters(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(filter_rows); i++) {
		autostrv char **texts = strv_split(filter_rows[i].filters, ' ');
		auto_filters struct filters f = FILTERS_INIT;

		print_message("case: %s\n", filter_rows[i].filters);
		assert_ok(filters_parse(texts, keys, &words, &f, err));
		assert_int_equal(filters_match(&f, value_is_in,
					       (void *)(uintptr_t)
						       filter_rows[i].object),
				 filter_rows[i].want);
	}
}

static void test_bad_filters(void **state unused_attr)
{
	static const struct {
		const char *text, *say;
	} rows[] = { { "x", "bad form <x>" },
		     { "=x", "bad form <=x>" },
		     { "nope=x", "bad key <nope>" } };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		autostrv char **texts = strv_split(rows[i].text, ' ');
		struct filters f = FILTERS_INIT;
		struct err why = ERR_INIT;

		assert_int_equal(filters_parse(texts, keys, &words, &f, &why),
				 -EINVAL);
		assert_string_equal(why.msg, rows[i].say);
	}
}

static void test_label(void **state unused_attr)
{
	static const struct {
		const char *want;
		bool hit;
	} rows[] = { { "k", true },	{ "k=v", true },   { "k=x", false },
		     { "bare", true },	{ "bare=", true }, { "none", false },
		     { "k=*", true },	{ "a*", true },	   { "app=we?", true },
		     { "v", false },	{ "", false } };
	autostrv char **labels = strv_split("k=v,bare,app=web", ',');

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		print_message("case: %s\n", rows[i].want);
		assert_int_equal(filter_label(rows[i].want, labels),
				 rows[i].hit);
	}
}

static void test_time_arg(void **state unused_attr)
{
	int64_t now = clock_now_ns();
	int64_t ns = 0;

	assert_int_equal(time_arg("10", TIME_AGO, &ns), 0);
	assert_true(ns == 10000000000);
	assert_int_equal(time_arg("1h", TIME_AGO, &ns), 0);
	assert_true(ns >= now - 3601000000000 &&
		    ns <= clock_now_ns() - 3600000000000);
	assert_int_equal(time_arg("1h", TIME_AHEAD, &ns), 0);
	assert_true(ns >= now + 3599000000000 &&
		    ns <= clock_now_ns() + 3600000000000);
	assert_int_equal(time_arg("-1h", TIME_AHEAD, &ns), 0);
	assert_true(ns >= now - 3601000000000 &&
		    ns <= clock_now_ns() - 3600000000000);
	assert_int_equal(time_arg("2026-11-20T13:27:47Z", TIME_AGO, &ns), 0);
	assert_true(ns == 1795181267000000000);
	assert_int_equal(time_arg("soon", TIME_AGO, &ns), -EINVAL);
}

UNIT_TESTS(unit_test(test_find), unit_test(test_table_is_sound),
	   unit_test(test_options_are_unique), unit_test(test_codes),
	   unit_test(test_each_arg), unit_test(test_filters),
	   unit_test(test_bad_filters), unit_test(test_label),
	   unit_test(test_time_arg));
