/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The store's frame: its directories, staging, and children that work as root
 * of the user namespace.  Runs in the process of each command; opening costs
 * nothing but an allocation, directories are opened (and made) when first
 * needed.
 *
 * Nothing under a final name is ever unfinished.  What grows lives in
 * staging/ under a name that tells its owner (pid and start time), or in
 * partial/ under a lock; it is verified, synced and renamed.  store_sweep()
 * looks for what dead owners left.
 */
#include "storage/store_int.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "util/db.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

enum { CPUS_UNKNOWN = 4 };

int store_open(const struct store_conf *conf, struct store **ret,
	       struct err *err)
{
	struct store *s;
	struct stat st;

	/* A setuid file of an image is setuid us on the host (ST-01). */
	if (fstat(conf->data_fd, &st) < 0)
		return err_sys(err, "stat %s", conf->data_path);
	if (st.st_mode & 077)
		return err_set(err, ERR_FAIL, EPERM,
			       "data directory %s is open to others (mode "
			       "%04o): chmod 700 it", conf->data_path,
			       (unsigned int)st.st_mode & 07777);
	s = xcalloc(1, sizeof(*s));
	s->conf = *conf;
	s->conf.data_path = xstrdup(conf->data_path);
	for (size_t i = 0; i < STORE_DIRS; i++)
		s->dir[i] = -EBADF;
	s->host = (struct layer_host)LAYER_HOST_INIT;
	s->can = -1;
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	layer_host_end(&s->host);
	trash_reap(s);
	for (size_t i = 0; i < STORE_DIRS; i++)
		close_fd(s->dir[i]);
	free((char *)(uintptr_t)s->conf.data_path);
	free(s);
}

static const char *const dir_names[STORE_DIRS] = {
	[STORE_BLOBS] = "blobs",     [STORE_PARTIAL] = "partial",
	[STORE_LAYERS] = "layers",   [STORE_STAGING] = "staging",
	[STORE_TRASH] = "trash",
};

int store_dir(struct store *s, enum store_dir which, struct err *err)
{
	int fd;

	if (s->dir[which] >= 0)
		return s->dir[which];
	fd = dir_make_at(s->conf.data_fd, dir_names[which], 0700, err);
	if (fd >= 0 && which == STORE_BLOBS) {
		autoclose int blobs = fd;

		fd = dir_make_at(blobs, "sha256", 0700, err);
	}
	if (fd < 0)
		return err_wrap(err, fd, "%s", s->conf.data_path);
	s->dir[which] = fd;
	return fd;
}

int store_layers_fd(struct store *s)
{
	return store_dir(s, STORE_LAYERS, NULL);
}

char **store_hashes(struct store *s, enum store_dir which)
{
	int dir = store_dir(s, which, NULL);
	autostrv char **names = dir < 0 ? NULL : dir_list(dir);
	char **list = NULL;

	for (char **name = names; name && *name; name++)
		if (hex_is_valid(*name, 64))
			strv_add(&list, *name);
	return list;
}

/* ---- names that tell their owner ---------------------------------------- */

void store_unique(struct store *s, char ret[STORE_UNIQUE_MAX])
{
	struct proc_id self = proc_self();

	snprintf(ret, STORE_UNIQUE_MAX, "%d.%" PRIu64 ".%u", (int)self.pid,
		 self.start, s->serial++);
}

int store_scratch(struct store *s, char *ret, struct err *err)
{
	int dir = store_dir(s, STORE_STAGING, err);
	char name[STORE_UNIQUE_MAX];
	int fd;

	if (dir < 0)
		return dir;
	store_unique(s, name);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "make a file in the staging area");
	if (ret)
		memcpy(ret, name, sizeof(name));
	else
		(void)unlinkat(dir, name, 0);
	return fd;
}

static bool owner_is_alive(const char *name)
{
	autostrv char **part = strv_split(name, '.');
	struct proc_id id = { 0 };
	uint32_t pid;

	if (strv_len(part) != 3 || parse_u32(part[0], &pid) < 0 ||
	    parse_u64(part[1], &id.start) < 0 || pid == 0 || pid > INT32_MAX)
		return false;
	id.pid = (pid_t)pid;
	return proc_is_alive(&id);
}

/* ---- staging ------------------------------------------------------------ */

int staging_new(struct store *s, struct staging *ret, struct err *err)
{
	struct staging st = { .s = s, .fd = -EBADF };
	int dir = store_dir(s, STORE_STAGING, err);

	if (dir < 0)
		return dir;
	store_unique(s, st.name);
	if (mkdirat(dir, st.name, 0700) < 0)
		return err_sys(err, "make directory %s/staging/%s",
			       s->conf.data_path, st.name);
	st.fd = dir_open_at(dir, st.name);
	if (st.fd < 0)
		return err_code(err, st.fd, "open %s/staging/%s",
				s->conf.data_path, st.name);
	*ret = st;
	return 0;
}

