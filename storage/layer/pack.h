/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_PACK_H
#define STORAGE_LAYER_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/layer.h"
#include "util/sha256.h"

enum pack_kind {
	PACK_LAYER,	/* @root as it is, whiteouts and all */
	PACK_MERGED,	/* what the stack of @tops shows */
	PACK_DIFF,	/* what changed in it against the rest, as a layer */
	PACK_LIST,	/* the same as a list: "A/path" and NUL, not sorted */
};

/**
 * struct pack - one run of the packer; all borrowed
 * @root:      directory (PACK_LAYER)
 * @out:       the result goes there
 * @single_id: owners come from user.containers.override_stat
 * @trees:     directories, top first; the first @n_tops are the new state,
 *             the rest the old one
 * @plain:     of the tops: they are plain trees, names that begin with .wh.
 *             and 0:0 devices are nothing special
 * @raw:       so is the old state: two trees are compared as they lie there
 * @full:      the new state is a whole tree (vfs), not what differs
 * @with_root: a member for the root directory, too (PACK_MERGED)
 * @since_ns:  @full: files whose change time is not after this one have the
 *             content that they had in the old state
 * @omit:      paths without the leading slash, a strv: empty files and
 *             directories that somebody else put there (mount points)
 */
struct pack {
	enum pack_kind kind;
	int root;
	int out;
	bool single_id;
	const int *trees;
	size_t n_trees;
	size_t n_tops;
	bool plain;
	bool raw;
	bool full;
	bool with_root;
	int64_t since_ns;
	char *const *omit;
};

/**
 * pack_run() - write it
 * @res:     counts and sizes are filled
 * @ret_hex: sha256 of the tar; "" of all but PACK_LAYER
 */
int pack_run(const struct pack *p, struct layer_result *res,
	     char ret_hex[SHA256_HEX], struct err *err);

#endif
