/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/image/filter.h"
#include "storage/store.h"
#include "util/str.h"

void image_rows_done(struct image_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->v[i].repo);
		free(rows->v[i].tag);
	}
	free(rows->v);
}

/* Takes @repo and @tag */
static void add_row(struct image_rows *rows, const struct image *img,
		    char *repo, char *tag)
{
	rows->v = xreallocarray(rows->v, rows->n + 1, sizeof(*rows->v));
	rows->v[rows->n++] = (struct image_row){ img, repo, tag };
}

void image_rows_add(struct image_rows *rows, const struct image *img,
		    char *const *only)
{
	size_t before = rows->n;

	for (char **name = img->names; name && *name; name++) {
		const char *colon = strrchr(*name, ':');

		if (only && !image_name_matches(only, *name))
			continue;
		add_row(rows, img,
			xstrndup(*name, (size_t)(colon - *name)),
			xstrdup(colon + 1));
	}
	/* Found by its digest: then all of its names */
	if (img->names && rows->n == before)
		image_rows_add(rows, img, NULL);
	if (img->names)
		return;
	if (img->digests) {
		const char *at = strchr(*img->digests, '@');

		add_row(rows, img,
			xstrndup(*img->digests, (size_t)(at - *img->digests)),
			xstrdup(IMAGE_NONE));
		return;
	}
	add_row(rows, img, xstrdup(IMAGE_NONE), xstrdup(IMAGE_NONE));
}

const char *image_row_digest(const struct image_row *row)
{
	for (char **d = row->img->digests; d && *d; d++) {
		const char *at = str_after(*d, row->repo);

		if (at && *at == '@')
			return at + 1;
	}
	return row->img->digest;
}

/* ---- order -------------------------------------------------------------- */

static int by_created(const void *a, const void *b)
{
	const struct image_row *x = a;
	const struct image_row *y = b;
	int64_t i = x->img->created_ns, j = y->img->created_ns;

	return i != j ? (i < j) - (i > j) : strcmp(x->img->id, y->img->id);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct image_row *)a)->img->id,
		      ((const struct image_row *)b)->img->id);
}

static int by_repository(const void *a, const void *b)
{
	const struct image_row *x = a;
	const struct image_row *y = b;
	int r = strcmp(x->repo, y->repo);

	return r ? r : strcmp(x->tag, y->tag);
}

static int by_size(const void *a, const void *b)
{
	uint64_t i = ((const struct image_row *)a)->img->size;
	uint64_t j = ((const struct image_row *)b)->img->size;

	return (i > j) - (i < j);
}

static int by_tag(const void *a, const void *b)
{
	return strcmp(((const struct image_row *)a)->tag,
		      ((const struct image_row *)b)->tag);
}

int image_rows_sort(struct image_rows *rows, const char *key, struct err *err)
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
