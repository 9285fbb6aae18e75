/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors: whole reads and writes, small files, passing over sockets.
 *
 * A file is replaced by writing a temporary one beside it, fsync, rename, fsync
 * of the directory: whoever looks sees the old or the new content.  Reads have
 * a limit, as anybody may own the file.
 */
#include "util/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/str.h"
#include "util/strv.h"

/* KERNEL(6.3): older ones do not know it and need none. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define READ_PIECE 4096

ssize_t fd_read_full(int fd, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, (char *)buf + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int fd_write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* @piece: bytes to ask for at a time */
static int read_pieces(int fd, size_t piece, size_t max, struct sb *out)
{
	size_t start = out->len;

	for (;;) {
		char *room = sb_reserve(out, piece);
		ssize_t n;

		if (!room)
			return -EFBIG;
		n = read(fd, room, piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		sb_grow(out, (size_t)n);
		if (out->len - start > max)
			return -EFBIG;
		piece = READ_PIECE;
	}
}

int fd_read_all(int fd, size_t max, struct sb *out)
{
	return read_pieces(fd, READ_PIECE, max, out);
}

static int read_regular(int fd, size_t max, struct sb *out)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	/* what is in /proc has no size */
	return read_pieces(fd, MAX((size_t)st.st_size, (size_t)READ_PIECE), max,
			   out);
}

int file_read_at(int dirfd, const char *name, size_t max, struct sb *out)
{
	autoclose int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC |
				  O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : read_regular(fd, max, out);
}

int file_load(const char *path, size_t max, struct sb *out)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
				O_NOCTTY);

	return fd < 0 ? -errno : read_regular(fd, max, out);
}

int file_load_any(const char *path, size_t max, struct sb *out)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd_read_all(fd, max, out);
}

/* A name in the directory that nobody else uses. */
static void temp_name(const char *name, char *buf, size_t size)
{
	uint64_t random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint64_t)getpid();
	snprintf(buf, size, ".%.200s.%016llx", name,
		 (unsigned long long)random);
}

static int write_temp(int fd, const void *data, size_t len, mode_t mode,
		      bool durable, const char *name, struct err *err)
{
	int r = fd_write_full(fd, data, len);

	if (r < 0)
		return err_code(err, r, "write %s", name);
	if (fchmod(fd, mode) < 0)
		return err_sys(err, "chmod %s", name);
	if (durable && fsync(fd) < 0)
		return err_sys(err, "fsync %s", name);
	return 0;
}

int file_write_at(int dirfd, const char *name, const void *data, size_t len,
		  mode_t mode, bool durable, struct err *err)
{
	char temp[256];
	int r;

	temp_name(name, temp, sizeof(temp));
	autoclose int fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL |
				  O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_sys(err, "create %s", name);
	r = write_temp(fd, data, len, mode, durable, name, err);
	if (r == 0 && renameat(dirfd, temp, dirfd, name) < 0)
		r = err_sys(err, "rename %s into place", name);
	if (r < 0) {
		unlinkat(dirfd, temp, 0);
		return r;
	}
	if (!durable)
		return 0;
	close_fd(fd);
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_sys(err, "fsync the directory of %s", name);
	return 0;
}

int fd_cloexec(int fd, bool on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? -errno : 0;
}

int fd_null(int first, int last)
{
	autoclose int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (int i = first; i <= last; i++)
		if (dup2(fd, i) < 0)
			return -errno;
	return 0;
}

int fd_memory(const char *name, struct err *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING |
			      MFD_NOEXEC_SEAL);

	if (fd < 0 && errno == EINVAL) {
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (fd >= 0)
			(void)fchmod(fd, 0600);
	}
	return fd < 0 ? err_sys(err, "make the memory file %s", name) : fd;
}

bool fd_is_at(int fd, int dir, const char *name)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 &&
	       fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

int fd_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;

	return (x > y) - (x < y);
}

static void close_span(unsigned int first, unsigned int last)
{
	if (first > last)
		return;
	if (close_range(first, last, 0) == 0)
		return;
	/* KERNEL(5.9): close_range(2) is missing, or filtered. */
	if (last > 65535)
		last = 65535;
	for (unsigned int fd = first; fd <= last; fd++)
		close((int)fd);
}

