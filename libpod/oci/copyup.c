/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/copyup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/filecopy.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Runs in init, before pivot_root: both trees are hostile (the image's, and a
 * volume that another container may be using), so each entry is opened by
 * name in a directory descriptor, O_NOFOLLOW, and made O_EXCL.  What changed
 * between the listing and the open is an error.  Hard links are found again
 * through a table of (device, inode) -> path below @to; the path is made of
 * names that we created ourselves and is walked without following anything.
 */

#define DEPTH_MAX 200		/* two descriptors each, below 1024 */

struct link {
	ino_t ino;
	char *path;	/* owned; relative to the top */
};

struct copy {
	dev_t dev;
	int top;		/* borrowed: the destination */
	struct link *links;	/* owned; sorted by nothing: they are few */
	size_t n_links;
	struct sb path; /* of the directory being copied, "" or "a/b/" */
	unsigned int depth;
};

static void copy_done(struct copy *c)
{
	for (size_t i = 0; i < c->n_links; i++)
		free(c->links[i].path);
	free(c->links);
	sb_done(&c->path);
}

int copyup_is_empty(int dir)
{
	autoclosedir DIR *d = dir_stream_at(dir, ".");
	const struct dirent *e;
	int r;

	if (!d)
		return -errno;
	while ((r = dir_next(d, &e, NULL)) > 0)
		if (!streq(e->d_name, "lost+found"))
			return 0;
	return r < 0 ? r : 1;
}

/* chown first: it drops setuid bits and file capabilities. */
static int copy_meta(int from, int to, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	char path[FD_PATH_MAX];
	int r;

	if (fchownat(to, "", st->st_uid, st->st_gid, AT_EMPTY_PATH) < 0)
		return -errno;
	r = file_copy_xattrs(from, to);
	if (r < 0)
		return r;
	if (chmod(fd_path(to, path), st->st_mode & 07777) < 0)
		return -errno;
	if (utimensat(AT_FDCWD, path, times, 0) < 0)
		return -errno;
	return 0;
}

static int copy_file(int from_dir, int to_dir, const char *name,
		     const struct stat *st)
{
	struct stat have;
	int r;

	autoclose int from = openat(from_dir, name, O_RDONLY | O_NOFOLLOW |
				    O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (from < 0)
		return -errno;
	if (fstat(from, &have) < 0)
		return -errno;
	if (!S_ISREG(have.st_mode) || have.st_ino != st->st_ino)
		return -ESTALE;
	autoclose int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL |
				  O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return -errno;
	r = file_copy_data(from, to, &have);
	return r < 0 ? r : copy_meta(from, to, &have);
}

static int copy_symlink(int from_dir, int to_dir, const char *name,
			const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to_dir, name) < 0 ||
	    fchownat(to_dir, name, st->st_uid, st->st_gid,
		     AT_SYMLINK_NOFOLLOW) < 0 ||
	    utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_fifo(int from_dir, int to_dir, const char *name,
		     const struct stat *st)
{
	autoclose int from = openat(from_dir, name, O_PATH | O_NOFOLLOW |
				    O_CLOEXEC);

	if (from < 0 || mkfifoat(to_dir, name, 0600) < 0)
		return -errno;
	autoclose int to = openat(to_dir, name, O_PATH | O_NOFOLLOW |
				  O_CLOEXEC);
	return to < 0 ? -errno : copy_meta(from, to, st);
}

/* Open a file of ours below the top, one component after the other. */
static int reopen_made(int top, const char *path)
{
	autofree char *copy = xstrdup(path);
	char *rest = copy;
	char *name;
	autoclose int fd = fcntl(top, F_DUPFD_CLOEXEC, 3);

	while (fd >= 0 && (name = strsep(&rest, "/"))) {
		int next = openat(fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			return -errno;
		close(fd);
		fd = next;
	}
	return take_fd(fd);
}

/* 1: linked to an earlier copy, 0: the first of its links, -errno */
static int copy_hardlink(struct copy *c, int to_dir, const char *name,
			 const struct stat *st)
{
	char proc[FD_PATH_MAX];

	for (size_t i = 0; i < c->n_links; i++) {
		if (c->links[i].ino != st->st_ino)
			continue;
		autoclose int fd = reopen_made(c->top, c->links[i].path);
		if (fd < 0)
			return fd;
		return linkat(AT_FDCWD, fd_path(fd, proc), to_dir, name,
			      AT_SYMLINK_FOLLOW) < 0 ? -errno : 1;
	}
	c->links = xreallocarray(c->links, c->n_links + 1, sizeof(*c->links));
	c->links[c->n_links].ino = st->st_ino;
	c->links[c->n_links++].path = xasprintf("%s%s", c->path.buf, name);
	return 0;
}

static int copy_dir(struct copy *c, int from, int to);

static int copy_subdir(struct copy *c, int from_dir, int to_dir,
		       const char *name)
{
	size_t len = c->path.len;
	int r;

	if (c->depth == DEPTH_MAX)
		return -ELOOP;
	autoclose int from = dir_open_at(from_dir, name);
	if (from < 0)
		return from;
	if (mkdirat(to_dir, name, 0700) < 0)
		return -errno;
	autoclose int to = dir_open_at(to_dir, name);
	if (to < 0)
		return to;
	c->depth++;
	sb_addf(&c->path, "%s/", name);
	r = copy_dir(c, from, to);
	sb_trunc(&c->path, len);
	c->depth--;
	return r;
}

static int copy_entry(struct copy *c, int from, int to, const char *name)
{
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		/* Something is mounted here: it is not the image's. */
		if (st.st_dev != c->dev)
			return 0;
		return copy_subdir(c, from, to, name);
	}
	if (st.st_nlink > 1) {
		int r = copy_hardlink(c, to, name, &st);

		if (r != 0)
			return MIN(r, 0);
	}
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st);
	if (S_ISLNK(st.st_mode))
		return copy_symlink(from, to, name, &st);
	if (S_ISFIFO(st.st_mode))
		return copy_fifo(from, to, name, &st);
	return 0;
}

static int copy_dir(struct copy *c, int from, int to)
{
	autoclosedir DIR *d = dir_stream_at(from, ".");
	const struct dirent *e;
	struct stat st;
	int r = d ? 0 : -errno;

	while (r == 0 && (r = dir_next(d, &e, NULL)) > 0)
		r = copy_entry(c, from, to, e->d_name);
	if (r < 0)
		return r;
	if (fstat(from, &st) < 0)
		return -errno;
	return copy_meta(from, to, &st);
}

int copyup_tree(int from, int to, struct err *err)
{
	struct copy c cleanup(copy_done) = { .top = to, .path = SB_INIT };
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return err_sys(err, "stat the directory to copy");
	c.dev = st.st_dev;
	r = copy_dir(&c, from, to);
	if (r < 0)
		return err_code(err, r, "copy %s",
				c.path.len ? c.path.buf : "the directory");
	return 0;
}
