/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the files of an image are written: a tar or a directory.
 *
 * A tar wants the size of a member before its content, so both are told it.  A
 * file of a directory grows under a name of its own and is renamed, so that a
 * save that was killed leaves nothing that looks whole.
 */
#include "storage/archive/sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/filecopy.h"
#include "util/str.h"

struct sink sink_tar(int fd)
{
	struct sink k = SINK_INIT;

	k.tar.fd = fd;
	return k;
}

struct sink sink_dir(int fd)
{
	struct sink k = SINK_INIT;

	k.dir = fd;
	snprintf(k.temp, sizeof(k.temp), ".bryo-%d", (int)getpid());
	return k;
}

/* The directory of @name and its last component; at most two levels. */
static int open_parent(const struct sink *k, const char *name,
		       const char **ret_last)
{
	int dir = fcntl(k->dir, F_DUPFD_CLOEXEC, 3);
	const char *slash;

	while (dir >= 0 && (slash = strchr(name, '/'))) {
		autofree char *part = xstrndup(name, (size_t)(slash - name));
		int next = dir_open_at(dir, part);

		close(dir);
		dir = next;
		name = slash + 1;
	}
	*ret_last = name;
	return dir;
}

int sink_mkdir(struct sink *k, const char *name, struct err *err)
{
	autofree char *member = xasprintf("%s/", name);
	const char *last;

	if (!sink_is_dir(k))
		return tar_dir(&k->tar, member, err);
	autoclose int dir = open_parent(k, name, &last);
	if (dir < 0)
		return err_code(err, dir, "open the directory of %s", name);
	if (mkdirat(dir, last, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make directory %s", name);
	return 0;
}

bool sink_has(const struct sink *k, const char *name, const uint64_t *size)
{
	const char *last;
	struct stat st;

	if (!sink_is_dir(k))
		return false;
	autoclose int dir = open_parent(k, name, &last);
	return dir >= 0 &&
	       fstatat(dir, last, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st.st_mode) &&
	       (!size || (uint64_t)st.st_size == *size);
}

int sink_begin(struct sink *k, const char *name, uint64_t size,
	       struct err *err)
{
	int r;

	if (!sink_is_dir(k)) {
		r = tar_begin(&k->tar, name, size, err);
		k->fd = k->tar.fd;
		return r;
	}
	/* What an earlier process of our number left */
	(void)unlinkat(k->dir, k->temp, 0);
	k->file = openat(k->dir, k->temp, O_WRONLY | O_CREAT | O_EXCL |
			 O_NOFOLLOW | O_CLOEXEC, 0644);
	if (k->file < 0)
		return err_sys(err, "create %s", name);
	k->fd = k->file;
	return 0;
}

int sink_end(struct sink *k, const char *name, uint64_t size, struct err *err)
{
	const char *last;

	k->fd = -EBADF;
	if (!sink_is_dir(k)) {
		tar_skip(&k->tar, size);
		return tar_end(&k->tar, err);
	}
	autoclose int dir = open_parent(k, name, &last);
	if (dir < 0)
		return err_code(err, dir, "open the directory of %s", name);
	if (fsync(k->file) < 0)
		return err_sys(err, "write %s", name);
	close_fd(k->file);
	if (renameat(k->dir, k->temp, dir, last) < 0)
		return err_sys(err, "rename %s into place", name);
	return 0;
}

/* What a job writes to without moving the place where we stand. */
static int own_description(const struct sink *k)
{
	char path[FD_PATH_MAX];
	int fd = open(fd_path(k->tar.fd, path), O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool sink_can_reserve(const struct sink *k)
{
	struct stat st;
	int flags = fcntl(k->tar.fd, F_GETFL);

	if (sink_is_dir(k) || flags < 0 || flags & O_APPEND ||
	    fstat(k->tar.fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	autoclose int fd = own_description(k);
	return fd >= 0;
}

int sink_reserve(struct sink *k, const char *name, uint64_t size,
		 struct err *err)
{
	int r = tar_begin(&k->tar, name, size, err);

	if (r < 0)
		return r;
	autoclose int fd = own_description(k);
	off_t at = lseek(k->tar.fd, 0, SEEK_CUR);
	if (fd < 0)
		return err_code(err, fd, "open the archive again");
	if (at < 0 || lseek(fd, at, SEEK_SET) < 0 ||
	    lseek(k->tar.fd, (off_t)size, SEEK_CUR) < 0)
		return err_sys(err, "seek in the archive");
	tar_skip(&k->tar, size);
	r = tar_end(&k->tar, err);
	return r < 0 ? r : take_fd(fd);
}

int sink_file(struct sink *k, const char *name, const void *data, size_t len,
	      struct err *err)
{
	int r = sink_begin(k, name, len, err);

	if (r < 0)
		return r;
	r = fd_write_full(k->fd, data, len);
	if (r < 0)
		return err_code(err, r, "write %s", name);
	return sink_end(k, name, len, err);
}

int sink_copy(struct sink *k, const char *name, int fd, uint64_t size,
	      struct err *err)
{
	int r = sink_begin(k, name, size, err);

	if (r < 0)
		return r;
	r = file_send(fd, 0, k->fd, size);
	if (r == -ENODATA)
		return err_set(err, ERR_FAIL, EIO, "%s is shorter than it was",
			       name);
	if (r < 0)
		return err_code(err, r, "copy %s", name);
	return sink_end(k, name, size, err);
}

int sink_finish(struct sink *k, struct err *err)
{
	if (!sink_is_dir(k))
		return tar_finish(&k->tar, err);
	if (fsync(k->dir) < 0)
		return err_sys(err, "sync the directory");
	return 0;
}

void sink_done(struct sink *k)
{
	if (k->file >= 0)
		(void)unlinkat(k->dir, k->temp, 0);
	close_fd(k->file);
}
