/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Writing names and pins.  Each is one short transaction that looks again at
 * what it relies on: another process may have moved the name or removed the
 * image since the caller looked.
 */
#include "storage/image/names.h"

#include "storage/image/ref.h"
#include "storage/store_int.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/strv.h"

static int exec_ok(int r)
{
	return r < 0 ? r : 0;
}

/* ---- names -------------------------------------------------------------- */

int image_name_drop(struct store *s, const char *full, struct err *err)
{
	int r = db_exec(s->conf.db, err,
			"INSERT OR REPLACE INTO image_past"
			" SELECT image, name, added FROM image_name"
			" WHERE name = ?", "s", full);

	if (r >= 0)
		r = db_exec(s->conf.db, err,
			    "DELETE FROM image_name WHERE name = ?", "s",
			    full);
	return r;
}

int image_name_set(struct store *s, const char *full, const char *image_id,
		   const char *digest, const char *list, struct err *err)
{
	int r = image_name_drop(s, full, err);

	if (r >= 0)
		r = db_exec(s->conf.db, err,
			    "INSERT INTO image_name"
			    " (name, image, digest, added, list)"
			    " SELECT ?, id, ?, ?, ? FROM image WHERE id = ?",
			    "ssiss", full, digest, clock_now_ns(), list,
			    image_id);
	if (r == 0)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%.12s: image not known", image_id);
	return exec_ok(r);
}

int image_tag(struct store *s, const struct image *img, const char *name,
	      struct err *err)
{
	auto_ref struct ref ref = REF_INIT;
	autofree char *full = NULL;
	int r = ref_parse(name, &ref, err);

	if (r < 0)
		return r;
	if (ref.digest)
		return err_set(err, ERR_INVALID, EINVAL,
			       "'%s' has a digest, a tag cannot", name);
	ref_complete(&ref, "localhost");
	full = ref_text(&ref);
	r = db_begin(s->conf.db, true, err);
	if (r == 0)
		r = image_name_set(s, full, img->id, img->digest, "", err);
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

/* The full name that @name means among those of @img; NULL when none. */
static char *own_name(struct store *s, const struct image *img,
		      const char *name)
{
	autofree char *full = NULL;
	autofree char *id = NULL;

	if (image_resolve(s, name, &id, &full, NULL) < 0 || !full ||
	    !streq(id, img->id))
		return NULL;
	return take_ptr(full);
}

int image_untag(struct store *s, const struct image *img, const char *name,
		struct err *err)
{
	autofree char *full = own_name(s, img, name);
	int r;

	if (!full) {
		autofree char *meant = NULL;
		autofree char *shown = NULL;

		r = ref_full(name, "localhost", &meant, NULL);
		shown = safe_line(r == 0 ? meant : name);
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%.300s: tag not known", shown);
	}
	r = db_begin(s->conf.db, true, err);
	if (r == 0)
		r = exec_ok(image_name_drop(s, full, err));
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

int image_untag_all(struct store *s, const struct image *img, struct err *err)
{
	autostrv char **names = NULL;
	int r = db_begin(s->conf.db, true, err);

	if (r == 0)
		r = image_all_names(s, img->id, &names, err);
	for (char **name = names; r == 0 && name && *name; name++)
		r = exec_ok(image_name_drop(s, *name, err));
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

/* ---- pins --------------------------------------------------------------- */

int image_use(struct store *s, const char *image_id, const char *user_id,
	      struct err *err)
{
	int r = db_exec(s->conf.db, err,
			"INSERT OR REPLACE INTO image_user SELECT ?, id"
			" FROM image WHERE id = ?", "ss", user_id, image_id);

	if (r == 0)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%.12s: image not known", image_id);
	return exec_ok(r);
}

int image_unuse(struct store *s, const char *user_id, struct err *err)
{
	return exec_ok(db_exec(s->conf.db, err,
			       "DELETE FROM image_user WHERE user = ?", "s",
			       user_id));
}

static int list_text(struct store *s, const char *sql, const char *arg,
		     char ***ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st = db_prep(s->conf.db, err, sql, "s",
						  arg);
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1)
		strv_add(ret, db_str(st, 0));
	return r;
}

int image_users(struct store *s, const char *image_id, char ***ret,
		struct err *err)
{
	autostrv char **users = NULL;
	int r = list_text(s, "SELECT user FROM image_user WHERE image = ?"
			  " ORDER BY user", image_id, &users, err);

	if (r == 0)
		*ret = take_ptr(users);
	return r;
}

int image_all_users(struct store *s, char ***ret, struct err *err)
{
	return list_text(s, "SELECT DISTINCT user FROM image_user"
			 " WHERE user <> ?", "", ret, err);
}

int image_all_names(struct store *s, const char *image_id, char ***ret,
		    struct err *err)
{
	return list_text(s, "SELECT name FROM image_name WHERE image = ?"
			 " ORDER BY added DESC, name", image_id, ret, err);
}
