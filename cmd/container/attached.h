/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_ATTACHED_H
#define CMD_CONTAINER_ATTACHED_H

#include <stdbool.h>

#include "libpod/core/container.h"
#include "util/err.h"

/**
 * struct attached - which of our streams go to a container
 * @detach_keys: as typed; NULL = the default
 * @sig_proxy:   forward signals (never with a terminal of its own)
 */
struct attached {
	bool in;
	bool out;
	bool err;
	const char *detach_keys;
	bool sig_proxy;
};

/** detach_keys() - as typed, else as configured, else the default; borrowed */
const char *detach_keys(const char *typed);

/** attached_check() - --detach-keys is readable; before anything is started */
int attached_check(const struct attached *a, struct err *err);

/**
 * attached_run() - pump the streams until the container ends or the user
 * detaches
 * @sock:   of ctr_start() or ctr_attach(); taken
 * @settle: we started it: fold the exit record, remove a --rm container
 *
 * Return: the exit code (0 when detached), or -errno
 */
int attached_run(struct runtime *rt, struct ctr *c, int sock, bool settle,
		 const struct attached *a, struct err *err);

#endif
