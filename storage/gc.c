/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Who needs a hash (a layer or a blob) is written in two places: rows of
 * images, leases of processes that are about to commit an image, and nothing
 * else.  A removal is two short transactions: the first takes the image's
 * rows away and writes its hashes into store_doomed; the second (gc_run)
 * looks again whether a doomed hash has a user or a lease by now, and if not
 * renames its directory and file into the trash.  The renames happen inside
 * that transaction, so that a pull, whose lease is a transaction too, either
 * comes first and keeps the hash, or comes later and finds it gone.  Death
 * between the renames and the commit leaves a doomed row without files, which
 * the next run drops.
 *
 * Layers of a pull that was killed are whole, but have no image: they stay
 * for the pull that will be tried again, until gc_orphans() finds them old or
 * there is no image left at all.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "storage/store_int.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- leases ------------------------------------------------------------- */

static int lease_rows(struct store *s, char *const *hashes, struct err *err)
{
	struct proc_id self = proc_self();
	int r = 0;

	for (; hashes && *hashes && r >= 0; hashes++) {
		r = db_exec(s->conf.db, err,
			    "INSERT OR IGNORE INTO store_lease"
			    " VALUES (?, ?, ?, ?)", "siis", *hashes,
			    (int64_t)self.pid, (int64_t)self.start, boot_id());
		if (r >= 0)
			r = db_exec(s->conf.db, err,
				    "DELETE FROM store_doomed WHERE hash = ?",
				    "s", *hashes);
	}
	return r < 0 ? r : 0;
}

int lease_add(struct store *s, char *const *hashes, struct err *err)
{
	int r = db_begin(s->conf.db, false, err);

	if (r == 0)
		r = lease_rows(s, hashes, err);
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

void lease_drop(struct store *s)
{
	struct proc_id self = proc_self();

	/* A lease that stays ends with the process */
	if (db_begin(s->conf.db, false, NULL) < 0)
		return;
	if (db_exec(s->conf.db, NULL,
		    "DELETE FROM store_lease WHERE pid = ? AND start = ?",
		    "ii", (int64_t)self.pid, (int64_t)self.start) < 0 ||
	    db_commit(s->conf.db, NULL) < 0)
		db_rollback(s->conf.db);
}

static int doom_leased(struct store *s)
{
	struct proc_id self = proc_self();
	int r = db_begin(s->conf.db, false, NULL);

	if (r == 0)
		r = db_exec(s->conf.db, NULL, "INSERT OR IGNORE INTO"
			    " store_doomed SELECT hash FROM store_lease"
			    " WHERE pid = ? AND start = ?", "ii",
			    (int64_t)self.pid, (int64_t)self.start);
	if (r >= 0)
		r = db_commit(s->conf.db, NULL);
	if (r < 0)
		db_rollback(s->conf.db);
	return MIN(r, 0);
}

void lease_end(struct store *s, int result)
{
	bool full = result == -ENOSPC || result == -EDQUOT;

	/* the rows say what is to go, so they need the room first */
	if (full && doom_leased(s) < 0 && reserve_drop(s))
		(void)doom_leased(s);
	lease_drop(s);
	if (!full)
		return;
	gc_run(s, NULL);
	store_trash_empty(s);
}

/* 1 a living process holds a lease, 0 none, -errno */
static int lease_is_live(struct store *s, const char *hash, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT pid, start, boot"
			" FROM store_lease WHERE hash = ?", "s", hash);
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1) {
		struct proc_id id = { (pid_t)db_i64(st, 0),
				      (uint64_t)db_i64(st, 1) };

		if (streq(db_str(st, 2), boot_id()) && proc_is_alive(&id))
			return 1;
	}
	return r;
}

/* Leases of the dead only make the table longer. */
static int lease_clean(struct store *s, struct err *err)
{
	autostrv char **dead = NULL;
	struct db_stmt *st;
	int r;

	st = db_prep(s->conf.db, err,
		     "SELECT DISTINCT pid, start, boot FROM store_lease", "");
	if (!st)
		return -EIO;
	while ((r = db_step(st, err)) == 1) {
		struct proc_id id = { (pid_t)db_i64(st, 0),
				      (uint64_t)db_i64(st, 1) };

		if (streq(db_str(st, 2), boot_id()) && proc_is_alive(&id))
			continue;
		strv_add(&dead, db_str(st, 0));
		strv_add(&dead, db_str(st, 1));
		strv_add(&dead, db_str(st, 2));
	}
	db_done(st);
	/* all three: who lives may have the pid of one who died */
	for (char **v = dead; r >= 0 && v && *v; v += 3)
		r = db_exec(s->conf.db, err,
			    "DELETE FROM store_lease WHERE"
			    " pid = CAST(? AS INTEGER) AND"
			    " start = CAST(? AS INTEGER) AND boot = ?", "sss",
			    v[0], v[1], v[2]);
	return r < 0 ? r : 0;
}

/* ---- doomed hashes ------------------------------------------------------ */

int gc_doom(struct store *s, const char *hash, struct err *err)
{
	int r = db_exec(s->conf.db, err,
			"INSERT OR IGNORE INTO store_doomed VALUES (?)", "s",
			hash);

	return r < 0 ? r : 0;
}

static int query_one(struct store *s, const char *sql, const char *arg,
		     struct err *err)
{
	auto_db_stmt struct db_stmt *st = db_prep(s->conf.db, err, sql, "s",
						  arg);

	return st ? db_step(st, err) : -EIO;
}

