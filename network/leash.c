/* SPDX-License-Identifier: Apache-2.0 */
#include "network/network.h"

#include <fcntl.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

int leash_make(struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	close(fds[0]);
	return fds[1];
}

int leash_end(int leash, struct err *err)
{
	char path[FD_PATH_MAX];
	/* a pipe opened by its own descriptor: another read end, at once */
	int fd = open(fd_path(leash, path), O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_sys(err, "open the other end of a pipe") : fd;
}
