/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/blob.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "storage/store_int.h"
#include "util/fd.h"

int blob_open(struct store *s, const char *hex, uint64_t *ret_size)
{
	int dir = store_dir(s, STORE_BLOBS, NULL);
	struct stat st;

	if (dir < 0)
		return dir;
	autoclose int fd = openat(dir, hex, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
				  O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	if (ret_size)
		*ret_size = (uint64_t)st.st_size;
	return take_fd(fd);
}

bool blob_exists(struct store *s, const char *hex)
{
	int dir = store_dir(s, STORE_BLOBS, NULL);

	/* not the C library's, which is faccessat2(2): see path_is_at() */
	return dir >= 0 && syscall(SYS_faccessat, dir, hex, R_OK) == 0;
}

int blob_read(struct store *s, const char *hex, size_t max, struct sb *out,
	      struct err *err)
{
	int dir = store_dir(s, STORE_BLOBS, err);
	int r;

	if (dir < 0)
		return dir;
	r = file_read_at(dir, hex, max, out);
	if (r < 0)
		return err_code(err, r, "read blob %s", hex);
	return 0;
}

int blob_put(struct store *s, const char *hex, const void *data, size_t len,
	     struct err *err)
{
	int staging = store_dir(s, STORE_STAGING, err);
	char name[STORE_UNIQUE_MAX];
	int r;

	if (staging < 0)
		return staging;
	store_unique(s, name);
	autoclose int fd = openat(staging, name, O_WRONLY | O_CREAT | O_EXCL |
				  O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "create blob %s", hex);
	r = fd_write_full(fd, data, len);
	if (r < 0)
		r = err_code(err, r, "write blob %s", hex);
	else if (fsync(fd) < 0)
		r = err_sys(err, "fsync blob %s", hex);
	if (r == 0)
		r = blob_take(s, staging, name, hex, err);
	if (r < 0)
		unlinkat(staging, name, 0);
	return r;
}

int blob_take(struct store *s, int dirfd, const char *name, const char *hex,
	      struct err *err)
{
	int dir = store_dir(s, STORE_BLOBS, err);

	if (dir < 0)
		return dir;
	/* Replaces an equal one, or one that was damaged */
	if (renameat(dirfd, name, dir, hex) < 0)
		return err_sys(err, "rename blob %s into place", hex);
	return 0;
}

int blob_sync(struct store *s, struct err *err)
{
	const enum store_dir dirs[] = { STORE_LAYERS, STORE_BLOBS };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		int fd = store_dir(s, dirs[i], err);

		if (fd < 0)
			return fd;
		if (fsync(fd) < 0)
			return err_sys(err, "fsync the store");
	}
	return 0;
}
