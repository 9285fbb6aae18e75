/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A copy is made by the kernel where it can (copy_file_range, sendfile), hole
 * by hole, as the files may be a terabyte of nothing.  The length that stat
 * gave is what is copied, also when the file grows or shrinks meanwhile; only
 * files of /proc and /sys have another one than they say.
 */
#include "util/filecopy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

#define XATTRS_MAX 65536
/* The length of generated files at most, and what may come out of them */
#define GENERATED_SAYS 4096
#define GENERATED_MAX (1 << 20)

/* The names that belong to the copy: not those of the overlay itself. */
static bool keep_xattr(const char *name)
{
	return !str_starts(name, "user.overlay.") &&
	       !str_starts(name, "user.fuseoverlayfs.") &&
	       !str_starts(name, "trusted.") &&
	       !str_starts(name, "system.nfs4") &&
	       !str_starts(name, "security.selinux");
}

/* A name that the destination cannot hold is not worth failing for. */
static bool xattr_refused(int code)
{
	return code == ENOTSUP || code == EPERM || code == EACCES;
}

/* By descriptor; what is only O_PATH needs a /proc that is ours. */
struct file {
	int fd;
	bool by_path;
	char path[FD_PATH_MAX];
};

static struct file file_of(int fd)
{
	struct file f = { .fd = fd };

	f.by_path = fcntl(fd, F_GETFL) & O_PATH;
	fd_path(fd, f.path);
	return f;
}

static ssize_t list(const struct file *f, char *names, size_t size)
{
	return f->by_path ? listxattr(f->path, names, size) :
			    flistxattr(f->fd, names, size);
}

static ssize_t get(const struct file *f, const char *name, void *value)
{
	return f->by_path ? getxattr(f->path, name, value, XATTRS_MAX) :
			    fgetxattr(f->fd, name, value, XATTRS_MAX);
}

static int set(const struct file *f, const char *name, const void *value,
	       size_t size)
{
	return f->by_path ? setxattr(f->path, name, value, size, 0) :
			    fsetxattr(f->fd, name, value, size, 0);
}

int file_copy_xattrs(int from, int to)
{
	struct file src = file_of(from);
	struct file dst = file_of(to);
	ssize_t len = list(&src, NULL, 0);

	if (len <= 0 || len > XATTRS_MAX)
		return len < 0 && errno != ENOTSUP ? -errno : 0;
	autofree char *names = xmalloc((size_t)len);
	autofree char *value = xmalloc(XATTRS_MAX);
	len = list(&src, names, (size_t)len);
	for (char *n = names; n < names + MAX(len, 0); n += strlen(n) + 1) {
		ssize_t size;

		if (!keep_xattr(n))
			continue;
		size = get(&src, n, value);
		if (size < 0)
			continue;
		if (set(&dst, n, value, (size_t)size) < 0 &&
		    !xattr_refused(errno))
			return -errno;
	}
	return 0;
}

static int copy_range(int from, int to, off_t start, off_t end)
{
	if (lseek(to, start, SEEK_SET) < 0 || lseek(from, start, SEEK_SET) < 0)
		return -errno;
	while (start < end) {
		ssize_t n = sendfile(to, from, NULL, (size_t)MIN(end - start,
								 1 << 30));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;	/* it shrank */
		start += n;
	}
	return 0;
}

int file_read_generated(int fd, const struct stat *st, struct sb *out)
{
	int r;

	/* empty, a hole that reads as it says, or one of them */
	if (st->st_blocks || st->st_size > GENERATED_SAYS)
		return 0;
	r = fd_read_all(fd, GENERATED_MAX, out);
	return r < 0 ? r : 1;
}

/* Data only, holes stay holes. */
int file_copy_data(int from, int to, const struct stat *st)
{
	autosb struct sb text = SB_INIT;
	off_t size = st->st_size;
	off_t data = 0;
	int r = file_read_generated(from, st, &text);

	if (r < 0)
		return r;
	if (r == 1)
		return fd_write_full(to, text.buf, text.len);
	while (data < size) {
		off_t start = lseek(from, data, SEEK_DATA);
		off_t end;

		if (start < 0 && errno == ENXIO)
			break;
		if (start < 0)
			start = data;
		end = lseek(from, start, SEEK_HOLE);
		if (end < 0)
			end = size;
		r = copy_range(from, to, start, end);
		if (r < 0)
			return r;
		data = end;
	}
	return ftruncate(to, size) < 0 ? -errno : 0;
}

enum { SEND_BYTES = 1 << 20, SEND_MAX = 1 << 30 };

/* The ways of it, best first. */
static ssize_t send_range(int from, off_t *at, int to, size_t len)
{
	return copy_file_range(from, at, to, NULL, len, 0);
}

static ssize_t send_file(int from, off_t *at, int to, size_t len)
{
	return sendfile(to, from, at, len);
}

static ssize_t send_bytes(int from, off_t *at, int to, size_t len)
{
	autofree char *buf = xmalloc(SEND_BYTES);
	ssize_t n = pread(from, buf, MIN(len, (size_t)SEND_BYTES), *at);
	int r;

	if (n <= 0)
		return n;
	r = fd_write_full(to, buf, (size_t)n);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	*at += n;
	return n;
}

/* Not between these two: a pipe, a socket, O_APPEND, two file systems */
static bool cannot(int code)
{
	return code == EINVAL || code == EXDEV || code == EBADF ||
	       code == EOPNOTSUPP || code == ENOSYS || code == EPERM;
}

int file_send(int from, off_t at, int to, uint64_t len)
{
	static ssize_t (*const ways[])(int, off_t *, int, size_t) = {
		send_range, send_file, send_bytes,
	};
	size_t way = 0;

	while (len) {
		ssize_t n = ways[way](from, &at, to,
				      (size_t)MIN(len, (uint64_t)SEND_MAX));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && cannot(errno) && way + 1 < ARRAY_LEN(ways)) {
			way++;
			continue;
		}
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		len -= (uint64_t)n;
	}
	return 0;
}
