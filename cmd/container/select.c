/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which containers does a life-cycle command mean?  By name, --all, --latest,
 * --cidfile, --filter; the rules on what excludes what are the same for all
 * of them.
 */
#include "cmd/container/select.h"

#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/container/ps.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

int parse_stop_signal(const char *text, int *ret, struct err *err)
{
	int r = parse_signal(text, ret);

	if (r == -ERANGE)
		return err_set(err, ERR_INVALID, EINVAL,
			       "valid signals are 1 through 64");
	if (r < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid signal: %s",
			       text + (text[0] == '-' ? 1 : 0));
	return 0;
}

int seconds_arg(const char *text, uint32_t *ret, struct err *err)
{
	int n;

	if (parse_int(text, &n) < 0)
		return err_set(err, ERR_USAGE, ERANGE,
			       "--time %s: out of range", text);
	*ret = n < 0 ? CTR_STOP_FOREVER : (uint32_t)n;
	return 0;
}

/* podman's start has words of its own */
static int all_and_names(const char *verb, struct err *err)
{
	if (streq(verb, "start"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "either start all containers or the "
			       "container(s) provided in the arguments");
	return err_set(err, ERR_USAGE, EINVAL,
		       "no arguments are needed with --all");
}

static int no_names(const char *verb, struct err *err)
{
	if (streq(verb, "start"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "start requires at least one argument");
	return err_set(err, ERR_USAGE, EINVAL,
		       "you must provide at least one name or id");
}

static int check(const struct select_args *sel, char **argv, struct err *err)
{
	bool named = argv[0] != NULL;

	if (sel->all && sel->latest)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all and --latest cannot be used together");
	if (sel->latest && named)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--latest and containers cannot be used "
			       "together");
	if (sel->all && named)
		return all_and_names(sel->verb, err);
	if (sel->cidfiles && (sel->all || sel->latest))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all, --latest, and --cidfile cannot be used "
			       "together");
	if (!named && !sel->all && !sel->latest && !sel->cidfiles &&
	    !sel->filters)
		return no_names(sel->verb, err);
	return 0;
}

static int add_cidfile(const char *path, bool ignore, char ***names,
		       struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r = file_load(path, 4096, &text);

	if (r == -ENOENT && ignore)
		return 0;
	if (r < 0)
		return err_code(err, r, "reading CIDFile: open %s", path);
	strv_add(names, str_trim(text.buf));
	return 0;
}

static int add_matching(struct runtime *rt, const struct select_args *sel,
			char ***names, struct err *err)
{
	auto_ctr_list struct ctr_list list = { 0 };
	auto_ps_filters struct ps_filters filters = PS_FILTERS_INIT;
	int r;

	r = ps_filters_parse(rt, sel->filters, &filters, err);
	if (r == 0)
		r = ctr_list(rt, &list, err);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		struct ctr *c = list.v[i];

		if (sel->wanted && !sel->wanted(c))
			continue;
		if (!sel->filters || ps_matches(c, &filters))
			strv_add(names, c->id);
	}
	return r;
}

static int collect(struct runtime *rt, const struct select_args *sel,
		   char **argv, char ***names, struct err *err)
{
	int r = 0;

	if (sel->latest) {
		auto_ctr struct ctr *c = NULL;

		r = ctr_latest(rt, &c, err);
		if (r == 0)
			strv_add(names, c->id);
		return r;
	}
	for (char **f = sel->cidfiles; r == 0 && f && *f; f++)
		r = add_cidfile(*f, sel->ignore, names, err);
	if (r == 0 && (sel->all || (sel->filters && !argv[0])))
		r = add_matching(rt, sel, names, err);
	if (r == 0)
		strv_extend(names, argv);
	return r;
}

/* podman's rm has words of its own */
static int find(struct runtime *rt, const struct select_args *sel,
		const char *name, struct ctr **ret, struct err *err)
{
	int r = ctr_find(rt, name, ret, err);

	if (r == -ENOENT && sel->rm_exit && err->kind == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "no container with ID or name \"%s\" found: no "
			       "such container", name);
	return r;
}

/* One container; 0, or -errno. */
static int one(struct runtime *rt, const struct select_args *sel,
	       const char *name,
	       int (*fn)(struct runtime *rt, struct ctr *c, void *data,
			 struct err *err),
	       void *data, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int r = find(rt, sel, name, &c, err);

	if (r == 0)
		r = fn(rt, c, data, err);
	if (r >= 0) {
		printf("%s\n", name);
		fflush(stdout);
		return 0;
	}
	/* --ignore, or --all and it went away meanwhile */
	if (err->kind == ERR_NOT_FOUND && (sel->ignore || sel->all))
		return err_clear(err);
	return r;
}

int select_each(struct runtime *rt, const struct select_args *sel, char **argv,
		int (*fn)(struct runtime *rt, struct ctr *c, void *data,
			  struct err *err),
		void *data, struct err *err)
{
	autostrv char **names = NULL;
	int worst = 0;
	int r;

	r = check(sel, argv, err);
	if (r == 0)
		r = collect(rt, sel, argv, &names, err);
	if (r < 0)
		return r;
	for (char **n = names; n && *n; n++) {
		struct err why = ERR_INIT;

		if (one(rt, sel, *n, fn, data, &why) < 0)
			worst = exit_worse(worst,
					   cmd_error(&why, sel->rm_exit));
	}
	return worst;
}

int select_one(struct runtime *rt, const char *verb, bool latest, char **argv,
	       struct ctr **ret, struct err *err)
{
	if (latest && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "--latest and containers cannot be used "
			       "together");
	if (latest)
		return ctr_latest(rt, ret, err);
	if (!argv[0] && streq(verb, "start"))
		return no_names(verb, err);
	if (!argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "\"%s %s\" requires a name, id, or the "
			       "\"--latest\" flag", cmd_prog(), verb);
	return ctr_find(rt, argv[0], ret, err);
}
