/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Containers and volumes in both directions: a row needs its directory, a
 * directory its row.  A directory of a container that no row knows goes to
 * the trash; a volume's directory that no row knows is somebody's data, so it
 * gets a row again.  A container that never ran gets its directories again; any
 * other whose image or files are gone can only be removed (repair with force).
 * Rows by which a container that is not there still keeps an image or a volume
 * are dropped.
 */
#include "libpod/core/check.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/volume/volume.h"
#include "storage/store.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- containers --------------------------------------------------------- */

/* What it lacks, or NULL */
static const char *missing_of(struct runtime *rt, struct store *store,
			      const struct ctr *c)
{
	auto_image struct image *img = NULL;

	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);
	if (dir < 0)
		return "directory";
	if (c->config.rootfs)
		return NULL;
	if (!path_is_at(dir, config_files(&c->config)))
		return "files";
	if (image_find(store, c->config.image_id, &img, NULL) < 0)
		return "image";
	return NULL;
}

/* Nothing was in there but what somebody copied into it. */
static bool can_be_made_again(const struct ctr *c, const char *missing)
{
	return c->state == CTR_CREATED && !c->started_ns &&
	       !streq(missing, "image") && !streq(missing, "configuration");
}

static int repair_ctr(struct runtime *rt, struct check *ck, struct ctr *c,
		      const char *missing, const char **ret_done,
		      struct err *err)
{
	const struct ctr_rm_opts opts = { .force = true, .timeout_s = 10 };

	if (!ck->repair)
		return 0;
	if (can_be_made_again(c, missing)) {
		*ret_done = ", made again";
		return ctr_dirs_make(rt, c, err);
	}
	if (!ck->force)
		return 0;
	*ret_done = ", removed";
	return ctr_remove(rt, c, &opts, err);
}

static int check_ctr(struct runtime *rt, struct store *store,
		     struct check *ck, struct ctr *c, struct err *err)
{
	const char *missing;
	const char *done = NULL;
	int r = 0;

	if (c->state == CTR_CREATING || c->state == CTR_REMOVING)
		return 0;
	missing = ctr_config_load(rt, c, NULL) < 0 ? "configuration" :
						     missing_of(rt, store, c);
	if (!missing)
		return 0;
	r = repair_ctr(rt, ck, c, missing, &done, err);
	if (r == 0)
		check_found(ck, done, "container %.12s (%s): its %s %s "
			    "missing%s", c->id, c->name, missing,
			    streq(missing, "files") ? "are" : "is",
			    done ? done : "");
	return r;
}

/* ---- uses by nobody ----------------------------------------------------- */

static int tx_drop_uses(struct runtime *rt, void *id, struct err *err)
{
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_unuse(store, id, err);
	if (r == 0)
		r = db_exec(rt->db, err, "DELETE FROM volume_use WHERE ctr = ?",
			    "s", id);
	if (r >= 0)
		r = db_exec(rt->db, err,
			    "DELETE FROM container_config WHERE id = ?", "s",
			    id);
	return MIN(r, 0);
}

/* Ids that rows about containers have, with those of containers that are */
static int ids_of_uses(struct runtime *rt, struct store *store, char ***ret,
		       struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err, "SELECT ctr FROM volume_use UNION"
			" SELECT id FROM container_config", "");
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1)
		strv_add(ret, db_str(st, 0));
	return r < 0 ? r : image_all_users(store, ret, err);
}

static bool knows(const struct ctr_list *list, const char *id)
{
	for (size_t i = 0; i < list->n; i++)
		if (streq(list->v[i]->id, id))
			return true;
	return false;
}

/* A directory that is being made has its row already. */
static int check_ctr_dirs(struct runtime *rt, struct store *store,
			  struct check *ck, struct err *err)
{
	autostrv char **dirs = dir_list(rt->ctrs_fd);
	auto_ctr_list struct ctr_list list = { NULL, 0 };
	int r = ctr_list(rt, &list, err);

	for (char **id = dirs; r == 0 && id && *id; id++) {
		if (knows(&list, *id))
			continue;
		if (ck->repair)
			r = store_trash(store, rt->ctrs_fd, *id, err);
		if (r == 0)
			check_found(ck, ck->repair,
				    "directory containers/%s: no container "
				    "has it%s", *id,
				    ck->repair ? ", removed" : "");
	}
	return r;
}

static int check_uses(struct runtime *rt, struct store *store,
		      struct check *ck, struct err *err)
{
	auto_ctr_list struct ctr_list list = { NULL, 0 };
	autostrv char **ids = NULL;
	autostrv char **told = NULL;
	int r = ids_of_uses(rt, store, &ids, err);

	/* in this order: what is made meanwhile is in the list */
	if (r == 0)
		r = ctr_list(rt, &list, err);
	for (char **id = ids; r == 0 && id && *id; id++) {
		if (knows(&list, *id) || strv_contains(told, *id))
			continue;
		strv_add(&told, *id);
		if (ck->repair)
			r = tx_run(rt, TX_DURABLE, tx_drop_uses, *id, err);
		if (r == 0)
			check_found(ck, ck->repair,
				    "container %.12s: is not there, but keeps "
				    "images or volumes%s", *id,
				    ck->repair ? ", forgotten" : "");
	}
	return r;
}

static int check_ctrs(struct runtime *rt, struct store *store,
		      struct check *ck, struct err *err)
{
	auto_ctr_list struct ctr_list list = { NULL, 0 };
	int r = check_uses(rt, store, ck, err);

	if (r == 0)
		r = ctr_list(rt, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = check_ctr(rt, store, ck, list.v[i], err);
	return r < 0 ? r : check_ctr_dirs(rt, store, ck, err);
}

/* ---- volumes ------------------------------------------------------------ */

static int tx_filled(struct runtime *rt, void *arg, struct err *err)
{
	return volume_filled(rt, arg, err);
}

/* Its files are there already: none of an image go over them. */
static int adopt(struct runtime *rt, char *name, struct err *err)
{
	int r = volume_create(rt, name, NULL, NULL, true, NULL, err);

	return r < 0 ? r : tx_run(rt, TX_DURABLE, tx_filled, name, err);
}

static int check_volumes(struct runtime *rt, struct check *ck,
			 struct err *err)
{
	autostrv char **dirs = dir_list(rt->volumes_fd);
	cleanup(volume_list_done) struct volume_list list = { NULL, 0 };
	autostrv char **known = NULL;
	int r = volume_list(rt, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		strv_add(&known, list.v[i]->name);
	for (char **name = dirs; r == 0 && name && *name; name++) {
		if (strv_contains(known, *name) || !name_is_valid(*name))
			continue;
		if (ck->repair)
			r = adopt(rt, *name, err);
		if (r == 0)
			check_found(ck, ck->repair,
				    "directory volumes/%s: no volume has it%s",
				    *name, ck->repair ? ", it is one again" :
							"");
	}
	return r;
}

int runtime_check(struct runtime *rt, struct check *ck, struct err *err)
{
	struct store *store;
	int r = runtime_store(rt, &store, err);

	/* first: an image that containers use cannot be removed */
	if (r == 0)
		r = check_ctrs(rt, store, ck, err);
	if (r == 0)
		r = store_check(store, ck, err);
	if (r == 0)
		r = check_volumes(rt, ck, err);
	return r;
}
