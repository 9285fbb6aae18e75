/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/oci/steps.h"
#include "libpod/oci/sync.h"
#include "util/cleanup.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * step_rootfs() runs in init, in its own mount namespace with the host still
 * visible.  It mounts the root file system, attaches it somewhere (a mount
 * takes others only once it is attached) and leaves its root in in->root_fd;
 * step_pivot() makes it "/" when everything else is mounted below.
 */

/*
 * The FUSE connection has to be opened and mounted here, by init: then the
 * kernel translates ids with the container's map and the daemon, which the
 * parent starts in U, works with U's (KERNEL.md 2B).
 */
static int fuse_mount(struct init *in, struct err *err)
{
	autofree char *data = NULL;
	int r;

	autoclose int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return err_set(err, ERR_FAIL, errno, "fuse-overlayfs needs "
			       "/dev/fuse, which is missing (fix: sudo "
			       "modprobe fuse; in a container: give it "
			       "--device /dev/fuse)");
	if (fuse < 0)
		return err_sys(err, "open /dev/fuse");
	data = xasprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,"
			 "default_permissions,allow_other,"
			 "subtype=fuse-overlayfs", fuse);
	autoclose int fd = mnt_fs(&in->mnt, "fuse", "fuse-overlayfs", data, 0,
				  err);
	if (fd < 0)
		return err_wrap(err, fd, "fuse-overlayfs");
	r = sync_send(in->sync_fd, SYNC_FUSE, 0, NULL, fuse);
	if (r < 0)
		return err_code(err, r, "hand over /dev/fuse");
	return take_fd(fd);
}

/*
 * Where the scratch and the root may be mounted: not on the tree that is about
 * to be bound, the bind would take it along; nor on the state directory, whose
 * other files may be sources of binds: it has an empty "mnt" for us.
 */
static int scratch_place(struct init *in, struct err *err)
{
	int fd = take_fd(in->slot_fd);

	if (fd < 0)
		fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open /tmp") : fd;
}

static int mount_root(struct init *in, int state, bool *attached,
		      struct err *err)
{
	const struct oci_rootfs *root = &in->spec->rootfs;

	if (root->driver == OCI_ROOTFS_OVERLAY) {
		autoclose int layers = place_open(&in->layers, err);

		if (layers < 0)
			return layers;
		return overlay_mount(in, root, layers, state, attached, err);
	}
	if (root->driver == OCI_ROOTFS_FUSE)
		return fuse_mount(in, err);
	autoclose int dir = place_open(&in->dir, err);
	if (dir < 0)
		return dir;
	return mnt_clone(&in->mnt, dir, true, err);
}

int step_rootfs(struct init *in, struct err *err)
{
	bool attached = false;
	int r;

	autoclose int state = place_is_set(&in->state) ?
			      place_open(&in->state, err) : -EBADF;
	if (state < 0 && place_is_set(&in->state))
		return state;
	autoclose int base = scratch_place(in, err);
	if (base < 0)
		return base;
	in->mnt.scratch_on = base;
	r = mount_root(in, state, &attached, err);
	in->mnt.scratch_on = -EBADF;
	if (r < 0)
		return r;
	in->root_fd = r;
	/* mount(2) has attached it already, on a slot of the scratch. */
	if (attached || in->mnt.legacy)
		return 0;
	return mnt_attach(&in->mnt, in->root_fd, base, err);
}

/*
 * Is the old root really gone?  A mount that is left somewhere on top of it
 * would make umount2(".") take that one, and whoever joins the namespace later
 * would land on the host.  A mount outside of our namespace cannot be cloned;
 * one inside only with all that is locked below it.
 */
static int check_detached(int old_root, struct err *err)
{
	autoclose int fd = open_tree(old_root, "", OPEN_TREE_CLONE |
				     OPEN_TREE_CLOEXEC | AT_EMPTY_PATH |
				     AT_RECURSIVE);

	if (fd < 0)
		return 0;
	return err_set(err, ERR_FAIL, EBUSY,
		       "the host's root is still in the container");
}

int step_pivot(struct init *in, struct err *err)
{
	struct stat want;
	struct stat have;
	int r;

	autoclose int old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old_root < 0 || fstat(in->root_fd, &want) < 0)
		return err_sys(err, "open the root file systems");
	if (fchdir(in->root_fd) < 0)
		return err_sys(err, "enter the root file system");
	/* The old root lands on top of the new one, and is taken off there. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(err, "pivot_root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "unmount the host's file systems");
	if (chdir("/") < 0)
		return err_sys(err, "enter the new root");
	if (stat("/", &have) < 0)
		return err_sys(err, "stat the new root");
	if (have.st_dev != want.st_dev || have.st_ino != want.st_ino)
		return err_set(err, ERR_FAIL, EXDEV,
			       "pivot_root did not arrive at the container");
	r = check_detached(old_root, err);
	mnt_done(&in->mnt);
	return r;
}
