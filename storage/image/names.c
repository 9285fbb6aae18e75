/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Writing names and pins, and removing images.  Each is one short transaction
 * that looks again at what it relies on: another process may have moved the
 * name or removed the image since the caller looked.
 *
 * A removal writes its rows and leaves the files to gc_run(), after the
 * commit: see storage/gc.c.  It has to work on a full disk, so a transaction
 * that finds no space gives up the reserve file and is tried once more.
 */
#include "storage/image/names.h"

#include "storage/image/digest.h"
#include "storage/image/ref.h"
#include "storage/store_int.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/strv.h"

/* A failed transaction: is it worth another try with the reserve gone? */
static bool space_was_made(struct store *s, int r)
{
	return (r == -ENOSPC || r == -EDQUOT) && reserve_drop(s);
}

static int exec_ok(int r)
{
	return r < 0 ? r : 0;
}

/* ---- names -------------------------------------------------------------- */

/* The name leaves the image that has it now, into that one's history. */
static int name_drop(struct store *s, const char *full, struct err *err)
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
		   const char *digest, struct err *err)
{
	int r = name_drop(s, full, err);

	if (r >= 0)
		r = db_exec(s->conf.db, err,
			    "INSERT INTO image_name SELECT ?, id, ?, ?"
			    " FROM image WHERE id = ?", "ssis", full, digest,
			    clock_now_ns(), image_id);
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
		r = image_name_set(s, full, img->id, img->digest, err);
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
		autofree char *shown = safe_line(name);

		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%.300s: tag not known", shown);
	}
	r = db_begin(s->conf.db, true, err);
	if (r == 0)
		r = exec_ok(name_drop(s, full, err));
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

/* ---- removal ------------------------------------------------------------ */

/**
 * struct removal - one argument of rmi
 * @id, @name:  what it means; @name only when it was found by name
 * @untagged:   full names that go
 * @deletes:    the image goes too
 */
struct removal {
	struct store *s;
	const char *arg;
	bool force;
	char *id;	 /* owned */
	char *name;	 /* owned or NULL */
	char **untagged; /* owned */
	bool deletes;
};

static int removal_refused(const struct removal *rm, char *const *names,
			   struct err *err)
{
	autofree char *list = strv_join(names, " ");

	return err_set(err, ERR_FAIL, EBUSY,
		       "unable to delete image \"%s\" by ID with more than "
		       "one tag ([%s]): please force removal", rm->id, list);
}

static int check_users(const struct removal *rm, struct err *err)
{
	autostrv char **users = NULL;
	int r = image_users(rm->s, rm->id, &users, err);

	if (r < 0 || !users)
		return r;
	return err_set(err, ERR_IN_USE, EBUSY,
		       "image used by %s: image is in use by a container: "
		       "consider listing external containers and "
		       "force-removing image", users[0]);
}

/* What goes: only a name while others are left, else all of it. */
static int plan(struct removal *rm, struct err *err)
{
	autostrv char **names = NULL;
	int r = list_text(rm->s, "SELECT name FROM image_name WHERE image = ?"
			  " ORDER BY added DESC, name", rm->id, &names, err);

	if (r < 0)
		return r;
	if (rm->name && strv_len(names) > 1) {
		strv_add(&rm->untagged, rm->name);
		return 0;
	}
	if (strv_len(names) > 1 && !rm->force)
		return removal_refused(rm, names, err);
	r = check_users(rm, err);
	if (r < 0)
		return r;
	rm->untagged = take_ptr(names);
	rm->deletes = true;
	return 0;
}

/* Hashes of the image that no other image has become doomed. */
static int doom_files(const struct removal *rm, struct err *err)
{
	static const char *const sql[] = {
		"INSERT OR IGNORE INTO store_doomed"
		" SELECT diff_id FROM image_layer l WHERE image = ?1"
		" AND NOT EXISTS (SELECT 1 FROM image_layer o"
		"  WHERE o.diff_id = l.diff_id AND o.image <> ?1)",
		"INSERT OR IGNORE INTO store_doomed"
		" SELECT digest FROM image_blob b WHERE image = ?1"
		" AND NOT EXISTS (SELECT 1 FROM image_blob o"
		"  WHERE o.digest = b.digest AND o.image <> ?1)",
		"DELETE FROM image_layer WHERE image = ?",
		"DELETE FROM image_blob WHERE image = ?",
		"DELETE FROM image_past WHERE image = ?",
		"DELETE FROM image_name WHERE image = ?",
		"DELETE FROM image WHERE id = ?",
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(sql); i++)
		r = db_exec(rm->s->conf.db, err, sql[i], "s", rm->id);
	return exec_ok(r);
}

static int removal_rows(struct removal *rm, struct err *err)
{
	int r = image_resolve(rm->s, rm->arg, &rm->id, &rm->name, err);

	if (r == 0)
		r = plan(rm, err);
	if (r == 0 && rm->deletes)
		r = doom_files(rm, err);
	else if (r == 0)
		r = exec_ok(name_drop(rm->s, rm->name, err));
	if (r == 0 && FAULT("rmi.rows") < 0)
		r = err_sys(err, "remove image %s", rm->arg);
	return r;
}

static void removal_done(struct removal *rm)
{
	str_set(&rm->id, NULL);
	str_set(&rm->name, NULL);
	rm->untagged = strv_free(rm->untagged);
	rm->deletes = false;
}

static int removal_commit(struct removal *rm, struct err *err)
{
	struct db *db = rm->s->conf.db;
	int r = db_begin(db, true, err);

	if (r == 0)
		r = removal_rows(rm, err);
	if (r == 0)
		r = db_commit(db, err);
	if (r < 0)
		db_rollback(db);
	return r;
}

/* After the last image nothing is worth keeping for a later pull. */
static bool no_images_left(struct store *s)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, NULL, "SELECT 1 FROM image LIMIT 1", "");

	return st && db_step(st, NULL) == 0;
}

int image_remove(struct store *s, const char *arg, bool force, char ***untagged,
		 char ***deleted, struct err *err)
{
	cleanup(removal_done) struct removal rm = {
		.s = s, .arg = arg, .force = force,
	};
	struct err first = ERR_INIT;
	int r = removal_commit(&rm, &first);

	if (space_was_made(s, r)) {
		removal_done(&rm);
		err_clear(&first);
		r = removal_commit(&rm, &first);
	}
	if (r < 0)
		return err_set(err, first.kind, first.code, "%s", first.msg);
	strv_extend(untagged, rm.untagged);
	if (!rm.deletes)
		return 0;
	strv_add(deleted, rm.id);
	(void)FAULT("rmi.removed");
	/* The image is gone; files that could not go yet stay doomed */
	if (no_images_left(s))
		gc_orphans(s, 0, NULL);
	else
		gc_run(s, NULL);
	store_trash_empty(s);
	return 0;
}
