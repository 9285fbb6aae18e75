/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Which images are meant by --filter.  What a filter needs beyond the image's
 * rows is read when it asks: the config for labels, the configs of all images
 * for "intermediate".
 */
#include "cmd/image/filter.h"

#include <fnmatch.h>

#include "cmd/timearg.h"
#include "storage/image/lineage.h"
#include "storage/store.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

static const char *const keys[] = {
	"after",    "before", "containers", "dangling",	 "digest",
	"id",	    "intermediate", "label", "manifest", "readonly",
	"reference", "since", "until", NULL,
};

static const struct filter_texts words = {
	.bad_form = { "invalid image filter \"",
		      "\": must be in the format \"filter=value or "
		      "filter!=value\"" },
	.bad_key = { "unsupported image filter \"", "\"" },
};

/* A value that means nothing is an error without any image, too. */
static int check_value(struct store *s, const struct filter *f,
		       struct err *err)
{
	static const char *const flags[] = { "containers", "dangling",
					     "intermediate", "manifest",
					     "readonly", NULL };
	auto_image struct image *img = NULL;
	int64_t when;
	bool flag;
	int r;

	if (strv_contains((char **)flags, f->key))
		return parse_bool(f->value, &flag) == 0 ? 0 :
		       err_set(err, ERR_USAGE, EINVAL,
			       "non-boolean value \"%s\" for %s filter",
			       f->value, f->key);
	if (streq(f->key, "until"))
		return time_arg(f->value, TIME_AGO, &when) == 0 ? 0 :
		       err_set(err, ERR_USAGE, EINVAL,
			       "invalid time \"%s\" in filter \"until\"",
			       f->value);
	if (!streq(f->key, "before") && !streq(f->key, "since") &&
	    !streq(f->key, "after"))
		return 0;
	r = image_find(s, f->value, &img, err);
	return r == 0 ? 0 : err_wrap(err, r, "could not find local image for "
				     "filter \"%s\"=\"%s\"", f->key,
				     f->value);
}

int image_filters_parse(struct store *s, char *const *texts,
			struct image_filters *ret, struct err *err)
{
	int r;

	*ret = (struct image_filters){ .store = s, .filters = FILTERS_INIT };
	r = filters_parse(texts, keys, &words, &ret->filters, err);
	for (size_t i = 0; r == 0 && i < ret->filters.n; i++)
		r = check_value(s, &ret->filters.v[i], err);
	return r;
}

void image_filters_done(struct image_filters *f)
{
	filters_done(&f->filters);
	f->lineage = lineage_free(f->lineage);
}

void image_filters_patterns(const struct image_filters *f, char ***ret)
{
	const struct filters *list = &f->filters;

	for (size_t i = 0; i < list->n; i++)
		if (streq(list->v[i].key, "reference") && !list->v[i].negated)
			strv_add(ret, list->v[i].value);
}

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

/* ---- one filter --------------------------------------------------------- */

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

static bool label_matches(struct test *t, const char *want)
{
	autojson struct json_object *config = NULL;
	autostrv char **labels = NULL;
	struct json_object *o;

	if (image_config(t->f->store, t->img, &config, NULL) < 0)
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

	if (t->r == 0)
		t->r = image_find(t->f->store, name, &img, t->err);
	return img ? img->created_ns : 0;
}

static bool until_matches(struct test *t, const char *value)
{
	int64_t when = 0;

	(void)time_arg(value, TIME_AGO, &when);
	return t->img->created_ns < when;
}

static bool truth(const struct filter *f, bool is)
{
	bool want = false;

	(void)parse_bool(f->value, &want);
	return want == is;
}

static bool has_users(struct test *t)
{
	autostrv char **users = NULL;

	return image_users(t->f->store, t->img->id, &users, NULL) == 0 &&
	       users;
}

static bool is_intermediate(struct test *t)
{
	if (!image_is_dangling(t->img))
		return false;
	if (!t->f->lineage && t->r == 0)
		t->r = lineage_load(t->f->store, &t->f->lineage, t->err);
	return t->r == 0 && lineage_is_parent(t->f->lineage, t->img->id, NULL);
}

static bool test_flag(struct test *t, const struct filter *f)
{
	if (streq(f->key, "dangling"))
		return truth(f, image_is_dangling(t->img));
	if (streq(f->key, "containers"))
		return truth(f, has_users(t));
	if (streq(f->key, "intermediate"))
		return truth(f, is_intermediate(t));
	if (streq(f->key, "manifest"))
		return truth(f, t->img->is_list);
	/* The store has no read-only images */
	return truth(f, false);
}

static bool test_filter(const struct filter *f, void *arg)
{
	struct test *t = arg;
	const struct image *img = t->img;
	const char *hex;

	if (streq(f->key, "reference"))
		return image_reference_matches(f->value, img);
	if (streq(f->key, "label"))
		return label_matches(t, f->value);
	if (streq(f->key, "before"))
		return img->created_ns < created_of(t, f->value);
	if (streq(f->key, "since") || streq(f->key, "after"))
		return img->created_ns > created_of(t, f->value);
	if (streq(f->key, "until"))
		return until_matches(t, f->value);
	hex = str_after(f->value, "sha256:");
	if (streq(f->key, "id"))
		return str_starts(img->id, hex ? hex : f->value);
	if (streq(f->key, "digest"))
		return str_starts(img->digest + strlen("sha256:"),
				  hex ? hex : f->value);
	return test_flag(t, f);
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
