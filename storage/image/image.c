/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Reading images: rows into struct image, and from a name as typed to a row.
 * All of it is plain SELECTs without a transaction of their own; a caller
 * that goes on to use the layers pins them with image_use() inside its own
 * transaction, which fails when the image went away meanwhile.
 *
 * How a name is understood, first match wins: a full reference; for a short
 * one localhost/NAME, docker.io's, then any image whose name ends so; an id
 * or the beginning of one; the digest of a manifest.
 */
#include "storage/image/names.h"

#include <fcntl.h>
#include <unistd.h>

#include "storage/blob.h"
#include "storage/image/digest.h"
#include "storage/image/manifest.h"
#include "storage/image/ref.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

struct image *image_free(struct image *img)
{
	if (!img)
		return NULL;
	free(img->id);
	free(img->digest);
	strv_free(img->names);
	strv_free(img->digests);
	strv_free(img->history);
	free(img->arch);
	free(img->os);
	free(img->variant);
	free(img);
	return NULL;
}

void image_list_done(struct image_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		image_free(list->v[i]);
	free(list->v);
	*list = (struct image_list){ 0 };
}

/* ---- rows --------------------------------------------------------------- */

static void add_digest(struct image *img, const char *repo, const char *digest)
{
	autofree char *text = xasprintf("%s@%s", repo, digest);

	if (!strv_contains(img->digests, text))
		strv_push(&img->digests, take_ptr(text));
}

/* "repo@digest" is no tag, but tells where the image came from.  The digest of
 * an index goes first: it is the one that suits every machine. */
static int load_names(struct store *s, struct image *img, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT name, digest, list"
			" FROM image_name WHERE image = ?"
			" ORDER BY added DESC, name", "s", img->id);
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1) {
		const char *name = db_str(st, 0);
		autofree char *repo = ref_repo_of(name);
		const char *at = strchr(name, '@');

		if (at)
			add_digest(img, repo, at + 1);
		else
			strv_add(&img->names, name);
		if (*db_str(st, 2))
			add_digest(img, repo, db_str(st, 2));
		add_digest(img, repo, db_str(st, 1));
	}
	return r;
}

static int load_history(struct store *s, struct image *img, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT name FROM image_past"
			" WHERE image = ? ORDER BY added DESC, name", "s",
			img->id);
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1)
		if (!strv_contains(img->names, db_str(st, 0)))
			strv_add(&img->history, db_str(st, 0));
	return r;
}

#define IMAGE_COLUMNS \
	"id, digest, arch, os, variant, created, size, layers, kind"

static struct image *from_row(struct db_stmt *st)
{
	struct image *img = xcalloc(1, sizeof(*img));

	img->id = xstrdup(db_str(st, 0));
	img->digest = xstrdup(db_str(st, 1));
	img->arch = xstrdup(db_str(st, 2));
	img->os = xstrdup(db_str(st, 3));
	img->variant = xstrdup(db_str(st, 4));
	img->created_ns = db_i64(st, 5);
	img->size = (uint64_t)db_i64(st, 6);
	img->n_layers = (uint32_t)db_i64(st, 7);
	img->is_list = db_i64(st, 8) == STORE_LIST;
	return img;
}

static int load_rest(struct store *s, struct image *img, struct err *err)
{
	int r = load_names(s, img, err);

	return r < 0 ? r : load_history(s, img, err);
}

/* 1 and *ret, 0 none, -errno */
static int by_id(struct store *s, const char *id, struct image **ret,
		 struct err *err)
{
	auto_image struct image *img = NULL;
	struct db_stmt *st = db_prep(s->conf.db, err,
				     "SELECT " IMAGE_COLUMNS
				     " FROM image WHERE id = ?", "s", id);
	int r;

	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r == 1)
		img = from_row(st);
	db_done(st);
	if (r == 1)
		r = load_rest(s, img, err);
	if (r < 0)
		return r;
	if (!img)
		return 0;
	*ret = take_ptr(img);
	return 1;
}

int image_list(struct store *s, struct image_list *ret, struct err *err)
{
	auto_image_list struct image_list list = { 0 };
	struct db_stmt *st;
	int r;

	TRACE("store", "image list");
	st = db_prep(s->conf.db, err, "SELECT " IMAGE_COLUMNS " FROM image"
		     " ORDER BY created DESC, id", "");
	if (!st)
		return -EIO;
	while ((r = db_step(st, err)) == 1) {
		list.v = xreallocarray(list.v, list.n + 1, sizeof(*list.v));
		list.v[list.n++] = from_row(st);
	}
	db_done(st);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = load_rest(s, list.v[i], err);
	if (r < 0)
		return r;
	*ret = list;
	list = (struct image_list){ 0 };
	return 0;
}

