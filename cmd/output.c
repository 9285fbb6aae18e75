/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/output.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>


int output_open(const char *path, const char *verb, struct output *ret,
		struct err *err)
{
	struct output out = { -EBADF, path, false };

	if (!path) {
		if (isatty(STDOUT_FILENO))
			return err_set(err, ERR_USAGE, ENOTTY,
				       "refusing to %s to terminal. Use -o "
				       "flag or redirect", verb);
		out.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	} else {
		out.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
			      O_NOCTTY, 0666);
		out.made = out.fd >= 0;
		if (!out.made && errno == EEXIST)
			out.fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC |
				      O_NOCTTY);
	}
	if (out.fd < 0)
		return err_sys(err, "open %s", path ? path : "stdout");
	*ret = out;
	return 0;
}

int output_settle(struct output *out, int r)
{
	if (r < 0 && out->made)
		unlink(out->path);
	if (r == -EPIPE)
		die_of_sigpipe();
	return r;
}

void die_of_sigpipe(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

void output_done(struct output *out)
{
	close_fd(out->fd);
}
