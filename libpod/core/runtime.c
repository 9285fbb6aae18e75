/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the engine: who we are, where things lie, the database.
 *
 * Theory of operation.  Every command does this first, so it is cheap: the
 * directories are opened (made when they are missing, and refused when somebody
 * else may write to them), the database is opened and brought to the format of
 * this bryo, and rows whose owner died are swept.  The store and the user's
 * namespace cost more; they come when they are asked for.
 */
#include "libpod/core/runtime.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/reset.h"
#include "storage/store.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"
#include "util/trace.h"

/* ---- where things are -------------------------------------------------- */

char *user_home(uid_t uid)
{
	const char *env = getenv("HOME");
	char buf[4096];
	struct passwd pw;
	struct passwd *found = NULL;

	if (env && env[0] == '/')
		return xstrdup(env);
	if (getpwuid_r(uid, &pw, buf, sizeof(buf), &found) != 0 || !found)
		return NULL;
	return xstrdup(found->pw_dir);
}

/* Root of a machine or a container has system directories; a user who is only
 * called root in a user namespace of his own has his. */
static bool use_system_dir(const struct rootless *ids, const char *xdg,
			   const char *parent)
{
	if (!ids->is_root)
		return false;
	return !ids->in_userns || (!xdg && access(parent, W_OK) == 0);
}

static int data_path(const struct runtime *rt, char **ret, struct err *err)
{
	const char *xdg = getenv("XDG_DATA_HOME");
	autofree char *home = NULL;

	if (rt->opts.root)
		return path_absolute(rt->opts.root, ret, err);
	if (use_system_dir(&rt->ids, xdg, "/var/lib")) {
		*ret = xstrdup("/var/lib/bryo");
		return 0;
	}
	if (xdg && xdg[0] == '/') {
		*ret = path_join(xdg, "bryo");
		return 0;
	}
	home = user_home(rt->ids.uid);
	if (!home)
		return err_set(err, ERR_FAIL, ENOENT,
			       "no home directory: set HOME or use --root");
	*ret = xasprintf("%s/.local/share/bryo", home);
	return 0;
}

/* mkdir -p for a path of the user's own, as the user's shell would do it. */
static int make_parents(const char *path, struct err *err)
{
	autofree char *copy = xstrdup(path);
	int refused = 0;

	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST) {
			/* it may be there all the same; if not, this is why */
			if (errno != EROFS && errno != EACCES)
				return err_code(err, refused ? refused : errno,
						"create %s", copy);
			refused = errno;
		}
		*p = '/';
	}
	return 0;
}

/* A directory that only we can look into; the whole path may be new. */
static int private_dir(const char *path, struct err *err)
{
	int fd = dir_make_at(AT_FDCWD, path, 0700, NULL);
	int r;

	if (fd >= 0)
		return fd;
	r = make_parents(path, err);
	if (r < 0)
		return r;
	return dir_make_at(AT_FDCWD, path, 0700, err);
}

/* XDG_RUNTIME_DIR counts only when it really is a private one of ours. */
static bool runtime_dir_is_good(const char *path, uid_t uid)
{
	struct stat st;

	return path && path[0] == '/' && stat(path, &st) == 0 &&
	       S_ISDIR(st.st_mode) && st.st_uid == uid &&
	       (st.st_mode & 0022) == 0 && access(path, W_OK | X_OK) == 0;
}

/*
 * After su(1) or in a cron job the variable is missing or still another
 * user's, the directory may be there all the same: what is started there is
 * to be found by those who have logged in.
 */
static char *runtime_dir(uid_t uid)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	autofree char *usual = xasprintf("/run/user/%u", uid);

	if (runtime_dir_is_good(xdg, uid))
		return xstrdup(xdg);
	return runtime_dir_is_good(usual, uid) ? take_ptr(usual) : NULL;
}

static int run_path(const struct runtime *rt, char **ret, struct err *err)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	autofree char *dir = NULL;

	if (rt->opts.runroot)
		return path_absolute(rt->opts.runroot, ret, err);
	if (use_system_dir(&rt->ids, xdg, "/run")) {
		*ret = xstrdup("/run/bryo");
		return 0;
	}
	dir = runtime_dir(rt->ids.uid);
	*ret = dir ? path_join(dir, "bryo") :
		     xasprintf("/tmp/bryo-%u", rt->ids.uid);
	return 0;
}

/* What stands in the way is a matter of the environment, not of the store. */
static int err_no_place(const struct runtime *rt, int r, struct err *err)
{
	if (rt->opts.root || (r != -ENOENT && r != -ENOTDIR && r != -EACCES &&
			      r != -EROFS))
		return r;
	return err_wrap(err, r, "no place for containers: set HOME, "
			"XDG_DATA_HOME or --root to a directory of yours");
}

static int open_dirs(struct runtime *rt, struct err *err)
{
	int r;

	r = data_path(rt, &rt->data_path, err);
	if (r == 0)
		r = run_path(rt, &rt->run_path, err);
	if (r < 0)
		return r;
	rt->session_dir = runtime_dir(rt->ids.uid);
	rt->data_fd = private_dir(rt->data_path, err);
	if (rt->data_fd < 0)
		return err_no_place(rt, rt->data_fd, err);
	rt->run_fd = private_dir(rt->run_path, err);
	if (rt->run_fd < 0)
		return rt->run_fd;
	rt->ctrs_fd = dir_make_at(rt->data_fd, "containers", 0700, err);
	if (rt->ctrs_fd < 0)
		return rt->ctrs_fd;
	rt->run_ctrs_fd = dir_make_at(rt->run_fd, "containers", 0700, err);
	if (rt->run_ctrs_fd < 0)
		return rt->run_ctrs_fd;
	if (rt->opts.volumepath) {
		r = path_absolute(rt->opts.volumepath, &rt->volumes_path, err);
		if (r < 0)
			return r;
		rt->volumes_fd = private_dir(rt->volumes_path, err);
	} else {
		rt->volumes_path = path_join(rt->data_path, "volumes");
		rt->volumes_fd = dir_make_at(rt->data_fd, "volumes", 0700, err);
	}
	return rt->volumes_fd < 0 ? rt->volumes_fd : 0;
}

