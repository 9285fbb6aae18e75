/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/volume/volume.h"
#include "util/json.h"
#include "util/strv.h"

struct ls_args {
	char **filters;
	char *format;
	bool noheading;
	bool quiet;
};

static const struct opt ls_opts[] = {
	OPT_LIST('f', "filter", struct ls_args, filters, "KEY=VALUE",
		 "List only volumes that match"),
	OPT_STR(0, "format", struct ls_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL('n', "noheading", struct ls_args, noheading,
		 "Do not print headers"),
	OPT_BOOL('q', "quiet", struct ls_args, quiet, "Print names only"),
	OPT_END,
};

static const struct column columns[] = {
	{ "Driver", "DRIVER" },
	{ "Name", "VOLUME NAME" },
	{ NULL, NULL },
};

/* For templates labels are one text, and .Label "k" asks for one. */
static struct json_object *row_of(const struct volume *v)
{
	struct json_object *row = volume_object(v);
	struct json_object *map = json_new_env_map(v->labels);
	autofree char *flat = NULL;
	autostrv char **sorted = strv_copy(v->labels);

	strv_sort(sorted);
	flat = strv_join(sorted, ",");
	json_set_str(row, "Labels", flat);
	template_mark_method(map);
	json_set(row, "Label", map);
	return row;
}

static int ls_run(struct runtime *rt, const void *p, char **argv unused_attr,
		  struct err *err)
{
	const struct ls_args *args = p;
	auto_volume_list struct volume_list all = { NULL, 0 };
	auto_filters struct filters filters = FILTERS_INIT;
	autojson struct json_object *rows = json_object_new_array();
	autojson struct json_object *json = json_object_new_array();
	int r = 0;

	if (args->quiet && args->format)
		return err_set(err, ERR_USAGE, EINVAL,
			       "quiet and format flags cannot be used "
			       "together");
	r = volume_filters_parse(args->filters, &filters, err);
	if (!r)
		r = volume_list(rt, &all, err);
	for (size_t i = 0; !r && i < all.n; i++) {
		if (!volume_matches(all.v[i], &filters))
			continue;
		if (args->quiet)
			printf("%s\n", all.v[i]->name);
		json_object_array_add(rows, row_of(all.v[i]));
		json_object_array_add(json, volume_object(all.v[i]));
	}
	if (r < 0 || args->quiet)
		return r;
	/* podman prints no header for an empty list of volumes */
	if (!args->format && !json_object_array_length(rows))
		return 0;
	return print_rows(args->format, rows, json, columns, args->noheading,
			  err);
}

const struct cmd cmd_volume_ls = {
	.path = "volume ls",
	.aliases = (const char *const[]){ "volume list", NULL },
	.usage = "[options]",
	.summary = "List volumes",
	.examples = (const char *const[]){ "volume ls",
					   "volume ls --format json",
					   "volume ls --filter label=env=test",
					   NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ ls_opts, NULL },
	.args_size = sizeof(struct ls_args),
	.run = ls_run,
};
