/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/copyup.h"
#include "libpod/oci/idmap.h"
#include "libpod/oci/steps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Mounts that show files which were there before: binds of the host, volumes,
 * devices, overlays of a directory or of an image.  Runs in init before
 * pivot_root.  A source is a descriptor all the way: what is below it is
 * looked up beneath that descriptor, so a container that shares the volume and
 * swaps names leads nowhere else.
 */

#define OVERFLOW_ID 65534	/* what the kernel shows for such an id */

/* ---- volumes ----------------------------------------------------------- */

/* A new named volume takes over what the image has in its place. */
static int volume_copy(struct init *in, const struct oci_mount *m, int source,
		       struct err *err)
{
	int empty;

	empty = copyup_is_empty(source);
	if (empty < 0)
		return err_code(err, empty, "read the volume");
	if (!empty)
		return 0;
	autoclose int from = path_open(in->root_fd, m->target,
				       O_PATH | O_DIRECTORY);
	if (from >= 0)
		return copyup_tree(from, source, err);
	return m->own_new ? owner_take(in, source, false, err) : 0;
}

/* ---- binds ------------------------------------------------------------- */

static int open_subpath(const struct oci_mount *m, int from, struct err *err)
{
	int fd = path_open(from, m->subpath, O_PATH);

	if (fd < 0)
		return err_code(err, fd, "subpath %s", m->subpath);
	return fd;
}

/* The kernel lets only the owner of the file system do it. */
static int set_idmap(struct init *in, int fd, struct err *err)
{
	autoclose int ns = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = ns < 0 ? 0 : (uint64_t)ns,
	};

	if (ns < 0)
		return err_sys(err, "open the user namespace");
	if (!in->mnt.legacy &&
	    mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, EPERM,
		       "option idmap: the kernel lets only root of the host "
		       "map the ids of this file system; use :U or "
		       "--userns=keep-id");
}

static int clone_source(struct init *in, const struct oci_mount *m, int from,
			struct err *err)
{
	int fd = mnt_clone(&in->mnt, from, !m->nonrecursive, err);

	if (fd == -EINVAL && m->nonrecursive) {
		err_clear(err);
		return err_set(err, ERR_UNSUPPORTED, EINVAL,
			       "bind-nonrecursive: something is mounted below "
			       "%s, which the kernel does not let a user "
			       "uncover", m->source ? m->source : "it");
	}
	return fd;
}

static int attach_clone(struct init *in, const struct oci_mount *m, int from,
			struct err *err)
{
	struct stat st;
	int r;

	if (fstat(from, &st) < 0)
		return err_sys(err, "stat the source");
	autoclose int fd = clone_source(in, m, from, err);
	if (fd < 0)
		return fd;
	r = m->idmap ? set_idmap(in, fd, err) : 0;
	if (r == 0)
		r = mnt_setattr(&in->mnt, fd, m->attr, !m->nonrecursive, err);
	if (r < 0)
		return r;
	autoclose int target = mount_target(in, m, S_ISDIR(st.st_mode), err);
	if (target < 0)
		return target;
	r = mnt_attach(&in->mnt, fd, target, err);
	if (r < 0 || !m->propagation)
		return r;
	return mnt_propagation(&in->mnt, fd, m->propagation, err);
}

int mount_bind(struct init *in, const struct oci_mount *m,
	       const struct place *source, struct err *err)
{
	bool is_dir = S_ISDIR(source->mode);
	int r = 0;

	if (m->kind == OCI_MOUNT_DEVICE && !S_ISCHR(source->mode) &&
	    !S_ISBLK(source->mode))
		return err_set(err, ERR_INVALID, ENODEV, "%s is not a device",
			       m->source);
	autoclose int from = place_open(source, err);
	if (from < 0)
		return from;
	if (m->volume_copy && is_dir)
		r = volume_copy(in, m, from, err);
	if (r < 0)
		return err_wrap(err, r, "copy the image's %s into the volume",
				m->target);
	if (m->chown) {
		r = owner_take_source(in, m, from, err);
		if (r < 0)
			return r;
	}
	if (str_is_empty(m->subpath))
		return attach_clone(in, m, from, err);
	autoclose int sub = open_subpath(m, from, err);
	return sub < 0 ? sub : attach_clone(in, m, sub, err);
}

/* ---- overlays ---------------------------------------------------------- */

/* The part of an attached overlay that was asked for goes on top of it. */
static int cover_subpath(struct init *in, const struct oci_mount *m, int fd,
			 struct err *err)
{
	struct oci_mount part = *m;

	part.nonrecursive = true;
	autoclose int sub = open_subpath(m, fd, err);
	return sub < 0 ? sub : attach_clone(in, &part, sub, err);
}

/* An owner that the container has no id for: it stays with its root. */
static bool is_nobodys(const struct init *in, const struct stat *st)
{
	uint32_t id;

	return st->st_uid == OVERFLOW_ID &&
	       !idmap_to_inside(&in->spec->uid_map, 0, &id);
}

/* Upper and work directory have the owner and mode of what they cover. */
static int take_owner(const struct init *in, int from, int work,
		      struct err *err)
{
	struct stat st;

	/* a link of ours to the user's own directory is left as it is */
	autoclose int upper = openat(work, "upper", O_RDONLY | O_DIRECTORY |
				     O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0 && (errno == ELOOP || errno == ENOTDIR))
		return 0;
	if (upper < 0 || fstat(from, &st) < 0 ||
	    (!is_nobodys(in, &st) &&
	     fchown(upper, st.st_uid, st.st_gid) < 0) ||
	    fchmod(upper, st.st_mode & 07777) < 0)
		return err_sys(err, "prepare the upper directory");
	return 0;
}

