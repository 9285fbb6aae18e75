/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `images`: one row per name (an image without a name has one row of <none>),
 * but one element per image in `--format json`.  The config of an image is
 * read only when labels are asked for: a plain list is one SELECT.
 */
#include <fnmatch.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/filter.h"
#include "cmd/format.h"
#include "cmd/timearg.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define SHORT_ID 12
#define NS_PER_S 1000000000LL
#define NONE "<none>"

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
};

static const struct opt images_opts[] = {
	OPT_BOOL('a', "all", struct images_args, all,
		 "Show all images (none is ever hidden)"),
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
	OPT_NOT_YET(0, "tree", NULL, "List the platforms of each image"),
	OPT_END,
};

/* ---- rows --------------------------------------------------------------- */

/**
 * struct row - one line
 * @img:  borrowed from the list
 * @repo, @tag: owned
 */
struct row {
	const struct image *img;
	char *repo;
	char *tag;
};

struct rows {
	struct row *v;
	size_t n;
};

static void rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->v[i].repo);
		free(rows->v[i].tag);
	}
	free(rows->v);
}

static void add_row(struct rows *rows, const struct image *img, char *repo,
		    char *tag)
{
	rows->v = xreallocarray(rows->v, rows->n + 1, sizeof(*rows->v));
	rows->v[rows->n++] = (struct row){ img, repo, tag };
}

/* "*nginx*", "quay.io/x", "nginx:1.*": against the name with and without its
 * tag, each from every slash on */
static bool name_matches(const char *pattern, const char *name)
{
	const char *colon = strrchr(name, ':');
	autofree char *repo = xstrndup(name, colon ? (size_t)(colon - name) :
						     strlen(name));

	for (const char *p = name; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (fnmatch(pattern, p, FNM_PATHNAME) == 0 ||
		    fnmatch(pattern, repo + (p - name), FNM_PATHNAME) == 0)
			return true;
	}
	return false;
}

static bool any_matches(char *const *patterns, const char *name)
{
	for (; *patterns; patterns++)
		if (name_matches(*patterns, name))
			return true;
	return false;
}

/* @only: patterns of which a shown name has to match one; NULL: all names */
static void add_rows(struct rows *rows, const struct image *img,
		     char *const *only)
{
	size_t before = rows->n;

	for (char **name = img->names; name && *name; name++) {
		const char *colon = strrchr(*name, ':');

		if (only && !any_matches(only, *name))
			continue;
		add_row(rows, img,
			xstrndup(*name, (size_t)(colon - *name)),
			xstrdup(colon + 1));
	}
	/* Found by its digest: then all of its names */
	if (img->names && rows->n == before)
		add_rows(rows, img, NULL);
	if (img->names)
		return;
	if (img->digests) {
		const char *at = strchr(*img->digests, '@');

		add_row(rows, img,
			xstrndup(*img->digests, (size_t)(at - *img->digests)),
			xstrdup(NONE));
		return;
	}
	add_row(rows, img, xstrdup(NONE), xstrdup(NONE));
}

/* ---- filters ------------------------------------------------------------ */

static const char *const filter_keys[] = {
	"after",    "before", "containers", "dangling",	 "digest",
	"id",	    "intermediate", "label", "manifest", "readonly",
	"reference", "since", "until", NULL,
};

static const struct filter_texts filter_words = {
	.bad_form = { "invalid image filter \"",
		      "\": must be in the format \"filter=value or "
		      "filter!=value\"" },
	.bad_key = { "unsupported image filter \"", "\"" },
};

/**
 * struct test - one image before the filters
 * @r, @err: the first failure
 */
struct test {
	struct store *store;
	const struct image *img;
	int r;
	struct err *err;
};

static bool reference_matches(const char *pattern, const struct image *img)
{
	for (char **name = img->names; name && *name; name++)
		if (name_matches(pattern, *name))
			return true;
	return strv_contains(img->digests, pattern);
}

static bool label_matches(struct test *t, const char *want)
{
	autojson struct json_object *config = NULL;
	autostrv char **labels = NULL;
	struct json_object *o;

	if (image_config(t->store, t->img, &config, NULL) < 0)
		return false;
	o = json_obj(json_obj(config, "config"), "Labels");
	if (o)
		labels = json_env_list(o);
	return filter_label(want, labels);
}

/* before=X, since=X: created earlier or later than image X */
static int64_t created_of(struct test *t, const char *name)
{
	auto_image struct image *img = NULL;
	int r = t->r < 0 ? t->r : image_find(t->store, name, &img, t->err);

	if (r < 0) {
		t->r = r;
		return 0;
	}
	return img->created_ns;
}

