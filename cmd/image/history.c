/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `history`: the history entries of the image's config, the newest first.
 * Entries that are not marked empty stand for the layers in order, which
 * gives their sizes; an image with fewer entries than layers (some builders
 * write none) shows what there is.  An entry has an id when the image that it
 * made is in the store, as the top one always is.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/image/choose.h"
#include "libpod/core/runtime.h"
#include "storage/image/lineage.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"

#define SHORT_ID 12
#define COMMAND_WIDTH 45
#define NS_PER_S 1000000000LL

struct history_args {
	char *format;
	bool human;
	bool no_trunc;
	char *platform;
	bool quiet;
};

static const struct opt history_opts[] = {
	OPT_STR(0, "format", struct history_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL('H', "human", struct history_args, human,
		 "Print sizes and dates for people (on unless =false)"),
	OPT_BOOL(0, "no-trunc", struct history_args, no_trunc,
		 "Do not shorten ids and commands"),
	OPT_STR(0, "platform", struct history_args, platform,
		"OS/ARCH[/VARIANT]",
		"The image has to be for this platform; of a manifest list "
		"the one that is"),
	OPT_BOOL('q', "quiet", struct history_args, quiet,
		 "Print ids only"),
	OPT_END,
};

static void history_defaults(void *p)
{
	struct history_args *args = p;

	args->human = true;
}

/**
 * struct entry - one line
 * @from: of the config; borrowed
 * @img:  the image that it made; borrowed, NULL when it is not here
 */
struct entry {
	struct json_object *from;
	const struct image *img;
	uint64_t size;
};

static int64_t created_of(const struct entry *e)
{
	const char *text = json_str(e->from, "created");
	int64_t ns = 0;

	return text && time_parse(text, &ns) == 0 ? ns : 0;
}

static char *id_of(const struct entry *e, bool no_trunc)
{
	if (!e->img)
		return xstrdup("<missing>");
	return xstrndup(e->img->id, no_trunc ? SIZE_MAX : SHORT_ID);
}

static char *command_of(const struct entry *e, bool no_trunc)
{
	const char *text = json_str(e->from, "created_by");
	size_t len = text ? strlen(text) : 0;

	if (no_trunc || len <= COMMAND_WIDTH)
		return xstrdup(text ? text : "");
	return xasprintf("%.*s...", COMMAND_WIDTH - 3, text);
}

/* ---- what is printed ---------------------------------------------------- */

static void set_created(struct json_object *o, const struct entry *e,
			bool human)
{
	int64_t ns = created_of(e);
	char text[TIME_TEXT_MAX];
	autofree char *since = NULL;
	const char *at;

	time_human(clock_now_ns() - ns, text);
	since = xasprintf("%s ago", text);
	/* Without the fraction */
	at = time_rfc3339(ns / NS_PER_S * NS_PER_S, text);
	json_set_str(o, "CreatedSince", since);
	json_set_str(o, "Created", human ? since : at);
	/* As in lists of images */
	json_set_str(o, "CreatedAt", time_go(ns / NS_PER_S * NS_PER_S, text));
}

static struct json_object *row_object(const struct history_args *args,
				      const struct entry *e)
{
	struct json_object *o = json_object_new_object();
	autofree char *id = id_of(e, args->no_trunc);
	autofree char *command = command_of(e, args->no_trunc);
	const char *comment = json_str(e->from, "comment");
	char size[SIZE_TEXT_MAX];

	if (args->human)
		size_human(e->size, true, size);
	else
		snprintf(size, sizeof(size), "%llu",
			 (unsigned long long)e->size);
	json_set_str(o, "ID", id);
	set_created(o, e, args->human);
	json_set_str(o, "CreatedBy", command);
	json_set_str(o, "Size", size);
	json_set_str(o, "Comment", comment ? comment : "");
	if (e->img && e->img->names)
		json_set_strv(o, "Tags", e->img->names);
	else
		json_set(o, "Tags", json_object_new_array());
	return o;
}

static struct json_object *json_entry(const struct entry *e)
{
	struct json_object *o = json_object_new_object();
	autofree char *id = id_of(e, true);
	char text[TIME_TEXT_MAX];

	json_set_str(o, "id", id);
	json_set_str(o, "created", time_rfc3339(created_of(e), text));
	json_set_str(o, "CreatedBy", json_str(e->from, "created_by"));
	if (e->img && e->img->names)
		json_set_strv(o, "tags", e->img->names);
	json_set_u64(o, "size", e->size);
	json_set_str(o, "comment", json_str(e->from, "comment"));
	return o;
}

static int print(const struct history_args *args, const struct entry *v,
		 size_t n, struct err *err)
{
	static const struct column columns[] = {
		{ "ID", "ID" },
		{ "Created", "CREATED" },
		{ "CreatedBy", "CREATED BY" },
		{ "Size", "SIZE" },
		{ "Comment", "COMMENT" },
		{ "CreatedAt", "" },
		{ "CreatedSince", "" },
		{ "Tags", "" },
		{ NULL, NULL },
	};
	autojson struct json_object *rows = json_object_new_array();
	autojson struct json_object *json = json_object_new_array();
	bool quiet = args->quiet && !format_is_json(args->format);

	for (size_t i = 0; i < n; i++) {
		autofree char *id = id_of(&v[i], args->no_trunc);

		if (quiet)
			printf("%s\n", id);
		json_object_array_add(rows, row_object(args, &v[i]));
		json_object_array_add(json, json_entry(&v[i]));
	}
	if (quiet)
		return 0;
	return print_rows(args->format, rows, json, columns, false, err);
}

/* ---- the entries -------------------------------------------------------- */

static int entries(struct store *store, const struct image *img,
		   const struct lineage *l, struct json_object *history,
		   struct entry *v, struct err *err)
{
	size_t n = json_object_array_length(history);
	autofree uint64_t *sizes = NULL;
	size_t n_sizes;
	size_t layer = 0;
	int r = image_layer_sizes(store, img, &sizes, &n_sizes, err);

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct entry *e = &v[n - 1 - i];

		e->from = json_object_array_get_idx(history, i);
		e->img = lineage_at(l, img->id, i + 1);
		if (!json_flag(e->from, "empty_layer", false) &&
		    layer < n_sizes)
			e->size = sizes[layer++];
	}
	return r;
}

