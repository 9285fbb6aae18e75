/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_FILES_CHANGES_H
#define CORE_FILES_CHANGES_H

#include "storage/store.h"

struct ctr;
struct runtime;

/**
 * struct ctr_top - the container's own files; owns what @top borrows
 * @image: that it was made of
 */
struct ctr_top {
	struct store_top top;
	char *path;
	char **omit;
	struct image *image;
};

/** ctr_top() - -EOPNOTSUPP for a container without an image */
int ctr_top(struct runtime *rt, struct ctr *c, struct store **ret_store,
	    struct ctr_top *ret, struct err *err);
void ctr_top_done(struct ctr_top *t);

#define auto_ctr_top cleanup(ctr_top_done)

#endif
