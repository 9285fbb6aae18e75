/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_OBJECT_H
#define CMD_CONTAINER_OBJECT_H

#include <stdbool.h>

#include "util/err.h"

struct ctr;
struct json_object;
struct runtime;

/** ctr_object() - what inspect shows of a container, with maps and times
 *  marked for templates; *ret is owned by the caller.  -ENOENT as ctr_find()
 *  @size: count what it occupies, too */
int ctr_object(struct runtime *rt, const char *name, bool size,
	       struct json_object **ret, struct err *err);

/** posture_object() - what `inspect --security` shows: an object_fn; @data is
 *  not used */
int posture_object(struct runtime *rt, const char *name, void *data,
		   struct json_object **ret, struct err *err);

#endif
