/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `images`: one row per name (an image without a name has one row of <none>),
 * but one element per image in `--format json`.  The config of an image is
 * read only when labels are asked for, or when there is an untagged image that
 * others may have been made from: a plain list is one SELECT.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/image/filter.h"
#include "cmd/image/platforms.h"
#include "cmd/image/rows.h"
#include "libpod/core/runtime.h"
#include "storage/image/lineage.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define SHORT_ID 12
#define NS_PER_S 1000000000LL

struct images_args {
	bool all;
	bool digests;
	char **filters;
	char *format;
	bool history;
	bool no_trunc;
	bool noheading;
	bool quiet;
	char *sort;
	bool tree;
};

static const struct opt images_opts[] = {
	OPT_BOOL('a', "all", struct images_args, all,
		 "Show intermediate images too"),
	OPT_BOOL(0, "digests", struct images_args, digests, "Show digests"),
	OPT_LIST('f', "filter", struct images_args, filters, "KEY=VALUE",
		 "List only images that match"),
	OPT_STR(0, "format", struct images_args, format, "string",
		"Print with a Go template, or json"),
	OPT_BOOL(0, "history", struct images_args, history,
		 "Show the names that the image has had"),
	OPT_BOOL(0, "no-trunc", struct images_args, no_trunc,
		 "Do not shorten ids"),
	OPT_BOOL('n', "noheading", struct images_args, noheading,
		 "Do not print headers"),
	OPT_BOOL('q', "quiet", struct images_args, quiet, "Print ids only"),
	OPT_STR(0, "sort", struct images_args, sort, "string",
		"Sort by created, id, repository, size or tag"),
	OPT_BOOL(0, "tree", struct images_args, tree,
		 "List the platforms of each image"),
	OPT_END,
};

/* ---- what is printed ---------------------------------------------------- */

static struct json_object *labels_of(struct store *store,
				     const struct image *img)
{
	autojson struct json_object *config = NULL;
	struct json_object *o;

	if (image_config(store, img, &config, NULL) < 0)
		return NULL;
	o = json_obj(json_obj(config, "config"), "Labels");
	return json_object_get(o);
}

static void set_times(struct json_object *o, const struct image *img)
{
	char text[TIME_TEXT_MAX];
	autofree char *since = NULL;

	time_human(clock_now_ns() - img->created_ns, text);
	since = xasprintf("%s ago", text);
	json_set_str(o, "Created", since);
	json_set_str(o, "CreatedSince", since);
	time_go(img->created_ns, text);
	json_set_str(o, "CreatedAt", text);
	json_set_str(o, "CreatedTime", text);
}

static char *history_of(const struct image *img)
{
	autostrv char **all = strv_copy(img->names);

	strv_extend(&all, img->history);
	return all ? strv_join(all, ", ") : xstrdup(IMAGE_NONE);
}

static struct json_object *row_object(const struct image_row *row,
				      const struct images_args *args,
				      struct store *store,
				      struct json_object *labels)
{
	static const struct zero_field zeros[] = {
		{ "Labels", json_type_object },
		{ "Names", json_type_array },
		{ "RepoTags", json_type_array },
		{ "RepoDigests", json_type_array },
		{ "Containers", json_type_int },
		{ NULL, json_type_null },
	};
	struct json_object *o = json_object_new_object();
	const struct image *img = row->img;
	autofree char *history = history_of(img);
	autostrv char **users = NULL;
	autofree char *id = args->no_trunc ?
		xasprintf("sha256:%s", img->id) :
		xstrndup(img->id, SHORT_ID);
	char size[SIZE_TEXT_MAX];

	json_set_str(o, "Repository", row->repo);
	json_set_str(o, "Tag", row->tag);
	json_set_str(o, "ID", id);
	json_set_str(o, "Id", img->id);
	json_set_str(o, "Digest", image_row_digest(row));
	set_times(o, img);
	size_human(img->size, true, size);
	json_set_str(o, "Size", size);
	json_set_u64(o, "VirtualSize", img->size);
	json_set_i64(o, "SharedSize", 0);
	json_set_str(o, "ParentId", "");
	json_set_str(o, "History", history);
	json_set_strv(o, "Names", img->names);
	json_set_strv(o, "RepoTags", img->names);
	json_set_strv(o, "RepoDigests", img->digests);
	json_set_bool(o, "Dangling", image_is_dangling(img));
	json_set_bool(o, "ReadOnly", false);
	json_set_bool(o, "IsManifestList", img->is_list);
	json_set_str(o, "Os", img->os);
	json_set_str(o, "Arch", img->arch);
	if (labels) {
		json_set(o, "Labels", json_object_get(labels));
		template_mark_map(labels);
	}
	if (args->format && strstr(args->format, "Containers")) {
		(void)image_users(store, img->id, &users, NULL);
		json_set_u64(o, "Containers", strv_len(users));
	}
	template_zeros(o, zeros);
	return o;
}

