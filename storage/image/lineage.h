/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_LINEAGE_H
#define STORAGE_IMAGE_LINEAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"
#include "util/err.h"

struct image;
struct image_list;
struct store;

/*
 * Which image was made from which.  No image says so itself: the parent of an
 * image is the one whose layers and whose history are the longest beginning
 * of its own.
 */
struct lineage;

/** lineage_load() - reads the config of every image; one that cannot be read
 *  has no relatives */
int lineage_load(struct store *s, struct lineage **ret, struct err *err);
struct lineage *lineage_free(struct lineage *l); /* returns NULL */

/** lineage_images() - all of them, the newest first; borrowed */
const struct image_list *lineage_images(const struct lineage *l);

/** lineage_parent() - NULL when it has none here; borrowed */
const struct image *lineage_parent(const struct lineage *l, const char *id);

/**
 * lineage_is_parent() - some image was made from it
 * @without: ids of images that do not count, a strv; may be NULL
 */
bool lineage_is_parent(const struct lineage *l, const char *id,
		       char *const *without);

/** lineage_at() - the image that @id was when its history had @n entries;
 *  NULL when that one is not here; borrowed */
const struct image *lineage_at(const struct lineage *l, const char *id,
			       size_t n);

/** lineage_layers() - diff ids, base first; borrowed */
char *const *lineage_layers(const struct lineage *l, const char *id);

static inline void cleanup_lineage(struct lineage **l)
{
	*l = lineage_free(*l);
}

#define auto_lineage cleanup(cleanup_lineage)

#endif
