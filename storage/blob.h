/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_BLOB_H
#define STORAGE_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/sb.h"

struct store;

/* Blobs by their 64 hex digits: files of blobs/sha256, whole and verified. */

/** blob_open() - O_RDONLY descriptor; -ENOENT, no @err text */
int blob_open(struct store *s, const char *hex, uint64_t *ret_size);

bool blob_exists(struct store *s, const char *hex);

/** blob_read() - a small one; not hashed again: every run reads a config, and
 *  loading libcrypto for it would cost more than all the rest */
int blob_read(struct store *s, const char *hex, size_t max, struct sb *out,
	      struct err *err);

/** blob_put() - write @data durably; the caller knows that @hex is right.
 *  The directory is not synced: see blob_sync(). */
int blob_put(struct store *s, const char *hex, const void *data, size_t len,
	     struct err *err);

/** blob_take() - rename DIRFD/NAME, verified and synced, into place; it is
 *  gone from @dirfd also when the blob was there already */
int blob_take(struct store *s, int dirfd, const char *name, const char *hex,
	      struct err *err);

/** blob_sync() - fsync blobs/ and layers/ */
int blob_sync(struct store *s, struct err *err);

#endif
