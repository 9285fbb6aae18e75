/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_BUDGET_H
#define STORAGE_LAYER_BUDGET_H

#include <stdint.h>

#include "util/err.h"

/**
 * struct budget - bytes that a layer may write
 * @fd:      descriptor on the file system that is written to
 * @max:     bytes of file content, all files together
 * @reserve: bytes of free space that have to stay
 * @used:    bytes of content so far
 * @unseen:  bytes written since the free space was looked at
 * @look_at: @unseen at which to look again
 */
struct budget {
	int fd;
	uint64_t max;
	uint64_t reserve;
	uint64_t used;
	uint64_t unseen;
	uint64_t look_at;
};

/** budget_init() - @max 0: the default, 50 GiB */
int budget_init(struct budget *b, int fd, uint64_t max, struct err *err);

/** budget_content() - @n bytes of a file's content are about to be written */
int budget_content(struct budget *b, uint64_t n, struct err *err);

/** budget_copied() - @n bytes went to the blob: they need space too */
int budget_copied(struct budget *b, uint64_t n, struct err *err);

/** budget_size() - may a file claim to be that large? */
int budget_size(const struct budget *b, uint64_t size, struct err *err);

#endif
