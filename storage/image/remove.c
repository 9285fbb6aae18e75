/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Removing images.  A removal is one short transaction that looks again at
 * what it relies on, writes its rows and leaves the files to gc_run(), after
 * the commit: see storage/gc.c.  It has to work on a full disk, so a
 * transaction that finds no space gives up the reserve file and is tried once
 * more.  A dry run is the same transaction, rolled back.
 *
 * With the last image that was made from it goes an image that has no name
 * and no user: the untagged parent.  Each is a removal of its own.
 */
#include "storage/image/lineage.h"
#include "storage/image/names.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/str.h"
#include "util/strv.h"

/* A failed transaction: is it worth another try with the reserve gone? */
static bool space_was_made(struct store *s, int r)
{
	return (r == -ENOSPC || r == -EDQUOT) && reserve_drop(s);
}

/* ---- removal ------------------------------------------------------------ */

static int exec_ok(int r)
{
	return r < 0 ? r : 0;
}

/**
 * struct removal - one argument of rmi
 * @flags:      enum image_rm_flags
 * @id, @name:  what it means; @name only when it was found by name
 * @untagged:   full names that go
 * @deletes:    the image goes too
 */
struct removal {
	struct store *s;
	const char *arg;
	unsigned int flags;
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
	int r = image_all_names(rm->s, rm->id, &names, err);

	if (r < 0)
		return r;
	if (rm->name && strv_len(names) > 1) {
		strv_add(&rm->untagged, rm->name);
		return 0;
	}
	if (strv_len(names) > 1 && !(rm->flags & IMAGE_RM_FORCE))
		return removal_refused(rm, names, err);
	if (!(rm->flags & IMAGE_RM_AS_UNUSED))
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
		"DELETE FROM list_source WHERE list = ?",
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
		r = exec_ok(image_name_drop(rm->s, rm->name, err));
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

static int removal_try(struct removal *rm, struct err *err)
{
	struct db *db = rm->s->conf.db;
	int r = db_begin(db, true, err);

	if (r == 0)
		r = removal_rows(rm, err);
	if (r == 0 && !(rm->flags & IMAGE_RM_DRY_RUN))
		return db_commit(db, err);
	db_rollback(db);
	return r;
}

static int removal_commit(struct removal *rm, struct err *err)
{
	struct err why = ERR_INIT;
	int r = removal_try(rm, &why);

	if (space_was_made(rm->s, r)) {
		removal_done(rm);
		err_clear(&why);
		r = removal_try(rm, &why);
	}
	return r < 0 ? err_set(err, why.kind, why.code, "%s", why.msg) : r;
}

static bool has_row(struct store *s, const char *sql)
{
	auto_db_stmt struct db_stmt *st = db_prep(s->conf.db, NULL, sql, "");

	return st && db_step(st, NULL) == 1;
}

/* ---- untagged parents --------------------------------------------------- */

/* Relatives of the image that is about to go, if any of them could follow. */
static struct lineage *relatives(const struct removal *rm)
{
	struct lineage *l = NULL;

	if (rm->flags & IMAGE_RM_KEEP_PARENTS)
		return NULL;
	if (!has_row(rm->s, "SELECT 1 FROM image WHERE id NOT IN"
			    " (SELECT image FROM image_name) LIMIT 1"))
		return NULL;
	return lineage_load(rm->s, &l, NULL) < 0 ? NULL : l;
}

static void remove_parents(const struct removal *child, struct lineage *l,
			   char ***deleted)
{
	autostrv char **gone = NULL;
	const struct image *parent;
	const char *id = child->id;

	strv_add(&gone, id);
	while (l && (parent = lineage_parent(l, id))) {
		cleanup(removal_done) struct removal rm = {
			.s = child->s, .arg = parent->id,
			.flags = child->flags,
		};

		if (!image_is_dangling(parent) ||
		    lineage_is_parent(l, parent->id, gone))
			return;
		/* A container uses it, or it got a name meanwhile */
		if (removal_commit(&rm, NULL) < 0)
			return;
		id = parent->id;
		strv_add(&gone, id);
		strv_add(deleted, id);
	}
}

int image_remove(struct store *s, const char *arg, unsigned int flags,
		 char ***untagged, char ***deleted, struct err *err)
{
	cleanup(removal_done) struct removal rm = {
		.s = s, .arg = arg, .flags = flags,
	};
	auto_lineage struct lineage *l = relatives(&rm);
	int r = removal_commit(&rm, err);

	if (r < 0)
		return r;
	strv_extend(untagged, rm.untagged);
	if (!rm.deletes)
		return 0;
	strv_add(deleted, rm.id);
	remove_parents(&rm, l, deleted);
	if (flags & IMAGE_RM_DRY_RUN)
		return 0;
	(void)FAULT("rmi.removed");
	/* The image is gone; files that could not go yet stay doomed.  After
	   the last image nothing is worth keeping for a later pull. */
	if (!has_row(s, "SELECT 1 FROM image LIMIT 1"))
		gc_orphans(s, 0, NULL);
	else
		gc_run(s, NULL);
	store_trash_empty(s);
	return 0;
}
