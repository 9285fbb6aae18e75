/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_HEALTH_HEALTH_PRIV_H
#define CORE_HEALTH_HEALTH_PRIV_H

#include "libpod/core/health/health.h"
#include "util/sb.h"

struct ctr;
struct runtime;

/* Shared by health_conf.c, health_exec.c and health.c. */

/** health_probe_of() - with defaults in place of what is unset; its test is
 *  borrowed from @h */
struct health_probe health_probe_of(const struct health_conf *h, bool startup);

size_t health_log_count(const struct health_conf *h);
size_t health_log_size(const struct health_conf *h);

/** health_interval() - until the next check */
int64_t health_interval(const struct health_conf *h, bool startup,
			bool starting);

/** health_ms() - nanoseconds to whole milliseconds; 0 only for 0 */
uint32_t health_ms(int64_t ns);

/**
 * health_exec() - run one command in the container
 * @timeout_ns: then it and everything it started is killed; 0: none
 * @keep:   bytes of its output that are kept in @output, 0: 64 kB
 * @ret_code: exit code, -1 after a timeout
 *
 * A command that cannot be started gives 126 or 127 and the reason as output.
 * ERR_STATE: the container does not run (any more).
 */
int health_exec(struct ctr *c, char *const *test, int64_t timeout_ns,
		size_t keep, struct sb *output, int *ret_code,
		struct err *err);

#endif
