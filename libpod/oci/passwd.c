/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
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
 * step_user() resolves the payload's user when all mounts are in place (a
 * volume may bring /etc/passwd) and, when asked, gives an unknown uid a line
 * there, so that `whoami` works.  The line goes into the container's own
 * writable layer; where there is none (--read-only, a plain directory that
 * belongs to somebody) into a private copy that is mounted over the file.  A
 * file that is a mount of its own is the user's and is left alone.
 */

static int mount_id(int fd, uint64_t *ret)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return -errno;
	*ret = sx.stx_mnt_id;
	return 0;
}

static int append(int fd, const char *line)
{
	char path[FD_PATH_MAX];

	autoclose int out = open(fd_path(fd, path), O_WRONLY | O_APPEND |
				 O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (out < 0)
		return -errno;
	return fd_write_full(out, line, strlen(line));
}

static int mount_copy(struct init *in, int target, const struct sb *text,
		      struct err *err)
{
	int r;

	autoclose int fs = mnt_fs(&in->mnt, "tmpfs", "tmpfs",
				  "size=2m,nr_inodes=2,mode=0755",
				  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				  MOUNT_ATTR_NOEXEC, err);
	if (fs < 0)
		return fs;
	autoclose int file = openat(fs, "passwd", O_WRONLY | O_CREAT | O_EXCL |
				    O_CLOEXEC, 0644);
	if (file < 0)
		return err_sys(err, "copy /etc/passwd");
	r = fd_write_full(file, text->buf, text->len);
	if (r < 0)
		return err_code(err, r, "copy /etc/passwd");
	autoclose int made = openat(fs, "passwd", O_PATH | O_NOFOLLOW |
				    O_CLOEXEC);
	if (made < 0)
		return err_sys(err, "copy /etc/passwd");
	r = mnt_park(&in->mnt, fs, err);
	if (r < 0)
		return r;
	autoclose int fd = mnt_clone(&in->mnt, made, false, err);
	return fd < 0 ? fd : mnt_attach(&in->mnt, fd, target, err);
}

static char *entry_line(const struct init *in)
{
	char number[16] = "";
	const char *home = str_is_empty(in->process->cwd) ? "/" :
			   in->process->cwd;

	/* A directory name that would break the file is not worth a line. */
	if (strpbrk(home, ":\n"))
		home = "/";
	if (!in->spec->passwd_name || strpbrk(in->spec->passwd_name, ":\n"))
		(void)snprintf(number, sizeof(number), "%u",
			       (unsigned int)in->user.uid);
	return xasprintf("%s:*:%u:%u:container user:%s:/bin/sh\n",
			 number[0] ? number : in->spec->passwd_name,
			 (unsigned int)in->user.uid,
			 (unsigned int)in->user.gid, home);
}

static int add_entry(struct init *in, struct err *err)
{
	const struct oci_rootfs *root = &in->spec->rootfs;
	autofree char *line = entry_line(in);
	autosb struct sb text = SB_INIT;
	uint64_t root_id = 0;
	uint64_t file_id = 0;
	int r;

	/* Read first: that also refuses what is no sane regular file. */
	if (user_file_read(in->root_fd, "/etc/passwd", &text) < 0)
		return 0;
	autoclose int fd = path_open(in->root_fd, "/etc/passwd", O_PATH);
	if (fd < 0 || mount_id(fd, &file_id) < 0 ||
	    mount_id(in->root_fd, &root_id) < 0)
		return 0;
	if (file_id != root_id)
		return 0;
	if (text.len && text.buf[text.len - 1] != '\n') {
		char *fixed = xasprintf("\n%s", line);

		free(line);
		line = fixed;
	}
	if (root->driver != OCI_ROOTFS_DIR && !root->readonly) {
		r = append(fd, line);
		return r < 0 ? err_code(err, r, "add a line to /etc/passwd") : 0;
	}
	sb_add(&text, line);
	return mount_copy(in, fd, &text, err);
}

int step_user(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;
	int r;

	r = user_lookup(in->root_fd, p->user, p->groups, &in->user, err);
	if (r < 0)
		return r;
	if (!in->spec || !in->spec->passwd_entry || in->user.name)
		return 0;
	r = add_entry(in, err);
	if (r == 0 && !str_is_empty(p->cwd))
		str_set(&in->user.home, p->cwd);
	return r;
}
