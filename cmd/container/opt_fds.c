/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>

#include "cmd/container/create_opts.h"
#include "util/str.h"

#define FDS_MAX 1024

/* Ours are all close-on-exec, those that were passed to us cannot be. */
static int add(int fd, int *fds, size_t *n, struct err *err)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0 || (flags & FD_CLOEXEC))
		return err_set(err, ERR_USAGE, EBADF,
			       "file descriptor %d is not available - the "
			       "preserve-fds option requires that file "
			       "descriptors must be passed", fd);
	for (size_t i = 0; i < *n; i++)
		if (fds[i] == fd)
			return 0;
	fds[(*n)++] = fd;
	return 0;
}

int keep_fds_parse(int count, char *const *list, int **ret, size_t *ret_n,
		   struct err *err)
{
	autofree int *fds = xcalloc(2 * FDS_MAX, sizeof(*fds));
	size_t n = 0;
	int r = 0;

	if (count < 0 || count > FDS_MAX)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--preserve-fds: out of range");
	for (int i = 0; r == 0 && i < count; i++)
		r = add(3 + i, fds, &n, err);
	for (; r == 0 && list && *list; list++) {
		int fd;

		if (parse_int(*list, &fd) < 0 || fd < 3 || n >= 2 * FDS_MAX - 1)
			return err_set(err, ERR_USAGE, EINVAL,
				       "--preserve-fd: \"%s\" is no file "
				       "descriptor from 3 up", *list);
		r = add(fd, fds, &n, err);
	}
	if (r < 0)
		return r;
	*ret = n ? take_ptr(fds) : NULL;
	*ret_n = n;
	return 0;
}
