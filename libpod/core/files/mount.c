/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mount and unmount of containers.
 *
 * Theory of operation.  The tree is put together in a container's namespaces,
 * as for any other visit (visit.h): of one that runs it is there, of a stopped
 * one it is made.  There the root is cloned into a detached mount, whose
 * descriptor comes back to the caller and is attached in its own namespace.
 * The mount namespace of the visit ends, the mount lives on.  A FUSE mount can
 * only be read in the user namespace that made it: for a stopped container it
 * is made in that of the caller, for a running one it is refused.
 *
 * A mount namespace ends without telling us, and nobody else sees what is
 * mounted in it.  So that no second overlay is made of the same upper
 * directory, the file `mounted` beside `merged` names the namespace; it counts
 * only as long as a process in there really has the mount.
 */
#include "libpod/core/files/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/files/visit.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/trace.h"

#define MARK "mounted"
#define MERGED "merged"
#define MOUNTINFO_MAX (16 << 20)

/* KERNEL(5.8): statx says what is the root of a mount */
static bool is_mount_root(int dir, const char *name)
{
	struct statx sx;

	return statx(dir, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0,
		     &sx) == 0 &&
	       (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static char *merged_path(const struct runtime *rt, const struct ctr *c)
{
	return xasprintf("%s/containers/%s/" MERGED, rt->data_path, c->id);
}

char *ctr_mounted(const struct runtime *rt, const struct ctr *c)
{
	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);

	if (dir < 0 || !is_mount_root(dir, MERGED))
		return NULL;
	return merged_path(rt, c);
}

/* ---- who else has it ---------------------------------------------------- */

/* The number in "mnt:[4026531841]" */
static uint64_t mnt_ns(int proc, const char *pid)
{
	autofree char *path = xasprintf("%s/ns/mnt", pid);
	struct stat st;

	return fstatat(proc, path, &st, 0) < 0 ? 0 : st.st_ino;
}

/* Numbers of namespaces are used again: does the process have the mount? */
static bool has_mount(int proc, const char *pid, const char *id)
{
	autofree char *path = xasprintf("%s/mountinfo", pid);
	autofree char *place = xasprintf("/%s/" MERGED " ", id);
	autosb struct sb text = SB_INIT;

	return file_read_at(proc, path, MOUNTINFO_MAX, &text) == 0 &&
	       strstr(text.buf, place) != NULL;
}

/* A process in whose namespace @id is mounted; 0: none */
static int find_owner(uint64_t ns, const char *id)
{
	autoclosedir DIR *proc = dir_stream_at(AT_FDCWD, "/proc");
	const struct dirent *e;

	while (proc && dir_next(proc, &e, NULL) > 0) {
		int pid;

		if (parse_int(e->d_name, &pid) == 0 &&
		    mnt_ns(dirfd(proc), e->d_name) == ns &&
		    has_mount(dirfd(proc), e->d_name, id))
			return pid;
	}
	return 0;
}

int ctr_mount_check(int dir, const struct ctr *c, struct err *err)
{
	autosb struct sb text = SB_INIT;
	uint64_t ns;
	int pid;

	if (file_read_at(dir, MARK, 64, &text) < 0)
		return 0;
	pid = parse_u64(str_trim(text.buf), &ns) < 0 ? 0 :
						       find_owner(ns, c->id);
	if (pid == 0) {
		(void)unlinkat(dir, MARK, 0);
		return 0;
	}
	return err_set(err, ERR_STATE, EBUSY,
		       "container %s is mounted in the namespace of process "
		       "%d, unmount it there first", c->name, pid);
}

/* ---- mount -------------------------------------------------------------- */

/* With a plain directory there is no upper directory to protect. */
static int write_mark(int dir, const struct ctr *c, struct err *err)
{
	char text[32];
	int n;

	if (c->config.rootfs || streq(c->config.driver, "vfs"))
		return 0;
	n = snprintf(text, sizeof(text), "%" PRIu64 "\n",
		     mnt_ns(AT_FDCWD, "/proc/self"));
	return file_write_at(dir, MARK, text, (size_t)n, 0600, false, err);
}

static int mount_locked(struct runtime *rt, struct ctr *c, int dir,
			struct err *err)
{
	autofree char *path = merged_path(rt, c);
	int r;

	if (mkdirat(dir, MERGED, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make directory %s", path);
	r = write_mark(dir, c, err);
	if (r == 0 && FAULT("mount.marked") < 0)
		r = err_sys(err, "mount %s", c->name);
	if (r == 0)
		r = ctr_visit_root(rt, c, path, err);
	if (r < 0)
		(void)unlinkat(dir, MARK, 0);
	return r;
}

int ctr_mount(struct runtime *rt, struct ctr *c, char **ret, struct err *err)
{
	TRACE("core", "mount");
	autofree char *there = ctr_mounted(rt, c);
	autoclose int dir = -EBADF;
	int r = ctr_config_load(rt, c, err);

	if (r < 0)
		return r;
	if (there) {
		*ret = take_ptr(there);
		return 0;
	}
	autoclose int lock = ctr_op_lock(rt, c->id, err);
	if (lock < 0)
		return lock;
	dir = ctr_dir(rt, c, err);
	r = dir < 0 ? dir : row_reload(rt, c, err);
	if (r == 0)
		r = ctr_mount_check(dir, c, err);
	if (r < 0)
		return r;
	ctr_normalise(rt, c);
	r = mount_locked(rt, c, dir, err);
	if (r < 0)
		return err_wrap(err, r, "mount container %.12s", c->id);
	*ret = merged_path(rt, c);
	return 0;
}

int ctr_unmount(struct runtime *rt, struct ctr *c, bool force,
		struct err *err)
{
	autofree char *path = ctr_mounted(rt, c);
	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);

	if (!path)
		return 0;
	if (umount2(path, UMOUNT_NOFOLLOW | (force ? MNT_DETACH : 0)) < 0)
		return err_sys(err, "unmount %s", path);
	(void)unlinkat(dir, MARK, 0);
	(void)unlinkat(dir, MERGED, AT_REMOVEDIR);
	return 1;
}
