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
#include "util/fd.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * step_rootfs() runs in init, in its own mount namespace with the host still
 * visible.  It mounts the root file system, attaches it somewhere (a mount
 * takes others only once it is attached) and leaves its root in in->root_fd;
 * step_pivot() makes it "/" when everything else is mounted below.
 *
 * Native overlay goes one of two ways: fsopen + one "lowerdir+" per layer, or,
 * where the kernel has not got that, mount(2) with one page of options and
 * names of two or three characters, symlinks in a scratch tmpfs.  mount(2)
 * cuts longer options without an error, so their length is checked here.
 */

#define OVERLAY_LOWERS_MAX 500	/* OVL_MAX_STACK */
#define MOUNT_PAGE 4096

static int drop_volatile_mark(int state_fd)
{
	int r = unlinkat(state_fd, "work/work/incompat/volatile/dirty", 0);

	if (r < 0 && errno != ENOENT)
		return -errno;
	r = unlinkat(state_fd, "work/work/incompat/volatile", AT_REMOVEDIR);
	return r < 0 ? -errno : 0;
}

static int set_string(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

/*
 * -EOPNOTSUPP: this kernel cannot do it this way.  Layer names are resolved
 * relative to the working directory, which is the layer directory.
 */
static int overlay_fsopen(const struct oci_rootfs *root, int state_fd,
			  const char *empty, struct err *err)
{
	autofree char *upper = xasprintf("/proc/self/fd/%d/upper", state_fd);
	autofree char *work = xasprintf("/proc/self/fd/%d/work", state_fd);
	int fd;

	autoclose int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return errno == ENODEV ?
		       err_sys(err, "native overlay: the kernel has none") :
		       -EOPNOTSUPP;
	if (empty && set_string(fs, "lowerdir+", empty) < 0)
		return -EOPNOTSUPP;
	for (size_t i = 0; i < root->n_lower; i++) {
		if (set_string(fs, "lowerdir+", root->lower[i]) == 0)
			continue;
		/* KERNEL(6.7): no lowerdir+ */
		if (i == 0 && errno == EINVAL)
			return -EOPNOTSUPP;
		return err_sys(err, "overlay: layer %s", root->lower[i]);
	}
	if (set_string(fs, "upperdir", upper) < 0 ||
	    set_string(fs, "workdir", work) < 0)
		return err_sys(err, "overlay: upper directory");
	if (fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0 ||
	    (root->volatile_ &&
	     fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0))
		return err_sys(err, "overlay: options");
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "mount overlay");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? err_sys(err, "mount overlay") : fd;
}

/* Symlinks "0", "1", ... in the scratch, and the option that names them. */
static int short_lowers(const struct oci_rootfs *root, int scratch,
			int layers_fd, struct sb *opts, struct err *err)
{
	sb_add(opts, "lowerdir=");
	for (size_t i = 0; i < root->n_lower; i++) {
		autofree char *target = xasprintf("/proc/self/fd/%d/%s",
						  layers_fd, root->lower[i]);
		autofree char *name = xasprintf("%zu", i);

		/* there already when this is the second attempt */
		if (symlinkat(target, scratch, name) < 0 && errno != EEXIST)
			return err_sys(err, "make a layer link");
		sb_addf(opts, "%s%s", i ? ":" : "", name);
	}
	return 0;
}

static int overlay_mount2(struct init *in, int layers_fd, int state_fd,
			  const char *empty, struct err *err)
{
	const struct oci_rootfs *root = &in->spec->rootfs;
	autofree char *name = NULL;
	autosb struct sb opts = SB_INIT;
	char target[FD_PATH_MAX];
	int scratch = mnt_scratch(&in->mnt, err);
	int r;

	if (scratch < 0)
		return scratch;
	r = short_lowers(root, scratch, layers_fd, &opts, err);
	if (r < 0)
		return r;
	sb_addf(&opts, "%s,upperdir=/proc/self/fd/%d/upper,"
		"workdir=/proc/self/fd/%d/work,userxattr%s",
		empty ? empty : "", state_fd, state_fd,
		root->volatile_ ? ",volatile" : "");
	if (opts.len >= MOUNT_PAGE - 1)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "%zu layers do not fit the mount options",
			       root->n_lower);
	autoclose int slot = mnt_slot(&in->mnt, true, &name, err);
	if (slot < 0)
		return slot;
	if (fchdir(scratch) < 0)
		return err_sys(err, "enter the scratch tmpfs");
	if (mount("overlay", fd_path(slot, target), "overlay", 0, opts.buf) < 0)
		return err_sys(err, "mount overlay");
	r = openat(scratch, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return r < 0 ? err_sys(err, "open the overlay") : r;
}

/* An image without layers still needs one lower directory. */
static int empty_lower(struct init *in, char **ret, struct err *err)
{
	int scratch;

	if (in->spec->rootfs.n_lower)
		return 0;
	scratch = mnt_scratch(&in->mnt, err);
	if (scratch < 0)
		return scratch;
	if (mkdirat(scratch, "empty", 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make an empty layer");
	*ret = xasprintf("/proc/self/fd/%d/empty", scratch);
	return 0;
}

static int overlay_once(struct init *in, int layers_fd, int state_fd,
			bool *attached, struct err *err)
{
	autofree char *empty = NULL;
	int r;

	r = empty_lower(in, &empty, err);
	if (r < 0)
		return r;
	if (fchdir(layers_fd) < 0)
		return err_sys(err, "enter the layer directory");
	*attached = false;
	r = in->mnt.legacy ? -EOPNOTSUPP :
	    overlay_fsopen(&in->spec->rootfs, state_fd, empty, err);
	if (r != -EOPNOTSUPP)
		return r;
	*attached = true;
	return overlay_mount2(in, layers_fd, state_fd, empty, err);
}

static int overlay_mount(struct init *in, int state_fd, bool *attached,
			 struct err *err)
{
	const struct oci_rootfs *root = &in->spec->rootfs;
	int r;

	if (root->n_lower > OVERLAY_LOWERS_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "the image has %zu layers, the kernel stacks at "
			       "most %d", root->n_lower, OVERLAY_LOWERS_MAX);
	autoclose int layers_fd = place_open(&in->layers, err);
	if (layers_fd < 0)
		return layers_fd;
	r = overlay_once(in, layers_fd, state_fd, attached, err);
	if (r != -EINVAL || drop_volatile_mark(state_fd) < 0)
		return r;
	/* An earlier volatile mount had left its mark: once more without it. */
	err_clear(err);
	return overlay_once(in, layers_fd, state_fd, attached, err);
}

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
static int scratch_place(int state_fd, struct err *err)
{
	int fd = -1;

	if (state_fd >= 0)
		fd = openat(state_fd, "mnt",
			    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(err, "open /tmp") : fd;
}

static int mount_root(struct init *in, int state, bool *attached,
		      struct err *err)
{
	const struct oci_rootfs *root = &in->spec->rootfs;

	if (root->driver == OCI_ROOTFS_OVERLAY)
		return overlay_mount(in, state, attached, err);
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
	autoclose int base = scratch_place(state, err);
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
