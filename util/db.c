/* SPDX-License-Identifier: Apache-2.0 */
#include "util/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "util/db_files.h"
#include "util/fd.h"
#include "util/lock.h"
#include "util/path.h"
#include "util/str.h"
#include "util/trace.h"

/*
 * Theory of operation
 *
 * Measured (open + BEGIN IMMEDIATE + insert + commit + close, 100 processes
 * at once): SQLite's own busy_timeout sleeps 1..100 ms between tries and
 * makes that 1150-2260 ms; a file lock taken before BEGIN IMMEDIATE together
 * with a busy handler of 0.2-1 ms makes it 66 ms.  The lock orders the writers,
 * the busy handler is left with the rare meeting of a checkpoint.  It is a
 * record lock: a child forked by its holder does not keep it alive.
 *
 * The WAL stays when the last connection closes (no checkpoint on close, so
 * no fsync on the way out of a short command); db_checkpoint() folds it back
 * when it is long.  synchronous=NORMAL by default, FULL for the transactions
 * that db_begin(durable) opens.
 *
 * Readers run outside transactions.  Where the file system cannot share a
 * memory map (NFS, some FUSE) WAL fails at once and the rollback journal is
 * used.
 */

/* of 0.6 ms on average: 18 s */
#define BUSY_TRIES_MAX 30000
#define STMT_CACHE 64
#define WAL_PAGES_MAX 200
/* its own limit is 512, for the names of the log files, too */
#define PATH_BYTES_MAX 500

struct db_stmt {
	struct db *db;
	sqlite3_stmt *st;
	const char *sql;	/* identity of the cache entry; literal */
	bool busy;		/* handed out */
	bool cached;
};

struct db {
	sqlite3 *sq;
	int lock_fd;
	bool in_tx;
	int synchronous;	/* last PRAGMA value: 1 NORMAL, 2 FULL */
	int wal_pages;
	struct db_stmt cache[STMT_CACHE];
};

/* What the system said.  SQLite does not keep it when it is COMMIT that fails:
 * then errno still has it, which was 0 before. */
static int cause(struct db *db)
{
	int left = errno ? errno : EIO;
	int sys = sqlite3_system_errno(db->sq);

	return sys ? sys : left;
}

/* A file beside the database could not be opened: our own limit? */
static bool no_descriptors(struct db *db)
{
	int sys = sqlite3_system_errno(db->sq);

	return (sqlite3_errcode(db->sq) & 0xff) == SQLITE_CANTOPEN &&
	       (sys == EMFILE || sys == ENFILE);
}

static int db_err(struct db *db, struct err *err, const char *what)
{
	int code = sqlite3_errcode(db->sq) & 0xff;
	int sys = EIO;

	if (code == SQLITE_FULL)
		sys = ENOSPC;
	else if (code == SQLITE_READONLY)
		sys = EROFS;
	else if (code == SQLITE_CONSTRAINT)
		sys = EEXIST;
	else if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		sys = EBUSY;
	else if (code == SQLITE_IOERR || no_descriptors(db))
		sys = cause(db);
	if (sys == ENOSPC || sys == EFBIG || sys == EMFILE || sys == ENFILE)
		return err_code(err, sys, "state database");
	return err_set(err, sys == EEXIST ? ERR_EXISTS : ERR_FAIL, sys,
		       "state database: %s: %s", what, sqlite3_errmsg(db->sq));
}

/* Wait for the other writers. */
static int writer_lock(struct db *db, struct err *err)
{
	struct err why = ERR_INIT;
	int r = lock_record(db->lock_fd, "the state database", &why);

	if (r == -EBADF)	/* see open_lock() */
		return err_code(err, EROFS, "change the state database %s",
				sqlite3_db_filename(db->sq, "main"));
	return r < 0 ? err_set(err, why.kind, why.code, "%s", why.msg) : r;
}

/* The next one may go. */
static void writer_unlock(struct db *db)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	(void)fcntl(db->lock_fd, F_SETLK, &lock);
}

