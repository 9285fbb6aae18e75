/* SPDX-License-Identifier: Apache-2.0 */
#include "util/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/str.h"

/*
 * rm -rf by descriptors.  The tree may be a container's: names are never
 * joined to paths, symlinks never followed, mounts never entered.  It walks
 * with an explicit stack of open directories, so that a hostile depth costs
 * descriptors, not stack; beyond DEPTH_MAX a directory is lifted to the top
 * of the tree and goes on there.
 */
#define DEPTH_MAX 256
/* Somebody who has a directory open may still put a file into it (a health
 * check that ends while its container is removed): it is read again. */
#define AGAIN_MAX 1000

struct level {
	DIR *dir;
	char name[NAME_MAX + 1];
};

struct walk {
	int root;	/* directory that holds the tree; borrowed */
	dev_t dev;
	struct level *stack;
	size_t depth;
	unsigned int lifted;
	unsigned int again;
};

static int parent_fd(const struct walk *w)
{
	return w->depth ? dirfd(w->stack[w->depth - 1].dir) : w->root;
}

/* Never through a symlink that somebody puts there meanwhile */
static int make_searchable(int at, const char *name)
{
	char path[FD_PATH_MAX];
	autoclose int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
						    O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fchmodat(AT_FDCWD, fd_path(fd, path), 0700, 0) == 0)
		return 0;
	/* bryo-layer has no /proc, but is alone in its tree.
	   KERNEL(6.6): fchmodat2(2) needs none */
	return errno == ENOENT ? fchmodat(at, name, 0700, 0) : -errno;
}

static int open_level(struct walk *w, const char *name, struct err *err)
{
	int at = parent_fd(w);
	struct stat st;

	autoclose int fd = dir_open_at(at, name);
	if (fd == -EACCES && make_searchable(at, name) == 0)
		fd = dir_open_at(at, name);
	if (fd == -ENOENT)
		return 0;	/* somebody else removes the tree too */
	if (fd < 0)
		return err_code(err, fd, "open %s", name);
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat %s", name);
	if (st.st_dev != w->dev)
		return err_set(err, ERR_IN_USE, EBUSY, "%s is a mount point",
			       name);
	if ((st.st_mode & 0700) != 0700)
		(void)!fchmod(fd, 0700);
	DIR *dir = fdopendir(fd);
	if (!dir)
		return err_sys(err, "read %s", name);
	take_fd(fd);
	struct level *l = &w->stack[w->depth++];
	l->dir = dir;
	memcpy(l->name, name, strlen(name) + 1);
	return 0;
}

/* Too deep: move the directory next to the tree's top and meet it there. */
static int lift(struct walk *w, const char *name, struct err *err)
{
	autofree char *to = xasprintf(".lifted-%u", w->lifted++);

	if (renameat(parent_fd(w), name, dirfd(w->stack[0].dir), to) < 0)
		return err_sys(err, "move %s", name);
	rewinddir(w->stack[0].dir);
	return 0;
}

static int remove_entry(struct walk *w, const struct dirent *e,
			struct err *err)
{
	int at = parent_fd(w);

	if (e->d_type != DT_DIR) {
		if (unlinkat(at, e->d_name, 0) == 0 || errno == ENOENT)
			return 0;
		if (errno != EISDIR && errno != EPERM)
			return err_sys(err, "remove %s", e->d_name);
	}
	if (unlinkat(at, e->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (w->depth == DEPTH_MAX)
		return lift(w, e->d_name, err);
	return open_level(w, e->d_name, err);
}

static int leave_level(struct walk *w, struct err *err)
{
	struct level *l = &w->stack[w->depth - 1];
	int at = w->depth > 1 ? dirfd(w->stack[w->depth - 2].dir) : w->root;

	if (unlinkat(at, l->name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		if (errno != ENOTEMPTY || w->again++ == AGAIN_MAX)
			return err_sys(err, "remove %s", l->name);
		rewinddir(l->dir);
		return 0;
	}
	closedir(l->dir);
	l->dir = NULL;
	w->depth--;
	return 0;
}

static int walk_tree(struct walk *w, struct err *err)
{
	while (w->depth) {
		const struct level *l = &w->stack[w->depth - 1];
		const struct dirent *e;
		int r = dir_next(l->dir, &e, err);

		if (r < 0)
			return err_wrap(err, r, "%s", l->name);
		r = e ? remove_entry(w, e, err) : leave_level(w, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int tree_remove_at(int dirfd_, const char *name, struct err *err)
{
	struct walk w = { .root = dirfd_ };
	struct stat st;
	int r;

	if (fstatat(dirfd_, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_sys(err, "stat %s", name);
	}
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(dirfd_, name, 0) < 0 && errno != ENOENT)
			return err_sys(err, "remove %s", name);
		return 0;
	}
	w.dev = st.st_dev;
	w.stack = xcalloc(DEPTH_MAX, sizeof(*w.stack));
	r = open_level(&w, name, err);
	if (r == 0)
		r = walk_tree(&w, err);
	while (w.depth)
		closedir(w.stack[--w.depth].dir);
	free(w.stack);
	return r;
}
