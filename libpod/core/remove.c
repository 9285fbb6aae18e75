/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removal of containers.
 *
 * Theory of operation.  What is removed does not run: `rm -f` stops first.
 * The row, the uses of images and volumes and the names of the directories
 * disappear in one transaction: inside it the directories are renamed into
 * the trash, which is quick, and a background child deletes them afterwards.
 * Killed before the commit, the row is still there with a directory or
 * without: the next `rm` (or, for --rm, the next look at it) finishes.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/files/mount.h"
#include "libpod/core/resume.h"
#include "storage/store.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/**
 * struct erasure - one removal
 * @check, @volumes: as in ctr_erase()
 * @dead:  volumes that went with it
 */
struct erasure {
	const struct ctr *c;
	struct store *store;
	const struct ctr_mark *check;
	bool volumes;
	char **dead;
};

/* 1: it is not ours to do any more */
static int tx_erase(struct runtime *rt, void *arg, struct err *err)
{
	struct erasure *e = arg;
	const char *id = e->c->id;
	int r;

	e->dead = strv_free(e->dead);
	if (e->check && !row_mark_holds(rt, id, e->check))
		return 1;
	r = event_life(rt, e->c, true, err);
	if (r == 0)
		r = volume_unuse(rt, id, e->volumes, &e->dead, err);
	if (r == 0)
		r = image_unuse(e->store, id, err);
	if (r == 0)
		r = row_delete(rt, id, err);
	if (r < 0)
		return r;
	if (FAULT("rm.rows") < 0)
		return err_sys(err, "remove container %.12s", id);
	/* before the row goes: afterwards nobody would know of it */
	ctr_cgroup_remove(rt, id);
	r = tree_remove_at(rt->run_ctrs_fd, id, err);
	if (r == 0)
		r = volume_bury(rt, e->dead, err);
	if (r == 0)
		r = store_trash_move(e->store, rt->ctrs_fd, id, err);
	if (r == 0 && FAULT("rm.moved") < 0)
		r = err_sys(err, "remove container %.12s", id);
	return r;
}

/* --rmi: by the name that was asked for, as long as it means this image */
static void remove_image(struct runtime *rt, struct store *s,
			 const struct ctr *c)
{
	const char *name = c->config.image_name;
	auto_image struct image *img = NULL;
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	struct err err = ERR_INIT;

	if (str_is_empty(name) || image_find(s, name, &img, NULL) < 0 ||
	    !streq(img->id, c->config.image_id))
		name = c->config.image_id;
	if (image_remove(s, name, 0, &untagged, &deleted, &err) < 0)
		log_warn("%s: %s", name, err.kind == ERR_IN_USE ?
			 "image is in use by a container" : err.msg);
	for (char **v = untagged; v && *v; v++)
		(void)event_image(rt, EVENT_UNTAG, NULL, *v, NULL);
	for (char **v = deleted; v && *v; v++)
		(void)event_image(rt, EVENT_REMOVE, *v, name, NULL);
}

/* @keep: leave the trash to somebody else, unless volumes lie there too.
 * 1: @check did not hold */
static int erase(struct runtime *rt, const struct ctr *c,
		 const struct ctr_mark *check, bool volumes, bool *keep,
		 struct err *err)
{
	TRACE("core", "erase");
	struct erasure e = { .c = c, .check = check, .volumes = volumes };
	bool dead;
	int r;

	if (c->state == CTR_EXITED)
		resume_poststop(rt, c);
	r = runtime_store(rt, &e.store, err);
	if (r == 0)
		r = tx_run(rt, c->config.auto_remove ? TX_RESERVE :
			   TX_DURABLE | TX_RESERVE, tx_erase, &e, err);
	dead = e.dead != NULL;
	strv_free(e.dead);
	if (r != 0)
		return r < 0 ? err_wrap(err, r, "remove container %.12s",
					c->id) :
			       r;
	if (FAULT("rm.committed") < 0)
		return err_sys(err, "remove container %.12s", c->id);
	if (c->config.cidfile)
		(void)unlink(c->config.cidfile);
	if (c->config.remove_image)
		remove_image(rt, e.store, c);
	if (keep)
		*keep = !dead;
	if (!keep || dead)
		store_trash_empty(e.store);
	return 0;
}

int ctr_erase(struct runtime *rt, const struct ctr *c,
	      const struct ctr_mark *check, bool volumes, struct err *err)
{
	return MIN(erase(rt, c, check, volumes, NULL, err), 0);
}

int ctr_erase_keep(struct runtime *rt, const struct ctr *c,
		   const struct ctr_mark *check, bool *ret_trash,
		   struct err *err)
{
	return erase(rt, c, check, true, ret_trash, err);
}

/* ---- dependants: containers that joined this one's namespaces ---------- */

