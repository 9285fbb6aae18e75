/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bryo __session FD`: an exec session, forked by the container's monitor (see
 * libpod/core/session.c).
 */
#include "libpod/core/session.h"

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "util/fd.h"
#include "util/str.h"

static int session_main(struct runtime *rt unused_attr,
			const void *p unused_attr, char **argv,
			struct err *err)
{
	int fd = -1;

	if (parse_int(argv[0], &fd) < 0 || fd < 3 || fd_cloexec(fd, true) < 0)
		return err_set(err, ERR_USAGE, EBADF,
			       "'%s' is no open descriptor", argv[0]);
	return session_serve(fd, err);
}

const struct cmd cmd_container_session = {
	.path = "__session",
	.usage = "FD",
	.summary = "Run a process in a container at a command's request",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_HIDDEN,
	.run = session_main,
};
