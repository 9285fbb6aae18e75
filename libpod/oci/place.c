/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

int place_of(int fd, const char *what, struct place *ret, struct err *err)
{
	autofree char *path = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", what);
	path = fd_real_path(fd);
	if (!path && errno == ENOENT)
		return err_set(err, ERR_FAIL, ENOENT,
			       "%s has no path in the file system", what);
	if (!path)
		return err_sys(err, "find the path of %s", what);
	ret->path = take_ptr(path);
	ret->dev = st.st_dev;
	ret->ino = st.st_ino;
	ret->mode = st.st_mode;
	ret->caller_fd = fd;
	ret->held_fd = -EBADF;
	return 0;
}

static int open_path(const struct place *p, struct err *err)
{
	struct stat st;

	autoclose int fd = open(p->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", p->path);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", p->path);
	if (st.st_dev != p->dev || st.st_ino != p->ino)
		return err_set(err, ERR_FAIL, ESTALE,
			       "%s was replaced while the container started",
			       p->path);
	return take_fd(fd);
}

int place_hold(struct place *p, struct err *err)
{
	p->held_fd = open_path(p, err);
	return p->held_fd < 0 ? p->held_fd : 0;
}

int place_open(const struct place *p, struct err *err)
{
	int fd;

	if (p->held_fd < 0)
		return open_path(p, err);
	fd = fcntl(p->held_fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_sys(err, "duplicate a descriptor") : fd;
}

void place_done(struct place *p)
{
	if (p->path)
		close_fd(p->held_fd);
	free(p->path);
	p->path = NULL;
}
