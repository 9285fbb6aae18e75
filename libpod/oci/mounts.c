/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/oci/copyup.h"
#include "libpod/oci/steps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Mounts everything that the spec lists below the root file system, in the
 * order of the list, before pivot_root: sources are the host's, targets the
 * container's.  A target is resolved beneath root_fd, made when it is missing,
 * and used as the descriptor that came out; the mount is built detached and
 * moved onto it.  Nothing here takes a path of the container as a string.
 *
 * Kernel file systems (proc, sysfs, /dev) are only put on real directories:
 * an image with /proc -> /elsewhere would get its masks in the wrong place.
 */

#define ATTR_KERNEL (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

#define DEV_DATA "size=65536k,mode=0755"
#define DEVPTS_DATA "newinstance,ptmxmode=0666,mode=0620,max=1024"
#define TTY_GID 5

int mount_target(struct init *in, const struct oci_mount *m, bool is_dir,
		 struct err *err)
{
	struct stat st;
	struct stat root;

	autoclose int fd = path_target(in->root_fd, m->target, is_dir);
	if (fd < 0)
		return err_code(err, fd, "make mount point %s", m->target);
	if (fstat(fd, &st) < 0 || fstat(in->root_fd, &root) < 0)
		return err_sys(err, "stat mount point %s", m->target);
	if (st.st_dev == root.st_dev && st.st_ino == root.st_ino)
		return err_set(err, ERR_INVALID, EINVAL,
			       "cannot mount at %s: it is the root", m->target);
	if (is_dir != S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, is_dir ? ENOTDIR : EISDIR,
			       "mount point %s is %sa directory", m->target,
			       is_dir ? "not " : "");
	return take_fd(fd);
}

/* The target of a kernel file system: no symlink on the way. */
static int target_strict(struct init *in, const struct oci_mount *m,
			 struct err *err)
{
	struct stat st;

	autoclose int fd = path_open(in->root_fd, m->target,
				     O_PATH | O_NOFOLLOW);
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, ENOTDIR,
			       "%s of the image is %s, not a directory",
			       m->target, S_ISLNK(st.st_mode) ?
			       "a symbolic link" : "a file");
	return mount_target(in, m, true, err);
}

static int attach_at(struct init *in, const struct oci_mount *m, int fd,
		     bool strict, struct err *err)
{
	autoclose int target = strict ? target_strict(in, m, err) :
			       mount_target(in, m, true, err);

	if (target < 0)
		return target;
	return mnt_attach(&in->mnt, fd, target, err);
}

static int new_fs(struct init *in, const struct oci_mount *m, const char *type,
		  const char *data, bool strict, struct err *err)
{
	const char *source = str_is_empty(m->source) ? type : m->source;

	autoclose int fd = mnt_fs(&in->mnt, type, source, data, m->attr, err);
	if (fd < 0)
		return fd;
	return attach_at(in, m, fd, strict, err);
}

/* A recursive bind of the host's own directory of that kind. */
static int bind_outer(struct init *in, const struct oci_mount *m,
		      const char *path, uint64_t attr, struct err *err)
{
	int r;

	autoclose int from = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return err_sys(err, "open %s", path);
	autoclose int fd = mnt_clone(&in->mnt, from, true, err);
	if (fd < 0)
		return fd;
	r = mnt_setattr(&in->mnt, fd, attr, true, err);
	if (r < 0)
		return r;
	return attach_at(in, m, fd, true, err);
}

static int mount_proc(struct init *in, const struct oci_mount *m,
		      struct err *err)
{
	if (in->outer_pid || in->spec->ns[OCI_NS_PID].mode == OCI_NS_HOST)
		return bind_outer(in, m, "/proc", m->attr | ATTR_KERNEL, err);
	if (in->mnt.legacy || m->data) {
		int r = new_fs(in, m, "proc", m->data, true, err);

		return r == -EPERM ? proc_refused(in, r) : r;
	}
	return attach_at(in, m, in->proc_fd, true, err);
}

