/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Which images are meant by --filter.  The values are resolved once, before
 * any image is looked at.  What a filter needs beyond the image's rows is read
 * when it asks: the config for labels, the configs of all images for
 * "intermediate".
 */
#include "cmd/image/filter.h"

#include <fnmatch.h>

#include "cmd/timearg.h"
#include "storage/image/lineage.h"
#include "storage/store.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/**
 * struct image_filter_value - what a filter's text means
 * @when: "until"; of the image that "before" and "since" name
 * @want: of the keys that are claims
 */
struct image_filter_value {
	int64_t when;
	bool want;
};

/**
 * struct test - one image before the filters
 * @r, @err: the first failure
 */
struct test {
	struct image_filters *f;
	const struct image *img;
	int r;
	struct err *err;
};

/**
 * struct key - one key of --filter
 * @resolve: the text of it, once and for all images; NULL: any text will do
 * @is:      a claim about the image, to be compared with the value
 * @matches: any other test
 */
struct key {
	const char *name;
	int (*resolve)(struct store *s, const struct filter *f,
		       struct image_filter_value *ret, struct err *err);
	bool (*is)(struct test *t);
	bool (*matches)(struct test *t, const char *text,
			const struct image_filter_value *value);
};

static const struct filter_texts words = {
	.bad_form = { "invalid image filter \"",
		      "\": must be in the format \"filter=value or "
		      "filter!=value\"" },
	.bad_key = { "unsupported image filter \"", "\"" },
};

/* ---- names -------------------------------------------------------------- */

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

bool image_name_matches(char *const *patterns, const char *name)
{
	for (; *patterns; patterns++)
		if (name_matches(*patterns, name))
			return true;
	return false;
}

bool image_reference_matches(const char *pattern, const struct image *img)
{
	for (char **name = img->names; name && *name; name++)
		if (name_matches(pattern, *name))
			return true;
	return strv_contains(img->digests, pattern);
}

/* ---- values: one that means nothing is an error without any image, too --- */

static int resolve_flag(struct store *s unused_attr, const struct filter *f,
			struct image_filter_value *ret, struct err *err)
{
	return parse_bool(f->value, &ret->want) == 0 ? 0 :
	       err_set(err, ERR_USAGE, EINVAL,
		       "non-boolean value \"%s\" for %s filter", f->value,
		       f->key);
}

static int resolve_time(struct store *s unused_attr, const struct filter *f,
			struct image_filter_value *ret, struct err *err)
{
	return time_arg(f->value, TIME_AGO, &ret->when) == 0 ? 0 :
	       err_set(err, ERR_USAGE, EINVAL,
		       "invalid time \"%s\" in filter \"until\"", f->value);
}

static int resolve_image(struct store *s, const struct filter *f,
			 struct image_filter_value *ret, struct err *err)
{
	auto_image struct image *img = NULL;
	int r = image_find(s, f->value, &img, err);

	if (r < 0)
		return err_wrap(err, r, "could not find local image for "
				"filter \"%s\"=\"%s\"", f->key, f->value);
	ret->when = img->created_ns;
	return 0;
}

/* ---- tests --------------------------------------------------------------- */

static bool has_users(struct test *t)
{
	autostrv char **users = NULL;

	return image_users(t->f->store, t->img->id, &users, NULL) == 0 &&
	       users;
}

static bool is_dangling(struct test *t)
{
	return image_is_dangling(t->img);
}

static bool is_intermediate(struct test *t)
{
	if (!image_is_dangling(t->img))
		return false;
	if (!t->f->lineage && t->r == 0)
		t->r = lineage_load(t->f->store, &t->f->lineage, t->err);
	return t->r == 0 && lineage_is_parent(t->f->lineage, t->img->id, NULL);
}

static bool is_manifest(struct test *t)
{
	return t->img->is_list;
}

/* The store has none */
static bool is_readonly(struct test *t unused_attr)
{
	return false;
}

static bool digest_matches(struct test *t, const char *text,
			   const struct image_filter_value *v unused_attr)
{
	const char *hex = str_after(text, "sha256:");

	return str_starts(t->img->digest + strlen("sha256:"),
			  hex ? hex : text);
}

