/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include "libpod/core/container.h"
#include "util/err.h"

/**
 * session_run() - ctr_exec(), in a process that the container's monitor forks
 *
 * For a container with a cgroup that the caller may not enter.  -ENOTCONN when
 * there is no monitor.
 */
int session_run(struct runtime *rt, const struct ctr *c,
		struct ctr_exec_opts *o, struct err *err);

/**
 * session_serve() - that process: `bryo __session`
 * @sock: to the command; taken
 *
 * What goes wrong in the session itself is told to the command.
 */
int session_serve(int sock, struct err *err);

#endif