/* sysfs shows the network namespace and may be mounted by its owner only. */
static int mount_sysfs(struct init *in, const struct oci_mount *m,
		       struct err *err)
{
	uint64_t bind_attr = m->attr | ATTR_KERNEL | MOUNT_ATTR_RDONLY;
	int r;

	if (in->spec->ns[OCI_NS_NET].mode == OCI_NS_NEW ||
	    (in->spec->ns[OCI_NS_NET].mode == OCI_NS_JOIN &&
	     in->spec->ns[OCI_NS_USER].mode == OCI_NS_JOIN)) {
		r = new_fs(in, m, "sysfs", m->data, true, err);
		if (r != -EPERM)
			return r;
		err_clear(err);	/* masked in an outer container */
	}
	return bind_outer(in, m, "/sys", bind_attr, err);
}

/* Belongs to the ipc namespace; of the host's there may be none. */
static int mount_mqueue(struct init *in, const struct oci_mount *m,
			struct err *err)
{
	if (in->spec->ns[OCI_NS_IPC].mode != OCI_NS_HOST)
		return new_fs(in, m, "mqueue", m->data, false, err);
	if (access("/dev/mqueue", F_OK) < 0)
		return 0;
	return bind_outer(in, m, "/dev/mqueue", m->attr, err);
}

static bool is_cgroup2(const char *path)
{
	struct statfs st;

	return statfs(path, &st) == 0 && st.f_type == CGROUP2_SUPER_MAGIC;
}

/*
 * v2 in a cgroup namespace of its own; else nothing of the host's tree is
 * shown (CVE-2023-25809), except when the host's namespace was asked for.
 */
static int mount_cgroup(struct init *in, const struct oci_mount *m,
			struct err *err)
{
	struct oci_mount empty = *m;

	if (is_cgroup2("/sys/fs/cgroup")) {
		if (in->spec->ns[OCI_NS_CGROUP].mode == OCI_NS_HOST)
			return bind_outer(in, m, "/sys/fs/cgroup", m->attr |
					  ATTR_KERNEL | MOUNT_ATTR_RDONLY, err);
		if (new_fs(in, m, "cgroup2", m->data, true, NULL) == 0)
			return 0;
	}
	empty.attr |= ATTR_KERNEL | MOUNT_ATTR_RDONLY;
	empty.source = "cgroup";
	return new_fs(in, &empty, "tmpfs", "size=4k,mode=0755", true, err);
}

static int mount_dev(struct init *in, const struct oci_mount *m,
		     struct err *err)
{
	uint64_t attr = m->attr & ~(uint64_t)MOUNT_ATTR_RDONLY;
	int r;

	autoclose int fd = mnt_fs(&in->mnt, "tmpfs", "tmpfs",
				  m->data ? m->data : DEV_DATA,
				  attr | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
				  err);
	if (fd < 0)
		return fd;
	r = attach_at(in, m, fd, true, err);
	if (r == 0)
		r = dev_populate(in, fd, err);
	if (r == 0 && (m->attr & MOUNT_ATTR_RDONLY))
		in->dev_fd = take_fd(fd);
	return r;
}

/* gid 5 owns terminals, unless it is not mapped (single-id mode). */
static int mount_devpts(struct init *in, const struct oci_mount *m,
			struct err *err)
{
	const struct oci_spec *spec = in->spec;
	autofree char *data = NULL;
	bool gid = spec->ns[OCI_NS_USER].mode != OCI_NS_NEW ?
		   !spec->setgroups_deny :
		   idmap_has_inside(&spec->gid_map, TTY_GID);
	int r;

	if (m->data)
		return new_fs(in, m, "devpts", m->data, true, err);
	data = xasprintf("%s%s", DEVPTS_DATA, gid ? ",gid=5" : "");
	r = new_fs(in, m, "devpts", data, true, err);
	if (r != -EINVAL || !gid)
		return r;
	/* A joined user namespace whose map we do not know. */
	err_clear(err);
	return new_fs(in, m, "devpts", DEVPTS_DATA, true, err);
}

