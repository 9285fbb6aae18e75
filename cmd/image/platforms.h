/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_IMAGE_PLATFORMS_H
#define CMD_IMAGE_PLATFORMS_H

#include <stdbool.h>

#include "util/err.h"

struct image;
struct json_object;
struct store;

/**
 * platforms_add() - the lines of `images --tree` for one name
 * @lines: array of { Image, ID, DiskUsage }; the name's line is added, and
 *         below it one for each platform.  An entry of a manifest list that
 *         is not in the store has its digest, but uses no disk
 */
int platforms_add(struct json_object *lines, struct store *store,
		  const char *name, const struct image *img, bool no_trunc,
		  struct err *err);

#endif
