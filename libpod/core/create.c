/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creation of containers.
 *
 * Theory of operation.  One transaction inserts the row in state creating,
 * owned by this process, together with its uses of image and volumes: from
 * then on `ps -a` and the sweep know of it.  Then come the directories; then
 * either the row becomes created (durable) or, for `run`, ctr_start() takes
 * it straight to running.  Killed anywhere in between, the sweep of the next
 * command erases it (see state.c).
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/log/log.h"
#include "libpod/core/plan/plan.h"
#include "libpod/core/user/usermap.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define NAME_TRIES 64

/* ---- names ------------------------------------------------------------- */

int ctr_name_check(const char *name, struct err *err)
{
	if (!name_is_valid(name))
		return err_set(err, ERR_INVALID, EINVAL,
			       "running container create option: names must "
			       "match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid "
			       "argument");
	return 0;
}

static int name_holder(struct runtime *rt, const char *name, char ret[65])
{
	auto_db_stmt struct db_stmt *st = db_prep(
		rt->db, NULL, "SELECT id FROM container WHERE name = ?", "s",
		name);

	if (!st || db_step(st, NULL) != 1)
		return -ENOENT;
	(void)snprintf(ret, 65, "%s", db_str(st, 0));
	return 0;
}

/* podman's words, with the id of who has it */
static int err_name_taken(struct runtime *rt, const char *name,
			  struct err *err)
{
	char id[65] = "";

	(void)name_holder(rt, name, id);
	return err_set(err, ERR_EXISTS, EEXIST,
		       "creating container storage: the container name \"%s\" "
		       "is already in use by %s. You have to remove that "
		       "container to be able to reuse that name: that name is "
		       "already in use, or use --replace to instruct Podman to "
		       "do so.", name, id);
}

/* ---- the row ----------------------------------------------------------- */

/* Its own name, or random ones until one is free. */
static int insert_named(struct runtime *rt, struct ctr *c, struct err *err)
{
	struct err why = ERR_INIT;
	bool random = !c->name;
	int r = -EEXIST;

	for (int i = 0; i < NAME_TRIES && r == -EEXIST; i++) {
		err_clear(&why);
		if (random) {
			free(c->name);
			c->name = name_random();
		}
		r = row_insert(rt, c, &why);
		if (r == -EEXIST && !random)
			return err_name_taken(rt, c->name, err);
	}
	if (r < 0)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	return 0;
}

static bool mounts_image(const struct ctr_config *c)
{
	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].type == MNT_IMAGE)
			return true;
	return false;
}

static int insert_uses(struct runtime *rt, const struct ctr *c,
		       struct err *err)
{
	struct store *store = NULL;
	int r = 0;

	if (c->config.image_id || mounts_image(&c->config)) {
		r = runtime_store(rt, &store, err);
		if (r == 0 && c->config.image_id)
			r = image_use(store, c->config.image_id, c->id, err);
	}
	for (size_t i = 0; r == 0 && i < c->config.n_mounts; i++) {
		const struct ctr_mount *m = &c->config.mounts[i];

		if (m->type == MNT_VOLUME)
			r = volume_use(rt, m->source, m->anonymous, c->id,
				       err);
		else if (m->type == MNT_IMAGE)
			r = image_use(store, m->image_id, c->id, err);
	}
	return r;
}

static int tx_insert(struct runtime *rt, void *arg, struct err *err)
{
	struct ctr *c = arg;
	int r = 0;

	if (c->config.auto_size)
		r = usermap_auto_take(rt, c->id, &c->config, err);
	if (r == 0)
		r = insert_named(rt, c, err);

	if (r == 0)
		r = insert_uses(rt, c, err);
	return r < 0 ? r : event_ctr(rt, c, EVENT_CREATE, NULL, err);
}

static int insert(struct runtime *rt, struct ctr *c, struct err *err)
{
	TRACE("core", "insert row");

	if (FAULT("create.row") < 0)
		return err_sys(err, "create container");
	return tx_run(rt, 0, tx_insert, c, err);
}