static struct json_object *image_json(struct store *store,
				      const struct image *img)
{
	autostrv char **had = strv_copy(img->names);
	struct json_object *o = json_object_new_object();
	struct json_object *labels = labels_of(store, img);
	autostrv char **users = NULL;
	char text[TIME_TEXT_MAX];

	strv_extend(&had, img->history);
	(void)image_users(store, img->id, &users, NULL);
	json_set_str(o, "Id", img->id);
	json_set_str(o, "ParentId", "");
	if (img->names)
		json_set_strv(o, "RepoTags", img->names);
	else
		json_set(o, "RepoTags", NULL);
	json_set_strv(o, "RepoDigests", img->digests);
	json_set_u64(o, "Size", img->size);
	json_set_i64(o, "SharedSize", 0);
	json_set_u64(o, "VirtualSize", img->size);
	json_set(o, "Labels", labels ? labels : json_object_new_object());
	json_set_u64(o, "Containers", strv_len(users));
	json_set_bool(o, "Dangling", image_is_dangling(img));
	if (img->names)
		json_set_strv(o, "Names", img->names);
	json_set_str(o, "Digest", img->digest);
	if (had)
		json_set_strv(o, "History", had);
	json_set_i64(o, "Created", img->created_ns / NS_PER_S);
	json_set_str(o, "CreatedAt", time_rfc3339(img->created_ns, text));
	return o;
}

/* ---- the command -------------------------------------------------------- */

static const struct column columns[] = {
	{ "Repository", "REPOSITORY" }, { "Tag", "TAG" },
	{ "ID", "IMAGE ID" },		{ "Created", "CREATED" },
	{ "Size", "SIZE" },		{ NULL, NULL },
};

static const struct column columns_digest[] = {
	{ "Repository", "REPOSITORY" }, { "Tag", "TAG" },
	{ "Digest", "DIGEST" },		{ "ID", "IMAGE ID" },
	{ "Created", "CREATED" },	{ "Size", "SIZE" },
	{ NULL, NULL },
};

static const struct column columns_tree[] = {
	{ "Image", "IMAGE" }, { "ID", "ID" }, { "DiskUsage", "DISK USAGE" },
	{ NULL, NULL },
};

static const struct column columns_history[] = {
	{ "Repository", "REPOSITORY" }, { "Tag", "TAG" },
	{ "ID", "IMAGE ID" },		{ "Created", "CREATED" },
	{ "Size", "SIZE" },		{ "History", "HISTORY" },
	{ NULL, NULL },
};

static const struct column columns_both[] = {
	{ "Repository", "REPOSITORY" }, { "Tag", "TAG" },
	{ "Digest", "DIGEST" },		{ "ID", "IMAGE ID" },
	{ "Created", "CREATED" },	{ "Size", "SIZE" },
	{ "History", "HISTORY" },	{ NULL, NULL },
};

static void print_quiet(const struct image_rows *rows, bool no_trunc)
{
	const char *last = NULL;

	for (size_t i = 0; i < rows->n; i++) {
		const char *id = rows->v[i].img->id;

		if (streq(id, last))
			continue;
		last = id;
		if (no_trunc)
			printf("sha256:%s\n", id);
		else
			printf("%.12s\n", id);
	}
}

static void set_parent(struct json_object *o, const struct lineage *l,
		       const struct image *img)
{
	const struct image *parent = l ? lineage_parent(l, img->id) : NULL;

	if (parent)
		json_set_str(o, "ParentId", parent->id);
}

/* Only where it may be shown: it needs the config of every image */
static int load_lineage(const struct images_args *args, struct store *store,
			struct lineage **ret, struct err *err)
{
	if (!args->format || (!strstr(args->format, "Parent") &&
			      !strstr(args->format, "json")))
		return 0;
	return lineage_load(store, ret, err);
}

static int print(const struct images_args *args, struct store *store,
		 const struct image_rows *rows, struct err *err)
{
	auto_lineage struct lineage *l = NULL;
	autojson struct json_object *list = json_object_new_array();
	autojson struct json_object *json = NULL;
	bool is_json = format_is_json(args->format);
	bool labels = args->format && strstr(args->format, "Label");
	const struct column *cols =
		args->digests ? (args->history ? columns_both :
						 columns_digest) :
		args->history ? columns_history : columns;

	int r = load_lineage(args, store, &l, err);

	if (is_json)
		json = json_object_new_array();
	for (size_t i = 0; r == 0 && i < rows->n; i++) {
		const struct image_row *row = &rows->v[i];
		autojson struct json_object *map =
			labels ? labels_of(store, row->img) : NULL;
		struct json_object *o = row_object(row, args, store, map);

		set_parent(o, l, row->img);
		json_object_array_add(list, o);
		if (!is_json || (i && rows->v[i - 1].img == row->img))
			continue;
		o = image_json(store, row->img);
		set_parent(o, l, row->img);
		json_object_array_add(json, o);
	}
	if (r < 0)
		return r;
	return print_rows(args->format, list, json, cols, args->noheading,
			  err);
}

