/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_PUT_H
#define REGISTRY_PUT_H

#include <stdint.h>

#include "storage/registry/conv.h"

struct json_object;

/**
 * put_manifest() - the @size bytes of @fd under a tag or digest
 * @type: media type, goes into a header
 */
int put_manifest(struct conv *c, const char *ref, const char *type,
		 uint64_t size, int fd, struct err *err);

/** put_has() - does the registry have that blob?  @reply gets "has" */
int put_has(struct conv *c, const char *digest, struct json_object *reply,
	    struct err *err);

/** put_check() - are the credentials good?  0, -EACCES, ... */
int put_check(struct conv *c, struct err *err);

#endif
