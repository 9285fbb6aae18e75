/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_MERGE_H
#define STORAGE_LAYER_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/layer/names.h"
#include "util/cleanup.h"
#include "util/err.h"

struct packer;

/**
 * struct merge - a directory of several layers, seen as one
 * @fd:    of each layer that has it and shows, top first; owned, @n of them
 * @names: what is in it: merge_read(); sorted, the first of equal ones counts
 * @marks: whiteouts are such, in whichever form
 *
 * What overlayfs would show, without a mount: whichever driver wrote the
 * whiteouts, on every kernel.  @n 0 is a directory that is not there.
 */
struct merge {
	int *fd;
	size_t n;
	struct names names;
	bool marks;
};

#define MERGE_INIT { NULL, 0, NAMES_INIT, false }

/** merge_root() - of the layers @fds, top first; they stay the caller's */
int merge_root(const int *fds, size_t n, bool marks, struct merge *ret,
	       struct err *err);

/** merge_read() - fill @m->names */
int merge_read(struct merge *m, struct err *err);

/** merge_group() - how many of @m->names, from @i on, are equal */
size_t merge_group(const struct merge *m, size_t i);

/** merge_shows() - is the name at @i there, or hidden? */
bool merge_shows(const struct merge *m, size_t i);

/** merge_enter() - the directory at @m->names.v[i] */
int merge_enter(const struct merge *m, size_t i, struct merge *ret,
		struct err *err);

/** merge_opaque() - hides it what lower layers have? */
bool merge_opaque(int fd);

/**
 * merge_pack() - the merged tree as a flat tar
 * @root: with a member for the root directory, "./"
 */
int merge_pack(struct packer *p, struct merge *m, bool root, struct err *err);

void merge_done(struct merge *m);

#define auto_merge cleanup(merge_done)

#endif
