/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAYER_HOST_H
#define LAYER_HOST_H

#include <stddef.h>

/* A message to the host: the arguments of a job, each with its NUL, and these
 * descriptors; the answer is the job's pid or -errno (int32_t). */
enum host_fd {
	HOST_INPUT,
	HOST_ROOT,
	HOST_RESULT,
	HOST_OUT,
	HOST_RESUME,
	HOST_FDS,
};

enum { HOST_MSG_MAX = 4096, HOST_ARGS_MAX = 32 };

/**
 * host_run() - fork a job for each message on LAYER_FD_SOCK
 * @ret_argv: of the job, NULL-terminated; lives for ever
 *
 * Return: the number of arguments, in a job, whose descriptors are in place;
 * in the host it does not return, which ends with its client.
 */
int host_run(char ***ret_argv);

#endif