static bool id_matches(struct test *t, const char *text,
		       const struct image_filter_value *v unused_attr)
{
	const char *hex = str_after(text, "sha256:");

	return str_starts(t->img->id, hex ? hex : text);
}

static bool label_matches(struct test *t, const char *text,
			  const struct image_filter_value *v unused_attr)
{
	autojson struct json_object *config = NULL;
	autostrv char **labels = NULL;
	struct json_object *o;

	if (image_config(t->f->store, t->img, &config, NULL) < 0)
		return false;
	o = json_obj(json_obj(config, "config"), "Labels");
	if (o)
		labels = json_env_list(o);
	return filter_label(text, labels);
}

static bool reference_matches(struct test *t, const char *text,
			      const struct image_filter_value *v unused_attr)
{
	return image_reference_matches(text, t->img);
}

static bool is_older(struct test *t, const char *text unused_attr,
		     const struct image_filter_value *v)
{
	return t->img->created_ns < v->when;
}

static bool is_newer(struct test *t, const char *text unused_attr,
		     const struct image_filter_value *v)
{
	return t->img->created_ns > v->when;
}

static const struct key keys[] = {
	{ "after", resolve_image, NULL, is_newer },
	{ "before", resolve_image, NULL, is_older },
	{ "containers", resolve_flag, has_users, NULL },
	{ "dangling", resolve_flag, is_dangling, NULL },
	{ "digest", NULL, NULL, digest_matches },
	{ "id", NULL, NULL, id_matches },
	{ "intermediate", resolve_flag, is_intermediate, NULL },
	{ "label", NULL, NULL, label_matches },
	{ "manifest", resolve_flag, is_manifest, NULL },
	{ "readonly", resolve_flag, is_readonly, NULL },
	{ "reference", NULL, NULL, reference_matches },
	{ "since", resolve_image, NULL, is_newer },
	{ "until", resolve_time, NULL, is_older },
};

static const struct key *key_of(const struct filter *f)
{
	const struct key *k = keys;

	while (!streq(k->name, f->key))
		k++;
	return k;
}

/* ---- all of them --------------------------------------------------------- */

static int resolve_all(struct image_filters *f, struct err *err)
{
	const struct filters *list = &f->filters;

	f->values = xcalloc(list->n + 1, sizeof(*f->values));
	for (size_t i = 0; i < list->n; i++) {
		const struct key *k = key_of(&list->v[i]);
		int r = k->resolve ? k->resolve(f->store, &list->v[i],
						&f->values[i], err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int image_filters_parse(struct store *s, char *const *texts,
			struct image_filters *ret, struct err *err)
{
	const char *known[ARRAY_LEN(keys) + 1] = { NULL };
	int r;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		known[i] = keys[i].name;
	*ret = (struct image_filters){ .store = s, .filters = FILTERS_INIT };
	r = filters_parse(texts, known, &words, &ret->filters, err);
	return r < 0 ? r : resolve_all(ret, err);
}

void image_filters_done(struct image_filters *f)
{
	filters_done(&f->filters);
	free(f->values);
	f->values = NULL;
	f->lineage = lineage_free(f->lineage);
}

static bool test_filter(const struct filter *f, void *arg)
{
	struct test *t = arg;
	const struct image_filter_value *v =
		&t->f->values[f - t->f->filters.v];
	const struct key *k = key_of(f);

	return k->is ? k->is(t) == v->want : k->matches(t, f->value, v);
}

int image_matches(struct image_filters *f, const struct image *img,
		  struct err *err)
{
	struct test t = { f, img, 0, err };
	bool hide = f->hide && !filters_have(&f->filters, "intermediate");
	bool matches = filters_match(&f->filters, test_filter, &t) &&
		       !(hide && is_intermediate(&t));

	return t.r < 0 ? t.r : matches;
}

void image_filters_patterns(const struct image_filters *f, char ***ret)
{
	const struct filters *list = &f->filters;

	for (size_t i = 0; i < list->n; i++)
		if (streq(list->v[i].key, "reference") && !list->v[i].negated)
			strv_add(ret, list->v[i].value);
}
