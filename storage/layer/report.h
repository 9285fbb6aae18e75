/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_REPORT_H
#define STORAGE_LAYER_REPORT_H

#include <stdint.h>

#include "storage/layer.h"
#include "storage/layer/tree.h"

/* Messages to the client on LAYER_FD_SOCK, as storage/layer.h has them. */

/** report_progress() - dropped when the client does not read */
void report_progress(uint64_t done);

/** report_error() - the last message; @res for what is known anyway */
void report_error(const struct layer_result *res, const struct err *e);

/** report_result() - the last message of a success; 0 or -errno */
int report_result(const struct layer_result *res, struct err *err);

/** report_implied() - any number of messages with the implied directories */
int report_implied(struct tree *t, struct err *err);

#endif
