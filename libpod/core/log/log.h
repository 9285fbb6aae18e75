/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOG_LOG_H
#define CORE_LOG_LOG_H

#include <stdbool.h>

#include "util/err.h"

struct ctr;
struct ctr_config;
struct log_read_opts;
struct log_rec;
struct runtime;

/**
 * log_config_check() - do --log-driver and the --log-opts fit together?
 * -EINVAL/ERR_USAGE names what does not
 */
int log_config_check(const struct ctr_config *c, struct err *err);

/** log_is_passthrough() - the payload has the streams of its starter itself */
bool log_is_passthrough(const struct ctr_config *c);

/** ctr_log_path() - of the newest log file; owned, NULL: no file */
char *ctr_log_path(const struct runtime *rt, const struct ctr *c);

/**
 * ctr_log_read() - log_read() for whatever driver the container has
 * @o: its name is filled in here
 * ERR_STATE: the driver keeps nothing
 */
int ctr_log_read(struct runtime *rt, const struct ctr *c,
		 struct log_read_opts *o,
		 int (*fn)(void *arg, const struct log_rec *rec), void *arg,
		 struct err *err);

#endif