/* What is below keeps its owner: nobody but init can write to the overlay. */
static int own_overlay(struct init *in, int fd, struct err *err)
{
	int r = owner_take(in, fd, true, err);

	if (r != -EPERM && r != -EACCES && r != -EOVERFLOW)
		return r;
	return err_set(err, ERR_UNSUPPORTED, EPERM,
		       "options O and U together: the container has no id for "
		       "the owner of the files; use --userns=keep-id, or U "
		       "without O");
}

int mount_overlay(struct init *in, const struct oci_mount *m,
		  const struct place *source, struct err *err)
{
	static char here[] = ".";
	static char *const itself[] = { here, NULL };
	struct oci_rootfs root = { .lower = m->lower ? m->lower : itself };
	int work = in->work_fds[m - in->spec->mounts];
	bool attached = false;
	int r;

	while (root.lower[root.n_lower])
		root.n_lower++;
	autoclose int from = place_open(source, err);
	if (from < 0)
		return from;
	r = m->lower ? 0 : take_owner(in, from, work, err);
	autoclose int base = openat(work, "mnt", O_PATH | O_DIRECTORY |
				    O_NOFOLLOW | O_CLOEXEC);
	if (r < 0 || base < 0)
		return r < 0 ? r : err_sys(err, "open the work directory");
	in->mnt.scratch_on = base;
	autoclose int fd = overlay_mount(in, &root, from, work, &attached, err);
	in->mnt.scratch_on = -EBADF;
	if (fd < 0)
		return fd;
	r = m->chown ? own_overlay(in, fd, err) : 0;
	if (r == 0)
		r = mnt_setattr(&in->mnt, fd, m->attr, false, err);
	if (r < 0)
		return r;
	autoclose int target = mount_target(in, m, true, err);
	if (target < 0)
		return target;
	r = mnt_attach(&in->mnt, fd, target, err);
	if (r < 0 || str_is_empty(m->subpath))
		return r;
	return cover_subpath(in, m, fd, err);
}

/* ---- files in memory --------------------------------------------------- */

static int write_memory(int fs, const struct oci_file *f)
{
	autoclose int fd = openat(fs, "file", O_WRONLY | O_CREAT | O_EXCL |
				  O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : fd_write_full(fd, f->data, f->len);

	if (r == 0 && (fchown(fd, f->uid, f->gid) < 0 ||
		       fchmod(fd, f->mode) < 0))
		r = -errno;
	return r;
}

/*
 * A clone of the file that outlives its tmpfs.  KERNEL(6.15): a mount that is
 * attached nowhere cannot be cloned before that, so it covers our own state
 * directory for a moment.
 */
static int clone_file(struct init *in, int fs, struct err *err)
{
	char path[FD_PATH_MAX];
	int r = 0;
	int fd;

	autoclose int file = openat(fs, "file", O_PATH | O_NOFOLLOW |
				    O_CLOEXEC);
	if (file < 0)
		return err_sys(err, "open the file");
	if (in->mnt.legacy)
		return mnt_clone(&in->mnt, file, false, err);
	autoclose int base = place_open(&in->state, err);
	r = base < 0 ? base : mnt_attach(&in->mnt, fs, base, err);
	if (r < 0)
		return r;
	fd = mnt_clone(&in->mnt, file, false, err);
	if (umount2(fd_path(fs, path), MNT_DETACH) < 0 && fd >= 0) {
		close(fd);
		return err_sys(err, "unmount the file's tmpfs");
	}
	return fd;
}

int mount_file(struct init *in, const struct oci_mount *m, struct err *err)
{
	autofree char *data = xasprintf("size=%zuk,nr_inodes=2,mode=0700",
					m->file->len / 1024 + 8);
	int r;

	autoclose int fs = mnt_fs(&in->mnt, "tmpfs", "tmpfs", data, 0, err);
	if (fs < 0)
		return fs;
	r = write_memory(fs, m->file);
	if (r < 0)
		return err_code(err, r, "write the file");
	autoclose int fd = clone_file(in, fs, err);
	if (fd < 0)
		return fd;
	r = mnt_setattr(&in->mnt, fd, m->attr, false, err);
	if (r < 0)
		return r;
	autoclose int target = mount_target(in, m, false, err);
	return target < 0 ? target : mnt_attach(&in->mnt, fd, target, err);
}

/* ---- links ------------------------------------------------------------- */

int mount_symlink(struct init *in, const struct oci_mount *m, struct err *err)
{
	char have[4096];
	autofree char *name = NULL;
	autofree char *dir_path = xstrdup(m->target);
	ssize_t n;
	int dir;

	*strrchr(dir_path, '/') = '\0';
	dir = path_mkdirs(in->root_fd, *dir_path ? dir_path : "/", 0755);
	autoclose int fd = dir;

	if (fd < 0)
		return err_code(err, fd, "make the directory of the link");
	name = xstrdup(strrchr(m->target, '/') + 1);
	if (symlinkat(m->data, fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(err, "make the link");
	n = readlinkat(fd, name, have, sizeof(have) - 1);
	if (n >= 0)
		have[n] = '\0';
	if (n < 0 || !streq(have, m->data))
		return err_set(err, ERR_EXISTS, EEXIST,
			       "there is something else at %s already",
			       m->target);
	return 0;
}
