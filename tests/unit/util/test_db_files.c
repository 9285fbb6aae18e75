/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/util/scratch_db.h"
#include "util/fd.h"
#include "util/str.h"

#define LOG "state.db-wal"
#define INDEX "state.db-shm"
#define LOG_HEADER 32

static const struct db_step steps[] = {
	{ .sql = { "CREATE TABLE t(n INTEGER, fill BLOB)" } },
};

static struct db *open_db(void)
{
	return scratch_open(steps);
}

static int64_t count(void)
{
	struct db *db = open_db();
	int64_t n = scratch_count(db);

	db_close(db);
	return n;
}

/* One transaction of a process that has the file open for nothing else */
static void add(int rows, int bytes, bool checkpoint)
{
	struct db *db = open_db();

	assert_ok(db_begin(db, true, err));
	for (int i = 0; i < rows; i++)
		assert_ok(db_exec(db, err,
				  "INSERT INTO t VALUES(?, randomblob(?))",
				  "ii", (int64_t)i, (int64_t)bytes));
	assert_ok(db_commit(db, err));
	if (checkpoint)
		db_checkpoint(db, true);
	db_close(db);
}

static off_t length(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(scratch_dir, name, &st, 0), 0);
	return st.st_size;
}

static void load(const char *name, struct sb *ret)
{
	assert_int_equal(file_read_at(scratch_dir, name, 1 << 20, ret), 0);
}

static void store(const char *name, const struct sb *data)
{
	autoclose int fd = openat(scratch_dir, name,
				  O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, data->buf, data->len), data->len);
}

/* Another process writes for as long as the returned pipe is open. */
static int writer(pid_t *ret_pid)
{
	char c = 0;
	int ready[2];
	int end[2];

	assert_int_equal(pipe(ready) | pipe(end), 0);
	*ret_pid = fork();
	if (*ret_pid == 0) {
		struct flock all = { .l_type = F_WRLCK };
		int fd = openat(scratch_dir, "state.db.lock",
				O_RDWR | O_CLOEXEC);

		close(end[1]);
		if (fd >= 0 && fcntl(fd, F_SETLK, &all) == 0)
			(void)!write(ready[1], "x", 1);
		(void)!read(end[0], &c, 1);
		_exit(0);
	}
	close(ready[1]);
	close(end[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return end[1];
}

static void checkpoint(void)
{
	struct db *db = open_db();

	db_checkpoint(db, true);
	db_close(db);
}

/* The log is empty for every SQLite, but has its length. */
static void test_log_keeps_its_length(void **state unused_attr)
{
	static const char zero[LOG_HEADER];
	autosb struct sb log = SB_INIT;
	off_t before;
	pid_t pid;
	int end;

	add(20, 4000, false);
	add(1, 10, false);
	before = length(LOG);
	assert_true(before > 20 * 4000);
	end = writer(&pid);
	checkpoint();
	close(end);
	waitpid(pid, NULL, 0);
	assert_int_equal(length(LOG), before);
	load(LOG, &log);
	assert_memory_equal(log.buf, zero, sizeof(zero));
	assert_int_equal(count(), 21);
	/* frames of the old log lie behind those of the new one */
	add(1, 10, false);
	assert_int_equal(count(), 22);
	assert_int_equal(length(LOG), before);
	add(1, 10, true);
	assert_int_equal(count(), 23);
}

/* Whoever commits after a checkpoint finds the header of his log. */
static void test_log_is_begun(void **state unused_attr)
{
	autosb struct sb begun = SB_INIT;
	autosb struct sb after = SB_INIT;

	add(20, 4000, true);
	load(LOG, &begun);
	add(1, 10, false);
	load(LOG, &after);
	assert_int_equal((unsigned char)begun.buf[0], 0x37);
	assert_memory_equal(begun.buf, after.buf, LOG_HEADER);
	assert_int_equal(count(), 21);
}

/* What is in the database alone, without log and index, is all there is. */
static void test_checkpoint_is_whole(void **state unused_attr)
{
	add(20, 4000, false);
	add(5, 10, true);
	assert_int_equal(unlinkat(scratch_dir, LOG, 0), 0);
	assert_int_equal(unlinkat(scratch_dir, INDEX, 0), 0);
	assert_int_equal(count(), 25);
}

static void test_long_log_is_cut(void **state unused_attr)
{
	add(600, 4000, false);
	assert_true(length(LOG) > 1 << 20);
	add(1, 10, true);
	assert_true(length(LOG) < 10000);
	assert_int_equal(count(), 601);
}

/* Whoever comes first believes no index, however well it looks: this one is
 * valid and knows of half the frames. */
static void test_index_is_built_anew(void **state unused_attr)
{
	autosb struct sb old = SB_INIT;

	add(5, 10, false);
	load(INDEX, &old);
	add(7, 10, false);
	store(INDEX, &old);
	assert_int_equal(count(), 12);
	assert_int_equal(length(INDEX), old.len);
}

/* A log that lost its end, as a power cut leaves it: what was whole counts. */
static void test_torn_log(void **state unused_attr)
{
	off_t whole;

	add(5, 10, true);
	add(3, 10, false);
	whole = length(LOG);
	add(4, 8000, false);
	assert_true(length(LOG) > whole);
	autoclose int fd = openat(scratch_dir, LOG, O_WRONLY | O_CLOEXEC);

	assert_int_equal(ftruncate(fd, length(LOG) - 1000), 0);
	assert_int_equal(count(), 8);
	add(2, 10, false);
	assert_int_equal(count(), 10);
}

static int directory_of(const char *name)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	int (*call)(const char *name, int *ret_fd) = (__typeof__(call))
		vfs->xGetSystemCall(vfs, "openDirectory");
	autofree char *full = xasprintf("%s/%s", scratch_top, name);
	int fd = -1;
	int r = call(full, &fd);

	if (r == SQLITE_OK)
		close(fd);
	return r;
}

/* The name of a log is synced by who made it, and by nobody after that. */
static void test_directory_is_synced(void **state unused_attr)
{
	add(1, 10, false);
	assert_int_equal(directory_of(LOG), SQLITE_CANTOPEN);
	assert_int_equal(directory_of("state.db"), SQLITE_OK);
	autoclose int fd = openat(scratch_dir, LOG, O_WRONLY | O_CLOEXEC);

	/* its maker was killed before the sync */
	assert_int_equal(ftruncate(fd, LOG_HEADER), 0);
	assert_int_equal(directory_of(LOG), SQLITE_OK);
	assert_int_equal(unlinkat(scratch_dir, LOG, 0), 0);
	assert_int_equal(directory_of(LOG), SQLITE_OK);
	assert_int_equal(directory_of("state.db-journal"), SQLITE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(test_log_keeps_its_length),
		scratch_test(test_log_is_begun),
		scratch_test(test_checkpoint_is_whole),
		scratch_test(test_long_log_is_cut),
		scratch_test(test_index_is_built_anew),
		scratch_test(test_torn_log),
		scratch_test(test_directory_is_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
