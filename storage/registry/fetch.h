/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_FETCH_H
#define REGISTRY_FETCH_H

#include <stdint.h>

#include "storage/registry/conv.h"

struct json_object;

/*
 * Requests whose whole answer is written to a descriptor (a memfd).  @reply
 * gets "size" and, of a manifest, "type".  Mirrors are asked in turn.
 */
int fetch_manifest(struct conv *c, const char *ref, int fd,
		   struct json_object *reply, struct err *err);
int fetch_small(struct conv *c, const char *digest, uint64_t size, int fd,
		struct json_object *reply, struct err *err);
int fetch_tags(struct conv *c, int fd, struct json_object *reply,
	       struct err *err);

/** fetch_digest_is_valid() - "sha256:" and 64 lower-case hex digits */
bool fetch_digest_is_valid(const char *digest);

/** fetch_ref_is_valid() - such a digest, or a tag */
bool fetch_ref_is_valid(const char *ref);

/** fetch_put() - write an answer to the client's descriptor; @reply gets its
 *  "size" */
int fetch_put(int fd, const char *data, size_t len, struct json_object *reply,
	      struct err *err);

#endif
