/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_DB_FILES_H
#define UTIL_DB_FILES_H

/**
 * db_files_setup() - make SQLite cheap for a short command: see db_files.c
 *
 * Called before the first sqlite3_open; the second call does nothing.
 */
void db_files_setup(void);

#endif
