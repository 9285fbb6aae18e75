/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "libpod/oci/steps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 * The terminal is a pty of the container's own devpts: the master is opened
 * beneath the root and checked to be on a devpts, the slave comes from it by
 * TIOCGPTPEER, so that no /dev/pts/N of the image is ever opened
 * (CVE-2025-52565).  The master travels to the parent with SYNC_CREATED.
 */

/* /dev/console shows the slave; only where /dev is a tmpfs of ours. */
static int bind_console(struct init *in, struct err *err)
{
	struct statfs st;
	int r;

	autoclose int dev =
		path_open(in->root_fd, "/dev", O_PATH | O_DIRECTORY);
	if (dev < 0 || fstatfs(dev, &st) < 0 || st.f_type != TMPFS_MAGIC)
		return 0;
	autoclose int fd = mnt_clone(&in->mnt, in->tty_fd, false, err);
	if (fd < 0)
		return err_wrap(err, fd, "/dev/console");
	autoclose int made = openat(dev, "console", O_WRONLY | O_CREAT |
				    O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (made < 0)
		return err_sys(err, "make /dev/console");
	autoclose int target = openat(dev, "console", O_PATH | O_NOFOLLOW |
				      O_CLOEXEC);
	if (target < 0)
		return err_sys(err, "open the new /dev/console");
	r = mnt_attach(&in->mnt, fd, target, err);
	return r < 0 ? err_wrap(err, r, "/dev/console") : 0;
}

static int open_pty(struct init *in, struct err *err)
{
	int unlock = 0;
	struct statfs st;
	int fd;

	autoclose int master = path_open(in->root_fd, "/dev/pts/ptmx",
					 O_RDWR | O_NOCTTY);
	if (master < 0)
		return err_code(err, master, "open /dev/pts/ptmx");
	if (fstatfs(master, &st) < 0 || st.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(err, ERR_FAIL, ENOTTY,
			       "/dev/pts of the container is not a devpts");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, "unlock the terminal");
	fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the terminal");
	in->tty_fd = fd;
	in->master_fd = take_fd(master);
	return 0;
}

int step_terminal(struct init *in, struct err *err)
{
	const struct oci_process *p = in->process;
	struct winsize size = { .ws_row = p->rows, .ws_col = p->cols };
	int r;

	if (!p->terminal)
		return 0;
	r = open_pty(in, err);
	if (r < 0)
		return r;
	if (p->rows && p->cols && ioctl(in->tty_fd, TIOCSWINSZ, &size) < 0)
		return err_sys(err, "set the window size");
	return in->spec ? bind_console(in, err) : 0;
}

/*
 * A closed stdio descriptor becomes the container's null device.  Opened by
 * its name and checked afterwards: the /proc that is visible by now may be
 * anything (CVE-2026-115521).
 */
static int open_null(struct init *in, struct err *err)
{
	struct stat st;

	autoclose int fd = path_open(in->root_fd, "/dev/null",
				     O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_code(err, fd, "open /dev/null");
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) ||
	    st.st_rdev != makedev(1, 3))
		return err_set(err, ERR_FAIL, ENODEV,
			       "/dev/null of the container is not the null "
			       "device");
	fd_nonblock(fd, false);
	return take_fd(fd);
}

/*
 * The payload's user may open its own pipes again (/dev/stdout): they are
 * anonymous and ours.  Nothing else is ever chowned (CVE-2026-88265); a
 * failure only means that the user is not mapped.
 */
static void own_stdio(struct init *in, int fd)
{
	struct stat st;
	struct statfs fs;

	if (fstat(fd, &st) < 0 || st.st_uid == in->user.uid)
		return;
	if (fstatfs(fd, &fs) < 0)
		return;
	if ((S_ISFIFO(st.st_mode) && fs.f_type == PIPEFS_MAGIC) ||
	    fd == in->tty_fd)
		(void)!fchown(fd, in->user.uid, (gid_t)-1);
}

/* Move clear of 0, 1, 2, so that no dup2 below overwrites a source. */
static int lift(int *fd)
{
	int high;

	if (*fd < 0 || *fd > 2)
		return 0;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	if (high < 0)
		return -errno;
	*fd = high;
	return 0;
}

static int stdio_tty(struct init *in, struct err *err)
{
	own_stdio(in, in->tty_fd);
	if (ioctl(in->tty_fd, TIOCSCTTY, 0) < 0)
		return err_sys(err, "make the terminal the controlling one");
	for (int i = 0; i < 3; i++)
		in->stdio[i] = in->tty_fd;
	return 0;
}

/* From here on even "/proc/self/fd/N" as working directory leads nowhere. */
static void close_ours(struct init *in)
{
	const struct oci_process *p = in->process;
	autofree int *keep = xcalloc(p->n_keep_fds + 2, sizeof(*keep));
	size_t n = p->n_keep_fds;

	for (size_t i = 0; i < n; i++)
		keep[i] = p->keep_fds[i];
	keep[n] = in->sync_fd;
	keep[n + 1] = in->trampoline_fd;
	fd_close_all_but(keep, n + 2);
	in->root_fd = in->proc_fd = in->dev_fd = in->tty_fd = -EBADF;
}

static void stdio_given(struct init *in)
{
	for (int i = 0; i < 3; i++)
		if (in->stdio[i] >= 0)
			own_stdio(in, in->stdio[i]);
}

static int stdio_missing(struct init *in, struct err *err)
{
	int null_fd = -EBADF;

	for (int i = 0; i < 3; i++) {
		if (in->stdio[i] >= 0)
			continue;
		if (null_fd < 0)
			null_fd = open_null(in, err);
		if (null_fd < 0)
			return null_fd;
		in->stdio[i] = null_fd;
	}
	return 0;
}

int step_stdio(struct init *in, struct err *err)
{
	int r = 0;

	if (setsid() < 0 && errno != EPERM)
		return err_sys(err, "setsid");
	if (in->process->terminal)
		r = stdio_tty(in, err);
	else
		stdio_given(in);
	if (r == 0)
		r = stdio_missing(in, err);
	if (r < 0)
		return r;
	for (int i = 0; i < 3; i++) {
		r = lift(&in->stdio[i]);
		if (r < 0)
			return err_code(err, r, "prepare standard streams");
	}
	for (int i = 0; i < 3; i++)
		if (dup2(in->stdio[i], i) < 0)
			return err_sys(err, "set up standard streams");
	close_ours(in);
	return 0;
}
