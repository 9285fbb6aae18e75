/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/steps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Native overlay, for the root file system and for the mounts that are an
 * overlay of their own (-v :O, images).  It goes one of two ways: fsopen + one
 * "lowerdir+" per layer, or, where the kernel has not got that, mount(2) with
 * one page of options and short names, symlinks in a scratch tmpfs.  mount(2)
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

static int set_flag(int fs, const char *key)
{
	return fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
}

/*
 * KERNEL(6.5): overlay without a parser of its own takes any key and refuses
 * at the end, with a line in the kernel's log.  The newer one refuses at once.
 */
static bool parses_late(int fs)
{
	return set_flag(fs, "no-such-key") == 0;
}

/* -EOPNOTSUPP as below */
static int add_lowers(int fs, const struct oci_rootfs *root, const char *empty,
		      struct err *err)
{
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
	return 0;
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
	int fd, r;

	autoclose int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return errno == ENODEV ?
		       err_sys(err, "native overlay: the kernel has none") :
		       -EOPNOTSUPP;
	if (parses_late(fs))
		return -EOPNOTSUPP;
	r = add_lowers(fs, root, empty, err);
	if (r < 0)
		return r;
	if (set_string(fs, "upperdir", upper) < 0 ||
	    set_string(fs, "workdir", work) < 0)
		return err_sys(err, "overlay: upper directory");
	if (set_flag(fs, "userxattr") < 0 ||
	    (root->volatile_ && set_flag(fs, "volatile") < 0))
		return err_sys(err, "overlay: options");
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "mount overlay");
	fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? err_sys(err, "mount overlay") : fd;
}

/* Symlinks "0_0", "0_1", ... in the scratch, and the option that names them. */
static int short_lowers(const struct oci_rootfs *root, int scratch,
			int layers_fd, unsigned int set, struct sb *opts,
			struct err *err)
{
	sb_add(opts, "lowerdir=");
	for (size_t i = 0; i < root->n_lower; i++) {
		autofree char *target = xasprintf("/proc/self/fd/%d/%s",
						  layers_fd, root->lower[i]);
		autofree char *name = xasprintf("%u_%zu", set, i);

		if (symlinkat(target, scratch, name) < 0)
			return err_sys(err, "make a layer link");
		sb_addf(opts, "%s%s", i ? ":" : "", name);
	}
	return 0;
}

static int overlay_mount2(struct init *in, const struct oci_rootfs *root,
			  int layers_fd, int state_fd, const char *empty,
			  struct err *err)
{
	autofree char *name = NULL;
	autosb struct sb opts = SB_INIT;
	char target[FD_PATH_MAX];
	int scratch = mnt_scratch(&in->mnt, err);
	int r;

	if (scratch < 0)
		return scratch;
	r = short_lowers(root, scratch, layers_fd, in->mnt.slots, &opts, err);
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
static int empty_lower(struct init *in, const struct oci_rootfs *root,
		       char **ret, struct err *err)
{
	int scratch;

	if (root->n_lower)
		return 0;
	scratch = mnt_scratch(&in->mnt, err);
	if (scratch < 0)
		return scratch;
	if (mkdirat(scratch, "empty", 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make an empty layer");
	*ret = xasprintf("/proc/self/fd/%d/empty", scratch);
	return 0;
}

static int overlay_once(struct init *in, const struct oci_rootfs *root,
			int layers_fd, int state_fd, bool *attached,
			struct err *err)
{
	autofree char *empty = NULL;
	int r;

	r = empty_lower(in, root, &empty, err);
	if (r < 0)
		return r;
	if (fchdir(layers_fd) < 0)
		return err_sys(err, "enter the layer directory");
	*attached = false;
	r = in->mnt.legacy ? -EOPNOTSUPP :
	    overlay_fsopen(root, state_fd, empty, err);
	if (r != -EOPNOTSUPP)
		return r;
	*attached = true;
	return overlay_mount2(in, root, layers_fd, state_fd, empty, err);
}

int overlay_mount(struct init *in, const struct oci_rootfs *root,
		  int layers_fd, int state_fd, bool *attached, struct err *err)
{
	int r;

	if (root->n_lower > OVERLAY_LOWERS_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "the image has %zu layers, the kernel stacks at "
			       "most %d", root->n_lower, OVERLAY_LOWERS_MAX);
	r = overlay_once(in, root, layers_fd, state_fd, attached, err);
	if (r != -EINVAL || drop_volatile_mark(state_fd) < 0)
		return r;
	/* An earlier volatile mount had left its mark: once more without it. */
	err_clear(err);
	return overlay_once(in, root, layers_fd, state_fd, attached, err);
}
