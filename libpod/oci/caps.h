/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_CAPS_H
#define OCI_CAPS_H

#include <stdint.h>

#include "util/err.h"

/** caps_bound() - drop all but @keep from the bounding set */
int caps_bound(uint64_t keep, struct err *err);

/** caps_set() - capset(2) of the calling process */
int caps_set(uint64_t permitted, uint64_t effective, uint64_t inheritable,
	     struct err *err);

int caps_get_permitted(uint64_t *ret, struct err *err);

/** caps_ambient() - raise; must be permitted and inheritable already */
int caps_ambient(uint64_t set, struct err *err);

#endif
