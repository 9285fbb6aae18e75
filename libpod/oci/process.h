/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_PROCESS_H
#define OCI_PROCESS_H

#include "util/err.h"

/** process_exec_error() - word a failed execve; Return: -errno */
int process_exec_error(const char *name, int code, struct err *err);

/** sync_wait_exec() - until the new process has exec'd, or why not */
int sync_wait_exec(int sock, struct err *err);

struct sync_msg;

/** sync_exec_error() - what came in place of the exec; Return: -errno */
int sync_exec_error(const struct sync_msg *msg, struct err *err);

#endif
