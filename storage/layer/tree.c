/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/tree_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "storage/layer/xattr.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/safe.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * All that is written below the root goes through here, by descriptors and
 * one name at a time.  Archives list what is in a directory together, so the
 * directories from the root to the current parent stay open (t->dir): a
 * typical file costs openat, write, utimensat, close and nothing else.
 *
 * No name is ever resolved twice and none is followed: each step opens one
 * component with O_NOFOLLOW below a descriptor.  The one exception is a
 * parent directory that is a symlink of this layer: it is opened by
 * path_open(), confined to the root (chroot rules), and must be a directory.
 *
 * Everything is made with O_EXCL or its like after what had the name was
 * unlinked: writing through an existing inode (a hard link) cannot happen.
 *
 * Times of a directory are put back when it is left: making files in it
 * changes them, whether its own member came before or after.  That needs no
 * list of directories, so memory does not grow with their number.
 *
 * Whiteouts hide what lower layers have under a name.  A directory of this
 * layer that has one is opaque instead; so is one that replaces a whiteout.
 */

static struct tree_dir *top(struct tree *t)
{
	return &t->dir[t->depth - 1];
}

/* ---- implied directories ------------------------------------------------- */

static int compare_paths(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int imply(struct tree *t, const char *path, struct err *err)
{
	char *copy;

	if (t->n_implied == TREE_IMPLIED_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "more than %d directories have no member of "
			       "their own", TREE_IMPLIED_MAX);
	if (tfind(path, &t->implied, compare_paths))
		return 0;
	copy = xstrdup(path);
	if (!tsearch(copy, &t->implied, compare_paths))
		die_oom();
	t->n_implied++;
	return 0;
}

static void forget_implied(struct tree *t, const char *path)
{
	void *node = t->n_implied ? tfind(path, &t->implied, compare_paths) :
				    NULL;
	char *copy;

	if (!node)
		return;
	copy = *(char **)node;
	tdelete(path, &t->implied, compare_paths);
	t->n_implied--;
	free(copy);
}

struct each {
	struct tree *t;
	void (*fn)(const char *path, void *arg);
	void *arg;
};

static void visit(const void *node, VISIT which, void *arg)
{
	const char *path = *(const char *const *)node;
	struct each *each = arg;

	if (which != postorder && which != leaf)
		return;
	/* a later member may have put something else in its place */
	autoclose int fd = path_open(each->t->root, path,
				     O_PATH | O_DIRECTORY | O_NOFOLLOW);
	if (fd >= 0)
		each->fn(path, each->arg);
}

void tree_each_implied(struct tree *t, void (*fn)(const char *path, void *arg),
		       void *arg)
{
	struct each each = { t, fn, arg };

	twalk_r(t->implied, visit, &each);
}

/* ---- open directories ---------------------------------------------------- */

static int leave(struct tree *t, struct err *err)
{
	struct tree_dir *d = top(t);
	int r = 0;

	if (d->dirty)
		r = tree_set_times(d->fd, d->mtime, err);
	if (t->depth > 1)
		close(d->fd);
	t->depth--;
	sb_trunc(&t->path, t->depth ? top(t)->path_len : 0);
	return r;
}

static struct tree_dir *enter(struct tree *t, int fd, const char *base,
			      size_t len)
{
	bool hidden = top(t)->hidden;

	if (t->path.len)
		sb_addch(&t->path, '/');
	sb_addn(&t->path, base, len);
	t->dir[t->depth++] = (struct tree_dir){
		.fd = fd,
		.path_len = t->path.len,
		.hidden = hidden,
	};
	return top(t);
}

static bool is_opaque(const struct tree *t, int fd)
{
	char value[4];
	struct stat st;

	if (t->format == LAYER_OVERLAY)
		return fgetxattr(fd, XATTR_OPAQUE, value, sizeof(value)) > 0;
	return fstatat(fd, WHITEOUT_OPAQUE, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int enter_existing(struct tree *t, int fd, const char *base,
			  size_t len, struct err *err)
{
	struct stat st;

	autoclose int own = fd;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat a directory");

	struct tree_dir *d = enter(t, take_fd(own), base, len);
	d->mtime = st.st_mtim;
	d->setgid = st.st_mode & S_ISGID;
	if (t->whiteouts && is_opaque(t, d->fd))
		d->opaque = d->hidden = true;
	return 0;
}

int tree_begin(struct tree *t, struct err *err)
{
	const struct tree_meta plain = { .mode = 0755 };
	struct stat st;

	t->path = (struct sb)SB_INIT;
	t->dir = xcalloc(TREE_DEPTH_MAX + 1, sizeof(*t->dir));
	t->dir[0] = (struct tree_dir){ .fd = t->root };
	if (tree_set_meta(t, t->root, false, &plain, err) < 0)
		return -err->code;
	if (fstat(t->root, &st) < 0)
		return err_sys(err, "stat the layer directory");
	t->dir[0].mtime = st.st_mtim;
	t->depth = 1;
	return imply(t, ".", err);
}

int tree_end(struct tree *t, struct err *err)
{
	int r = 0;

	while (t->depth)
		r = leave(t, r < 0 ? NULL : err) < 0 ? -EIO : r;
	return r < 0 ? -err->code : 0;
}

void tree_done(struct tree *t)
{
	while (t->depth > 1)
		close(t->dir[--t->depth].fd);
	t->depth = 0;
	free(t->dir);
	t->dir = NULL;
	sb_done(&t->path);
	tdestroy(t->implied, free);
	t->implied = NULL;
	t->n_implied = 0;
}

/* ---- what is in the way -------------------------------------------------- */

static int make_opaque(struct tree *t, struct tree_dir *d, struct err *err)
{
	if (d->opaque)
		return 0;
	d->opaque = true;
	d->hidden = true;
	t->whiteouts++;
	if (t->format == LAYER_OVERLAY) {
		if (fsetxattr(d->fd, XATTR_OPAQUE, "y", 1, 0) < 0)
			return err_sys(err, "mark the directory opaque");
		return 0;
	}
	d->dirty = true;

	autoclose int fd = openat(d->fd, WHITEOUT_OPAQUE,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
					  O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		return err_sys(err, "mark the directory opaque");
	return 0;
}

/* LAYER_PLAIN: drop the .wh. file beside @base; true when there was one */
static bool drop_whiteout_file(struct tree *t, const char *base)
{
	if (t->format != LAYER_PLAIN || !t->whiteouts)
		return false;

	autofree char *name = xasprintf(WHITEOUT_PREFIX "%s", base);
	return unlinkat(top(t)->fd, name, 0) == 0;
}

/* Remove what has the name.  *@ret_hidden: it was a whiteout. */
static int clear_name(struct tree *t, const char *base, bool *ret_hidden,
		      struct err *err)
{
	int at = top(t)->fd;
	struct stat st;

	if (t->whiteouts && fstatat(at, base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISCHR(st.st_mode))
		*ret_hidden = true;
	/* by way of a symlink it may be what an open directory hangs on */
	t->stale = t->aliases;
	if (unlinkat(at, base, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_sys(err, "replace what is there");
	return tree_remove_at(at, base, err);
}

static int open_dir(int at, const char *base)
{
	return openat(at, base,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* mkdir and enter; @hidden: lower layers do not show there */
static int make_dir(struct tree *t, const char *base, mode_t mode, bool hidden,
		    struct err *err)
{
	int at = top(t)->fd;
	struct tree_dir *d;
	int fd;

	top(t)->dirty = true;
	hidden |= drop_whiteout_file(t, base);
	if (mkdirat(at, base, mode & 01777) < 0)
		return err_sys(err, "make the directory");
	fd = open_dir(at, base);
	if (fd < 0)
		return err_sys(err, "open the directory");
	d = enter(t, fd, base, strlen(base));
	/* inherited; tree_set_meta() of a member decides */
	d->setgid = t->dir[t->depth - 2].setgid;
	return hidden ? make_opaque(t, d, err) : 0;
}

/* ---- parents ------------------------------------------------------------- */

/* A directory that only its content implies: 0755, 0:0, made now. */
static int make_implied(struct tree *t, const char *base, bool hidden,
			struct err *err)
{
	const struct tree_meta plain = { .mode = 0755 };
	struct tree_dir *d;

	if (make_dir(t, base, 0755, hidden, err) < 0)
		return -err->code;
	d = top(t);
	if ((d->setgid || t->single_id) &&
	    tree_set_meta(t, d->fd, false, &plain, err) < 0)
		return -err->code;
	d->setgid = false;
	if (clock_gettime(CLOCK_REALTIME, &d->mtime) < 0)
		return err_sys(err, "read the clock");
	return d->hidden ? 0 : imply(t, t->path.buf, err);
}

/* @base in the parent position is no directory: a symlink of this layer may
 * lead to one, a whiteout is replaced, anything else is wrong. */
static int enter_other(struct tree *t, const char *base, struct err *err)
{
	int at = top(t)->fd;
	bool hidden = false;
	struct stat st;
	int fd;

	if (fstatat(at, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "stat a parent directory");
	if (S_ISCHR(st.st_mode)) {
		if (clear_name(t, base, &hidden, err) < 0)
			return -err->code;
		return make_implied(t, base, true, err);
	}

	autofree char *safe = safe_line(base);
	if (!S_ISLNK(st.st_mode))
		return err_set(err, ERR_INVALID, ENOTDIR,
			       "parent '%.100s' is not a directory", safe);

	autofree char *path = t->path.len ?
				      xasprintf("%s/%s", t->path.buf, base) :
				      xstrdup(base);
	fd = path_open(t->root, path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_set(err, ERR_INVALID, ENOTDIR,
			       "parent '%.100s' is a symlink that leads to no "
			       "directory of this layer", safe);
	t->aliases = true;
	return enter_existing(t, fd, base, strlen(base), err);
}

static int enter_parent(struct tree *t, const char *base, struct err *err)
{
	int fd = open_dir(top(t)->fd, base);

	if (fd >= 0)
		return enter_existing(t, fd, base, strlen(base), err);
	if (errno == ENOTDIR || errno == ELOOP)
		return enter_other(t, base, err);
	if (errno != ENOENT)
		return err_sys(err, "open a parent directory");
	return make_implied(t, base, false, err);
}

/* How much of @path (@len bytes) is open already; leaves the rest. */
static int leave_others(struct tree *t, const char *path, size_t len,
			struct err *err)
{
	bool stale = t->stale;

	t->stale = false;
	while (t->depth > 1) {
		size_t have = top(t)->path_len;

		if (!stale && have <= len &&
		    memcmp(t->path.buf, path, have) == 0 &&
		    (have == len || path[have] == '/'))
			return 0;
		if (leave(t, err) < 0)
			return -err->code;
	}
	return 0;
}

int tree_parent(struct tree *t, const char *name, const char **ret_base,
		struct err *err)
{
	const char *slash = strrchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : 0;
	char base[NAME_MAX + 1];

	if (leave_others(t, name, len, err) < 0)
		return -err->code;
	while (top(t)->path_len < len) {
		const char *c = name + top(t)->path_len +
				(t->depth > 1 ? 1 : 0);
		size_t n = strcspn(c, "/");

		memcpy(base, c, n);
		base[n] = '\0';
		if (enter_parent(t, base, err) < 0)
			return -err->code;
	}
	*ret_base = slash ? slash + 1 : name;
	return 0;
}

/* ---- members ------------------------------------------------------------- */

int tree_root(struct tree *t, const struct tree_meta *m, struct err *err)
{
	if (tree_check_owner(t, m, err) < 0 ||
	    leave_others(t, "", 0, err) < 0 ||
	    tree_set_meta(t, t->root, false, m, err) < 0)
		return -err->code;
	t->dir[0].mtime = m->mtime;
	t->dir[0].dirty = true;
	t->dir[0].setgid = m->mode & S_ISGID;
	forget_implied(t, ".");
	return 0;
}

int tree_dir(struct tree *t, const char *base, const struct tree_meta *m,
	     struct err *err)
{
	bool hidden = false, made = false;
	int fd;

	if (tree_check_owner(t, m, err) < 0)
		return -err->code;
	fd = open_dir(top(t)->fd, base);
	if (fd >= 0) {
		if (enter_existing(t, fd, base, strlen(base), err) < 0)
			return -err->code;
	} else {
		if (errno != ENOENT && clear_name(t, base, &hidden, err) < 0)
			return -err->code;
		made = !top(t)->setgid;
		if (make_dir(t, base, m->mode, hidden, err) < 0)
			return -err->code;
	}
	if (tree_set_meta(t, top(t)->fd, made, m, err) < 0)
		return -err->code;
	top(t)->mtime = m->mtime;
	top(t)->dirty = true;
	top(t)->setgid = m->mode & S_ISGID;
	forget_implied(t, t->path.buf);
	return 0;
}

int tree_file(struct tree *t, const char *base, const struct tree_meta *m,
	      struct err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int at = top(t)->fd;
	bool hidden;
	int fd;

	if (tree_check_owner(t, m, err) < 0)
		return -err->code;
	top(t)->dirty = true;
	drop_whiteout_file(t, base);
	fd = openat(at, base, flags, m->mode & 01777);
	if (fd < 0 && errno == EEXIST) {
		if (clear_name(t, base, &hidden, err) < 0)
			return -err->code;
		fd = openat(at, base, flags, m->mode & 01777);
	}
	if (fd < 0)
		return err_sys(err, "make the file");
	return fd;
}

int tree_file_end(struct tree *t, int fd, const struct tree_meta *m,
		  struct err *err)
{
	autoclose int own = fd;

	if (tree_set_meta(t, own, true, m, err) < 0)
		return -err->code;
	return tree_set_times(own, m->mtime, err);
}

int tree_symlink(struct tree *t, const char *base, const char *target,
		 const struct tree_meta *m, struct err *err)
{
	int at = top(t)->fd;
	bool hidden;
	int r;

	if (tree_check_owner(t, m, err) < 0)
		return -err->code;
	top(t)->dirty = true;
	drop_whiteout_file(t, base);
	r = symlinkat(target, at, base);
	if (r < 0 && errno == EEXIST) {
		if (clear_name(t, base, &hidden, err) < 0)
			return -err->code;
		r = symlinkat(target, at, base);
	}
	if (r < 0)
		return err_sys(err, "make the symlink");
	return tree_set_name_meta(t, base, m, err);
}

int tree_fifo(struct tree *t, const char *base, const struct tree_meta *m,
	      struct err *err)
{
	mode_t mode = S_IFIFO | (m->mode & 0777);
	int at = top(t)->fd;
	bool hidden;
	int r;

	if (tree_check_owner(t, m, err) < 0)
		return -err->code;
	top(t)->dirty = true;
	drop_whiteout_file(t, base);
	r = mknodat(at, base, mode, 0);
	if (r < 0 && errno == EEXIST) {
		if (clear_name(t, base, &hidden, err) < 0)
			return -err->code;
		r = mknodat(at, base, mode, 0);
	}
	if (r < 0)
		return err_sys(err, "make the fifo");
	return tree_set_name_meta(t, base, m, err);
}

/*
 * The directory of a link's target: a plain name of the current directory, or
 * opened beneath the root by the same rule as parents (chroot).
 */
static int open_target_dir(struct tree *t, const char *target,
			   const char **ret_base)
{
	const char *slash = strrchr(target, '/');

	*ret_base = slash ? slash + 1 : target;

	autofree char *dir = slash ? xstrndup(target,
					      (size_t)(slash - target)) :
				     xstrdup(".");
	return path_open(t->root, dir, O_PATH | O_DIRECTORY);
}

static int not_in_layer(const char *target, struct err *err)
{
	autofree char *safe = safe_line(target);

	return err_set(err, ERR_UNSUPPORTED, ENOENT,
		       "hard link to '%.300s', which is not in this layer",
		       safe);
}

int tree_link(struct tree *t, const char *base, const char *target,
	      struct err *err)
{
	struct stat from, to;
	const char *last;
	bool hidden;

	autoclose int dir = open_target_dir(t, target, &last);
	if (dir < 0 ||
	    fstatat(dir, last, &from, AT_SYMLINK_NOFOLLOW) < 0 ||
	    S_ISCHR(from.st_mode))
		return not_in_layer(target, err);
	if (S_ISDIR(from.st_mode))
		return err_set(err, ERR_INVALID, EPERM,
			       "hard link to a directory");
	top(t)->dirty = true;
	drop_whiteout_file(t, base);
	/* flags 0: a symlink is linked, not what it points to */
	if (linkat(dir, last, top(t)->fd, base, 0) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, "make the hard link");
	if (fstatat(top(t)->fd, base, &to, AT_SYMLINK_NOFOLLOW) == 0 &&
	    to.st_ino == from.st_ino && to.st_dev == from.st_dev)
		return 0;
	if (clear_name(t, base, &hidden, err) < 0)
		return -err->code;
	if (linkat(dir, last, top(t)->fd, base, 0) < 0)
		return err_sys(err, "make the hard link");
	return 0;
}

/* ---- whiteouts ----------------------------------------------------------- */

int tree_opaque(struct tree *t, struct err *err)
{
	return make_opaque(t, top(t), err);
}

static int opaque_child(struct tree *t, const char *base, struct err *err)
{
	int fd = open_dir(top(t)->fd, base);

	if (fd < 0)
		return err_sys(err, "open the directory");
	if (enter_existing(t, fd, base, strlen(base), err) < 0)
		return -err->code;
	return make_opaque(t, top(t), err);
}

static int whiteout_file(struct tree *t, const char *base, struct err *err)
{
	autofree char *name = xasprintf(WHITEOUT_PREFIX "%s", base);
	struct stat st;

	if (fstatat(top(t)->fd, base, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode) ? opaque_child(t, base, err) : 0;
	if (errno != ENOENT)
		return err_sys(err, "stat what is there");

	autoclose int fd = openat(top(t)->fd, name,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
					  O_CLOEXEC, 0644);
	if (fd < 0 && errno != EEXIST)
		return err_sys(err, "make the whiteout");
	return 0;
}

int tree_whiteout(struct tree *t, const char *base, struct err *err)
{
	struct stat st;

	t->whiteouts++;
	top(t)->dirty = true;
	if (t->format == LAYER_PLAIN)
		return whiteout_file(t, base, err);
	if (mknodat(top(t)->fd, base, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, "make the whiteout");
	if (fstatat(top(t)->fd, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "stat what is there");
	return S_ISDIR(st.st_mode) ? opaque_child(t, base, err) : 0;
}
