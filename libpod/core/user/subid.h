/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_USER_SUBID_H
#define CORE_USER_SUBID_H

#include <stddef.h>
#include <stdint.h>

#include "libpod/oci/idmap.h"
#include "util/err.h"

/* /etc/subuid of a large site: 10 000 users need half a megabyte. */
#define SUBID_FILE_MAX (4U << 20)

/**
 * subid_parse() - the ranges that a user owns in the text of /etc/subuid
 * @text, @len: borrowed; need not be terminated
 * @name: of the user, or NULL
 * @id:   of the user: the first field may be a number
 * @map:  ranges are appended, inside ids counting on from what is there
 *
 * Lines of other users and malformed ones are passed over, as newuidmap does
 * it; so are a range that overlaps an earlier one and more ranges than a map
 * holds.
 *
 * Return: number of ranges added
 */
int subid_parse(const char *text, size_t len, const char *name, uint32_t id,
		struct idmap *map);

/** subid_load() - the same for a file; a missing file adds nothing */
int subid_load(const char *path, const char *name, uint32_t id,
	       struct idmap *map, struct err *err);

#endif
