/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines: newline separated words.  Nothing is lost or invented: every
 * positional argument is one of the words, and a failure says why.
 */
#include <stdlib.h>

#include "cmd/opt.h"
#include "util/str.h"
#include "util/strv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct args {
	bool on;
	int n;
	int64_t big;
	uint64_t u, bytes;
	double f;
	int tri;
	char *s, *maybe;
	char **v, **list;
};

static const struct opt opts[] = {
	OPT_BOOL('a', "on", struct args, on, "on"),
	OPT_INT('n', "int", struct args, n, "int", "int"),
	OPT_I64(0, "big", struct args, big, "int", "big"),
	OPT_U64('u', "uint", struct args, u, "uint", "uint"),
	OPT_SIZE('m', "size", struct args, bytes, "size", "size"),
	OPT_FLOAT('f', "float", struct args, f, "float", "float"),
	OPT_TRI('t', "tri", struct args, tri, "tri"),
	OPT_STR('s', "str", struct args, s, "str", "str"),
	{ 0, "maybe", "alias", OPT_T_STR,
	  OPT_CHECK_(struct args, maybe, char *), OPT_NO_GIVEN, "str", "def",
	  "maybe", OPT_OPTARG },
	OPT_STRV('v', "strv", struct args, v, "str", "strv"),
	OPT_LIST('l', "list", struct args, list, "str", "list"),
	OPT_NOT_YET('x', "later", NULL, "later"),
	OPT_END,
};

static const struct opt *const tables[] = { opts, NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = xstrndup((const char *)data, size);
	autostrv char **owned = strv_split(text, '\n');
	size_t n = strv_len(owned);
	autofree char **words = xcalloc(n + 1, sizeof(char *));
	struct args args = { 0 };
	const struct opt_set set = { tables, &args };
	struct err err = ERR_INIT;
	char **rest = NULL;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		words[i] = owned[i];
	r = opt_parse_sets(&set, 1, words, size & 1, &rest, &err);
	if (r < 0 && (!err.code || !err.msg[0]))
		abort();
	if (r > (int)n || (r >= 0 && rest[r]))
		abort();
	for (int i = 0; i < r; i++)
		if (!strv_contains(owned, rest[i]))
			abort();
	opt_free(tables, &args);
	return 0;
}
