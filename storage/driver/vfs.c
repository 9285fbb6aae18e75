/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The driver of last resort: a container gets the merged layers as plain
 * files.  A child, root in the user namespace, copies layer after layer, base
 * first, into a directory that nobody else knows yet; a later layer replaces
 * what it has and removes what it whites out.  In each directory whiteouts
 * come before entries, as they concern lower layers only.
 *
 * File data is shared by reflink where the file system can, else copied
 * extent by extent, so that holes stay holes.  Hard links within a layer stay
 * hard links.  All names are looked at by descriptor and never followed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <search.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "storage/driver/meta.h"
#include "storage/image/names.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define WHITEOUT ".wh."
#define DEPTH_MAX 1100 /* bryo-layer allows 1024 */

/**
 * struct link_name - where the first of several hard links was made
 */
struct link_name {
	dev_t dev;
	ino_t ino;
	char *path; /* owned; relative to the tree */
};

/**
 * struct copy - one layer on its way into the tree
 * @root:  the tree
 * @info:  of the layer; @implied: its implied paths (tsearch, borrowed texts)
 * @links: tsearch of owned struct link_name
 * @path:  of the directory that is being copied, "" = the root
 */
struct copy {
	int root;
	void *implied;
	void *links;
	struct sb path;
	unsigned int depth;
};

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int compare_link(const void *a, const void *b)
{
	const struct link_name *x = a;
	const struct link_name *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->ino > y->ino) - (x->ino < y->ino);
}

static void keep_text(void *p unused_attr)
{
}

static void free_link(void *p)
{
	struct link_name *l = p;

	free(l->path);
	free(l);
}

static void copy_done(struct copy *c)
{
	tdestroy(c->implied, keep_text);
	tdestroy(c->links, free_link);
	sb_done(&c->path);
}

static bool is_dot(const char *name)
{
	return streq(name, ".") || streq(name, "..");
}

/* ---- content ------------------------------------------------------------ */

static int copy_range(int from, int to, off_t at, off_t end)
{
	while (at < end) {
		off_t in = at, out = at;
		ssize_t n = copy_file_range(from, &in, to, &out,
					    (size_t)(end - at), 0);

		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		at += n;
	}
	return 0;
}

/* KERNEL(5.3): copy_file_range() between two file systems, and FUSE */
static int read_range(int from, int to, off_t at, off_t end)
{
	autofree char *buf = xmalloc(256 << 10);

	while (at < end) {
		ssize_t n = pread(from, buf, 256 << 10, at);

		if (n <= 0)
			return n < 0 ? -errno : 0;
		if (pwrite(to, buf, (size_t)n, at) != n)
			return errno ? -errno : -EIO;
		at += n;
	}
	return 0;
}

/* Extent by extent: a sparse file of exabytes is nothing but its data. */
static int copy_data(int from, int to, off_t size)
{
	off_t at = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (ftruncate(to, size) < 0)
		return -errno;
	while (at < size) {
		off_t data = lseek(from, at, SEEK_DATA);
		off_t end;
		int r;

		if (data < 0)
			return errno == ENXIO ? 0 : -errno;
		end = lseek(from, data, SEEK_HOLE);
		if (end < 0)
			return -errno;
		r = copy_range(from, to, data, end);
		if (r == -EXDEV || r == -EINVAL || r == -ENOSYS ||
		    r == -EOPNOTSUPP)
			r = read_range(from, to, data, end);
		if (r < 0)
			return r;
		at = end;
	}
	return 0;
}

static char *full_path(const struct copy *c, const char *name)
{
	return c->path.len ? xasprintf("%s/%s", c->path.buf, name) :
			     xstrdup(name);
}