static int remove_dependants(struct runtime *rt, const struct ctr *c,
			     const struct ctr_rm_opts *opts, struct err *err)
{
	autostrv char **ids = NULL;
	int r = row_dependants(rt, c->id, &ids, err);

	if (r < 0 || !ids)
		return r;
	if (!opts->depend) {
		autofree char *text = strv_join(ids, ", ");

		return err_set(err, ERR_STATE, EBUSY,
			       "container %s has dependent containers which "
			       "must be removed before it: %s: container "
			       "already exists", c->id, text);
	}
	for (char **id = ids; *id && r == 0; id++) {
		auto_ctr struct ctr *other = NULL;

		r = row_load(rt, *id, &other, err);
		if (r == 0) {
			ctr_normalise(rt, other);
			r = ctr_remove(rt, other, opts, err);
		}
		if (r == 0 && opts->removed)
			opts->removed(other);
		if (r == -ENOENT)
			r = err_clear(err);
	}
	return r;
}

/* ---- rm ---------------------------------------------------------------- */

static int stop_first(struct runtime *rt, struct ctr *c,
		      const struct ctr_rm_opts *opts, struct err *err)
{
	bool runs = ctr_is_up(c);

	if (!opts->force && runs)
		return err_set(err, ERR_IN_USE, EBUSY,
			       "cannot remove container %s as it is %s - "
			       "running or paused containers cannot be removed "
			       "without force: container state improper", c->id,
			       ctr_state_name(c->state));
	if (runs || c->state == CTR_EXITED || c->state == CTR_INITIALIZED)
		return ctr_stop(rt, c, c->state == CTR_PAUSED ?
				CTR_TIMEOUT_KILL : opts->timeout_s, err);
	return 0;
}

/* A directory that is gone cannot be locked, and need not be. */
static int lock_for_removal(struct runtime *rt, struct ctr *c, struct err *err)
{
	struct err why = ERR_INIT;

	if (c->op_fd >= 0)
		return 0;
	c->op_fd = ctr_op_lock(rt, c->id, &why);
	if (c->op_fd >= 0 || c->op_fd == -ENOENT)
		return 0;
	return err_set(err, why.kind, why.code, "%s", why.msg);
}

int ctr_remove(struct runtime *rt, struct ctr *c,
	       const struct ctr_rm_opts *opts, struct err *err)
{
	TRACE("core", "remove");
	bool trash = false;
	int r;

	r = remove_dependants(rt, c, opts, err);
	/* whoever makes it would go on without its directories */
	if (r == 0 && c->state == CTR_CREATING)
		r = ctr_wait_transition(rt, c, err);
	if (r == 0)
		r = stop_first(rt, c, opts, err);
	if (r == 0)
		r = lock_for_removal(rt, c, err);
	if (r == 0)
		r = row_reload(rt, c, err);
	if (r < 0)
		return r;
	ctr_normalise(rt, c);
	if (c->state == CTR_INITIALIZED)
		return ctr_remove(rt, c, opts, err);
	if (ctr_is_up(c))
		return opts->force ?
			       ctr_remove(rt, c, opts, err) :
			       stop_first(rt, c, opts, err);
	(void)ctr_unmount(rt, c, true, NULL);
	if (FAULT("rm.start") < 0)
		return err_sys(err, "remove container %.12s", c->id);
	r = erase(rt, c, NULL, opts->volumes, &trash, err);
	if (trash)
		store_trash_begin(rt->store);
	return r;
}

/* ---- rename ------------------------------------------------------------ */

struct renaming {
	const struct ctr *c;
	const char *name;
};

static int event_renamed(struct runtime *rt, const struct renaming *n,
			 struct err *err)
{
	autofree char *old = xasprintf("oldName=%s", n->c->name);
	char *attrs[] = { old, NULL };
	const struct event e = { .type = EVENT_CONTAINER,
				 .status = EVENT_RENAME,
				 .id = n->c->id,
				 .name = n->name,
				 .image = n->c->config.image_name,
				 .labels = n->c->config.labels,
				 .attrs = attrs };

	return event_add(rt, &e, err);
}

static int tx_rename(struct runtime *rt, void *arg, struct err *err)
{
	const struct renaming *n = arg;
	struct err why = ERR_INIT;
	int r = db_exec(rt->db, &why,
			"UPDATE container SET name = ? WHERE id = ?", "ss",
			n->name, n->c->id);

	if (r == -EEXIST)
		return err_set(err, ERR_EXISTS, EEXIST,
			       "renaming container %s: name %s already in use, "
			       "cannot rename container %s: container already "
			       "exists", n->c->id, n->name, n->c->id);
	if (r < 0)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	if (r == 0)
		return ctr_err_not_found(err, n->c->id);
	return event_renamed(rt, n, err);
}

int ctr_rename(struct runtime *rt, struct ctr *c, const char *name,
	       struct err *err)
{
	int r = ctr_name_check(name, err);

	if (r == 0)
		r = tx_run(rt, TX_DURABLE, tx_rename,
			   &(struct renaming){ c, name }, err);
	if (r == 0)
		str_set(&c->name, name);
	return r;
}