/* ---- from a name to an id ----------------------------------------------- */

/* 1 and *ret (owned) when the query has a row, 0, -errno */
static int query_text(struct store *s, const char *sql, const char *arg,
		      char **ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st = db_prep(s->conf.db, err, sql, "s",
						  arg);
	int r = st ? db_step(st, err) : -EIO;

	if (r == 1)
		str_set(ret, db_str(st, 0));
	return r;
}

static int find_full(struct store *s, const char *typed, const char *host,
		     char **ret_name, struct err *err)
{
	autofree char *full = NULL;

	if (ref_full(typed, host, &full, NULL) < 0)
		return 0;
	return query_text(s, "SELECT name FROM image_name WHERE name = ?",
			  full, ret_name, err);
}

/* "nginx" is any "HOST/.../nginx:latest"; the newest of several. */
static int find_tail(struct store *s, const struct ref *typed, char **ret_name,
		     struct err *err)
{
	struct ref tail = *typed;
	autofree char *text = NULL;
	autofree char *with_slash = NULL;
	char latest[] = "latest";

	if (!tail.tag && !tail.digest)
		tail.tag = latest;
	if (tail.digest)
		tail.tag = NULL;
	text = ref_text(&tail);
	with_slash = xasprintf("/%s", text);
	return query_text(s, "SELECT name FROM image_name"
			  " WHERE substr(name, -length(?1)) = ?1"
			  " ORDER BY added DESC LIMIT 1", with_slash, ret_name,
			  err);
}

static int find_name(struct store *s, const char *typed, char **ret_name,
		     struct err *err)
{
	auto_ref struct ref ref = REF_INIT;
	int r;

	if (ref_parse(typed, &ref, NULL) < 0)
		return 0;
	if (ref.host)
		return find_full(s, typed, "", ret_name, err);
	r = find_full(s, typed, "localhost", ret_name, err);
	if (r == 0)
		r = find_full(s, typed, "docker.io", ret_name, err);
	if (r == 0)
		r = find_tail(s, &ref, ret_name, err);
	return r;
}

/* "REPO@sha256:..." of an image that came by a tag of that repository */
static int find_digest(struct store *s, const char *typed, char **ret_id,
		       struct err *err)
{
	auto_ref struct ref ref = REF_INIT;
	struct db_stmt *st;
	int r;

	if (digest_is_valid(typed))
		return query_text(s, "SELECT id FROM image WHERE digest = ?",
				  typed, ret_id, err);
	if (ref_parse(typed, &ref, NULL) < 0 || !ref.digest)
		return 0;
	st = db_prep(s->conf.db, err,
		     "SELECT image, name FROM image_name"
		     " WHERE digest = ?1 OR list = ?1", "s", ref.digest);
	if (!st)
		return -EIO;
	str_set(&ref.tag, NULL);
	autofree char *want = ref_repo(&ref);
	while ((r = db_step(st, err)) == 1) {
		autofree char *repo = ref_repo_of(db_str(st, 1));
		const char *tail = strrchr(repo, '/');

		if (streq(repo, want) ||
		    (!ref.host && str_ends(repo, want) && tail)) {
			str_set(ret_id, db_str(st, 0));
			break;
		}
	}
	db_done(st);
	return r;
}

/* An id or its beginning, with or without "sha256:". */
static int find_id(struct store *s, const char *typed, char **ret_id,
		   struct err *err)
{
	const char *hex = str_after(typed, "sha256:");
	auto_db_stmt struct db_stmt *st = NULL;
	int r;

	if (!hex)
		hex = typed;
	if (!hex_is_valid(hex, 0) || strlen(hex) > 64)
		return 0;
	st = db_prep(s->conf.db, err, "SELECT id FROM image WHERE id >= ?1"
		     " AND id < ?1 || 'g' LIMIT 2", "s", hex);
	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r != 1)
		return r;
	str_set(ret_id, db_str(st, 0));
	r = db_step(st, err);
	if (r == 1)
		return err_set(err, ERR_INVALID, EEXIST,
			       "%s is the beginning of more than one image id",
			       typed);
	return r < 0 ? r : 1;
}

