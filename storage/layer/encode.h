/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAYER_ENCODE_H
#define LAYER_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/sha256.h"

/**
 * struct encoder - compresses what it is given and writes it to @out
 *
 * The same bytes in give the same bytes out: no time, no name, one thread.
 */
struct encoder;

/**
 * encoder_new() - @name "gzip" or "zstd"
 * @level: 0 = the fast default; 1..9, 1..20
 * @out:   borrowed
 */
int encoder_new(const char *name, unsigned int level, int out,
		struct encoder **ret, struct err *err);

int encoder_add(struct encoder *e, const void *data, size_t len,
		struct err *err);

/** encoder_end() - the rest; what was written in all */
int encoder_end(struct encoder *e, char ret_hex[SHA256_HEX],
		uint64_t *ret_size, struct err *err);

void encoder_free(struct encoder *e);

#endif
