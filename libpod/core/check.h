/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include "storage/check.h"

struct runtime;

/** runtime_check() - store_check(), and whether containers and volumes have
 *  their rows and files */
int runtime_check(struct runtime *rt, struct check *ck, struct err *err);

#endif
