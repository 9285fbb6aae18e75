/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_EXEC_KEEP_H
#define CORE_EXEC_KEEP_H

#include <sys/types.h>

#include "libpod/oci/oci.h"
#include "util/err.h"

struct ctr;
struct runtime;

/* What a file of a session is called, with its id behind it */
#define EXEC_SESSION "exec-"

/**
 * exec_kept() - oci_exec() by a process of its own, which waits for the end,
 * removes the file of the session and has exec_died noted
 * @id:      of the session
 * @ret_pid: in our pid namespace; it is nobody's zombie before @ret_go is
 *           closed
 * @ret_go:  owned.  Closed (by whatever way the caller ends) it lets the
 *           keeper go on: the file of the session has to be there by then.
 *
 * The keeper has none of the caller's streams, ignores SIGHUP and ends with
 * the process, which ends with the container.  Killed, it takes nothing with
 * it but the event.
 *
 * Return: as oci_exec()
 */
int exec_kept(const struct runtime *rt, const struct ctr *c,
	      const struct oci_exec *ex, const char *id, pid_t *ret_pid,
	      int *ret_go, struct err *err);

#endif
