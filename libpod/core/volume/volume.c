/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named and anonymous volumes: VOLUMES/NAME/_data and a row.
 *
 * Theory of operation.  The row comes first and the directory is made by
 * whoever needs it first (volume_dir), so there is no half-made state to
 * recover: a row without a directory is an empty volume.  Removal moves the
 * directory to the trash inside the transaction that deletes the row.  `fresh`
 * says that the image's content has not been copied into it yet; volume_use
 * rows pin a volume for a container.
 */
#include "libpod/core/volume/volume.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/volume/volume_opts.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

const char volume_schema[] =
	"CREATE TABLE volume("
	" name TEXT NOT NULL UNIQUE,"
	" labels TEXT NOT NULL DEFAULT '{}',"
	" options TEXT NOT NULL DEFAULT '{}',"
	" created INTEGER NOT NULL,"
	" anonymous INTEGER NOT NULL DEFAULT 0,"
	" fresh INTEGER NOT NULL DEFAULT 1);"
	"CREATE TABLE volume_use("
	" volume TEXT NOT NULL, ctr TEXT NOT NULL,"
	" PRIMARY KEY(volume, ctr)) WITHOUT ROWID;"
	"CREATE INDEX volume_use_ctr ON volume_use(ctr);";

struct volume *volume_free(struct volume *v)
{
	if (!v)
		return NULL;
	free(v->name);
	free(v->driver);
	free(v->mountpoint);
	strv_free(v->labels);
	strv_free(v->options);
	strv_free(v->users);
	free(v);
	return NULL;
}

void volume_list_done(struct volume_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		volume_free(l->v[i]);
	free(l->v);
	*l = (struct volume_list){ 0 };
}

static int err_no_volume(struct err *err, const char *name)
{
	return err_set(err, ERR_NOT_FOUND, ENOENT,
		       "no volume with name \"%s\" found: no such volume",
		       name);
}

/* ---- rows -------------------------------------------------------------- */

static int insert(struct runtime *rt, const char *name, char *const *labels,
		  char *const *options, bool anonymous, struct err *err)
{
	autojson struct json_object *l = json_new_env_map(labels);
	autojson struct json_object *o = json_new_env_map(options);

	int r = db_exec(rt->db, err,
			"INSERT INTO volume(name, labels, options, created,"
			" anonymous) VALUES(?, ?, ?, ?, ?)", "sssii", name,
			json_text(l), json_text(o), clock_now_ns(),
			(int64_t)anonymous);

	return r < 0 ? r : event_named(rt, EVENT_VOLUME, EVENT_CREATE, name,
				       err);
}

int volume_use(struct runtime *rt, const char *name, bool anonymous,
	       const char *ctr_id, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err, "SELECT 1 FROM volume WHERE name = ?",
			"s", name);
	int r;

	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r == 0)
		r = insert(rt, name, NULL, NULL, anonymous, err);
	if (r < 0)
		return r;
	r = db_exec(rt->db, err,
		    "INSERT OR IGNORE INTO volume_use(volume, ctr)"
		    " VALUES(?, ?)", "ss", name, ctr_id);
	return r < 0 ? r : 0;
}

int volume_filled(struct runtime *rt, const char *name, struct err *err)
{
	int r = db_exec(rt->db, err,
			"UPDATE volume SET fresh = 0 WHERE name = ?", "s",
			name);

	return r < 0 ? r : 0;
}

static char **env_column(struct db_stmt *st, int col)
{
	const char *text = db_str(st, col);
	autojson struct json_object *o =
		text ? json_parse(text, strlen(text), NULL) : NULL;

	return o ? json_env_list(o) : NULL;
}

static int load_source(struct runtime *rt, const char *name, bool *ret_fresh,
		       struct volume_opts *ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT fresh, options FROM volume WHERE name = ?",
			"s", name);
	autostrv char **options = NULL;
	int r;

	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r == 0)
		return err_no_volume(err, name);
	if (r < 0)
		return r;
	*ret_fresh = db_i64(st, 0) != 0;
	options = env_column(st, 1);
	return volume_opts_parse(options, ret, err);
}

