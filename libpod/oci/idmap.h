/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_IDMAP_H
#define OCI_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/** struct idmap_range - @count ids from @inside on are @outside on and up */
struct idmap_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/* The kernel allows 340 extents; bryo never needs more than a few. */
#define IDMAP_MAX 32

/** struct idmap - a uid or a gid map, in the order it is written */
struct idmap {
	struct idmap_range range[IDMAP_MAX];
	size_t n;
};

/** idmap_add() - -ERANGE empty or beyond (uid_t)-2, -EEXIST overlap, -E2BIG */
int idmap_add(struct idmap *map, struct idmap_range range, struct err *err);

/** idmap_identity() - the same extents, inside ids on both sides: the map of
 *  a container's namespace below U (a range spanning two extents is EPERM) */
void idmap_identity(const struct idmap *outer, struct idmap *ret);

/** idmap_write() - write "uid_map" or "gid_map" below @proc_fd (/proc/PID) */
int idmap_write(int proc_fd, const char *file, const struct idmap *map,
		struct err *err);

/** idmap_read() - parse /proc/self/uid_map or gid_map */
int idmap_read(const char *path, struct idmap *ret, struct err *err);

bool idmap_has_inside(const struct idmap *map, uint32_t id);
bool idmap_to_outside(const struct idmap *map, uint32_t id, uint32_t *ret);
bool idmap_to_inside(const struct idmap *map, uint32_t id, uint32_t *ret);

/** idmap_count() - ids mapped in all */
uint64_t idmap_count(const struct idmap *map);

/** idmap_equal() - the same rows in the same order */
bool idmap_equal(const struct idmap *a, const struct idmap *b);

#endif
