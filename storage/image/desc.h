/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_DESC_H
#define STORAGE_IMAGE_DESC_H

#include <stdint.h>

struct json_object;

/*
 * Descriptors of documents that are made here.  The order of the keys is that
 * of Go's types: digests of manifests depend on it, and who makes the same
 * image with other tools gets the same one.
 */

/** desc_json() - mediaType, digest, size; owned by the caller */
struct json_object *desc_json(const char *type, const char *digest,
			      uint64_t size);

/** desc_json_docker() - mediaType, size, digest; owned by the caller */
struct json_object *desc_json_docker(const char *type, const char *digest,
				     uint64_t size);

#endif
