/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/steps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * Hides and write-protects parts of /proc and /sys, before pivot_root.  All
 * masks show the same tmpfs, which is empty and read-only: its root over
 * directories, one empty file of it over files.  No device of the host is
 * trusted for that (CVE-2025-31133), and one superblock costs less than one
 * per mask.  What is not there needs no mask; nothing is ever created.
 */

static const char *const masked[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/interrupts",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/sys/devices/system/cpu/cpu*/thermal_throttle",
	"/sys/devices/virtual/powercap",
	"/sys/firmware",
	"/sys/fs/selinux",
};

static const char *const read_only[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
	"/proc/sysrq-trigger",
};

const char *const *oci_masked_default(size_t *n)
{
	*n = ARRAY_LEN(masked);
	return masked;
}

const char *const *oci_readonly_default(size_t *n)
{
	*n = ARRAY_LEN(read_only);
	return read_only;
}

struct mask {
	struct init *in;
	int dir;	/* owned */
	int file;	/* owned */
};

static void mask_done(struct mask *m)
{
	close_fd(m->dir);
	close_fd(m->file);
}

/* The shared tmpfs with one empty directory and one empty file. */
static int mask_source(struct mask *m, struct err *err)
{
	autoclose int fd = mnt_fs(&m->in->mnt, "tmpfs", "bryo-mask",
				  "size=4k,nr_inodes=3,mode=0755",
				  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				  MOUNT_ATTR_NOEXEC, err);
	int r;

	if (fd < 0)
		return fd;
	autoclose int made = openat(fd, "file", O_WRONLY | O_CREAT | O_EXCL |
				    O_CLOEXEC, 0444);
	if (made < 0 || mkdirat(fd, "dir", 0555) < 0)
		return err_sys(err, "make what masks show");
	m->file = openat(fd, "file", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	m->dir = openat(fd, "dir", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (m->file < 0 || m->dir < 0)
		return err_sys(err, "open what masks show");
	close_fd(made);
	r = mnt_setattr(&m->in->mnt, fd, MOUNT_ATTR_RDONLY, false, err);
	return r < 0 ? r : mnt_park(&m->in->mnt, fd, err);
}

static int mask_fd(struct mask *m, int target, struct err *err)
{
	struct stat st;

	if (fstat(target, &st) < 0)
		return err_sys(err, "stat");
	autoclose int fd = mnt_clone(&m->in->mnt, S_ISDIR(st.st_mode) ?
				     m->dir : m->file, false, err);
	if (fd < 0)
		return fd;
	return mnt_attach(&m->in->mnt, fd, target, err);
}

static bool is_missing(int r)
{
	return r == -ENOENT || r == -ENOTDIR || r == -EACCES;
}

static int mask_path(struct mask *m, const char *path, struct err *err)
{
	int r;

	autoclose int target = path_open(m->in->root_fd, path, O_PATH);
	if (target < 0)
		return is_missing(target) ? 0 :
		       err_code(err, target, "mask %s", path);
	r = mask_fd(m, target, err);
	return r < 0 ? err_wrap(err, r, "mask %s", path) : 0;
}

/* One component of the path is a pattern: "/a/b*" + "/c". */
static int mask_glob(struct mask *m, const char *path, struct err *err)
{
	const char *star = strchr(path, '*');
	size_t start = (size_t)(star - path);
	size_t end = start + strcspn(star, "/");
	const struct dirent *e;
	int r = 0;

	while (start && path[start - 1] != '/')
		start--;
	autofree char *parent = xstrndup(path, start);
	autofree char *pattern = xstrndup(path + start, end - start);
	autoclose int fd = path_open(m->in->root_fd, parent,
				     O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return is_missing(fd) ? 0 : err_code(err, fd, "mask %s", path);
	autoclosedir DIR *d = dir_stream_at(fd, ".");
	if (!d)
		return err_sys(err, "mask %s", path);
	while (r == 0 && (r = dir_next(d, &e, err)) > 0) {
		autofree char *one = NULL;

		r = 0;
		if (fnmatch(pattern, e->d_name, FNM_PERIOD) != 0)
			continue;
		one = xasprintf("%s%s%s", parent, e->d_name, path + end);
		r = mask_path(m, one, err);
	}
	return r;
}

static int mask_all(struct init *in, struct err *err)
{
	struct mask m cleanup(mask_done) = { in, -EBADF, -EBADF };
	int r;

	if (!in->spec->n_masked)
		return 0;
	r = mask_source(&m, err);
	for (size_t i = 0; r == 0 && i < in->spec->n_masked; i++) {
		const char *path = in->spec->masked[i];

		r = strchr(path, '*') ? mask_glob(&m, path, err) :
		    mask_path(&m, path, err);
	}
	return r;
}

static int protect(struct init *in, const char *path, struct err *err)
{
	int r;

	autoclose int target = path_open(in->root_fd, path, O_PATH);
	if (target < 0)
		return is_missing(target) ? 0 :
		       err_code(err, target, "open %s", path);
	autoclose int fd = mnt_clone(&in->mnt, target, true, err);
	if (fd < 0)
		return fd;
	r = mnt_setattr(&in->mnt, fd, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
			MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, true, err);
	return r < 0 ? r : mnt_attach(&in->mnt, fd, target, err);
}

int step_mask(struct init *in, struct err *err)
{
	int r;

	for (size_t i = 0; i < in->spec->n_readonly; i++) {
		r = protect(in, in->spec->readonly[i], err);
		if (r < 0)
			return err_wrap(err, r, "make %s read-only",
					in->spec->readonly[i]);
	}
	return mask_all(in, err);
}
