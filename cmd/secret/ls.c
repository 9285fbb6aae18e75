/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/filter.h"
#include "cmd/format.h"
#include "libpod/core/secret/secret.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

struct ls_args {
	char **filters;
	char *format;
	bool noheading, quiet;
};

static const struct opt ls_opts[] = {
	OPT_LIST('f', "filter", struct ls_args, filters, "KEY=VALUE",
		 "List only secrets that match: id, name, label"),
	OPT_STR(0, "format", struct ls_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL('n', "noheading", struct ls_args, noheading,
		 "Do not print headers"),
	OPT_BOOL('q', "quiet", struct ls_args, quiet, "Print IDs only"),
	OPT_END,
};

static const struct column columns[] = {
	{ "ID", "ID" },		  { "Name", "NAME" },
	{ "Driver", "DRIVER" },	  { "CreatedAt", "CREATED" },
	{ "UpdatedAt", "UPDATED" }, { NULL, NULL },
};

static bool test(const struct filter *f, void *obj)
{
	const struct secret *s = obj;

	if (streq(f->key, "label"))
		return filter_label(f->value, s->labels);
	return streq(f->key, "id") ? str_starts(s->id, f->value) :
				     filter_regex(f->value, s->name);
}

static void set_ago(struct json_object *o, const char *key, int64_t ns)
{
	char text[TIME_TEXT_MAX];

	autofree char *ago = xasprintf("%s ago", time_human(clock_now_ns() - ns,
							    text));

	json_set_str(o, key, ago);
}

/* docker's .Labels and .Label "k", for templates only */
static void set_labels(struct json_object *o, char *const *labels)
{
	autostrv char **sorted = strv_copy(labels);
	autofree char *text = NULL;
	struct json_object *map = json_new_env_map(sorted);
	struct json_object *all = NULL;

	strv_sort(sorted);
	text = strv_join(sorted, ",");
	all = json_object_new_string(text);
	template_put_hidden(o, "Labels", all);
	template_mark_method(map);
	json_set(o, "Label", map);
}

static struct json_object *row_of(const struct secret *s)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "ID", s->id);
	json_set_str(o, "Name", s->name);
	json_set_str(o, "Driver", "file");
	set_ago(o, "CreatedAt", s->created_ns);
	set_ago(o, "UpdatedAt", s->updated_ns);
	set_labels(o, s->labels);
	return o;
}

static int ls_run(struct runtime *rt, const void *p, char **argv unused_attr,
		  struct err *err)
{
	static const char *const known[] = { "id", "label", "name", NULL };
	static const struct filter_texts words = {
		{ "filter input must be in the form of filter=value: ",
		  " is invalid" },
		{ "invalid filter \"", "\"" },
	};
	const struct ls_args *args = p;
	auto_secret_list struct secret_list all = { NULL, 0 };
	auto_filters struct filters filters = FILTERS_INIT;
	autojson struct json_object *rows = json_object_new_array();
	int r;

	r = filters_parse(args->filters, known, &words, &filters, err);
	if (r == 0)
		r = secret_list(rt, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		if (!filters_match(&filters, test, all.v[i]))
			continue;
		if (args->quiet)
			printf("%s\n", all.v[i]->id);
		json_object_array_add(rows, row_of(all.v[i]));
	}
	if (r < 0 || args->quiet)
		return r;
	return print_rows(args->format, rows, NULL, columns, args->noheading,
			  err);
}

const struct cmd cmd_secret_ls = {
	.path = "secret ls",
	.aliases = (const char *const[]){ "secret list", NULL },
	.usage = "[options]",
	.summary = "List secrets",
	.examples = (const char *const[]){ "secret ls",
					   "secret ls --format "
					   "'{{.Name}}'", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ ls_opts, NULL },
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};