void staging_done(struct staging *st)
{
	int saved = errno;

	close_fd(st->fd);
	if (*st->name) {
		store_trash_move(st->s, st->s->dir[STORE_STAGING], st->name,
				 NULL);
		store_trash_empty(st->s);
	}
	*st = (struct staging)STAGING_INIT;
	errno = saved;
}

/* Staging directories of processes that are gone; true when there were. */
static bool sweep_staging(struct store *s)
{
	int dir = store_dir(s, STORE_STAGING, NULL);
	autoclosedir DIR *d = dir_stream_at(dir, ".");
	const struct dirent *e;
	bool found = false;

	while (d && dir_next(d, &e, NULL) > 0) {
		if (*e->d_name == '.' || owner_is_alive(e->d_name))
			continue;
		store_trash_move(s, dir, e->d_name, NULL);
		found = true;
	}
	return found;
}

/* True when directory @name holds nothing or is not there. */
static bool is_empty(int dir, const char *name)
{
	autoclosedir DIR *d = dir_stream_at(dir, name);
	const struct dirent *e;

	while (d && dir_next(d, &e, NULL) > 0)
		if (*e->d_name != '.')
			return false;
	return true;
}

static bool any_doomed(struct store *s)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, NULL, "SELECT 1 FROM store_doomed LIMIT 1",
			"");

	return st && db_step(st, NULL) == 1;
}

bool store_reserve_drop(struct store *s)
{
	return reserve_drop(s);
}

void store_sweep(struct store *s)
{
	bool found = sweep_staging(s);

	if (any_doomed(s))
		gc_run(s, NULL);
	if (found || (!is_empty(store_dir(s, STORE_TRASH, NULL), ".") &&
		      !trash_is_locked(s)))
		store_trash_empty(s);
}

bool store_has_litter(int data_fd)
{
	return !is_empty(data_fd, dir_names[STORE_TRASH]) ||
	       !is_empty(data_fd, dir_names[STORE_STAGING]);
}

/* ---- children in U ------------------------------------------------------ */

int store_userns(struct store *s, struct err *err)
{
	return s->conf.userns_ready ?
		       s->conf.userns_ready(s->conf.arg, err) :
		       0;
}

void store_host(struct store *s)
{
	if (s->host.pid > 0 || store_userns(s, NULL) < 0)
		return;
	(void)layer_host_start(s->conf.enter_userns, s->conf.arg, &s->host,
			       NULL);
}

void store_host_end(struct store *s)
{
	layer_host_end(&s->host);
}

static void noreturn_attr fork_child(struct store *s, int sock,
				     int (*fn)(void *arg, struct err *err),
				     void *arg)
{
	struct err err = ERR_INIT;
	int r = 0;

	if (s->conf.enter_userns)
		r = s->conf.enter_userns(s->conf.arg, &err);
	if (r >= 0)
		r = fn(arg, &err);
	if (r < 0)
		(void)!write(sock, &err, sizeof(err));
	child_exit(r < 0 ? 125 : r);
}

int store_fork(struct store *s, int (*fn)(void *arg, struct err *err),
	       void *arg, struct err *err)
{
	struct err reason = ERR_INIT;
	int pair[2];
	ssize_t n;
	int r = store_userns(s, err);

	if (r < 0)
		return r;
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	autoclose int rd = pair[0];
	autoclose int wr = pair[1];
	pid_t pid = fork();
	if (pid < 0)
		return err_fork(err, errno, "fork");
	if (pid == 0)
		fork_child(s, wr, fn, arg);
	close_fd(wr);
	n = fd_read_full(rd, &reason, sizeof(reason));
	r = proc_wait(pid);
	if (n == (ssize_t)sizeof(reason) && reason.code > 0) {
		reason.msg[sizeof(reason.msg) - 1] = '\0';
		return err_set(err, reason.kind, reason.code, "%s",
			       reason.msg);
	}
	if (r > 128)
		return err_set(err, ERR_FAIL, EIO,
			       "a child process was killed by %s",
			       signal_name(r - 128));
	return r;
}

size_t store_cpus(void)
{
	cpu_set_t set;

	/* more than 1024 of them: -EINVAL, and enough for all that we do */
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return CPUS_UNKNOWN;
	return (size_t)MAX(1, CPU_COUNT(&set));
}