/* Sleep 0.2-1 ms, at random so that waiters do not march in step. */
static int on_busy(void *arg unused_attr, int tries)
{
	uint16_t random = 0;
	struct timespec ts = { 0 };

	if (tries > BUSY_TRIES_MAX)
		return 0;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint16_t)tries;
	ts.tv_nsec = 200000 + (long)random * 800000 / 65536;
	nanosleep(&ts, NULL);
	return 1;
}

static int on_wal(void *arg, sqlite3 *sq unused_attr,
		  const char *name unused_attr, int pages)
{
	struct db *db = arg;

	db->wal_pages = pages;
	return SQLITE_OK;
}

static int run_sql(struct db *db, const char *sql, struct err *err)
{
	errno = 0;
	if (sqlite3_exec(db->sq, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_err(db, err, "exec");
	return 0;
}

static int query_int(struct db *db, const char *sql, int *ret, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int r;

	if (sqlite3_prepare_v2(db->sq, sql, -1, &st, NULL) != SQLITE_OK)
		return db_err(db, err, "read");
	r = sqlite3_step(st);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return r == SQLITE_ROW ? 0 : db_err(db, err, "read");
}

static int run_step(struct db *db, const struct db_step *step, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(step->sql) && step->sql[i]; i++) {
		r = run_sql(db, step->sql[i], err);
		if (r < 0)
			break;
	}
	return r;
}

static int run_steps(struct db *db, const struct db_step *steps, int n,
		     struct err *err)
{
	autofree char *mark = xasprintf("PRAGMA user_version = %d", n);
	int found = 0;
	/* Another command may have been faster: look under the lock. */
	int r = query_int(db, "PRAGMA user_version", &found, err);

	if (r < 0 || found >= n)
		return r;
	for (int i = found; r == 0 && i < n; i++)
		r = run_step(db, &steps[i], err);
	return r < 0 ? r : run_sql(db, mark, err);
}

static int migrate(struct db *db, const struct db_step *steps, int n,
		   struct err *err)
{
	int r = db_begin(db, true, err);

	if (r < 0)
		return r;
	r = run_steps(db, steps, n, err);
	if (r < 0) {
		db_rollback(db);
		return r;
	}
	return db_commit(db, err);
}

static int check_format(struct db *db, const struct db_step *steps, int n,
			int found, struct err *err)
{
	if (found == n)
		return 0;
	if (found < n && found >= 0)
		return migrate(db, steps, n, err);
	return err_set(err, ERR_FAIL, EPROTO,
		       "state database has format %d, this program knows %d: "
		       "use the version that wrote it",
		       found, n);
}

/*
 * WAL is a property of the file: the switch is paid once, in the command that
 * made it.  Two of them at once meet in SQLITE_BUSY, hence the writer's lock.
 */
static int set_journal(struct db *db, struct err *err)
{
	sqlite3_stmt *st = NULL;
	bool wal = false;
	int r = writer_lock(db, err);

	if (r < 0)
		return r;
	if (sqlite3_prepare_v2(db->sq, "PRAGMA journal_mode = WAL", -1, &st,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		wal = streq((const char *)sqlite3_column_text(st, 0), "wal");
	sqlite3_finalize(st);
	if (!wal && !sqlite3_db_readonly(db->sq, "main"))
		(void)run_sql(db, "PRAGMA journal_mode = TRUNCATE", NULL);
	writer_unlock(db);
	return 0;
}

static int configure(struct db *db, struct err *err)
{
	int on = 1;
	int r;

	sqlite3_busy_handler(db->sq, on_busy, NULL);
	sqlite3_db_config(db->sq, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(db->sq, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sq, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->sq, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	sqlite3_file_control(db->sq, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	/* Replaces the automatic checkpoint of 1000 pages. */
	sqlite3_wal_hook(db->sq, on_wal, db);
	r = run_sql(db, "PRAGMA synchronous = NORMAL", err);
	if (r == 0)
		db->synchronous = 1;
	return r;
}

static int open_lock(int dirfd, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	autofree char *name = xasprintf("%s.lock", slash ? slash + 1 : path);
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			0600);

	/* A read-only disk still answers ps, inspect and logs. */
	if (fd < 0 && errno == EROFS)
		fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_sys(err, "open %s.lock", path);
	return fd;
}

/* SQLite follows no link on its way to the file, and a home may well be behind
 * one.  Without /proc: as it was given. */
static char *file_path(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	autofree char *dir = fd_real_path(dirfd);

	return dir ? path_join(dir, slash ? slash + 1 : path) : xstrdup(path);
}

int db_open(int dirfd, const char *path, const struct db_step *steps, int n,
	    struct db **ret, struct err *err)
{
	struct db *db = xcalloc(1, sizeof(*db));
	autofree char *file = file_path(dirfd, path);
	struct err local = ERR_INIT;
	int found = 0;
	int r;

	TRACE("sql", "open");
	db->lock_fd = -EBADF;
	if (!err)
		err = &local;
	r = strlen(file) > PATH_BYTES_MAX ?
		    err_set(err, ERR_LIMIT, ENAMETOOLONG,
			    "the path of the state database is longer than %d "
			    "bytes, which SQLite cannot open: choose another "
			    "directory with --root", PATH_BYTES_MAX) :
		    0;
	if (r == 0) {
		db->lock_fd = open_lock(dirfd, path, err);
		r = db->lock_fd < 0 ? db->lock_fd : 0;
	}
	db_files_setup();
	if (r == 0 &&
	    sqlite3_open_v2(file, &db->sq,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOMUTEX |
				    SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK)
		r = db_err(db, err, path);
	if (r == 0)
		r = configure(db, err);
	if (r == 0)
		r = query_int(db, "PRAGMA user_version", &found, err);
	if (r == 0 && found == 0)
		r = set_journal(db, err);
	if (r == 0)
		r = check_format(db, steps, n, found, err);
	if (r < 0) {
		db_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	db_rollback(db);
	for (size_t i = 0; i < STMT_CACHE; i++)
		sqlite3_finalize(db->cache[i].st);
	sqlite3_close_v2(db->sq);
	close_fd(db->lock_fd);
	free(db);
}

int db_begin(struct db *db, bool durable, struct err *err)
{
	int want = durable ? 2 : 1;
	int r = writer_lock(db, err);

	if (r < 0)
		return r;
	if (want != db->synchronous) {
		r = run_sql(db, durable ? "PRAGMA synchronous = FULL" :
					  "PRAGMA synchronous = NORMAL", err);
		db->synchronous = want;
	}
	if (r == 0)
		r = run_sql(db, "BEGIN IMMEDIATE", err);
	if (r < 0) {
		writer_unlock(db);
		return r;
	}
	db->in_tx = true;
	return 0;
}

static void end_tx(struct db *db)
{
	db->in_tx = false;
	writer_unlock(db);
}

int db_commit(struct db *db, struct err *err)
{
	int r = run_sql(db, "COMMIT", err);

	if (r < 0) {
		db_rollback(db);
		return r;
	}
	end_tx(db);
	return 0;
}

bool db_in_tx(const struct db *db)
{
	return db->in_tx;
}

void db_rollback(struct db *db)
{
	if (!db->in_tx)
		return;
	(void)run_sql(db, "ROLLBACK", NULL);
	end_tx(db);
}

/* A slot with this very text, else a free one, else none. */
static struct db_stmt *find_slot(struct db *db, const char *sql)
{
	struct db_stmt *spare = NULL;

	for (size_t i = 0; i < STMT_CACHE; i++) {
		struct db_stmt *s = &db->cache[i];

		if (s->busy)
			continue;
		if (s->st && s->sql == sql)
			return s;
		if (!s->st && !spare)
			spare = s;
	}
	return spare;
}

static int bind_all(struct db_stmt *s, const char *types, va_list ap)
{
	int r = SQLITE_OK;

	for (int i = 1; *types && r == SQLITE_OK; types++, i++) {
		const void *data;

		switch (*types) {
		case 's':
			data = va_arg(ap, const char *);
			r = sqlite3_bind_text(s->st, i, data, -1,
					      SQLITE_TRANSIENT);
			break;
		case 'b':
			data = va_arg(ap, const void *);
			r = sqlite3_bind_blob64(s->st, i, data,
						va_arg(ap, size_t),
						SQLITE_TRANSIENT);
			break;
		default:
			r = sqlite3_bind_int64(s->st, i, va_arg(ap, int64_t));
		}
	}
	return r;
}

static struct db_stmt *vprep(struct db *db, struct err *err, const char *sql,
			     const char *types, va_list ap)
{
	struct db_stmt *s = find_slot(db, sql);
	bool cached = s != NULL;

	if (!s)
		s = xcalloc(1, sizeof(*s));
	if (!s->st) {
		s->db = db;
		s->sql = sql;
		s->cached = cached;
		if (sqlite3_prepare_v3(db->sq, sql, -1,
				       SQLITE_PREPARE_PERSISTENT, &s->st,
				       NULL) != SQLITE_OK) {
			db_err(db, err, sql);
			s->st = NULL;
			if (!cached)
				free(s);
			return NULL;
		}
	}
	s->busy = true;
	if (bind_all(s, types, ap) != SQLITE_OK) {
		db_err(db, err, sql);
		db_done(s);
		return NULL;
	}
	return s;
}

struct db_stmt *db_prep(struct db *db, struct err *err, const char *sql,
			const char *types, ...)
{
	struct db_stmt *s;
	va_list ap;

	va_start(ap, types);
	s = vprep(db, err, sql, types, ap);
	va_end(ap);
	return s;
}

int db_step(struct db_stmt *s, struct err *err)
{
	int r;

	errno = 0;
	r = sqlite3_step(s->st);
	if (r == SQLITE_ROW)
		return 1;
	if (r == SQLITE_DONE)
		return 0;
	return db_err(s->db, err, s->sql);
}

void db_done(struct db_stmt *s)
{
	if (!s)
		return;
	if (!s->cached) {
		sqlite3_finalize(s->st);
		free(s);
		return;
	}
	sqlite3_reset(s->st);
	sqlite3_clear_bindings(s->st);
	s->busy = false;
}

int db_exec(struct db *db, struct err *err, const char *sql, const char *types,
	    ...)
{
	auto_db_stmt struct db_stmt *s = NULL;
	va_list ap;
	int r;

	TRACE("sql", sql);
	va_start(ap, types);
	s = vprep(db, err, sql, types, ap);
	va_end(ap);
	if (!s)
		return err && err->code ? -err->code : -EIO;
	do {
		r = db_step(s, err);
	} while (r > 0);
	return r < 0 ? r : sqlite3_changes(db->sq);
}

int64_t db_last_id(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->sq);
}

const char *db_str(struct db_stmt *s, int col)
{
	return (const char *)sqlite3_column_text(s->st, col);
}

int64_t db_i64(struct db_stmt *s, int col)
{
	return sqlite3_column_int64(s->st, col);
}

bool db_wants_checkpoint(const struct db *db)
{
	return db->wal_pages >= WAL_PAGES_MAX;
}

/*
 * Whoever writes first into an empty log waits until its header is on the
 * disk.  Nobody waits for us: begin it, by a commit that changes nothing.
 */
static void begin_log(struct db *db)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	autofree char *same = NULL;
	int version;

	if (query_int(db, "PRAGMA user_version", &version, NULL) < 0 ||
	    fcntl(db->lock_fd, F_SETLK, &lock) < 0)
		return;		/* somebody writes: he has begun it */
	same = xasprintf("PRAGMA user_version = %d", version);
	(void)run_sql(db, same, NULL);
	writer_unlock(db);
}

void db_checkpoint(struct db *db, bool now)
{
	int pages = 0;
	int done = 0;

	if (!now && !db_wants_checkpoint(db))
		return;
	db->wal_pages = 0;
	if (sqlite3_wal_checkpoint_v2(db->sq, NULL, SQLITE_CHECKPOINT_PASSIVE,
				      &pages, &done) != SQLITE_OK ||
	    pages != done)
		return;
	/*
	 * The frames are in the file, but until somebody writes the first
	 * reader of each process still looks at all of them.  Cut the log,
	 * unless somebody uses it just now: no waiting here.
	 */
	sqlite3_busy_handler(db->sq, NULL, NULL);
	if (sqlite3_wal_checkpoint_v2(db->sq, NULL, SQLITE_CHECKPOINT_TRUNCATE,
				      NULL, NULL) == SQLITE_OK && now)
		begin_log(db);
	sqlite3_busy_handler(db->sq, on_busy, NULL);
}
