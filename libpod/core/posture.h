/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_POSTURE_H
#define CORE_POSTURE_H

#include "util/err.h"

struct ctr;
struct json_object;

/**
 * ctr_posture() - how a running container is confined, as the kernel sees it
 * @ret: owned by the caller
 *
 * Everything is read from /proc of the container's first process; nothing is
 * taken from the configuration.  ERR_STATE when it does not run.
 */
int ctr_posture(const struct ctr *c, struct json_object **ret,
		struct err *err);

#endif
