/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_IMAGE_INSPECT_H
#define CMD_IMAGE_INSPECT_H

#include "util/err.h"

struct json_object;
struct runtime;

/** image_object() - what `image inspect` shows of one image; owned by the
 *  caller.  -ENOENT/ERR_NOT_FOUND */
int image_object(struct runtime *rt, const char *name,
		 struct json_object **ret, struct err *err);

#endif
