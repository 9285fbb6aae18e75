/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_DIFF_H
#define STORAGE_LAYER_DIFF_H

#include "storage/layer/pack.h"
#include "util/err.h"

struct packer;

/** diff_run() - PACK_DIFF and PACK_LIST of pack_run() */
int diff_run(const struct pack *conf, struct packer *p, struct err *err);

#endif
