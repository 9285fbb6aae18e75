/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_PACK_H
#define STORAGE_LAYER_PACK_H

#include <stdbool.h>

#include "storage/layer.h"
#include "util/sha256.h"

/**
 * struct pack - one run of the packer
 * @root:      directory, borrowed
 * @out:       the tar goes there; borrowed
 * @single_id: owners come from user.containers.override_stat
 */
struct pack {
	int root;
	int out;
	bool single_id;
};

/**
 * pack_run() - write the tree below @root as a layer
 * @res:     counts and sizes are filled
 * @ret_hex: sha256 of what was written
 */
int pack_run(const struct pack *p, struct layer_result *res,
	     char ret_hex[SHA256_HEX], struct err *err);

#endif
