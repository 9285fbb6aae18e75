/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * image-mounts/ID of the data directory holds `upper`, the directories that
 * the layers only imply (store_upper_make()), and `merged`, where the tree
 * appears: an overlay of `upper` and the layers without anything writable,
 * fuse-overlayfs in the same way, or with vfs a copy.
 *
 * A mount belongs to the mount namespace of the caller and ends with it; what
 * is left then is an empty `merged`, which the next mount takes over.  The
 * mount is made by a child, since layer names are relative to layers/: they
 * are short there, and fsconfig(2) takes 255 bytes.
 */
#include "storage/image/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/store_int.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define MOUNTS "image-mounts"
#define OPTIONS_MAX 4095 /* mount(2) cuts what is longer, without an error */

static char *merged_path(const struct store *s, const char *id)
{
	return xasprintf("%s/" MOUNTS "/%s/merged", s->conf.data_path, id);
}

/* The one that was asked for, if it works here. */
static enum store_driver mount_driver(struct store *s)
{
	enum store_driver driver = s->conf.driver;

	if (driver == STORE_OVERLAY)
		(void)store_driver_probe(s, &driver, NULL);
	return driver;
}

char *image_mounted(struct store *s, const char *image_id)
{
	autofree char *merged = merged_path(s, image_id);
	autofree char *parent = xasprintf("%s/..", merged);
	struct stat a, b;

	if (stat(merged, &a) < 0 || stat(parent, &b) < 0)
		return NULL;
	/* A copy is no mount, and it is complete when it is there */
	if (mount_driver(s) != STORE_VFS && a.st_dev == b.st_dev)
		return NULL;
	return take_ptr(merged);
}

/* ---- the child ---------------------------------------------------------- */

/**
 * struct mounting - what the child works on
 * @lower: names relative to layers/, top first; a strv
 */
struct mounting {
	struct store *s;
	enum store_driver driver;
	const char *upper;
	const char *merged;
	char **lower;
};

static int new_overlay(const struct mounting *m)
{
	autoclose int fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	int r = fs < 0 ? -1 : 0;

	if (r == 0)
		r = (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING,
				 "lowerdir+", m->upper, 0);
	for (char **l = m->lower; r == 0 && l && *l; l++)
		r = (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING,
				 "lowerdir+", *l, 0);
	if (r == 0)
		r = (int)syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG,
				 "userxattr", NULL, 0);
	if (r == 0)
		r = (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL,
				 NULL, 0);
	if (r < 0)
		return -errno;
	autoclose int mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
					 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
	if (mnt < 0 || syscall(SYS_move_mount, mnt, "", AT_FDCWD, m->merged,
			       MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

static char *lower_list(const struct mounting *m)
{
	autostrv char **all = NULL;

	strv_add(&all, m->upper);
	strv_extend(&all, m->lower);
	return strv_join(all, ":");
}

/* KERNEL(6.5): no lowerdir+; all names in one page of options */
static int old_overlay(const struct mounting *m, struct err *err)
{
	autofree char *list = lower_list(m);
	autofree char *options = xasprintf("userxattr,lowerdir=%s", list);

	if (strlen(options) > OPTIONS_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "the image has too many layers for this "
			       "kernel's overlay");
	if (mount("overlay", m->merged, "overlay", MS_RDONLY | MS_NODEV,
		  options) < 0)
		return err_sys(err, "mount the overlay on %s", m->merged);
	return 0;
}

static int fuse_overlay(const struct mounting *m, struct err *err)
{
	autofree char *list = lower_list(m);
	autofree char *lower = xasprintf("lowerdir=%s", list);

	execlp("fuse-overlayfs", "fuse-overlayfs", "-o", lower, m->merged,
	       (char *)NULL);
	return err_sys(err, "run fuse-overlayfs");
}

static int mount_child(const struct mounting *m, struct err *err)
{
	if (fchdir(store_layers_fd(m->s)) < 0)
		return err_sys(err, "change to the directory of layers");
	if (m->driver == STORE_FUSE)
		return fuse_overlay(m, err);
	return new_overlay(m) == 0 ? 0 : old_overlay(m, err);
}

static int run_child(const struct mounting *m, struct err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_fork(err, errno, "fork");
	if (pid == 0) {
		struct err why = ERR_INIT;
		int r = mount_child(m, &why);

		if (r < 0)
			dprintf(STDERR_FILENO, "%s\n", why.msg);
		child_exit(r < 0);
	}
	if (proc_wait(pid) != 0)
		return err_set(err, ERR_FAIL, EIO, "mount %s failed",
			       m->merged);
	return 0;
}

/* ---- mount -------------------------------------------------------------- */

/* image-mounts/ID, without what an earlier namespace left in it */
static int open_place(struct store *s, const char *id, struct err *err)
{
	autoclose int all = dir_make_at(s->conf.data_fd, MOUNTS, 0700, err);
	int r;

	if (all < 0)
		return all;
	r = store_trash_move(s, all, id, err);
	return r < 0 ? r : dir_make_at(all, id, 0700, err);
}

int image_mount(struct store *s, const struct image *img, char **ret,
		struct err *err)
{
	autofree char *there = image_mounted(s, img->id);
	autofree char *merged = merged_path(s, img->id);
	autofree char *upper = xasprintf("%s/" MOUNTS "/%s/upper",
					 s->conf.data_path, img->id);
	struct mounting m = { s, mount_driver(s), upper, merged, NULL };
	autostrv char **lower = NULL;
	int r;

	TRACE("store", "image mount");
	if (there) {
		*ret = take_ptr(there);
		return 0;
	}
	autoclose int place = open_place(s, img->id, err);
	if (place < 0)
		return place;
	if (m.driver == STORE_VFS) {
		r = store_tree_make(s, img, place, "merged", err);
	} else {
		r = image_lower(s, img, &lower, err);
		if (r == 0)
			r = store_upper_make(s, img, place, "upper", err);
		if (r == 0 && mkdirat(place, "merged", 0755) < 0)
			r = err_sys(err, "make directory %s", merged);
		m.lower = lower;
		if (r == 0)
			r = run_child(&m, err);
	}
	store_trash_empty(s);
	if (r < 0)
		return err_wrap(err, r, "image %.12s", img->id);
	*ret = take_ptr(merged);
	return 0;
}

int image_unmount(struct store *s, const char *image_id, bool force,
		  struct err *err)
{
	autofree char *merged = image_mounted(s, image_id);
	int r;

	if (!merged)
		return 0;
	if (mount_driver(s) != STORE_VFS &&
	    umount2(merged, force ? MNT_DETACH : 0) < 0)
		return err_sys(err, "unmount %s", merged);
	autoclose int all = dir_open_at(s->conf.data_fd, MOUNTS);
	if (all < 0)
		return err_code(err, all, "open " MOUNTS);
	r = store_trash_move(s, all, image_id, err);
	store_trash_empty(s);
	return r < 0 ? r : 1;
}
