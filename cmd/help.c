/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * --help in podman's layout, from the command table alone.  Scripts and
 * podman's own tests parse it: the Usage line holds "[options]" exactly when
 * an Options section follows, argument names are upper case.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "util/sb.h"
#include "util/str.h"

#define NAME_COLUMN 11

/* "  -a, --all KIND" */
static int label(const struct opt *o, struct sb *out)
{
	if (o->shorthand)
		sb_addf(out, "  -%c, --%s", o->shorthand, o->name);
	else
		sb_addf(out, "      --%s", o->name);
	if (o->metavar)
		sb_addf(out, o->flags & OPT_OPTARG ? "[=%s]" : " %s",
			o->metavar);
	return (int)out->len;
}

static int label_width(const struct opt *o)
{
	autosb struct sb text = SB_INIT;

	return o->flags & OPT_HIDDEN ? 0 : label(o, &text);
}

static void print_opt(FILE *out, const struct opt *o, int width)
{
	autosb struct sb text = SB_INIT;
	bool word = o->type == OPT_T_STR || o->type == OPT_T_STRV;

	if (o->flags & OPT_HIDDEN)
		return;
	label(o, &text);
	fprintf(out, "%-*s   %s", width, text.buf, o->help);
	if (o->def)
		fprintf(out, word ? " (default \"%s\")" : " (default %s)",
			o->def);
	if (o->alias)
		fprintf(out, " (also --%s)", o->alias);
	if (o->type == OPT_T_UNSUPPORTED)
		fprintf(out, " (not supported yet)");
	fprintf(out, "\n");
}

/* The tables merged, sorted by name: the next row behind @after. */
static const struct opt *next_opt(const struct opt *const *opts,
				  const struct opt *after)
{
	const struct opt *best = NULL;

	for (; *opts; opts++) {
		for (const struct opt *o = *opts; o->type != OPT_T_END; o++) {
			if (after && strcmp(o->name, after->name) <= 0)
				continue;
			if (!best || strcmp(o->name, best->name) < 0)
				best = o;
		}
	}
	return best;
}

static bool any_opts(const struct opt *const *opts)
{
	for (; opts && *opts; opts++)
		for (const struct opt *o = *opts; o->type != OPT_T_END; o++)
			if (!(o->flags & OPT_HIDDEN))
				return true;
	return false;
}

static void print_opts(FILE *out, const struct opt *const *opts)
{
	const struct opt *o = NULL;
	int width = 0;

	while ((o = next_opt(opts, o)) != NULL) {
		int label = label_width(o);

		width = MAX(width, label);
	}
	while ((o = next_opt(opts, o)) != NULL)
		print_opt(out, o, width);
}

static void print_name(const char *name, const char *summary,
		       void *arg unused_attr)
{
	printf("  %-*s %s\n", NAME_COLUMN, name, summary);
}

void help_group(const struct group *g)
{
	const char *path = g ? g->path : "";
	const char *space = g ? " " : "";

	if (g) {
		printf("%s\n", g->summary);
		printf("\nDescription:\n  %s\n", g->text ? g->text :
							   g->summary);
	} else {
		printf("Manage pods, containers and images\n");
	}
	printf("\nUsage:\n  %s%s%s %s\n", cmd_prog(), space, path,
	       g ? "[command]" : "[options] [command]");
	printf("\nAvailable Commands:\n");
	cmd_each_name(path, false, print_name, NULL);
	if (!g) {
		printf("\nOptions:\n");
		print_opts(stdout, global_opts);
	}
	printf("\n");
}

/* ---- aliases ---------------------------------------------------------- */

/* Length of the words before the last one of @path. */
static size_t group_len(const char *path)
{
	const char *last = strrchr(path, ' ');

	return last ? (size_t)(last - path) : 0;
}

static bool same_group(const char *a, const char *b)
{
	size_t n = group_len(a);

	return n == group_len(b) && !strncmp(a, b, n);
}

static const char *last_word(const char *path)
{
	size_t n = group_len(path);

	return n ? path + n + 1 : path;
}

/* Names of the same command beside the one that was typed. */
static void print_aliases(const struct cmd *c, const char *path)
{
	autosb struct sb names = SB_INIT;
	const char *const *alias = c->aliases;
	size_t n = 0;

	if (same_group(c->path, path)) {
		sb_add(&names, last_word(c->path));
		n++;
	}
	for (; alias && *alias; alias++) {
		if (!same_group(*alias, path))
			continue;
		sb_addf(&names, "%s%s", n ? ", " : "", last_word(*alias));
		n++;
	}
	if (n > 1)
		printf("\nAliases:\n  %s\n", names.buf);
}

static void print_examples(const struct cmd *c)
{
	const char *const *e = c->examples;

	if (!e || !*e)
		return;
	printf("\nExamples:\n");
	for (; *e; e++)
		printf("  %s %s\n", cmd_prog(), *e);
}

void help_command(const struct cmd *c, const char *path)
{
	printf("%s\n", c->summary);
	printf("\nDescription:\n  %s\n", c->text ? c->text : c->summary);
	printf("\nUsage:\n  %s %s%s%s\n", cmd_prog(), path,
	       str_is_empty(c->usage) ? "" : " ", c->usage ? c->usage : "");
	print_aliases(c, path);
	print_examples(c);
	if (any_opts(c->opts)) {
		printf("\nOptions:\n");
		print_opts(stdout, c->opts);
	}
	printf("\n");
}
