/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "cmd/opt.h"
#include "util/str.h"
#include "util/strv.h"

struct args {
	bool all;
	bool all_given;
	int last;
	int64_t big;
	uint64_t count;
	uint64_t size;
	double cpus;
	int tri;
	char *name;
	char *pull;
	char **env;
	char **caps;
};

static const struct opt first[] = {
	{ 'a', "all", NULL, OPT_T_BOOL, OPT_CHECK_(struct args, all, bool),
	  offsetof(struct args, all_given), NULL, NULL, "all", 0 },
	OPT_INT('n', "last", struct args, last, "int", "last"),
	OPT_I64(0, "big", struct args, big, "int", "big"),
	OPT_U64('w', "watch", struct args, count, "uint", "watch"),
	OPT_SIZE('m', "memory", struct args, size, "size", "memory"),
	OPT_FLOAT(0, "cpus", struct args, cpus, "float", "cpus"),
	OPT_TRI('i', "init", struct args, tri, "init"),
	OPT_END,
};

static const struct opt second[] = {
	{ 'h', "network", "net", OPT_T_STR,
	  OPT_CHECK_(struct args, name, char *), OPT_NO_GIVEN, "NAME", NULL,
	  "name", 0 },
	{ 0, "pull", NULL, OPT_T_STR, OPT_CHECK_(struct args, pull, char *),
	  OPT_NO_GIVEN, "string", "always", "pull", OPT_OPTARG },
	OPT_STRV('e', "env", struct args, env, "K=V", "env"),
	OPT_LIST('c', "cap-add", struct args, caps, "CAP", "caps"),
	OPT_NOT_YET('x', "later", NULL, "later"),
	OPT_NOT_YET('y', "later-value", "string", "later"),
	OPT_END,
};

static const struct opt *const tables[] = { first, second, NULL };

/* A line cut at blanks; the parser reorders @words, @owned keeps them all. */
struct line {
	char **owned;
	char **words;
};

static struct line line_new(const char *text)
{
	struct line l = { strv_split(text, ' '), NULL };
	size_t n = strv_len(l.owned);

	l.words = xcalloc(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		l.words[i] = l.owned[i];
	return l;
}

static void line_free(struct line *l)
{
	free(l->words);
	strv_free(l->owned);
}

static struct args args_new(void)
{
	return (struct args){ .last = -1, .tri = -1 };
}

static const struct {
	const char *line;
	const char *env;	/* joined with '|' */
	const char *caps;
	const char *name;
	const char *rest;
	bool all;
	int last;
} good[] = {
	{ "x y", "", "", NULL, "x|y", false, -1 },
	{ "x -a y", "", "", NULL, "x|y", true, -1 },
	{ "--all=false x", "", "", NULL, "x", false, -1 },
	{ "--all --all=0", "", "", NULL, "", false, -1 },
	{ "--all false", "", "", NULL, "false", true, -1 },
	{ "-an5 x", "", "", NULL, "x", true, 5 },
	{ "-n=5", "", "", NULL, "", false, 5 },
	{ "-n -5", "", "", NULL, "", false, -5 },
	{ "--last=7 --last 8", "", "", NULL, "", false, 8 },
	{ "--net=a --network b", "", "", "b", "", false, -1 },
	{ "-h name", "", "", "name", "", false, -1 },
	{ "-eA=1 -e B=2,3 --env=C", "A=1|B=2,3|C", "", NULL, "", false, -1 },
	{ "-c a,b --cap-add=c", "", "a|b|c", NULL, "", false, -1 },
	{ "-c \"a,b\",c", "", "a,b|c", NULL, "", false, -1 },
	{ "-c a,", "", "a|", NULL, "", false, -1 },
	{ "-c=", "", "=", NULL, "", false, -1 },
	{ "a - b", "", "", NULL, "a|-|b", false, -1 },
	{ "-a -- -n x", "", "", NULL, "-n|x", true, -1 },
};

static void check_strv(char **v, const char *want)
{
	autofree char *text = strv_join(v, "|");

	assert_string_equal(text, want);
}

static void test_good(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct line l = line_new(good[i].line);
		struct args args = args_new();
		const struct opt_set set = { tables, &args };
		char **rest = NULL;

		print_message("case: %s\n", good[i].line);
		assert_ok(opt_parse_sets(&set, 1, l.words, false, &rest,
					 err));
		check_strv(args.env, good[i].env);
		check_strv(args.caps, good[i].caps);
		check_strv(rest, good[i].rest);
		assert_int_equal(args.all, good[i].all);
		assert_int_equal(args.last, good[i].last);
		if (good[i].name)
			assert_string_equal(args.name, good[i].name);
		opt_free(tables, &args);
		line_free(&l);
	}
}