static bool has_option(const char *data, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = data; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, key, n) == 0 && p[n] == '=')
			return true;
	}
	return false;
}

/* What the options said wins over what the image's directory is. */
static int tmpfs_own(int fd, const char *data, const struct stat *st)
{
	uid_t uid = has_option(data, "uid") ? st->st_uid : (uid_t)-1;
	gid_t gid = has_option(data, "gid") ? st->st_gid : (gid_t)-1;
	char path[FD_PATH_MAX];

	if ((uid != (uid_t)-1 || gid != (gid_t)-1) &&
	    fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return -errno;
	if (has_option(data, "mode") &&
	    chmod(fd_path(fd, path), st->st_mode & 07777) < 0)
		return -errno;
	return 0;
}

/* What the image has at this place goes into the new file system, which is
 * writable until then. */
static int tmpfs_fill(struct init *in, const struct oci_mount *m, int fd,
		      int target, struct err *err)
{
	struct stat own;
	int r;

	if (fstat(fd, &own) < 0)
		return err_sys(err, "stat the tmpfs");
	r = copyup_tree(target, fd, err);
	if (r < 0)
		return r;
	if (m->data && tmpfs_own(fd, m->data, &own) < 0)
		return err_sys(err, "set owner and mode of the tmpfs");
	return mnt_setattr(&in->mnt, fd, m->attr, false, err);
}

/* Not in something that is mounted there, which may be the host's. */
static bool in_own_layer(const struct init *in, int fd)
{
	struct statx own;
	struct statx top;

	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &own) == 0 &&
	       statx(in->root_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &top) == 0 &&
	       own.stx_mnt_id == top.stx_mnt_id;
}

static int mount_tmpfs(struct init *in, const struct oci_mount *m,
		       struct err *err)
{
	const char *type = m->kind == OCI_MOUNT_RAMFS ? "ramfs" : "tmpfs";
	const char *source = str_is_empty(m->source) ? type : m->source;
	uint64_t attr = m->attr;
	char path[FD_PATH_MAX];
	int r = 0;

	if (m->copy_up)
		attr &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	autoclose int fd = mnt_fs(&in->mnt, type, source, m->data, attr, err);
	if (fd < 0)
		return fd;
	autoclose int there = path_open(in->root_fd, m->target, O_PATH);
	autoclose int target = mount_target(in, m, true, err);
	if (target < 0)
		return target;
	/* In the image's place it has that one's mode; in a new one that of a
	 * tmpfs, also at the next start, when the place is there. */
	if (there == -ENOENT && in_own_layer(in, target))
		(void)!chmod(fd_path(target, path), 01777);
	if (m->copy_up)
		r = tmpfs_fill(in, m, fd, target, err);
	if (r == 0 && m->chown)
		r = owner_take(in, fd, false, err);
	return r < 0 ? r : mnt_attach(&in->mnt, fd, target, err);
}

static int mount_one(struct init *in, size_t i, struct err *err)
{
	const struct oci_mount *m = &in->spec->mounts[i];

	switch (m->kind) {
	case OCI_MOUNT_BIND:
	case OCI_MOUNT_DEVICE:
		return mount_bind(in, m, &in->sources[i], err);
	case OCI_MOUNT_OVERLAY:
		return mount_overlay(in, m, &in->sources[i], err);
	case OCI_MOUNT_FILE:
		return mount_file(in, m, err);
	case OCI_MOUNT_SYMLINK:
		return mount_symlink(in, m, err);
	case OCI_MOUNT_RAMFS:
	case OCI_MOUNT_TMPFS:
		return mount_tmpfs(in, m, err);
	case OCI_MOUNT_PROC:
		return mount_proc(in, m, err);
	case OCI_MOUNT_SYSFS:
		return mount_sysfs(in, m, err);
	case OCI_MOUNT_DEV:
		return mount_dev(in, m, err);
	case OCI_MOUNT_DEVPTS:
		return mount_devpts(in, m, err);
	case OCI_MOUNT_MQUEUE:
		return mount_mqueue(in, m, err);
	case OCI_MOUNT_CGROUP:
		return mount_cgroup(in, m, err);
	}
	return err_set(err, ERR_FAIL, EINVAL, "unknown kind of mount");
}

