/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Disk space of images as du would count it: every layer directory and every
 * blob is measured once, whoever needs it.  An image's size is the sum of
 * what it needs; the part that another image needs too is its shared size.
 * So the unique sizes and each shared thing once add up to the total.
 */
#include <dirent.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "storage/store_int.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/trace.h"

/**
 * struct thing - a layer or a blob
 * @usage:  its dirfd and name borrow from @hash and the store
 * @images: how many need it
 * @needed: one of them is used by a container
 */
struct thing {
	char hash[65];
	struct store_usage usage;
	size_t images;
	bool needed;
};

/**
 * struct things - all of them
 * @v:    owned structs
 * @tree: tsearch by hash and directory, borrows from @v
 */
struct things {
	struct thing **v;
	size_t n;
	void *tree;
};

static int compare(const void *a, const void *b)
{
	const struct thing *x = a, *y = b;
	int order = strcmp(x->hash, y->hash);

	return order ? order : x->usage.dirfd - y->usage.dirfd;
}

static void keep(void *p unused_attr)
{
}

static void things_done(struct things *t)
{
	tdestroy(t->tree, keep);
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i]);
	free(t->v);
}

static int collect(struct store *s, enum store_dir which, struct things *t,
		   struct err *err)
{
	int dir = store_dir(s, which, err);
	autoclosedir DIR *d = dir < 0 ? NULL : dir_stream_at(dir, ".");
	const struct dirent *e;
	int r;

	if (dir < 0)
		return dir;
	if (!d)
		return err_sys(err, "read the store");
	while ((r = dir_next(d, &e, err)) > 0) {
		struct thing *one;

		if (!hex_is_valid(e->d_name, 64))
			continue;
		one = xcalloc(1, sizeof(*one));
		memcpy(one->hash, e->d_name, sizeof(one->hash));
		one->usage.dirfd = dir;
		one->usage.name = one->hash;
		t->v = xreallocarray(t->v, t->n + 1, sizeof(struct thing *));
		t->v[t->n++] = one;
		if (!tsearch(one, &t->tree, compare))
			die_oom();
	}
	return r;
}

static int measure(struct store *s, struct things *t, struct err *err)
{
	autofree struct store_usage **v =
		xcalloc(t->n ? t->n : 1, sizeof(struct store_usage *));

	for (size_t i = 0; i < t->n; i++)
		v[i] = &t->v[i]->usage;
	return store_usage(s, v, t->n, err);
}

static struct thing *find(struct store *s, const struct things *t,
			  const char *hash, enum store_dir which)
{
	struct thing key = { .usage = { .dirfd = s->dir[which] } };
	void *node;

	if (strlen(hash) != 64)
		return NULL;
	memcpy(key.hash, hash, sizeof(key.hash));
	node = tfind(&key, &t->tree, compare);
	return node ? *(struct thing **)node : NULL;
}

#define NEEDS \
	"SELECT DISTINCT diff_id, 1 FROM image_layer WHERE image = ?1" \
	" UNION SELECT digest, 0 FROM image_blob WHERE image = ?1"

/* Call @fn for everything that the image needs and that is there. */
static int each_need(struct store *s, const struct things *t,
		     struct store_df_image *img,
		     void (*fn)(struct thing *one,
				struct store_df_image *img),
		     struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, NEEDS, "s", img->id);
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1) {
		struct thing *one = find(s, t, db_str(st, 0), db_i64(st, 1) ?
					 STORE_LAYERS : STORE_BLOBS);

		if (one)
			fn(one, img);
	}
	return r;
}

static void note_use(struct thing *one, struct store_df_image *img)
{
	one->images++;
	one->needed |= img->users > 0;
}

static void add_size(struct thing *one, struct store_df_image *img)
{
	img->size += one->usage.disk;
	if (one->images > 1)
		img->shared += one->usage.disk;
}

static int count_users(struct store *s, struct store_df_image *img,
		       struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT count(*) FROM image_user"
			" WHERE image = ?", "s", img->id);
	int r = st ? db_step(st, err) : -EIO;

	if (r == 1)
		img->users = (size_t)db_i64(st, 0);
	return r < 0 ? r : 0;
}

static int add_images(struct store *s, const struct things *t,
		      struct store_df *ret, struct err *err)
{
	auto_image_list struct image_list list = { 0 };
	int r = image_list(s, &list, err);

	ret->v = xcalloc(list.n ? list.n : 1, sizeof(*ret->v));
	ret->n = list.n;
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		memcpy(ret->v[i].id, list.v[i]->id, sizeof(ret->v[i].id));
		r = count_users(s, &ret->v[i], err);
		if (r == 0)
			r = each_need(s, t, &ret->v[i], note_use, err);
	}
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = each_need(s, t, &ret->v[i], add_size, err);
	return r;
}

/* Downloads that a later pull will resume; not the directory itself. */
static int measure_partial(struct store *s, uint64_t *ret, struct err *err)
{
	struct store_usage u = { .dirfd = s->conf.data_fd, .name = "partial" };
	struct store_usage *v[] = { &u };
	struct stat st;
	int r = store_usage(s, v, 1, err);

	if (r < 0 || fstatat(u.dirfd, u.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return r;
	*ret = u.disk - (uint64_t)st.st_blocks * 512;
	return 0;
}

int store_df(struct store *s, struct store_df *ret, struct err *err)
{
	cleanup(things_done) struct things t = { NULL, 0, NULL };
	auto_store_df struct store_df df = { .v = NULL };
	int r = collect(s, STORE_LAYERS, &t, err);

	TRACE("store", "df");
	if (r == 0)
		r = collect(s, STORE_BLOBS, &t, err);
	if (r == 0)
		r = measure(s, &t, err);
	if (r == 0)
		r = measure_partial(s, &df.other, err);
	if (r == 0)
		r = add_images(s, &t, &df, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t.n; i++) {
		const struct thing *one = t.v[i];

		*(one->images ? &df.total : &df.other) += one->usage.disk;
		df.needed += one->needed ? one->usage.disk : 0;
	}
	*ret = df;
	df = (struct store_df){ .v = NULL };
	return 0;
}

void store_df_done(struct store_df *df)
{
	free(df->v);
	*df = (struct store_df){ .v = NULL };
}