static bool until_matches(struct test *t, const char *value)
{
	int64_t when = 0;

	if (time_arg(value, TIME_AGO, &when) < 0 && t->r == 0)
		t->r = err_set(t->err, ERR_USAGE, EINVAL,
			       "invalid time \"%s\" in filter \"until\"",
			       value);
	return t->img->created_ns < when;
}

static bool truth(struct test *t, const char *key, const char *value, bool is)
{
	bool want = false;

	if (parse_bool(value, &want) < 0 && t->r == 0)
		t->r = err_set(t->err, ERR_USAGE, EINVAL,
			       "non-boolean value \"%s\" for %s filter",
			       value, key);
	return want == is;
}

static bool has_users(struct test *t)
{
	autostrv char **users = NULL;

	return image_users(t->store, t->img->id, &users, NULL) == 0 && users;
}

static bool test_filter(const struct filter *f, void *arg)
{
	struct test *t = arg;
	const struct image *img = t->img;
	const char *hex;

	if (streq(f->key, "reference"))
		return reference_matches(f->value, img);
	if (streq(f->key, "label"))
		return label_matches(t, f->value);
	if (streq(f->key, "dangling"))
		return truth(t, f->key, f->value, !img->names);
	if (streq(f->key, "intermediate") || streq(f->key, "readonly") ||
	    streq(f->key, "manifest"))
		return truth(t, f->key, f->value, false);
	if (streq(f->key, "containers"))
		return truth(t, f->key, f->value, has_users(t));
	if (streq(f->key, "before"))
		return img->created_ns < created_of(t, f->value);
	if (streq(f->key, "since") || streq(f->key, "after"))
		return img->created_ns > created_of(t, f->value);
	if (streq(f->key, "until"))
		return until_matches(t, f->value);
	hex = str_after(f->value, "sha256:");
	return str_starts(streq(f->key, "id") ? img->id : img->digest + 7,
			  hex ? hex : f->value);
}

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
	return all ? strv_join(all, ", ") : xstrdup(NONE);
}

static struct json_object *row_object(const struct row *row,
				      const struct images_args *args,
				      struct json_object *labels)
{
	struct json_object *o = json_object_new_object();
	const struct image *img = row->img;
	autofree char *history = history_of(img);
	autofree char *id = args->no_trunc ?
		xasprintf("sha256:%s", img->id) :
		xstrndup(img->id, SHORT_ID);
	char size[SIZE_TEXT_MAX];

	json_set_str(o, "Repository", row->repo);
	json_set_str(o, "Tag", row->tag);
	json_set_str(o, "ID", id);
	json_set_str(o, "Id", id);
	json_set_str(o, "Digest", img->digest);
	set_times(o, img);
	size_human(img->size, true, size);
	json_set_str(o, "Size", size);
	json_set_str(o, "VirtualSize", size);
	json_set_str(o, "History", history);
	json_set_strv(o, "Names", img->names);
	json_set_strv(o, "RepoTags", img->names);
	json_set_strv(o, "RepoDigests", img->digests);
	json_set_bool(o, "Dangling", !img->names);
	json_set_bool(o, "ReadOnly", false);
	json_set_str(o, "Os", img->os);
	json_set_str(o, "Arch", img->arch);
	if (labels) {
		json_set(o, "Labels", json_object_get(labels));
		template_mark_map(labels);
	}
	return o;
}

static struct json_object *image_json(struct store *store,
				      const struct image *img)
{
	struct json_object *o = json_object_new_object();
	struct json_object *labels = labels_of(store, img);
	autostrv char **users = NULL;
	char text[TIME_TEXT_MAX];

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
	json_set_bool(o, "Dangling", !img->names);
	if (img->names)
		json_set_strv(o, "Names", img->names);
	json_set_str(o, "Digest", img->digest);
	if (img->history)
		json_set_strv(o, "History", img->history);
	json_set_i64(o, "Created", img->created_ns / NS_PER_S);
	json_set_str(o, "CreatedAt", time_rfc3339(img->created_ns, text));
	return o;
}

/* ---- order -------------------------------------------------------------- */

static int by_created(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;
	int64_t i = x->img->created_ns, j = y->img->created_ns;

	return i != j ? (i < j) - (i > j) : strcmp(x->img->id, y->img->id);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->img->id,
		      ((const struct row *)b)->img->id);
}