static void test_types(void **state unused_attr)
{
	struct line l = line_new("--memory=64m --cpus 1.5 --init=false --pull "
				 "--big 9000000000 -w3 -a arg --last=3");
	struct args args = args_new();
	const struct opt_set set = { tables, &args };
	char **rest = NULL;

	assert_ok(opt_parse_sets(&set, 1, l.words, false, &rest, err));
	assert_int_equal(args.size, 64 << 20);
	assert_true(args.cpus > 1.49 && args.cpus < 1.51);
	assert_int_equal(args.tri, 0);
	assert_string_equal(args.pull, "always");
	assert_true(args.big == 9000000000);
	assert_int_equal(args.count, 3);
	assert_true(args.all_given);
	assert_int_equal(args.last, 3);
	assert_string_equal(rest[0], "arg");
	opt_free(tables, &args);
	line_free(&l);
}

/* What follows the image belongs to the container. */
static void test_stop(void **state unused_attr)
{
	struct line l = line_new("-a image -n -- --nosuch");
	struct args args = args_new();
	const struct opt_set set = { tables, &args };
	char **rest = NULL;

	assert_int_equal(opt_parse_sets(&set, 1, l.words, true, &rest, NULL),
			 4);
	check_strv(rest, "image|-n|--|--nosuch");
	assert_int_equal(args.last, -1);
	line_free(&l);
}

/* podman 4.3.1's words */
static const struct {
	const char *line;
	const char *say;
} bad[] = {
	{ "--nosuch", "unknown flag: --nosuch" },
	{ "--nosuch=x", "unknown flag: --nosuch" },
	{ "--al", "unknown flag: --al" },
	{ "---all", "bad flag syntax: ---all" },
	{ "--=x", "bad flag syntax: --=x" },
	{ "-X", "unknown shorthand flag: 'X' in -X" },
	{ "-aX", "unknown shorthand flag: 'X' in -X" },
	{ "-n", "flag needs an argument: 'n' in -n" },
	{ "-an", "flag needs an argument: 'n' in -n" },
	{ "--last", "flag needs an argument: --last" },
	{ "--net", "flag needs an argument: --network" },
	{ "--last=x", "invalid argument \"x\" for \"-n, --last\" flag: "
		      "strconv.ParseInt: parsing \"x\": invalid syntax" },
	{ "--last=", "invalid argument \"\" for \"-n, --last\" flag: "
		     "strconv.ParseInt: parsing \"\": invalid syntax" },
	{ "-n99999999999", "invalid argument \"99999999999\" for \"-n, "
			   "--last\" flag: strconv.ParseInt: parsing "
			   "\"99999999999\": value out of range" },
	{ "--all=maybe", "invalid argument \"maybe\" for \"-a, --all\" flag: "
			 "strconv.ParseBool: parsing \"maybe\": invalid "
			 "syntax" },
	{ "--watch=-1", "invalid argument \"-1\" for \"-w, --watch\" flag: "
			"strconv.ParseUint: parsing \"-1\": invalid syntax" },
	{ "--cpus=x", "invalid argument \"x\" for \"--cpus\" flag: "
		      "strconv.ParseFloat: parsing \"x\": invalid syntax" },
	{ "-m x", "invalid argument \"x\" for \"-m, --memory\" flag: invalid "
		  "size: 'x'" },
};

static void check_bad(const char *text, enum err_kind kind, const char *say)
{
	struct line l = line_new(text);
	struct args args = args_new();
	const struct opt_set set = { tables, &args };
	struct err err = ERR_INIT;
	char **rest = NULL;

	print_message("case: %s\n", text);
	assert_true(opt_parse_sets(&set, 1, l.words, false, &rest, &err) < 0);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.msg, say);
	opt_free(tables, &args);
	line_free(&l);
}

static void test_bad(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check_bad(bad[i].line, ERR_USAGE, bad[i].say);
}

/* No flag is parsed and ignored. */
static void test_not_yet(void **state unused_attr)
{
	static const char *const lines[] = { "--later", "--later=false", "-x",
					     "-ax" };
	static const char *const with_value[] = { "--later-value=1",
						  "--later-value 1", "-y1" };

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		check_bad(lines[i], ERR_UNSUPPORTED,
			  "--later is not supported yet");
	for (size_t i = 0; i < ARRAY_LEN(with_value); i++)
		check_bad(with_value[i], ERR_UNSUPPORTED,
			  "--later-value is not supported yet");
}

UNIT_TESTS(unit_test(test_good), unit_test(test_types), unit_test(test_stop),
	   unit_test(test_bad), unit_test(test_not_yet));