void fd_close_all_but(int *keep, size_t n)
{
	unsigned int next = 3;

	if (n > 0)
		qsort(keep, n, sizeof(*keep), compare_int);
	for (size_t i = 0; i < n; i++) {
		unsigned int fd = (unsigned int)keep[i];

		if (keep[i] < 3 || fd < next)
			continue;
		close_span(next, fd - 1);
		next = fd + 1;
	}
	close_span(next, ~0u);
}

const char *fd_path(int fd, char buf[FD_PATH_MAX])
{
	snprintf(buf, FD_PATH_MAX, "/proc/self/fd/%d", fd);
	return buf;
}

char *fd_real_path(int fd)
{
	char link[FD_PATH_MAX];
	char path[PATH_MAX];
	ssize_t n = readlink(fd_path(fd, link), path, sizeof(path) - 1);

	if (n < 0)
		return NULL;
	path[n] = '\0';
	if (path[0] == '/')
		return xstrdup(path);
	errno = ENOENT;
	return NULL;
}

#define FDS_MAX 64

ssize_t sock_send_fds(int sock, const void *data, size_t len, const int *fds,
		      size_t n_fds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (n_fds > FDS_MAX)
		return -E2BIG;
	if (n_fds) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	do {
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int sock_send(int sock, const void *data, size_t len)
{
	ssize_t n = sock_send_fds(sock, data, len, NULL, 0);

	return n < 0 ? (int)n : 0;
}

/* Copy received descriptors out; those without room are closed. */
static size_t take_fds(struct msghdr *msg, int *fds, size_t room)
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			       sizeof(fd));
			if (n < room)
				fds[n++] = fd;
			else
				close(fd);
		}
	}
	return n;
}

ssize_t sock_recv_fds(int sock, void *data, size_t len, int *fds, size_t *n_fds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control;
	/* cppcheck-suppress ctuuninitvar ; recvmsg(2) fills it in */
	struct iovec iov = { data, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	ssize_t n;

	do {
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*n_fds = take_fds(&msg, fds, *n_fds);
	return n;
}

bool path_is_at(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int dir_open_at(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
			O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

DIR *dir_stream_at(int dirfd, const char *name)
{
	autoclose int fd = dir_open_at(dirfd, name);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		take_fd(fd);
	return d;
}

int dir_next(DIR *d, const struct dirent **ret, struct err *err)
{
	do {
		errno = 0;
		*ret = readdir(d);
	} while (*ret && (streq((*ret)->d_name, ".") ||
			  streq((*ret)->d_name, "..")));
	if (!*ret && errno)
		return err_sys(err, "read the directory");
	return *ret != NULL;
}

char **dir_list(int dirfd)
{
	autoclosedir DIR *d = dir_stream_at(dirfd, ".");
	const struct dirent *e;
	char **list = NULL;

	if (!d)
		return NULL;
	while (dir_next(d, &e, NULL) > 0)
		if (*e->d_name != '.')
			strv_add(&list, e->d_name);
	strv_sort(list);
	return list;
}

int dir_make_at(int dirfd, const char *name, mode_t mode, struct err *err)
{
	bool made = mkdirat(dirfd, name, mode) == 0;
	struct stat st;

	if (!made && errno != EEXIST)
		return err_sys(err, "create directory %s", name);
	autoclose int fd = dir_open_at(dirfd, name);
	if (fd < 0)
		return err_code(err, fd, "open directory %s", name);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", name);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_FAIL, EPERM,
			       "directory %s belongs to uid %u, not to us",
			       name, (unsigned int)st.st_uid);
	if (made && (st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return err_sys(err, "chmod %s", name);
	if (!made && mode == 0700 && (st.st_mode & 077))
		return err_set(err, ERR_FAIL, EPERM,
			       "directory %s is open to others (mode %04o): "
			       "chmod 700 it",
			       name, (unsigned int)st.st_mode & 07777);
	return take_fd(fd);
}
