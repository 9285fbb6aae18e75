/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/driver/meta.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "util/fd.h"
#include "util/str.h"

bool meta_is_opaque(int fd)
{
	static const char *const names[] = { "user.overlay.opaque",
					     "user.fuseoverlayfs.opaque" };
	char path[FD_PATH_MAX];
	char value[2];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (getxattr(fd_path(fd, path), names[i], value,
			     sizeof(value)) == 1 && value[0] == 'y')
			return true;
	return false;
}

static bool is_private(const char *name)
{
	return str_starts(name, "user.overlay.") ||
	       str_starts(name, "user.fuseoverlayfs.");
}

static int copy_xattr(const char *from, const char *to, const char *name,
		      struct err *err)
{
	autofree char *value = xmalloc(XATTR_SIZE_MAX);
	ssize_t n = getxattr(from, name, value, XATTR_SIZE_MAX);

	if (n < 0)
		return errno == ENODATA ? 0 : err_sys(err, "read %s", name);
	if (setxattr(to, name, value, (size_t)n, 0) == 0)
		return 0;
	/* A file system without them keeps the file itself */
	if (errno == EOPNOTSUPP || errno == EPERM)
		return 0;
	return err_sys(err, "set %s", name);
}

static int copy_xattrs(int from, int to, struct err *err)
{
	autofree char *list = xmalloc(XATTR_LIST_MAX);
	char a[FD_PATH_MAX], b[FD_PATH_MAX];
	ssize_t n = listxattr(fd_path(from, a), list, XATTR_LIST_MAX);
	int r = 0;

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : err_sys(err, "listxattr");
	fd_path(to, b);
	for (char *name = list; r == 0 && name < list + n;
	     name += strlen(name) + 1)
		if (!is_private(name))
			r = copy_xattr(a, b, name, err);
	return r;
}

static int copy_owner(int to, const struct stat *st, struct err *err)
{
	if (fchownat(to, "", st->st_uid, st->st_gid,
		     AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	/* A single-id namespace has no name for the owner: root then */
	if (errno == EINVAL || errno == EPERM || errno == EOVERFLOW)
		return 0;
	return err_sys(err, "chown");
}

int meta_copy(int from, int to, enum meta_kind kind, struct err *err)
{
	char path[FD_PATH_MAX];
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return err_sys(err, "stat");
	r = copy_owner(to, &st, err);
	/* chown clears setuid bits and capabilities: they come after it */
	if (r == 0 && kind != META_LINK &&
	    chmod(fd_path(to, path), st.st_mode & 07777) < 0)
		r = err_sys(err, "chmod");
	if (r == 0 && kind != META_LINK)
		r = copy_xattrs(from, to, err);
	if (r < 0)
		return r;
	const struct timespec times[] = { st.st_atim, st.st_mtim };

	if (kind == META_LINK)
		r = utimensat(to, "", times, AT_EMPTY_PATH |
			      AT_SYMLINK_NOFOLLOW);
	else
		r = utimensat(AT_FDCWD, fd_path(to, path), times, 0);
	/* KERNEL(5.8): AT_EMPTY_PATH of utimensat; a symlink's time is lost */
	if (r < 0 && kind != META_LINK)
		return err_sys(err, "set times");
	return 0;
}