/* 1 an image has it, 0 none, -errno */
static int hash_has_row(struct store *s, const char *hash, struct err *err)
{
	int r;

	r = query_one(s, "SELECT 1 FROM image_layer WHERE diff_id = ? LIMIT 1",
		      hash, err);
	if (r == 0)
		r = query_one(s, "SELECT 1 FROM image_blob WHERE digest = ?"
			      " LIMIT 1", hash, err);
	return r;
}

/* 1 in use, 0 not, -errno */
static int hash_is_used(struct store *s, const char *hash, struct err *err)
{
	int r = hash_has_row(s, hash, err);

	return r == 0 ? lease_is_live(s, hash, err) : r;
}

static int drop_files(struct store *s, const char *hash, struct err *err)
{
	int layers = store_dir(s, STORE_LAYERS, err);
	int blobs = store_dir(s, STORE_BLOBS, err);
	int r;

	if (layers < 0 || blobs < 0)
		return -EIO;
	r = store_trash_move(s, layers, hash, err);
	if (r == 0)
		r = store_trash_move(s, blobs, hash, err);
	return r;
}

static int gc_one(struct store *s, const char *hash, struct err *err)
{
	int r = hash_has_row(s, hash, err);

	/* A lease may end without a row: look again then */
	if (r == 0 && lease_is_live(s, hash, NULL) != 0)
		return 0;
	if (r < 0)
		return r;
	if (r == 0 && drop_files(s, hash, NULL) < 0)
		return 0; /* stays doomed, for the next run */
	r = db_exec(s->conf.db, err, "DELETE FROM store_doomed WHERE hash = ?",
		    "s", hash);
	return r < 0 ? r : 0;
}

static int doomed_list(struct store *s, char ***ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT hash FROM store_doomed", "");
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1)
		strv_add(ret, db_str(st, 0));
	return r;
}

static int gc_rows(struct store *s, struct err *err)
{
	autostrv char **list = NULL;
	int r = lease_clean(s, err);

	if (r == 0)
		r = doomed_list(s, &list, err);
	for (char **hash = list; r == 0 && hash && *hash; hash++)
		r = gc_one(s, *hash, err);
	return r;
}

int gc_run(struct store *s, struct err *err)
{
	int r = db_begin(s->conf.db, false, err);

	if (r == 0)
		r = gc_rows(s, err);
	if (r == 0 && FAULT("rmi.trashed") < 0)
		r = err_sys(err, "remove unused layers");
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

/* ---- orphans ------------------------------------------------------------ */

/* Entries of @which that are @age_s old and look like hashes; a strv. */
static char **old_entries(struct store *s, enum store_dir which, int64_t age_s)
{
	int64_t now = clock_now_ns() / 1000000000;
	int dir = store_dir(s, which, NULL);
	autoclosedir DIR *d = dir_stream_at(dir, ".");
	const struct dirent *e;
	char **list = NULL;
	struct stat st;

	while (d && dir_next(d, &e, NULL) > 0) {
		if (!hex_is_valid(e->d_name, 64) ||
		    fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (now - st.st_ctim.tv_sec >= age_s)
			strv_add(&list, e->d_name);
	}
	return list;
}

static int doom_unused(struct store *s, char *const *hashes, struct err *err)
{
	int r = 0;

	for (; hashes && *hashes && r >= 0; hashes++) {
		r = hash_is_used(s, *hashes, err);
		if (r == 0)
			r = gc_doom(s, *hashes, err);
	}
	return r < 0 ? r : 0;
}

/* A partial blob that nobody is fetching; locked until @ret is closed. */
static bool partial_is_idle(int dir, const char *name, int *ret)
{
	autoclose int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return false;
	*ret = take_fd(fd);
	return true;
}

static void drop_partial(struct store *s, int64_t age_s)
{
	autostrv char **list = old_entries(s, STORE_PARTIAL, age_s);
	int dir = s->dir[STORE_PARTIAL];

	for (char **name = list; name && *name; name++) {
		autoclose int fd = -EBADF;

		if (partial_is_idle(dir, *name, &fd))
			unlinkat(dir, *name, 0);
	}
}

int gc_each_orphan(struct store *s, int64_t age_s,
		   void (*fn)(const char *what, const char *hash, void *arg),
		   void *arg, struct err *err)
{
	static const struct {
		enum store_dir dir;
		const char *what;
	} kinds[] = { { STORE_LAYERS, "layer" }, { STORE_BLOBS, "blob" } };
	autostrv char **partial = old_entries(s, STORE_PARTIAL, age_s);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_LEN(kinds); i++) {
		autostrv char **v = old_entries(s, kinds[i].dir, age_s);

		for (char **hash = v; r >= 0 && hash && *hash; hash++) {
			r = hash_is_used(s, *hash, err);
			if (r == 0)
				fn(kinds[i].what, *hash, arg);
		}
	}
	for (char **name = partial; r >= 0 && name && *name; name++) {
		autoclose int fd = -EBADF;

		if (partial_is_idle(s->dir[STORE_PARTIAL], *name, &fd))
			fn("download", *name, arg);
	}
	return MIN(r, 0);
}

int gc_orphans(struct store *s, int64_t age_s, struct err *err)
{
	autostrv char **layers = old_entries(s, STORE_LAYERS, age_s);
	autostrv char **blobs = old_entries(s, STORE_BLOBS, age_s);
	int r = db_begin(s->conf.db, false, err);

	if (r == 0)
		r = doom_unused(s, layers, err);
	if (r == 0)
		r = doom_unused(s, blobs, err);
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0) {
		db_rollback(s->conf.db);
		return r;
	}
	drop_partial(s, age_s);
	return gc_run(s, err);
}