/* ---- open and close ---------------------------------------------------- */

#define DB_NAME "state.db"

/* A store begins: what is done in it is not lost because power goes before
 * the name of its directory is on the disk. */
static int sync_new_store(struct runtime *rt, struct err *err)
{
	autoclose int dir = dir_open_at(rt->data_fd, ".");
	struct stat last = { 0 };
	struct stat st;

	while (dir >= 0 && fstat(dir, &st) == 0 && st.st_uid == rt->ids.uid &&
	       (st.st_ino != last.st_ino || st.st_dev != last.st_dev)) {
		if (fsync(dir) < 0)
			return err_sys(err, "sync %s", rt->data_path);
		int up = dir_open_at(dir, "..");

		close_fd(dir);
		dir = up;
		last = st;
	}
	return 0;
}

static int open_db(struct runtime *rt, struct err *err)
{
	TRACE("core", "database");
	autofree char *path = path_join(rt->data_path, DB_NAME);
	bool is_new = !path_is_at(rt->data_fd, DB_NAME);
	int r = db_open(rt->data_fd, path, core_formats, core_format, &rt->db,
			err);

	return r == 0 && is_new ? sync_new_store(rt, err) : r;
}

/* Copied by root, or unpacked with somebody else's ids: modes are closed and
 * owners are strangers.  What owners within layers were, their blobs know. */
static int explain_owner(const struct runtime *rt, int r, struct err *err)
{
	autofree char *inner = path_join(rt->data_path, "containers");
	struct stat st;

	if (lstat(inner, &st) < 0 && lstat(rt->data_path, &st) < 0)
		return r;
	if (st.st_uid == rt->ids.uid)
		return r;
	err_clear(err);
	return err_set(err, ERR_FAIL, EPERM,
		       "data directory %s belongs to uid %u: if it is a copy, "
		       "as root chown -R %u:%u it, then run system check "
		       "--repair", rt->data_path, (unsigned int)st.st_uid,
		       (unsigned int)rt->ids.uid, (unsigned int)rt->ids.gid);
}

int runtime_open(const struct runtime_opts *opts, struct runtime **ret,
		 struct err *err)
{
	TRACE("core", "open");
	struct runtime *rt = xcalloc(1, sizeof(*rt));
	int r;

	rt->opts = *opts;
	rt->data_fd = rt->run_fd = rt->ctrs_fd = rt->run_ctrs_fd = -EBADF;
	rt->volumes_fd = -EBADF;
	rootless_init(&rt->ids);
	r = open_dirs(rt, err);
	if (r == -EACCES || r == -EPERM)
		r = explain_owner(rt, r, err);
	/* those that bryo starts itself are what the reset waits for */
	if (r == 0 && !rt->opts.internal)
		r = reset_wait(rt, err);
	if (r == 0)
		r = open_db(rt, err);
	if (r < 0) {
		runtime_close(rt);
		return r;
	}
	ctr_sweep(rt);
	*ret = rt;
	return 0;
}

/* A command that had no use for the store sweeps it nevertheless: whatever a
 * killed process left is gone after the next command. */
static void sweep_store(struct runtime *rt)
{
	struct store *s;

	if (rt->db && !rt->store && store_has_litter(rt->data_fd))
		(void)runtime_store(rt, &s, NULL);
}

void runtime_close(struct runtime *rt)
{
	if (!rt)
		return;
	sweep_store(rt);
	userns_release(rt);
	if (rt->db && !rt->upkeep_left)
		db_checkpoint(rt->db, false);
	db_close(rt->db);
	/* last: it may have a child to wait for */
	store_close(rt->store);
	close_fd(rt->volumes_fd);
	close_fd(rt->run_ctrs_fd);
	close_fd(rt->ctrs_fd);
	close_fd(rt->run_fd);
	close_fd(rt->data_fd);
	free(rt->session_dir);
	free(rt->volumes_path);
	free(rt->run_path);
	free(rt->data_path);
	free(rt);
}

/* U is there before the store forks children that join it: a child could not
 * finish what userns_prepare() began in this process. */
static int userns_ready(void *arg, struct err *err)
{
	struct runtime *rt = arg;

	if (rt->ids.is_root)
		return 0;
	autoclose int fd = userns_open(rt, err);
	return fd < 0 ? fd : 0;
}

int runtime_store(struct runtime *rt, struct store **ret, struct err *err)
{
	TRACE("core", "store");
	struct store_conf conf = {
		.data_fd = rt->data_fd,
		.data_path = rt->data_path,
		.db = rt->db,
		.driver = STORE_OVERLAY,
		.enter_userns = userns_enter,
		.userns_ready = userns_ready,
		.arg = rt,
		.layer_max = rt->opts.layer_max,
	};
	const char *driver = rt->opts.storage_driver;
	int r;

	if (rt->store) {
		*ret = rt->store;
		return 0;
	}
	r = rootless_load(rt, err);
	if (r == 0 && !str_is_empty(driver))
		r = store_driver_parse(driver, &conf.driver, err);
	if (r < 0)
		return r;
	conf.single_id = rt->ids.single;
	r = store_open(&conf, &rt->store, err);
	if (r < 0)
		return r;
	store_sweep(rt->store);
	*ret = rt->store;
	return 0;
}
