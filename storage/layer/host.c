/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/host.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/layer/sandbox.h"
#include "util/fd.h"
#include "util/proc.h"

/*
 * Theory of operation
 *
 * Loading this program takes longer than unpacking a small layer: libarchive
 * brings half a dozen libraries, libcrypto sets itself up.  An image has many
 * layers, so the client may load it once, while it still waits for the
 * registry, and has the jobs forked from there.
 *
 * A job is a child of the client (CLONE_PARENT), which kills and reaps it as
 * one that it started itself, and goes through the same sandbox, one of its
 * own.  The host reads the messages of its client and nothing else, and keeps
 * no descriptor of any job.
 */

static const int places[] = {
	[HOST_INPUT] = LAYER_FD_INPUT,
	[HOST_ROOT] = LAYER_FD_ROOT,
	[HOST_RESULT] = LAYER_FD_SOCK,
	[HOST_OUT] = LAYER_FD_OUT,
	[HOST_RESUME] = LAYER_FD_RESUME,
};

static void place_fds(const int fds[HOST_FDS])
{
	int keep[LAYER_FD_RESUME + 1];

	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		if (dup2(fds[i], places[i]) < 0)
			_exit(125);
	for (int fd = 0; fd <= LAYER_FD_RESUME; fd++)
		keep[fd] = fd;
	fd_close_all_but(keep, ARRAY_LEN(keep));
}

/* The texts in @buf, whose last byte is NUL */
static int split(char *buf, size_t len, char **argv)
{
	int n = 0;

	for (char *p = buf; p < buf + len && n < HOST_ARGS_MAX;
	     p += strlen(p) + 1)
		argv[n++] = p;
	argv[n] = NULL;
	return n;
}

static void answer(int32_t pid)
{
	ssize_t n;

	do
		n = send(LAYER_FD_SOCK, &pid, sizeof(pid), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
}

int host_run(char ***ret_argv)
{
	static char *argv[HOST_ARGS_MAX + 1];
	static char buf[HOST_MSG_MAX];

	for (;;) {
		int fds[HOST_FDS];
		size_t n_fds = HOST_FDS;
		ssize_t n = sock_recv_fds(LAYER_FD_SOCK, buf, sizeof(buf), fds,
					  &n_fds);
		long pid = -1;

		if (n <= 0)
			child_exit(0);
		if (n_fds == HOST_FDS && buf[n - 1] == '\0')
			pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL,
				      NULL, NULL, 0);
		else
			errno = EPROTO;
		if (pid == 0) {
			place_fds(fds);
			*ret_argv = argv;
			return split(buf, (size_t)n, argv);
		}
		answer(pid < 0 ? -errno : (int32_t)pid);
		for (size_t i = 0; i < n_fds; i++)
			close(fds[i]);
	}
}
