/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_CHECK_INT_H
#define STORAGE_CHECK_INT_H

#include "util/err.h"

struct check;
struct image;
struct store;

/* The parts of store_check() that are about rows; see check_rows.c. */

/** check_query() - first column of all rows, appended to the strv @ret
 *  @arg: bound as the only argument; may be NULL */
int check_query(struct store *s, const char *sql, const char *arg,
		char ***ret, struct err *err);

/** check_strays() - rows about images that are not there */
int check_strays(struct store *s, struct check *ck, struct err *err);

/** check_lineage() - the layers of the rows are those of the config */
int check_lineage(struct store *s, struct check *ck, const struct image *img,
		  struct err *err);

/** check_pushable() - a line for each layer that is there unpacked only */
void check_pushable(struct store *s, struct check *ck,
		    const struct image *img);

#endif