static int print_tree(const struct images_args *args, struct store *store,
		      const struct image_rows *rows, struct err *err)
{
	autojson struct json_object *lines = json_object_new_array();
	int r = 0;

	for (size_t i = 0; r == 0 && i < rows->n; i++) {
		const struct image_row *row = &rows->v[i];
		autofree char *name = streq(row->tag, IMAGE_NONE) ?
			xstrdup(row->repo) :
			xasprintf("%s:%s", row->repo, row->tag);

		r = platforms_add(lines, store, name, row->img, args->no_trunc,
				  err);
	}
	return r < 0 ? r : print_rows(NULL, lines, NULL, columns_tree,
				      args->noheading, err);
}

/* A tree is for the eye. */
static int check_tree(const struct images_args *args, struct err *err)
{
	const struct {
		bool given;
		const char *name;
	} others[] = {
		{ args->quiet, "quiet" }, { args->format, "format" },
		{ args->digests, "digests" }, { args->history, "history" },
	};

	for (size_t i = 0; args->tree && i < ARRAY_LEN(others); i++)
		if (others[i].given)
			return err_set(err, ERR_USAGE, EINVAL,
				       "tree and %s are mutually exclusive",
				       others[i].name);
	return 0;
}

/**
 * struct choice - which images are shown
 * @id:   the image that the argument means, owned; NULL when none
 * @only: patterns for names, a strv, owned
 */
struct choice {
	const struct images_args *args;
	const char *name;
	struct image_filters filters;
	char *id;
	char **only;
};

static void choice_done(struct choice *c)
{
	image_filters_done(&c->filters);
	free(c->id);
	strv_free(c->only);
}

static int choice_make(struct choice *c, struct store *store, struct err *err)
{
	auto_image struct image *img = NULL;
	int r = image_filters_parse(store, c->args->filters, &c->filters, err);

	if (r < 0)
		return r;
	c->filters.hide = !c->args->all;
	/* An id, or a name in any of the forms that others take */
	if (c->name && image_find(store, c->name, &img, NULL) == 0)
		c->id = xstrdup(img->id);
	if (c->name)
		strv_add(&c->only, c->name);
	image_filters_patterns(&c->filters, &c->only);
	return 0;
}

static int select_images(struct choice *c, const struct image_list *list,
			 struct image_rows *rows, struct err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct image *img = list->v[i];
		bool named = !c->name ||
			     image_reference_matches(c->name, img);
		int r;

		if (!named && !streq(c->id, img->id))
			continue;
		r = image_matches(&c->filters, img, err);
		if (r < 0)
			return r;
		if (r > 0)
			image_rows_add(rows, img, named ? c->only : NULL);
	}
	return 0;
}

static int images_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct images_args *args = p;
	auto_image_list struct image_list list = { 0 };
	cleanup(image_rows_done) struct image_rows rows = { 0 };
	cleanup(choice_done) struct choice choice = {
		.args = args, .name = argv[0],
	};
	struct store *store;
	int r = check_tree(args, err);

	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r == 0)
		r = image_list(store, &list, err);
	if (r == 0)
		r = choice_make(&choice, store, err);
	if (r == 0)
		r = select_images(&choice, &list, &rows, err);
	if (r == 0)
		r = image_rows_sort(&rows, args->sort, err);
	if (r < 0)
		return r;
	if (args->tree)
		return print_tree(args, store, &rows, err);
	if (args->quiet && !format_is_json(args->format)) {
		print_quiet(&rows, args->no_trunc);
		return 0;
	}
	return print(args, store, &rows, err);
}

const struct cmd cmd_image_ls = {
	.path = "images",
	.aliases = (const char *const[]){ "image ls", "image list", NULL },
	.usage = "[options] [IMAGE]",
	.summary = "List images in local storage",
	.text = "Lists the images of the store, the newest first.",
	.examples = (const char *const[]){ "images --format json",
					   "images --sort repository",
					   "images --filter dangling=true",
					   NULL },
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ images_opts, NULL },
	.args_size = sizeof(struct images_args),
	.run = images_run,
};