static int by_repository(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;
	int r = strcmp(x->repo, y->repo);

	return r ? r : strcmp(x->tag, y->tag);
}

static int by_size(const void *a, const void *b)
{
	uint64_t i = ((const struct row *)a)->img->size;
	uint64_t j = ((const struct row *)b)->img->size;

	return (i > j) - (i < j);
}

static int by_tag(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->tag,
		      ((const struct row *)b)->tag);
}

static int sort_rows(struct rows *rows, const char *key, struct err *err)
{
	static const struct {
		const char *key;
		int (*compare)(const void *a, const void *b);
	} orders[] = {
		{ "created", by_created }, { "id", by_id },
		{ "repository", by_repository }, { "size", by_size },
		{ "tag", by_tag },
	};

	for (size_t i = 0; key && i < ARRAY_LEN(orders); i++) {
		if (!streq(orders[i].key, key))
			continue;
		if (rows->n)
			qsort(rows->v, rows->n, sizeof(*rows->v),
			      orders[i].compare);
		return 0;
	}
	if (!key)
		return 0;
	return err_set(err, ERR_USAGE, EINVAL,
		       "\"%s\" is not a valid field for sorting. Choose from: "
		       "created, id, repository, size, tag", key);
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

static const struct column columns_history[] = {
	{ "Repository", "REPOSITORY" }, { "Tag", "TAG" },
	{ "ID", "IMAGE ID" },		{ "Created", "CREATED" },
	{ "Size", "SIZE" },		{ "History", "HISTORY" },
	{ NULL, NULL },
};

static void print_quiet(const struct rows *rows, bool no_trunc)
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

static int print(const struct images_args *args, struct store *store,
		 const struct rows *rows, struct err *err)
{
	autojson struct json_object *list = json_object_new_array();
	autojson struct json_object *json = NULL;
	bool is_json = streq(args->format, "json");
	bool labels = args->format && strstr(args->format, "Label");
	const struct column *cols = args->digests ? columns_digest :
				    args->history ? columns_history :
						    columns;

	if (is_json)
		json = json_object_new_array();
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *row = &rows->v[i];
		autojson struct json_object *map =
			labels ? labels_of(store, row->img) : NULL;

		json_object_array_add(list, row_object(row, args, map));
		if (is_json && (i == 0 || rows->v[i - 1].img != row->img))
			json_object_array_add(json,
					      image_json(store, row->img));
	}
	return print_rows(args->format, list, json, cols, args->noheading,
			  err);
}

static void add_patterns(const struct filters *filters, char ***only)
{
	for (size_t i = 0; i < filters->n; i++)
		if (streq(filters->v[i].key, "reference") &&
		    !filters->v[i].negated)
			strv_add(only, filters->v[i].value);
}

static int select_images(const struct images_args *args, struct store *store,
			 const char *name, const struct image_list *list,
			 struct rows *rows, struct err *err)
{
	auto_filters struct filters filters = FILTERS_INIT;
	struct test t = { store, NULL, 0, err };
	autostrv char **only = NULL;
	autofree char *id = NULL;
	int r = filters_parse(args->filters, filter_keys, &filter_words,
			      &filters, err);

	if (r == 0 && name) {
		auto_image struct image *img = NULL;

		/* An id, or a name in any of the forms that others take */
		if (image_find(store, name, &img, NULL) == 0)
			id = xstrdup(img->id);
		strv_add(&only, name);
	}
	add_patterns(&filters, &only);
	for (size_t i = 0; r == 0 && i < list->n; i++) {
		bool named;

		t.img = list->v[i];
		named = !name || reference_matches(name, t.img);
		if (!named && !streq(id, t.img->id))
			continue;
		if (filters_match(&filters, test_filter, &t))
			add_rows(rows, t.img, named ? only : NULL);
		r = t.r;
	}
	return r;
}

static int images_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct images_args *args = p;
	auto_image_list struct image_list list = { 0 };
	cleanup(rows_done) struct rows rows = { 0 };
	struct store *store;
	int r;

	if (args->quiet && args->format)
		return err_set(err, ERR_USAGE, EINVAL,
			       "quiet and format are mutually exclusive");
	r = runtime_store(rt, &store, err);
	if (r == 0)
		r = image_list(store, &list, err);
	if (r == 0)
		r = select_images(args, store, argv[0], &list, &rows, err);
	if (r == 0)
		r = sort_rows(&rows, args->sort, err);
	if (r < 0)
		return r;
	if (args->quiet) {
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
