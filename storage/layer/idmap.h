/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_IDMAP_H
#define STORAGE_LAYER_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

enum { IDMAP_MAX = 340 };	/* the kernel's limit */

/**
 * struct idmap - the ids that exist in this user namespace
 *
 * Only the inner side counts here: the sandbox maps each id to itself.
 */
struct idmap {
	struct {
		uint32_t first;
		uint32_t count;
	} range[IDMAP_MAX];
	size_t n;
};

/** idmap_read() - of the calling process: @file is "uid_map" or "gid_map" */
int idmap_read(const char *file, struct idmap *ret, struct err *err);

/** idmap_parse() - the text of such a file */
int idmap_parse(const char *text, struct idmap *ret, struct err *err);

bool idmap_has(const struct idmap *map, int64_t id);

/** idmap_total() - how many ids there are */
uint64_t idmap_total(const struct idmap *map);

/** idmap_write() - map every id of @map to itself in the namespace of the
 *  child @pid; extents stay as they are, the kernel refuses one that spans
 *  two of the parent's */
int idmap_write(int pid, const char *file, const struct idmap *map,
		struct err *err);

#endif
