/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_UNPACK_H
#define STORAGE_LAYER_UNPACK_H

#include "storage/layer/budget.h"
#include "storage/layer/stream.h"
#include "storage/layer/tree.h"

/**
 * struct unpack - one run of the extractor
 * @stream:      borrowed, open
 * @tree:        borrowed, begun
 * @budget:      borrowed
 * @max_entries: members allowed
 * @raw:         no layer: names that begin with .wh. are nothing special
 */
struct unpack {
	struct stream *stream;
	struct tree *tree;
	struct budget *budget;
	uint64_t max_entries;
	bool raw;
};

/**
 * unpack_run() - read the whole stream, write all members
 * @res: counts are added; digests are the caller's business
 *
 * Reads on to the end of the input behind the end of the archive, so that the
 * hashes cover all of it.
 */
int unpack_run(struct unpack *u, struct layer_result *res, struct err *err);

#endif