/*
 * Old programs read /etc/mtab.  Only into the container's own layer, and what
 * the image has there stays as it is, whatever it is (CVE-2024-5154).
 */
static void add_mtab(struct init *in)
{
	const struct oci_rootfs *root = &in->spec->rootfs;

	if (root->readonly || root->driver == OCI_ROOTFS_DIR)
		return;
	autoclose int dir = path_open(in->root_fd, "/etc",
				      O_PATH | O_DIRECTORY);
	if (dir < 0 || !in_own_layer(in, dir))
		return;
	(void)!symlinkat("/proc/mounts", dir, "mtab");
}

/* ---- mounts inside of read-only ones ------------------------------------ */

/* Those that are kept writable until all mount points are made */
struct opened {
	int *v;		/* descriptors, in place of their mounts; or -EBADF */
	size_t n;
};

static void opened_done(struct opened *o)
{
	for (size_t i = 0; i < o->n; i++)
		close_fd(o->v[i]);
	free(o->v);
}

/* Is mount @i read-only, of the user's, and some later one inside of it? */
static bool wants_points(const struct oci_spec *spec, size_t i)
{
	const struct oci_mount *m = &spec->mounts[i];

	if (!(m->attr & MOUNT_ATTR_RDONLY) ||
	    (m->kind != OCI_MOUNT_BIND && m->kind != OCI_MOUNT_TMPFS))
		return false;
	for (size_t j = i + 1; j < spec->n_mounts; j++)
		if (path_is_beneath(spec->mounts[j].target, m->target) &&
		    !streq(spec->mounts[j].target, m->target))
			return true;
	return false;
}

/* -v conf:/etc:ro, and hosts and resolv.conf go into /etc: what they are
 * mounted on is made there, as podman's runtime does.
 * KERNEL(5.12): before that, and in a file system that is read-only by itself,
 * the mount points have to be there. */
static int keep_open(struct init *in, size_t i)
{
	autoclose int fd = path_open(in->root_fd, in->spec->mounts[i].target,
				     O_PATH | O_DIRECTORY);

	if (fd < 0 || mnt_writable(&in->mnt, fd) < 0)
		return -EBADF;
	return take_fd(fd);
}

static int mount_all(struct init *in, struct opened *o, struct err *err)
{
	for (size_t i = 0; i < in->spec->n_mounts; i++) {
		int r = mount_one(in, i, err);

		if (r < 0)
			return err_wrap(err, r, "mount %s",
					in->spec->mounts[i].target);
		if (wants_points(in->spec, i))
			o->v[i] = keep_open(in, i);
	}
	for (size_t i = 0; i < o->n; i++) {
		int r = o->v[i] < 0 ? 0 :
			mnt_setattr(&in->mnt, o->v[i], MOUNT_ATTR_RDONLY,
				    false, err);

		if (r < 0)
			return err_wrap(err, r, "mount %s",
					in->spec->mounts[i].target);
	}
	return 0;
}

int step_mounts(struct init *in, struct err *err)
{
	struct opened o cleanup(opened_done) = { .n = in->spec->n_mounts };
	int r;

	o.v = xcalloc(o.n + 1, sizeof(*o.v));
	for (size_t i = 0; i < o.n; i++)
		o.v[i] = -EBADF;
	r = mount_all(in, &o, err);
	if (r < 0)
		return r;
	add_mtab(in);
	return 0;
}
