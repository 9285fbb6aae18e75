/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/util/scratch_db.h"

static const char schema[] =
	"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, n INTEGER)";

static const struct db_step steps[] = {
	{ .sql = { schema } },
	{ .sql = { "ALTER TABLE t ADD COLUMN added INTEGER", "ANALYZE" } },
	{ .sql = { "CREATE TABLE half(n)", "SELECT * FROM nope" } },
};

static struct db *open_db(void)
{
	return scratch_open(steps);
}

static int open_format(int n, struct db **ret, struct err *err)
{
	return db_open(scratch_dir, scratch_path, steps, n, ret, err);
}

static void test_rows(void **state unused_attr)
{
	struct db *db = open_db();

	assert_ok(db_begin(db, true, err));
	assert_ok(db_exec(db, err, "INSERT INTO t(name, n) VALUES(?, ?)", "si",
			  "a", (int64_t)1));
	assert_fails(db_exec(db, err, "INSERT INTO t(name, n) VALUES(?, ?)",
			     "si", "a", (int64_t)2), EEXIST);
	assert_ok(db_commit(db, err));
	assert_ok(db_begin(db, false, err));
	assert_ok(db_exec(db, err, "INSERT INTO t(name, n) VALUES(?, ?)", "si",
			  NULL, (int64_t)2));
	db_rollback(db);
	db_close(db);
	db = open_db();
	assert_int_equal(scratch_count(db), 1);
	assert_fails(db_exec(db, err, "SELECT * FROM nope", ""), EIO);
	db_close(db);
}

static void test_newer_refused(void **state unused_attr)
{
	struct db *db = open_db();
	struct err why = ERR_INIT;

	db_close(db);
	assert_ok(open_format(2, &db, err));
	db_close(db);
	assert_fails(open_format(1, &db, err), EPROTO);
	assert_int_equal(open_format(1, &db, &why), -EPROTO);
	assert_non_null(strstr(why.msg, "format 2"));
}

/* What was there is there afterwards, and each step runs once. */
static void test_older_is_brought_forward(void **state unused_attr)
{
	struct db *db = open_db();

	assert_int_equal(
		db_exec(db, NULL, "INSERT INTO t(n) VALUES(7)", ""), 1);
	db_close(db);
	for (int i = 0; i < 2; i++) {
		assert_ok(open_format(2, &db, err));
		assert_int_equal(scratch_count(db), 1);
		assert_int_equal(
			db_exec(db, NULL, "UPDATE t SET added = 1", ""), 1);
		db_close(db);
	}
}

/* A step that fails leaves the file in the format that it had. */
static void test_failed_step(void **state unused_attr)
{
	struct db *db = open_db();

	db_close(db);
	assert_fails(open_format(3, &db, err), EIO);
	db = open_db();
	assert_int_equal(scratch_count(db), 0);
	db_close(db);
}

/* First start of many at once on an empty file, then parallel writers. */
static void test_parallel(void **state unused_attr)
{
	int status, failed = 0;
	int64_t before;
	struct db *db;

	db = open_db();
	before = scratch_count(db);
	db_close(db);
	for (int i = 0; i < 16; i++) {
		if (fork() != 0)
			continue;
		struct err err = ERR_INIT;
		struct db *own = NULL;
		int r = open_format(1, &own, &err);

		for (int k = 0; r >= 0 && k < 10; k++) {
			r = db_begin(own, k & 1, &err);
			if (r >= 0)
				r = db_exec(own, &err,
					    "INSERT INTO t(n) VALUES(?)", "i",
					    (int64_t)k);
			if (r >= 0)
				r = db_commit(own, &err);
		}
		db_close(own);
		_exit(r < 0);
	}
	while (wait(&status) > 0)
		failed += status != 0;
	assert_int_equal(failed, 0);
	db = open_db();
	assert_int_equal(scratch_count(db), before + 160);
	db_close(db);
}

static void test_killed_writer(void **state unused_attr)
{
	int p[2];
	pid_t pid;
	char c;
	struct db *db;
	int64_t before;

	db = open_db();
	before = scratch_count(db);
	db_close(db);
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		struct db *own = NULL;

		if (open_format(1, &own, NULL) < 0 ||
		    db_begin(own, false, NULL) < 0 ||
		    db_exec(own, NULL, "INSERT INTO t(n) VALUES(1)", "") < 0)
			_exit(1);
		/* A child must not keep the writer's lock alive. */
		if (fork() == 0) {
			sleep(3);
			_exit(0);
		}
		(void)!write(p[1], "x", 1);
		pause();
	}
	assert_int_equal(read(p[0], &c, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	db = open_db();
	assert_ok(db_begin(db, true, err));
	assert_ok(db_commit(db, err));
	assert_int_equal(scratch_count(db), before);
	db_close(db);
	close(p[0]);
	close(p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_rows),
		scratch_test(test_newer_refused),
		scratch_test(test_older_is_brought_forward),
		scratch_test(test_failed_step),
		scratch_test(test_parallel),
		scratch_test(test_killed_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
