/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_IMPLIED_H
#define STORAGE_IMAGE_IMPLIED_H

#include <stdint.h>

#include "util/err.h"

struct store;

/**
 * implied_find() - what the merged tree of @layers would show wrongly
 * @layers:   diff ids, top first; each exists
 * @ret_mode: of the merged root directory
 * @ret:      "HEX PATH\n" lines: PATH takes the metadata that layer HEX has;
 *            owned, NULL when there are none
 */
int implied_find(struct store *s, char *const *layers, uint32_t *ret_mode,
		 char **ret, struct err *err);

#endif
