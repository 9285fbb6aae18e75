/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_ARCHIVE_LAYOUT_H
#define STORAGE_ARCHIVE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct json_object;
struct sink;

/* The two layouts that are written: OCI's, in a tar or a directory, and
 * dir:, a directory. */

#define LAYOUT_BLOBS "blobs/sha256"

/**
 * layout_begin() - make the directories, read the index that is there
 * @ret: index.json as it will be, owned by the caller
 *
 * -EINVAL/ERR_INVALID: there is an index.json that is none
 */
int layout_begin(struct sink *k, struct json_object **ret, struct err *err);

/**
 * layout_index_add() - an entry, in place of one of the same name; of one of
 * the same digest that has no name, when this one has none
 * @name:     for org.opencontainers.image.ref.name, or NULL
 * @platform: taken, or NULL
 */
void layout_index_add(struct json_object *index, const char *type,
		      const char *digest, uint64_t size, const char *name,
		      struct json_object *platform);

/** layout_end() - write index.json and oci-layout */
int layout_end(struct sink *k, struct json_object *index, struct err *err);

/**
 * dirlayout_begin() - an empty directory, or one that holds an image already,
 * which goes; -ENOTEMPTY/ERR_INVALID for any other
 */
int dirlayout_begin(struct sink *k, struct err *err);

/** dirlayout_end() - write manifest.json and version */
int dirlayout_end(struct sink *k, const void *manifest, size_t len,
		  struct err *err);

#endif