/* A --rm container whose monitor was killed still has its name: whoever wants
 * it finishes the removal. */
static void free_stale_name(struct runtime *rt, const char *name)
{
	auto_ctr struct ctr *c = NULL;
	char id[65];

	if (!name || name_holder(rt, name, id) < 0 ||
	    row_load(rt, id, &c, NULL) < 0)
		return;
	ctr_reap(rt, c);
}

/* ---- directories ------------------------------------------------------- */

static int make_root(struct runtime *rt, const struct ctr *c, int dir,
		     struct err *err)
{
	auto_image struct image *found = NULL;
	const struct image *img = c->image;
	struct store *store;
	int r;

	if (c->config.rootfs)
		return 0;
	r = runtime_store(rt, &store, err);
	if (r == 0 && !img) {
		r = image_find(store, c->config.image_id, &found, err);
		img = found;
	}
	if (r < 0)
		return r;
	if (config_has_tree(&c->config)) {
		r = store_tree_make(store, img, dir, "tree", err);
		/* tells diff which files were written since: changes.c */
		return r < 0 ? r : file_write_at(dir, "tree.made", "", 0, 0600,
						 false, err);
	}
	r = store_upper_make(store, img, dir, "upper", err);
	if (r < 0 && r != -EEXIST)
		return r;
	if (mkdirat(dir, "work", 0700) < 0 && errno != EEXIST)
		return err_sys(err, "create the work directory");
	return 0;
}

static bool has_root(const struct ctr *c, int dir)
{
	bool tree = config_has_tree(&c->config);

	/* a power cut may have left the second without the first */
	return path_is_at(dir, tree ? "tree" : "upper") &&
	       (tree || path_is_at(dir, "work"));
}

