/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_RELAY_H
#define CORE_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

/**
 * struct relay - the command's end of an exec session
 * @pidfd:   of the process, our child; borrowed
 * @in_fd:   write end to the process's stdin, -EBADF: none; owned
 * @out_fd, @err_fd: read ends of its output, -EBADF: none; owned
 * @console: pty master instead of the three, -EBADF: none; owned
 * @interactive: with @console: forward our stdin
 * @keys:    detach keys as bytes
 */
struct relay {
	int pidfd;
	int in_fd;
	int out_fd;
	int err_fd;
	int console;
	bool interactive;
	const char *keys;
	size_t n_keys;
};

#define RELAY_INIT \
	{ -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, false, "", 0 }

/**
 * relay_run() - pump until the process ended and its output was taken, or the
 * detach keys were typed
 *
 * Puts a terminal on stdin into raw mode and forwards its size (with
 * @console), restores it on every way out.  SIGTERM, SIGINT, SIGHUP and
 * SIGQUIT go to the process.
 *
 * Return: 0 ended, 1 detached, -errno
 */
int relay_run(struct relay *r, struct err *err);

/** relay_done() - close the owned descriptors */
void relay_done(struct relay *r);

/** relay_keep() - after a detach: hold the terminal open in the background
 *  until the process ends; forks, returns in the caller */
int relay_keep(struct relay *r, struct err *err);

#endif
