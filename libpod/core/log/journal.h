/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_LOG_JOURNAL_H
#define CORE_LOG_JOURNAL_H

#include "libpod/monitor/log_read.h"
#include "util/err.h"

/**
 * journal_read() - log_read() from systemd's journal
 * @id: full id of the container
 *
 * libsystemd is loaded for it (dlopen).  ERR_UNSUPPORTED when there is none.
 */
int journal_read(const char *id, const struct log_read_opts *o, log_rec_fn fn,
		 void *arg, struct err *err);

#endif
