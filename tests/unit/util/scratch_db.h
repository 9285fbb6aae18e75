/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_UTIL_SCRATCH_DB_H
#define TESTS_UNIT_UTIL_SCRATCH_DB_H

#include <stdint.h>

#include "util/db.h"

/*
 * A database file, state.db, alone in a directory of its own.  Each test has
 * a new one: scratch_make() and scratch_remove() are its set-up and its end.
 */
extern char scratch_top[32];	/* the directory's path */
extern char scratch_path[64];	/* the file's path */
extern int scratch_dir;

int scratch_make(void **state);
int scratch_remove(void **state);

/** scratch_open() - brought to the format after the first of @steps */
struct db *scratch_open(const struct db_step *steps);

/** scratch_count() - rows of table t */
int64_t scratch_count(struct db *db);

#define scratch_test(fn) \
	cmocka_unit_test_setup_teardown(fn, scratch_make, scratch_remove)

#endif