static int history_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct history_args *args = p;
	autojson struct json_object *config = NULL;
	auto_lineage struct lineage *l = NULL;
	auto_image struct image *img = NULL;
	autofree struct entry *v = NULL;
	struct json_object *history;
	struct store *store;
	size_t n;
	int r;

	r = runtime_store(rt, &store, err);
	if (r == 0)
		r = image_choose(store, argv[0], args->platform, &img, err);
	if (r == 0)
		r = image_config(store, img, &config, err);
	if (r == 0)
		r = lineage_load(store, &l, err);
	if (r < 0)
		return r;
	history = json_arr(config, "history");
	n = history ? json_object_array_length(history) : 0;
	v = xcalloc(n ? n : 1, sizeof(*v));
	if (n)
		r = entries(store, img, l, history, v, err);
	return r < 0 ? r : print(args, v, n, err);
}

const struct cmd cmd_image_history = {
	.path = "history",
	.aliases = (const char *const[]){ "image history", NULL },
	.usage = "[options] IMAGE",
	.summary = "Show the history of an image",
	.text = "Lists the steps that made an image, the last one first.",
	.examples = (const char *const[]){ "history quay.io/fedora/fedora",
					   "history --no-trunc nginx",
					   "history --format "
					   "'{{.ID}} {{.Created}}' nginx",
					   NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ history_opts, NULL },
	.args_size = sizeof(struct history_args),
	.defaults = history_defaults,
	.run = history_run,
};