int ctr_dirs_make(struct runtime *rt, const struct ctr *c, struct err *err)
{
	TRACE("core", "directories");
	int r;

	if (mkdirat(rt->ctrs_fd, c->id, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "create the directory of container %.12s",
			       c->id);
	if (FAULT("create.dir") < 0)
		return err_sys(err, "create container %.12s", c->id);
	autoclose int dir = ctr_dir(rt, c, err);

	if (dir < 0)
		return dir;
	if (mkdirat(dir, "mnt", 0700) < 0 && errno != EEXIST)
		return err_sys(err, "create the mount point of the root");
	if (has_root(c, dir))
		return 0;
	r = make_root(rt, c, dir, err);
	return r < 0 ? err_wrap(err, r, "root file system of container %.12s",
				c->id) :
		       0;
}

/* Anonymous and named volumes exist from now on, as `volume ls` says. */
static int make_volumes(struct runtime *rt, const struct ctr *c,
			struct err *err)
{
	for (size_t i = 0; i < c->config.n_mounts; i++) {
		const struct ctr_mount *m = &c->config.mounts[i];
		int fd;

		if (m->type != MNT_VOLUME)
			continue;
		fd = volume_dir(rt, m->source, err);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

/* ---- checks ------------------------------------------------------------ */

/* "container:NAME" becomes "container:ID": names may change later. */
static int resolve_mode(struct runtime *rt, char **mode, struct err *err)
{
	const char *name = str_after(*mode ? *mode : "", "container:");
	auto_ctr struct ctr *other = NULL;
	int r;

	if (!name)
		return 0;
	r = ctr_find(rt, name, &other, err);
	if (r < 0)
		return r;
	free(*mode);
	*mode = xasprintf("container:%s", other->id);
	return 0;
}

static int resolve_modes(struct runtime *rt, struct ctr_config *c,
			 struct err *err)
{
	char **modes[] = { &c->network, &c->pid,      &c->ipc,
			   &c->uts,	&c->cgroupns, &c->userns };

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		int r = resolve_mode(rt, modes[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

int ctr_err_source(struct err *err, const char *path)
{
	if (errno != ENOENT)
		return err_sys(err, "statfs %s", path);
	return err_set(err, ERR_SYS, ENOENT,
		       "statfs %s: no such file or directory", path);
}

static int check_mounts(const struct ctr_config *c, struct err *err)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct ctr_mount *m = &c->mounts[i];

		if (m->type == MNT_BIND &&
		    !(m->nofollow ? path_is_at(AT_FDCWD, m->source) :
				    access(m->source, F_OK) == 0))
			return ctr_err_source(err, m->source);
		for (size_t j = 0; j < i; j++)
			if (streq(c->mounts[j].target, m->target))
				return err_set(err, ERR_INVALID, EINVAL,
					       "%s: duplicate mount "
					       "destination", m->target);
	}
	return 0;
}

static int check_rootfs(struct ctr_config *c, struct err *err)
{
	char *real;

	if (!c->rootfs)
		return 0;
	real = realpath(c->rootfs, NULL);
	if (!real)
		return err_sys(err, "root file system %s", c->rootfs);
	free(c->rootfs);
	c->rootfs = real;
	return 0;
}

static int check_command(const struct ctr_config *c, struct err *err)
{
	if (strv_len(c->entrypoint) + strv_len(c->cmd) > 0)
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "no command or entrypoint provided, and no CMD or "
		       "ENTRYPOINT from image");
}

/*
 * Other ids than the files have: only FUSE can show them so.  Whoever joins
 * the namespaces of another container has that one's ids.
 */
static int needs_fuse(struct runtime *rt, const struct ctr_config *c,
		      bool *ret, struct err *err)
{
	struct idmap maps[4];
	int r;

	*ret = c->auto_size > 0;
	if (*ret || (usermap_is_plain(c) && !usermap_joins(c)))
		return 0;
	r = usermap_of(rt, c, &maps[0], &maps[1], err);
	if (r < 0)
		return r;
	idmap_identity(&rt->ids.uid_map, &maps[2]);
	idmap_identity(&rt->ids.gid_map, &maps[3]);
	*ret = !idmap_equal(&maps[0], &maps[2]) ||
	       !idmap_equal(&maps[1], &maps[3]);
	return 0;
}

/* How many ids --userns=auto gives, before the transaction that takes them */
static int prepare_userns(struct runtime *rt, const struct image *img,
			  struct ctr_config *c, struct err *err)
{
	autostrv char **lower = NULL;
	struct store *store;
	uint32_t uid;
	uint32_t gid;
	uint32_t size;
	int r;

	r = usermap_check(c, err);
	if (r < 0 || !c->userns)
		return r;
	if (str_starts(c->userns, "keep-id") && str_is_empty(c->user)) {
		r = keep_id_ids(c, &rt->ids, &uid, &gid, &size, err);
		if (r == 0)
			c->user = xasprintf("%u:%u", uid, gid);
		return r;
	}
	if (!usermap_is_auto(c, &c->auto_size) || c->auto_size)
		return 0;
	c->auto_size = usermap_auto_size(-EBADF, NULL, c->user);
	if (!img)
		return 0;
	r = runtime_store(rt, &store, err);
	if (r == 0)
		r = image_lower(store, img, &lower, err);
	if (r == 0)
		c->auto_size = usermap_auto_size(store_layers_fd(store), lower,
						 c->user);
	return r;
}

static int choose_driver(struct runtime *rt, struct ctr_config *c,
			 struct err *err)
{
	enum store_driver driver = STORE_VFS;
	struct store *store;
	bool fuse;
	int r;

	if (c->rootfs)
		return 0;
	r = runtime_store(rt, &store, err);
	if (r < 0)
		return r;
	if (!str_is_empty(rt->opts.storage_driver)) {
		r = store_driver_parse(rt->opts.storage_driver, &driver, err);
	} else {
		r = store_driver_probe(store, &driver, err);
	}
	if (r == 0)
		r = needs_fuse(rt, c, &fuse, err);
	if (r < 0)
		return r;
	if (fuse)
		driver = STORE_FUSE;
	str_set(&c->driver, store_driver_name(driver));
	return store_driver_check(store, driver, err);
}

static int prepare_config(struct runtime *rt, const struct image *img,
			  struct ctr_config *c, struct err *err)
{
	int r;

	r = config_merge_image(rt, img, c, err);
	if (r == 0)
		r = check_command(c, err);
	if (r == 0)
		r = log_config_check(c, err);
	if (r == 0)
		r = health_action_check(c->health, err);
	if (r == 0)
		r = plan_files_check(c, err);
	if (r == 0)
		r = check_rootfs(c, err);
	if (r == 0)
		r = resolve_modes(rt, c, err);
	if (r == 0)
		r = prepare_userns(rt, img, c, err);
	if (r == 0)
		r = check_mounts(c, err);
	if (r == 0)
		r = choose_driver(rt, c, err);
	return r;
}

/* ---- create ------------------------------------------------------------ */

static int finish(struct runtime *rt, struct ctr *c, struct err *err)
{
	c->state = CTR_CREATED;
	c->owner = (struct proc_id){ 0 };
	c->start_n = 0;
	if (FAULT("create.finish") < 0)
		return err_sys(err, "create container %.12s", c->id);
	return tx_run(rt, TX_DURABLE, tx_save, c, err);
}

static int write_cidfile(const struct ctr *c, struct err *err)
{
	const char *path = c->config.cidfile;

	if (!path)
		return 0;
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				0644);

	if (fd < 0 || fd_write_full(fd, c->id, strlen(c->id)) < 0)
		return err_sys(err, "write container ID file %s", path);
	return 0;
}

static int copy_secrets(struct runtime *rt, const struct ctr *c,
			struct err *err)
{
	autoclose int dir = ctr_dir(rt, c, err);

	return dir < 0 ? dir : secrets_copy(rt, c, dir, err);
}

static int build(struct runtime *rt, struct ctr *c, bool run, struct err *err)
{
	int r;

	r = ctr_dirs_make(rt, c, err);
	if (r == 0 && c->config.secrets)
		r = copy_secrets(rt, c, err);
	if (r == 0)
		r = make_volumes(rt, c, err);
	if (r == 0)
		r = write_cidfile(c, err);
	if (r == 0 && run) {
		c->op_fd = ctr_op_lock(rt, c->id, err);
		return c->op_fd < 0 ? c->op_fd : 0;
	}
	return r < 0 ? r : finish(rt, c, err);
}

int ctr_create(struct runtime *rt, const struct image *img,
	       struct ctr_config *config, const char *name, bool run,
	       struct ctr **ret, struct err *err)
{
	TRACE("core", "create");
	auto_ctr struct ctr *c = xcalloc(1, sizeof(*c));
	int r;

	c->config = *config;
	*config = (struct ctr_config){ 0 };
	c->config_loaded = true;
	c->op_fd = -EBADF;
	c->image = img;
	if (name && name[0] == '/')
		name++;
	r = name ? ctr_name_check(name, err) : 0;
	if (r == 0)
		r = prepare_config(rt, img, &c->config, err);
	if (r < 0)
		return r;
	id_random(c->id);
	c->name = xstrdup(name);
	c->state = CTR_CREATING;
	c->created_ns = clock_now_ns();
	c->owner = proc_self();
	c->start_n = 1;
	c->health = health_is_on(c->config.health) ? HEALTH_STARTING :
						     HEALTH_NONE;
	(void)snprintf(c->boot, sizeof(c->boot), "%s", boot_id());
	(void)snprintf(c->owner_boot, sizeof(c->owner_boot), "%s", boot_id());
	free_stale_name(rt, name);
	r = insert(rt, c, err);
	if (r < 0)
		return r;
	r = build(rt, c, run, err);
	if (r < 0) {
		(void)ctr_erase(rt, c, NULL, true, NULL);
		return r;
	}
	if (!run)
		c->image = NULL;
	*ret = take_ptr(c);
	return 0;
}
