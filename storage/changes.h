/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_CHANGES_H
#define STORAGE_CHANGES_H

#include "storage/layer.h"
#include "storage/store.h"
#include "storage/store_int.h"

/**
 * struct stack - directories that are walked together
 * @tops, @below: paths below the data directory, top first; owned
 * @fresh: what a new container would begin with
 */
struct stack {
	char **tops;
	char **below;
	struct staging fresh;
};

#define STACK_INIT { NULL, NULL, STAGING_INIT }

void stack_done(struct stack *st);

#define auto_stack cleanup(stack_done)

/**
 * stack_changes() - what @top changed against @img; @top NULL: what the last
 * layer of @img changed against those below it
 * @walk: filled; borrows from @ret
 *
 * The layers are leased: lease_drop() afterwards.
 */
int stack_changes(struct store *s, const struct image *img,
		  const struct store_top *top, struct stack *ret,
		  struct layer_walk *walk, struct err *err);

/** stack_merged() - all that the container sees, likewise */
int stack_merged(struct store *s, const struct image *img,
		 const struct store_top *top, struct stack *ret,
		 struct layer_walk *walk, struct err *err);

#endif
