/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_DB_H
#define UTIL_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/err.h"

/*
 * SQLite behind a handful of calls.  One file, WAL, persistent, no checkpoint
 * on close; rollback journal where the file system has no shared mmap (see
 * db_open).  Everything that may write runs between db_begin() and
 * db_commit(): BEGIN IMMEDIATE under the writer lock, well below a
 * millisecond, never open across a fork or a wait.
 */
struct db;
struct db_stmt;

/**
 * struct db_step - what brings the state file from one format to the next
 * @sql: scripts, run in order; NULL after the last one
 */
struct db_step {
	const char *sql[4];
};

/**
 * db_open() - open or make the state file
 * @dirfd: directory of the file
 * @path:  absolute path of the same file (SQLite wants a string)
 * @steps: step i brings format i to i + 1; a fresh file runs all of them
 * @n:     how many: the format (user_version) that this program works with
 *
 * An older file is brought forward in one durable transaction, so that it has
 * the one format or the other whatever is killed.  A step that shipped is never
 * edited.  A newer format is refused with a clear text (-EPROTO).
 */
int db_open(int dirfd, const char *path, const struct db_step *steps, int n,
	    struct db **ret, struct err *err);
void db_close(struct db *db);

/** db_begin() - @durable: COMMIT returns only when it survives a power cut */
int db_begin(struct db *db, bool durable, struct err *err);
int db_commit(struct db *db, struct err *err);

/** db_in_tx() - between db_begin() and its end */
bool db_in_tx(const struct db *db);

/** db_rollback() - no-op when no transaction is open */
void db_rollback(struct db *db);

/**
 * db_prep() - a statement, bound: @types has one letter per argument
 *
 *   s const char * (NULL = SQL NULL)   i int64_t (cast it!)   b data + len:
 *   const void *, size_t
 *
 * Statements are cached by their text; db_done() resets one.
 */
struct db_stmt *db_prep(struct db *db, struct err *err, const char *sql,
			const char *types, ...);

/** db_step() - 1 a row is there, 0 done, -errno (-EEXIST: UNIQUE violated) */
int db_step(struct db_stmt *st, struct err *err);
void db_done(struct db_stmt *st);

/** db_exec() - prep + step to the end + done.
 *  Return: number of rows changed, or -errno */
int db_exec(struct db *db, struct err *err, const char *sql, const char *types,
	    ...);

/** db_last_id() - rowid of the last INSERT */
int64_t db_last_id(const struct db *db);

const char *db_str(struct db_stmt *st, int col); /* borrowed till next step */
int64_t db_i64(struct db_stmt *st, int col);

/** db_wants_checkpoint() - the last commit left a long WAL: each process that
 *  opens the database next pays for reading it */
bool db_wants_checkpoint(const struct db *db);

/** db_checkpoint() - fold the WAL into the file, should it be long; @now: in
 *  any case.  Some fsyncs: not on the way of a command that somebody awaits */
void db_checkpoint(struct db *db, bool now);

static inline void cleanup_db_done(struct db_stmt **st)
{
	int saved = errno;

	if (*st)
		db_done(*st);
	errno = saved;
}

#define auto_db_stmt cleanup(cleanup_db_done)

#endif
