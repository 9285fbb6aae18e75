/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/util/scratch_db.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "util/fd.h"

char scratch_top[32];
char scratch_path[64];
int scratch_dir = -EBADF;

int scratch_make(void **state unused_attr)
{
	snprintf(scratch_top, sizeof(scratch_top), "/tmp/bryo-db.XXXXXX");
	assert_non_null(mkdtemp(scratch_top));
	snprintf(scratch_path, sizeof(scratch_path), "%s/state.db",
		 scratch_top);
	scratch_dir = open(scratch_top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scratch_dir < 0;
}

int scratch_remove(void **state unused_attr)
{
	close(scratch_dir);
	return tree_remove_at(AT_FDCWD, scratch_top, NULL);
}

struct db *scratch_open(const struct db_step *steps)
{
	struct db *db = NULL;

	assert_ok(db_open(scratch_dir, scratch_path, steps, 1, &db, err));
	return db;
}

int64_t scratch_count(struct db *db)
{
	struct err err = ERR_INIT;
	auto_db_stmt struct db_stmt *st =
		db_prep(db, &err, "SELECT count(*) FROM t", "");

	assert_non_null(st);
	assert_int_equal(db_step(st, &err), 1);
	return db_i64(st, 0);
}