/* 1 linked to the copy made before, 0 first of its kind, -errno */
static int copy_link(struct copy *c, const struct stat *st, int to,
		     const char *name)
{
	struct link_name key = { st->st_dev, st->st_ino, NULL };
	struct link_name *made;
	char path[FD_PATH_MAX];
	void *found;

	if (st->st_nlink < 2)
		return 0;
	found = tfind(&key, &c->links, compare_link);
	if (!found) {
		made = xmemdup(&key, sizeof(key));
		made->path = full_path(c, name);
		if (!tsearch(made, &c->links, compare_link))
			die_oom();
		return 0;
	}
	made = *(struct link_name **)found;
	autoclose int fd = path_open(c->root, made->path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (linkat(AT_FDCWD, fd_path(fd, path), to, name,
		   AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	return 1;
}

static int copy_file(struct copy *c, int from, const struct stat *st, int to,
		     const char *name, struct err *err)
{
	char path[FD_PATH_MAX];
	int r = copy_link(c, st, to, name);

	if (r != 0)
		return r < 0 ? err_code(err, r, "link %s", name) : 0;
	autoclose int in = open(fd_path(from, path), O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return err_sys(err, "open %s", name);
	autoclose int out = openat(to, name, O_RDWR | O_CREAT | O_EXCL |
				   O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return err_sys(err, "create %s", name);
	r = copy_data(in, out, st->st_size);
	if (r < 0)
		return err_code(err, r, "copy %s", name);
	return meta_copy(from, out, META_FILE, err);
}

static int copy_symlink(int from, int to, const char *name, struct err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, "", target, sizeof(target) - 1);

	if (n < 0)
		return err_sys(err, "read link %s", name);
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0)
		return err_sys(err, "link %s", name);
	autoclose int out = openat(to, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return err_sys(err, "open %s", name);
	return meta_copy(from, out, META_LINK, err);
}

static int copy_fifo(int from, int to, const char *name, struct err *err)
{
	if (mkfifoat(to, name, 0600) < 0)
		return err_sys(err, "make fifo %s", name);
	autoclose int out = openat(to, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (out < 0)
		return err_sys(err, "open %s", name);
	return meta_copy(from, out, META_FILE, err);
}

/* ---- directories -------------------------------------------------------- */

static int copy_dir(struct copy *c, int from, int to, struct err *err);

static int enter_dir(struct copy *c, int from, int to, const char *name,
		     struct err *err)
{
	size_t len = c->path.len;
	int r;

	if (++c->depth > DEPTH_MAX)
		return err_set(err, ERR_LIMIT, ELOOP,
			       "directories are nested too deep");
	if (len)
		sb_addch(&c->path, '/');
	sb_add(&c->path, name);
	r = copy_dir(c, from, to, err);
	sb_trunc(&c->path, len);
	c->depth--;
	return r;
}

static int copy_subdir(struct copy *c, int from, int to, const char *name,
		       struct err *err)
{
	char path[FD_PATH_MAX];
	struct stat st;
	bool there = fstatat(to, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	int r;

	if (there && (!S_ISDIR(st.st_mode) || meta_is_opaque(from))) {
		r = tree_remove_at(to, name, err);
		if (r < 0)
			return r;
		there = false;
	}
	if (!there && mkdirat(to, name, 0700) < 0)
		return err_sys(err, "make directory %s", name);
	autoclose int in = open(fd_path(from, path), O_RDONLY | O_DIRECTORY |
				O_CLOEXEC);
	if (in < 0)
		return err_sys(err, "open directory %s", name);
	autoclose int out = dir_open_at(to, name);
	if (out < 0)
		return err_code(err, out, "open directory %s", name);
	r = enter_dir(c, in, out, name, err);
	if (r < 0)
		return r;
	autofree char *full = full_path(c, name);
	/* Only implied here: the layer below had the real entry */
	if (there && tfind(full, &c->implied, compare_text))
		return 0;
	return meta_copy(in, out, META_DIR, err);
}

static int copy_entry(struct copy *c, int from, int to, const char *name,
		      struct err *err)
{
	struct stat st;
	int r;

	autoclose int fd = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open %s", name);
	if (S_ISDIR(st.st_mode))
		return copy_subdir(c, fd, to, name, err);
	r = tree_remove_at(to, name, err);
	if (r < 0)
		return r;
	if (S_ISREG(st.st_mode))
		return copy_file(c, fd, &st, to, name, err);
	if (S_ISLNK(st.st_mode))
		return copy_symlink(fd, to, name, err);
	if (S_ISFIFO(st.st_mode))
		return copy_fifo(fd, to, name, err);
	return 0; /* a whiteout device; others do not exist in layers */
}

/* ".wh..wh..opq": everything that lower layers put here goes. */
static int clear_dir(int to, struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(to, ".");
	const struct dirent *e;
	int r = d ? 0 : err_sys(err, "read a directory");

	while (r == 0 && (r = dir_next(d, &e, err)) > 0)
		r = tree_remove_at(to, e->d_name, err);
	return r;
}

static int apply_mark(int to, const char *name, struct err *err)
{
	const char *hidden = str_after(name, WHITEOUT);

	if (streq(name, WHITEOUT WHITEOUT ".opq"))
		return clear_dir(to, err);
	if (!*hidden || is_dot(hidden) || str_starts(hidden, WHITEOUT))
		return 0;
	return tree_remove_at(to, hidden, err);
}

/* @marks: the whiteouts of the directory, else everything but them */
static int copy_pass(struct copy *c, int from, int to, bool marks,
		     struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(from, ".");
	const struct dirent *e;
	int r = d ? 0 : err_sys(err, "read a directory");

	while (r == 0 && (r = dir_next(d, &e, err)) > 0) {
		r = 0;
		if (str_starts(e->d_name, WHITEOUT) != marks)
			continue;
		r = marks ? apply_mark(to, e->d_name, err) :
			    copy_entry(c, from, to, e->d_name, err);
	}
	return r;
}

static int copy_dir(struct copy *c, int from, int to, struct err *err)
{
	int r = copy_pass(c, from, to, true, err);

	return r < 0 ? r : copy_pass(c, from, to, false, err);
}

/* ---- layers ------------------------------------------------------------- */

static int copy_layer(struct store *s, const char *hex, int root,
		      struct err *err)
{
	cleanup(copy_done) struct copy c = { .root = root, .path = SB_INIT };
	auto_layer_info struct layer_info info = { 0 };
	char path[FD_PATH_MAX];
	int r = layer_read(s, hex, &info, err);

	if (r < 0)
		return r;
	for (char **p = info.implied; p && *p; p++)
		if (!tsearch(*p, &c.implied, compare_text))
			die_oom();
	autoclose int fd = layer_open(s, hex);
	if (fd < 0)
		return err_code(err, fd, "open layer %.12s", hex);
	autoclose int from = open(fd_path(fd, path), O_RDONLY | O_DIRECTORY |
				  O_CLOEXEC);
	if (from < 0)
		return err_sys(err, "open layer %.12s", hex);
	r = meta_is_opaque(from) ? clear_dir(root, err) : 0;
	if (r == 0)
		r = copy_dir(&c, from, root, err);
	if (r == 0 && !tfind(".", &c.implied, compare_text))
		r = meta_copy(from, root, META_DIR, err);
	return r < 0 ? err_wrap(err, r, "layer %.12s", hex) : 0;
}

struct tree {
	struct store *s;
	char **layers; /* top first */
	int dirfd;
	const char *name;
};

static int tree_child(void *arg, struct err *err)
{
	const struct tree *t = arg;
	struct rlimit lim;
	int r = 0;

	/* Two descriptors per level of a deep tree */
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	umask(0);
	autoclose int root = dir_open_at(t->dirfd, t->name);
	if (root < 0)
		return err_code(err, root, "open directory %s", t->name);
	for (size_t i = strv_len(t->layers); r == 0 && i > 0; i--)
		r = copy_layer(t->s, t->layers[i - 1], root, err);
	return r;
}

int store_tree_make(struct store *s, const struct image *img, int dirfd,
		    const char *name, struct err *err)
{
	struct tree t = { s, NULL, dirfd, name };
	autostrv char **layers = NULL;
	int r = image_layers(s, img->id, &layers, err);

	TRACE("store", "vfs copy");
	if (r < 0)
		return r;
	if (mkdirat(dirfd, name, 0755) < 0)
		return err_sys(err, "make directory %s", name);
	t.layers = layers;
	r = store_fork(s, tree_child, &t, err);
	if (r == 0 && FAULT("vfs.copied") < 0)
		r = err_sys(err, "copy the image");
	if (r < 0) {
		store_trash(s, dirfd, name, NULL);
		return err_wrap(err, r, "copy image %.12s", img->id);
	}
	return 0;
}
