/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/check.h"

#include "storage/blob.h"
#include "storage/check_int.h"
#include "storage/image/digest.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * Theory of operation
 *
 * The second half of `system check`, about the database alone: rows that name
 * an image which is not there (they would keep its files for ever), and
 * images whose rows name other layers than their config does.  Both are put
 * right by what is known better: the image's row, and the config, whose
 * content is its digest.
 *
 * An image whose layers are whole but without their compressed blobs is no
 * damage: everything but push and save works, and a line says so.
 */

int check_query(struct store *s, const char *sql, const char *arg,
		char ***ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		arg ? db_prep(s->conf.db, err, sql, "s", arg) :
		      db_prep(s->conf.db, err, sql, "");
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1)
		strv_add(ret, db_str(st, 0));
	return r;
}

/* One change in a transaction of its own */
static int change(struct store *s, const char *sql, const char *arg,
		  struct err *err)
{
	int r = db_begin(s->conf.db, true, err);

	if (r == 0)
		r = db_exec(s->conf.db, err, sql, "s", arg);
	if (r >= 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return MIN(r, 0);
}

/* ---- rows without an image ---------------------------------------------- */

static const struct {
	const char *what;
	const char *find;
	const char *drop;
} strays[] = {
#define STRAY(table, column, what)                                          \
	{ what, "SELECT DISTINCT " column " FROM " table " WHERE " column   \
		" NOT IN (SELECT id FROM image)",                           \
	  "DELETE FROM " table " WHERE " column " = ?" }
	STRAY("image_name", "image", "a name"),
	STRAY("image_past", "image", "a former name"),
	STRAY("image_layer", "image", "a layer"),
	STRAY("image_blob", "image", "a blob"),
	STRAY("list_source", "list", "an entry"),
	STRAY("image_user", "image", "a user"),
#undef STRAY
};

int check_strays(struct store *s, struct check *ck, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(strays); i++) {
		autostrv char **ids = NULL;

		r = check_query(s, strays[i].find, NULL, &ids, err);
		for (char **id = ids; r == 0 && id && *id; id++) {
			if (ck->repair)
				r = change(s, strays[i].drop, *id, err);
			if (r == 0)
				check_found(ck, ck->repair,
					    "image %.12s: is not there, but "
					    "%s of it is recorded%s", *id,
					    strays[i].what,
					    ck->repair ? ", forgotten" : "");
		}
	}
	return r;
}

/* ---- layers ------------------------------------------------------------- */

static int write_layers(struct store *s, const struct image *img,
			char *const *diff_ids, struct err *err)
{
	int r = db_exec(s->conf.db, err,
			"DELETE FROM image_layer WHERE image = ?", "s",
			img->id);

	for (size_t i = 0; r >= 0 && diff_ids && diff_ids[i]; i++) {
		auto_layer_info struct layer_info info = { 0 };
		const char *hex = digest_hex(diff_ids[i]);

		(void)layer_read(s, hex, &info, NULL);
		r = db_exec(s->conf.db, err,
			    "INSERT INTO image_layer VALUES (?, ?, ?, ?)",
			    "sisi", img->id, (int64_t)i, hex,
			    (int64_t)info.bytes);
	}
	return r < 0 ? r : 0;
}

static int rewrite_layers(struct store *s, const struct image *img,
			  char *const *diff_ids, struct err *err)
{
	int r = db_begin(s->conf.db, true, err);

	if (r == 0)
		r = write_layers(s, img, diff_ids, err);
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

/* Are both the same layers in the same order? */
static bool agree(char *const *rows, char *const *diff_ids)
{
	size_t n = strv_len(rows);

	if (n != strv_len(diff_ids))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!streq(rows[i], digest_hex(diff_ids[i])))
			return false;
	return true;
}

int check_lineage(struct store *s, struct check *ck, const struct image *img,
		  struct err *err)
{
	autojson struct json_object *config = NULL;
	autostrv char **diff_ids = NULL;
	autostrv char **rows = NULL;
	int r;

	/* one that has lost its config was told of already */
	if (img->is_list || image_config(s, img, &config, NULL) < 0)
		return 0;
	diff_ids = json_strv(json_obj(config, "rootfs"), "diff_ids");
	r = check_query(s, "SELECT diff_id FROM image_layer WHERE image = ?"
			" ORDER BY pos", img->id, &rows, err);
	if (r < 0 || agree(rows, diff_ids))
		return r;
	for (char **id = diff_ids; id && *id; id++)
		if (!digest_is_valid(*id))
			return 0;
	if (ck->repair)
		r = rewrite_layers(s, img, diff_ids, err);
	if (r == 0)
		check_found(ck, ck->repair, "image %.12s: recorded with other "
			    "layers than its config has%s", img->id,
			    ck->repair ? ", recorded again" : "");
	return r;
}

/* ---- blobs that nobody promised ----------------------------------------- */

static bool has_blob(struct store *s, const char *digest, const char *diff_id)
{
	auto_layer_info struct layer_info info = { 0 };

	if (digest_is_valid(digest) && blob_exists(s, digest_hex(digest)))
		return true;
	return digest_is_valid(diff_id) &&
	       layer_read(s, digest_hex(diff_id), &info, NULL) == 0 &&
	       *info.digest && blob_exists(s, digest_hex(info.digest));
}

void check_pushable(struct store *s, struct check *ck, const struct image *img)
{
	const char *name = strv_len(img->names) ? img->names[0] : img->id;
	autojson struct json_object *manifest = NULL;
	autojson struct json_object *config = NULL;
	autostrv char **diff_ids = NULL;
	struct json_object *layers;

	if (img->is_list || image_config(s, img, &config, NULL) < 0 ||
	    image_manifest(s, img, &manifest, NULL) < 0)
		return;
	diff_ids = json_strv(json_obj(config, "rootfs"), "diff_ids");
	layers = json_arr(manifest, "layers");
	for (size_t i = 0; layers && diff_ids && diff_ids[i]; i++) {
		const char *digest = json_str(
			json_object_array_get_idx(layers, i), "digest");
		autofree char *line = NULL;

		if (has_blob(s, digest, diff_ids[i]))
			continue;
		line = xasprintf("note: image %.12s runs, but cannot be "
				 "pushed or saved: its layer %.19s is only "
				 "there unpacked: pull %s again", img->id,
				 diff_ids[i], name);
		ck->tell(line, ck->arg);
	}
}