int image_resolve(struct store *s, const char *typed, char **ret_id,
		  char **ret_name, struct err *err)
{
	autofree char *name = NULL;
	autofree char *id = NULL;
	int r = find_name(s, typed, &name, err);

	if (r == 1)
		r = query_text(s, "SELECT image FROM image_name"
			       " WHERE name = ?", name, &id, err);
	if (r == 0)
		r = find_id(s, typed, &id, err);
	if (r == 0)
		r = find_digest(s, typed, &id, err);
	if (r < 0)
		return r;
	if (r == 0) {
		autofree char *shown = safe_line(typed);

		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%.300s: image not known", shown);
	}
	*ret_id = take_ptr(id);
	if (ret_name)
		*ret_name = take_ptr(name);
	return 0;
}

int image_find(struct store *s, const char *name, struct image **ret,
	       struct err *err)
{
	autofree char *id = NULL;
	int r;

	TRACE("store", "image find");
	r = image_resolve(s, name, &id, NULL, err);
	if (r < 0)
		return r;
	r = by_id(s, id, ret, err);
	if (r == 0)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%s: image not known", name);
	return r < 0 ? r : 0;
}

/* ---- what belongs to an image ------------------------------------------- */

static int read_json(struct store *s, const char *hex, size_t max,
		     struct json_object **ret, struct err *err)
{
	autosb struct sb text = SB_INIT;
	struct json_object *o;
	int r;

	sb_limit(&text, max + 4096);
	r = blob_read(s, hex, max, &text, err);
	if (r < 0)
		return r;
	o = json_parse(text.buf, text.len, NULL);
	if (!o)
		return err_set(err, ERR_FAIL, EBADMSG,
			       "blob %.12s is damaged, pull the image again",
			       hex);
	*ret = o;
	return 0;
}

int image_config(struct store *s, const struct image *img,
		 struct json_object **ret, struct err *err)
{
	int r;

	TRACE("store", "image config");
	if (img->is_list)
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s is a manifest list, not an image: see "
			       "manifest inspect",
			       img->names ? *img->names : img->id);
	r = read_json(s, img->id, CONFIG_MAX, ret, err);
	return r < 0 ? err_wrap(err, r, "image %.12s", img->id) : 0;
}

int image_manifest(struct store *s, const struct image *img,
		   struct json_object **ret, struct err *err)
{
	int r = read_json(s, digest_hex(img->digest), MANIFEST_MAX, ret, err);

	return r < 0 ? err_wrap(err, r, "image %.12s", img->id) : 0;
}

int image_layers(struct store *s, const char *image_id, char ***ret,
		 struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT diff_id FROM image_layer"
			" WHERE image = ? ORDER BY pos DESC", "s", image_id);
	int r = st ? 0 : -EIO;

	/* A layer that comes twice: its upper place hides the lower one */
	while (st && (r = db_step(st, err)) == 1)
		if (!strv_contains(*ret, db_str(st, 0)))
			strv_add(ret, db_str(st, 0));
	return r;
}

int image_lower_paths(struct store *s, const struct image *img, char ***ret,
		      struct err *err)
{
	autostrv char **layers = NULL;
	int r = image_layers(s, img->id, &layers, err);

	for (char **hex = layers; r == 0 && hex && *hex; hex++)
		strv_addf(ret, "%s/diff", *hex);
	return r;
}

int image_lower(struct store *s, const struct image *img, char ***ret,
		struct err *err)
{
	int dir = store_dir(s, STORE_LAYERS, err);
	autostrv char **lower = NULL;
	int r = dir < 0 ? dir : image_lower_paths(s, img, &lower, err);

	/* a microsecond each, and the kernel would not name the cure */
	for (char **path = lower; r == 0 && path && *path; path++)
		if (!path_is_at(dir, *path))
			return err_set(err, ERR_FAIL, ENOENT,
				       "layer %.12s of image %s is damaged, "
				       "pull it again", *path,
				       strv_len(img->names) ? img->names[0] :
							      img->id);
	if (r == 0)
		*ret = take_ptr(lower);
	return r;
}

int image_layer_sizes(struct store *s, const struct image *img,
		      uint64_t **ret, size_t *ret_n, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT bytes FROM image_layer"
			" WHERE image = ? ORDER BY pos", "s", img->id);
	autofree uint64_t *v = NULL;
	size_t n = 0;
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1) {
		v = xreallocarray(v, n + 1, sizeof(*v));
		v[n++] = (uint64_t)db_i64(st, 0);
	}
	if (r < 0)
		return r;
	*ret = take_ptr(v);
	*ret_n = n;
	return 0;
}