static void tmpfs_owner(char **data, const char *key, uint32_t id)
{
	char *old = *data;

	*data = old ? xasprintf("%s,%s=%u", old, key, id) :
		      xasprintf("%s=%u", key, id);
	free(old);
}

struct chown_dir {
	int fd;
	uint32_t uid;
	uint32_t gid;
};

static int chown_data(void *arg, struct err *err)
{
	const struct chown_dir *c = arg;

	if (fchownat(c->fd, "", c->uid, c->gid, AT_EMPTY_PATH) < 0)
		return err_sys(err, "give the volume to %d:%d", (int)c->uid,
			       (int)c->gid);
	return 0;
}

/* *ret_made: by us, just now */
static int data_dir(struct runtime *rt, const char *name, bool *ret_made,
		    struct err *err)
{
	int fd;

	if (mkdirat(rt->volumes_fd, name, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "create volume %s", name);
	autoclose int dir = dir_open_at(rt->volumes_fd, name);

	if (dir < 0)
		return err_code(err, dir, "open volume %s", name);
	if (mkdirat(dir, "_data", 0755) == 0)
		*ret_made = true;
	else if (errno != EEXIST)
		return err_sys(err, "create volume %s", name);
	fd = openat(dir, "_data",
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open volume %s", name) : fd;
}

/* In the words of podman, which looks before it creates. */
static int err_device(struct err *err, const char *device)
{
	if (errno != ENOENT)
		return err_sys(err, "invalid volume option device for driver "
			       "'local': faccessat %s", device);
	return err_set(err, ERR_INVALID, ENOENT,
		       "invalid volume option device for driver 'local': "
		       "faccessat %s: no such file or directory", device);
}

static int open_dir(struct runtime *rt, const char *name,
		    const struct volume_opts *o, bool *fresh, struct err *err)
{
	bool made = false;

	autoclose int fd = data_dir(rt, name, &made, err);
	if (fd < 0)
		return fd;
	*fresh |= made;
	if (made && (o->uid != VOLUME_NO_ID || o->gid != VOLUME_NO_ID)) {
		struct chown_dir c = { fd, o->uid, o->gid };
		int r = userns_run(rt, chown_data, &c, err);

		if (r < 0)
			return r;
	}
	return take_fd(fd);
}

int volume_source(struct runtime *rt, const char *name,
		  struct volume_source *ret, struct err *err)
{
	struct volume_opts o cleanup(volume_opts_done) = { 0 };
	bool fresh = false;
	int fd;
	int r;

	r = load_source(rt, name, &fresh, &o, err);
	if (r < 0)
		return r;
	*ret = (struct volume_source){ .fd = -EBADF, .attr = o.attr };
	if (o.tmpfs) {
		ret->data = xstrdup(o.data);
		if (o.uid != VOLUME_NO_ID)
			tmpfs_owner(&ret->data, "uid", o.uid);
		if (o.gid != VOLUME_NO_ID)
			tmpfs_owner(&ret->data, "gid", o.gid);
		return 0;
	}
	if (o.device) {
		fd = open(o.device, O_PATH | O_CLOEXEC);
		if (fd < 0)
			return err_device(err, o.device);
	} else {
		fd = open_dir(rt, name, &o, &fresh, err);
		if (fd < 0)
			return fd;
		ret->fresh = fresh && !o.nocopy;
		ret->owned = o.uid != VOLUME_NO_ID || o.gid != VOLUME_NO_ID;
	}
	ret->fd = fd;
	return 0;
}

int volume_dir(struct runtime *rt, const char *name, struct err *err)
{
	struct volume_opts o cleanup(volume_opts_done) = { 0 };
	bool fresh = false;
	int r = load_source(rt, name, &fresh, &o, err);

	return r < 0 ? r : open_dir(rt, name, &o, &fresh, err);
}

static int add_names(struct db_stmt *st, char ***ret, struct err *err)
{
	int r;

	while ((r = db_step(st, err)) == 1)
		strv_add(ret, db_str(st, 0));
	return r;
}

int volume_unuse(struct runtime *rt, const char *ctr_id, bool anonymous,
		 char ***ret_dead, struct err *err)
{
	autostrv char **dead = NULL;
	int r;

	if (anonymous) {
		auto_db_stmt struct db_stmt *st = db_prep(
			rt->db, err,
			"SELECT u.volume FROM volume_use u JOIN volume v"
			" ON v.name = u.volume WHERE u.ctr = ?1 AND v.anonymous"
			" AND NOT EXISTS (SELECT 1 FROM volume_use o"
			" WHERE o.volume = u.volume AND o.ctr <> ?1)",
			"s", ctr_id);

		r = st ? add_names(st, &dead, err) : -EIO;
		if (r < 0)
			return r;
	}
	r = db_exec(rt->db, err, "DELETE FROM volume_use WHERE ctr = ?", "s",
		    ctr_id);
	for (size_t i = 0; r >= 0 && i < strv_len(dead); i++) {
		r = db_exec(rt->db, err, "DELETE FROM volume WHERE name = ?",
			    "s", dead[i]);
		if (r >= 0)
			r = event_named(rt, EVENT_VOLUME, EVENT_REMOVE,
					dead[i], err);
	}
	if (r < 0)
		return r;
	strv_extend(ret_dead, dead);
	return 0;
}

int volume_bury(struct runtime *rt, char *const *names, struct err *err)
{
	struct store *store;
	int r = 0;

	if (strv_len(names) == 0)
		return 0;
	r = runtime_store(rt, &store, err);
	for (; r == 0 && *names; names++)
		r = store_trash_move(store, rt->volumes_fd, *names, err);
	return r;
}

/* ---- the interface of the commands ------------------------------------- */

#define COLUMNS "name, labels, options, created, anonymous, fresh"

static struct volume *read_row(struct runtime *rt, struct db_stmt *st)
{
	struct volume *v = xcalloc(1, sizeof(*v));

	v->name = xstrdup(db_str(st, 0));
	v->driver = xstrdup("local");
	v->mountpoint = xasprintf("%s/%s/_data", rt->volumes_path, v->name);
	v->labels = env_column(st, 1);
	v->options = env_column(st, 2);
	v->created_ns = db_i64(st, 3);
	v->anonymous = db_i64(st, 4) != 0;
	v->needs_copy_up = db_i64(st, 5) != 0;
	return v;
}

static int load_users(struct runtime *rt, struct volume *v, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT ctr FROM volume_use WHERE volume = ?"
			" ORDER BY ctr", "s", v->name);

	return st ? add_names(st, &v->users, err) : -EIO;
}

/* In a transaction, which keeps `volume rm` out: between its look at the row
 * and the mkdir the row could go, and a directory alone would stay. */
static int tx_make_dir(struct runtime *rt, void *arg, struct err *err)
{
	int fd = volume_dir(rt, arg, err);

	if (fd == -ENOENT) {
		err_clear(err);
		return 0;	/* created, and removed by somebody else */
	}
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* The directory that inspect names is there, even after a killed create. */
static void make_dir(struct runtime *rt, const struct volume *v)
{
	if (!path_is_at(rt->volumes_fd, v->name))
		(void)tx_run(rt, 0, tx_make_dir, v->name, NULL);
}

static int select_one(struct runtime *rt, struct db_stmt *st,
		      const char *name, struct volume **ret, struct err *err)
{
	struct volume *v;
	int r = db_step(st, err);

	if (r == 0)
		return err_no_volume(err, name);
	if (r < 0)
		return r;
	v = read_row(rt, st);
	r = db_step(st, err);
	if (r == 1)
		r = err_set(err, ERR_INVALID, EINVAL,
			    "more than one result for volume name %s: volume "
			    "already exists", name);
	if (r == 0)
		r = load_users(rt, v, err);
	if (r < 0) {
		volume_free(v);
		return r;
	}
	make_dir(rt, v);
	*ret = v;
	return 0;
}

int volume_find(struct runtime *rt, const char *name, struct volume **ret,
		struct err *err)
{
	auto_db_stmt struct db_stmt *st = NULL;
	struct err exact = ERR_INIT;
	int r;

	st = db_prep(rt->db, err,
		     "SELECT " COLUMNS " FROM volume WHERE name = ?", "s",
		     name);
	if (!st)
		return -EIO;
	r = select_one(rt, st, name, ret, &exact);
	if (r == 0)
		return 0;
	if (r != -ENOENT || !name_is_valid(name))
		return err_set(err, exact.kind, -r, "%s", exact.msg);
	db_done(take_ptr(st));
	/* names hold no wildcard of GLOB: see name_is_valid() */
	st = db_prep(rt->db, err,
		     "SELECT " COLUMNS " FROM volume"
		     " WHERE name GLOB ? || '*' LIMIT 2", "s", name);
	return st ? select_one(rt, st, name, ret, err) : -EIO;
}

int volume_list(struct runtime *rt, struct volume_list *ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT " COLUMNS " FROM volume ORDER BY name", "");
	int r;

	if (!st)
		return -EIO;
	while ((r = db_step(st, err)) == 1) {
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = read_row(rt, st);
	}
	for (size_t i = 0; r == 0 && i < ret->n; i++)
		r = load_users(rt, ret->v[i], err);
	return r;
}

static int check_options(char *const *options, struct err *err)
{
	struct volume_opts o cleanup(volume_opts_done) = { 0 };
	int r = volume_opts_parse(options, &o, err);

	if (r == 0 && o.device && access(o.device, F_OK) < 0)
		r = err_device(err, o.device);
	return r;
}

struct creation {
	const char *name;
	char *const *labels;
	char *const *options;
	bool anonymous;
	bool ignore;
};

static int tx_create(struct runtime *rt, void *arg, struct err *err)
{
	const struct creation *n = arg;
	struct err why = ERR_INIT;
	int r = insert(rt, n->name, n->labels, n->options, n->anonymous, &why);

	if (r == -EEXIST && n->ignore)
		return 0;
	if (r == -EEXIST)
		return err_set(err, ERR_EXISTS, EEXIST,
			       "volume with name %s already exists: volume "
			       "already exists", n->name);
	return r < 0 ? err_set(err, why.kind, -r, "%s", why.msg) : 0;
}

int volume_create(struct runtime *rt, const char *name, char *const *labels,
		  char *const *options, bool ignore, struct volume **ret,
		  struct err *err)
{
	struct creation n = { name, labels, options, !name, ignore };
	autofree char *copy = NULL;
	char id[65];
	int r;

	r = check_options(options, err);
	if (r < 0)
		return r;
	if (!name) {
		id_random(id);
		n.name = id;
	} else if (!name_is_valid(name)) {
		return err_set(err, ERR_INVALID, EINVAL,
			       "volume name '%s': names must match "
			       "[a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument",
			       name);
	}
	r = tx_run(rt, TX_DURABLE, tx_create, &n, err);
	if (r < 0)
		return r;
	if (FAULT("volume.create.row") < 0)
		return err_sys(err, "create volume %s", n.name);
	copy = xstrdup(n.name);
	r = tx_run(rt, 0, tx_make_dir, copy, err);
	if (r < 0)
		return r;
	return ret ? volume_find(rt, n.name, ret, err) : 0;
}

static int remove_users(struct runtime *rt, char *const *users,
			uint32_t timeout_s, struct err *err)
{
	struct ctr_rm_opts opts = { .force = true, .timeout_s = timeout_s };

	for (; users && *users; users++) {
		auto_ctr struct ctr *c = NULL;
		int r = ctr_find(rt, *users, &c, err);

		if (r == 0)
			r = ctr_remove(rt, c, &opts, err);
		if (r == -ENOENT)
			err_clear(err);
		else if (r < 0)
			return r;
	}
	return 0;
}

/* The row goes only when nobody began to use the volume meanwhile, and the
 * directory leaves its name in the same transaction. */
static int tx_delete(struct runtime *rt, void *arg, struct err *err)
{
	char *name = arg;
	char *names[] = { name, NULL };
	int r = db_exec(rt->db, err,
			"DELETE FROM volume WHERE name = ?1 AND NOT EXISTS"
			" (SELECT 1 FROM volume_use WHERE volume = ?1)", "s",
			name);

	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, ERR_IN_USE, EBUSY,
			       "volume %s is being used: volume is being used",
			       name);
	if (FAULT("volume.rm.row") < 0)
		return err_sys(err, "remove volume %s", name);
	r = event_named(rt, EVENT_VOLUME, EVENT_REMOVE, name, err);
	if (r == 0)
		r = volume_bury(rt, names, err);
	if (r == 0 && FAULT("volume.rm.moved") < 0)
		r = err_sys(err, "remove volume %s", name);
	return r;
}

static int delete_volume(struct runtime *rt, char *name, struct err *err)
{
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = tx_run(rt, TX_DURABLE | TX_RESERVE, tx_delete, name, err);
	if (r < 0)
		return r;
	/* or `system check` finds the files again after a power cut */
	if (fsync(rt->volumes_fd) < 0)
		return err_sys(err, "sync the removal of volume %s", name);
	store_trash_empty(store);
	return 0;
}

int volume_remove(struct runtime *rt, const char *name, bool force,
		  uint32_t timeout_s, struct err *err)
{
	autofree char *real = NULL;
	struct volume *v = NULL;
	int r;

	r = volume_find(rt, name, &v, err);
	if (r < 0)
		return r;
	real = xstrdup(v->name);
	if (v->users && !force) {
		autofree char *users = strv_join(v->users, ", ");

		r = err_set(err, ERR_IN_USE, EBUSY,
			    "volume %s is being used by the following "
			    "container(s): %s: volume is being used", real,
			    users);
	} else if (v->users) {
		r = remove_users(rt, v->users, timeout_s, err);
	}
	volume_free(v);
	return r < 0 ? r : delete_volume(rt, real, err);
}

/* Left out when it is root, as podman does */
static void set_owner(struct json_object *o, const struct volume *v)
{
	struct volume_opts opts;

	if (volume_opts_parse(v->options, &opts, NULL) < 0)
		return;
	if (opts.uid != VOLUME_NO_ID && opts.uid != 0)
		json_set_i64(o, "UID", opts.uid);
	if (opts.gid != VOLUME_NO_ID && opts.gid != 0)
		json_set_i64(o, "GID", opts.gid);
	volume_opts_done(&opts);
}

struct json_object *volume_inspect(const struct volume *v)
{
	struct json_object *o = json_object_new_object();
	char time[TIME_TEXT_MAX];

	json_set_str(o, "Name", v->name);
	json_set_str(o, "Driver", v->driver);
	json_set_str(o, "Mountpoint", v->mountpoint);
	json_set_str(o, "CreatedAt", time_rfc3339(v->created_ns, time));
	json_set(o, "Labels", json_new_env_map(v->labels));
	json_set_str(o, "Scope", "local");
	json_set(o, "Options", json_new_env_map(v->options));
	set_owner(o, v);
	json_set_bool(o, "Anonymous", v->anonymous);
	json_set_i64(o, "MountCount", (int64_t)strv_len(v->users));
	json_set_bool(o, "NeedsCopyUp", v->needs_copy_up);
	json_set_bool(o, "NeedsChown", v->needs_copy_up);
	json_set_i64(o, "LockNumber", 0);
	return o;
}
