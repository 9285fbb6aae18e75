/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_SHA256_H
#define UTIL_SHA256_H

#include <stddef.h>

#include "util/cleanup.h"
#include "util/err.h"

/*
 * SHA-256 by libcrypto (SHA-NI), which is loaded on first use: commands that
 * hash nothing do not pay 3 ms for its dynamic linking.
 */
struct sha256;

#define SHA256_HEX 65		/* 64 digits and the NUL */

/** sha256_load() - load the library now (before a sandbox closes the way) */
int sha256_load(struct err *err);

int sha256_new(struct sha256 **ret, struct err *err);
void sha256_add(struct sha256 *h, const void *data, size_t len);

/** sha256_hex() - finish; further sha256_add() is not allowed */
void sha256_hex(struct sha256 *h, char ret[SHA256_HEX]);
void sha256_free(struct sha256 *h);

/** sha256_data() - of one buffer */
int sha256_data(const void *data, size_t len, char ret[SHA256_HEX],
		struct err *err);

static inline void cleanup_sha256(struct sha256 **h)
{
	sha256_free(*h);
	*h = NULL;
}

#define auto_sha256 cleanup(cleanup_sha256)

#endif
