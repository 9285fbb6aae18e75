/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/oci/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * Theory of operation
 *
 * Called by init (and nobody else) between the clone and pivot_root, in the
 * container's own mount namespace, where every mount is private.
 *
 * The new mount API (fsopen, fsmount, open_tree, move_mount, mount_setattr)
 * works on descriptors only.  KERNEL(5.12): mount_setattr(2) is missing before
 * that, and a seccomp filter of an outer engine may refuse all of them.  Then
 * the same four verbs are done with mount(2): a new mount goes onto a slot in
 * a scratch tmpfs of ours, its root is opened there, flags are changed through
 * /proc/self/fd/N (which names the root of the mount, so nothing of the
 * container is resolved) and MS_MOVE takes it to its target.
 */

static bool forced_legacy(void)
{
#ifdef BRYO_TESTING
	const char *env = getenv("BRYO_FORCE");

	return env && strstr(env, "no-mount-api");
#else
	return false;
#endif
}

void mnt_init(struct mnt *m)
{
	m->legacy = forced_legacy();
	if (m->legacy)
		return;
	/* Arguments that every kernel with the call refuses. */
	if (syscall(SYS_mount_setattr, -1, "", 0, NULL, 0) < 0 &&
	    errno != EINVAL)
		m->legacy = true;
	if (syscall(SYS_fsopen, NULL, 0) < 0 && errno != EFAULT)
		m->legacy = true;
	if (syscall(SYS_open_tree, -1, "", 0) < 0 && errno != ENOENT)
		m->legacy = true;
}

void mnt_done(struct mnt *m)
{
	close_fd(m->scratch_fd);
}

/* ---- KERNEL(5.12): mount(2) -------------------------------------------- */

static const struct {
	uint64_t attr;
	unsigned long ms;
	unsigned long st;
} flags[] = {
	{ MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY },
	{ MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID },
	{ MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV },
	{ MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC },
	{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME },
};

static unsigned long attr_to_ms(uint64_t attr)
{
	unsigned long ms = 0;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (attr & flags[i].attr)
			ms |= flags[i].ms;
	if ((attr & MOUNT_ATTR__ATIME) == MOUNT_ATTR_NOATIME)
		ms |= MS_NOATIME;
	if ((attr & MOUNT_ATTR__ATIME) == MOUNT_ATTR_STRICTATIME)
		ms |= MS_STRICTATIME;
	return ms;
}

/* The flags a mount has: a remount must repeat those that are locked. */
static int current_ms(int fd, unsigned long *ret)
{
	struct statvfs st;

	if (fstatvfs(fd, &st) < 0)
		return -errno;
	*ret = 0;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (st.f_flag & flags[i].st)
			*ret |= flags[i].ms;
	if (st.f_flag & ST_NOATIME)
		*ret |= MS_NOATIME;
	else if (st.f_flag & ST_RELATIME)
		*ret |= MS_RELATIME;
	else
		*ret |= MS_STRICTATIME;
	return 0;
}

static int remount(int fd, uint64_t attr)
{
	char name[FD_PATH_MAX];
	unsigned long ms = 0;
	int r;

	r = current_ms(fd, &ms);
	if (r < 0)
		return r;
	if (attr & MOUNT_ATTR__ATIME)
		ms &= ~(unsigned long)(MS_NOATIME | MS_RELATIME |
				       MS_STRICTATIME);
	ms |= attr_to_ms(attr);
	if (mount(NULL, fd_path(fd, name), NULL, MS_REMOUNT | MS_BIND | ms,
		  NULL) < 0)
		return -errno;
	return 0;
}

static int mount_id(int fd, uint64_t *ret)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &sx) < 0)
		return -errno;
	*ret = sx.stx_mnt_id;
	return 0;
}

/* mountinfo writes blank, tab, newline and backslash as \ooo */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
		    s[3]) {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
					(s[3] - '0'));
			s += 4;
			continue;
		}
		*out++ = *s++;
	}
	*out = '\0';
}

struct submounts {
	uint64_t *ids;	/* owned; the tree so far */
	size_t n;
};

static void submounts_done(struct submounts *s)
{
	free(s->ids);
}

static bool has_id(const struct submounts *s, uint64_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->ids[i] == id)
			return true;
	return false;
}

static int remount_line(char *line, struct submounts *s, uint64_t attr)
{
	unsigned long long id;
	unsigned long long parent;
	int path_at = 0;
	uint64_t have;

	if (sscanf(line, "%llu %llu %*s %*s %n", &id, &parent, &path_at) != 2 ||
	    !path_at || !has_id(s, parent))
		return 0;
	s->ids = xreallocarray(s->ids, s->n + 1, sizeof(*s->ids));
	s->ids[s->n++] = id;
	line[(size_t)path_at + strcspn(line + path_at, " ")] = '\0';
	unescape(line + path_at);
	autoclose int fd =
		open(line + path_at, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	/* Covered by another mount, which may lack the path: out of reach. */
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	if (mount_id(fd, &have) < 0 || have != id)
		return 0;
	return remount(fd, attr);
}

/* mountinfo lists a mount after its parent. */
static int remount_below(int fd, uint64_t attr)
{
	struct submounts s cleanup(submounts_done) = { NULL, 0 };
	autofree char *line = NULL;
	size_t size = 0;
	uint64_t top = 0;
	int r;

	r = mount_id(fd, &top);
	if (r < 0)
		return r;
	s.ids = xmalloc(sizeof(*s.ids));
	s.ids[s.n++] = top;
	autofclose FILE *f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		r = -errno;
	while (r == 0 && getline(&line, &size, f) > 0)
		r = remount_line(line, &s, attr);
	return r;
}

static int legacy_fs(struct mnt *m, const char *type, const char *source,
		     const char *data, uint64_t attr, struct err *err)
{
	autofree char *name = NULL;
	char target[FD_PATH_MAX];
	int fd;

	autoclose int slot = mnt_slot(m, true, &name, err);
	if (slot < 0)
		return slot;
	if (mount(source, fd_path(slot, target), type, attr_to_ms(attr),
		  data) < 0)
		return err_sys(err, "mount %s", type);
	fd = openat(m->scratch_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the new %s", type);
	return fd;
}

static int legacy_clone(struct mnt *m, int from, bool recursive,
			struct err *err)
{
	autofree char *name = NULL;
	char source[FD_PATH_MAX];
	char target[FD_PATH_MAX];
	struct stat st;
	int fd;

	if (fstat(from, &st) < 0)
		return err_sys(err, "stat the source of a bind mount");
	autoclose int slot = mnt_slot(m, S_ISDIR(st.st_mode), &name, err);
	if (slot < 0)
		return slot;
	if (mount(fd_path(from, source), fd_path(slot, target), NULL,
		  MS_BIND | (recursive ? MS_REC : 0), NULL) < 0)
		return err_sys(err, "bind mount");
	fd = openat(m->scratch_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open the new bind mount");
	return fd;
}

/* ---- the new mount API -------------------------------------------------- */

/* The kernel explains a refusal in the log of the context: "e why\n". */
static int fs_failed(int fs, const char *type, struct err *err)
{
	int code = errno;
	char why[256];
	ssize_t n = read(fs, why, sizeof(why) - 1);

	if (n > 2) {
		why[n] = '\0';
		why[strcspn(why, "\n")] = '\0';
		return err_set(err, ERR_SYS, code, "mount %s: %s: %s", type,
			       why + 2, err_reason(code));
	}
	return err_code(err, code, "mount %s", type);
}

static int fs_config(int fs, const char *data)
{
	autostrv char **opts = strv_split(data, ',');

	for (size_t i = 0; opts && opts[i]; i++) {
		char *value = strchr(opts[i], '=');
		int r;

		if (!*opts[i])
			continue;
		if (value)
			*value++ = '\0';
		r = fsconfig(fs, value ? FSCONFIG_SET_STRING :
			     FSCONFIG_SET_FLAG, opts[i], value, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

int mnt_fs(struct mnt *m, const char *type, const char *source,
	   const char *data, uint64_t attr, struct err *err)
{
	int fd;

	if (m->legacy)
		return legacy_fs(m, type, source, data, attr, err);
	autoclose int fs = fsopen(type, FSOPEN_CLOEXEC);
	if (fs < 0)
		return err_sys(err, "mount %s", type);
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0 ||
	    (data && fs_config(fs, data) < 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fs_failed(fs, type, err);
	fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attr);
	if (fd < 0)
		return fs_failed(fs, type, err);
	return fd;
}

int mnt_clone(struct mnt *m, int fd, bool recursive, struct err *err)
{
	int r;

	if (m->legacy)
		return legacy_clone(m, fd, recursive, err);
	r = open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
		      AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0));
	if (r < 0)
		return err_sys(err, "bind mount");
	return r;
}

int mnt_setattr(struct mnt *m, int fd, uint64_t attr, bool recursive,
		struct err *err)
{
	struct mount_attr set = { .attr_set = attr };
	int r;

	if (!attr)
		return 0;
	if (m->legacy) {
		r = remount(fd, attr);
		if (r == 0 && recursive)
			r = remount_below(fd, attr);
		return r < 0 ? err_code(err, r, "set mount flags") : 0;
	}
	if (attr & MOUNT_ATTR__ATIME)
		set.attr_clr = MOUNT_ATTR__ATIME;
	if (mount_setattr(fd, "", AT_EMPTY_PATH |
			  (recursive ? AT_RECURSIVE : 0), &set,
			  sizeof(set)) < 0)
		return err_sys(err, "set mount flags");
	return 0;
}

int mnt_writable(struct mnt *m, int fd)
{
	struct mount_attr set = { .attr_clr = MOUNT_ATTR_RDONLY };

	if (m->legacy)
		return -ENOSYS;
	return mount_setattr(fd, "", AT_EMPTY_PATH, &set, sizeof(set)) < 0 ?
	       -errno : 0;
}

int mnt_propagation(struct mnt *m, int fd, unsigned long propagation,
		    struct err *err)
{
	bool recursive = propagation & MS_REC;
	struct mount_attr set = {
		.propagation = propagation & ~(unsigned long)MS_REC,
	};
	char name[FD_PATH_MAX];
	int r;

	if (m->legacy)
		r = mount(NULL, fd_path(fd, name), NULL, propagation, NULL);
	else
		r = mount_setattr(fd, "", AT_EMPTY_PATH |
				  (recursive ? AT_RECURSIVE : 0), &set,
				  sizeof(set));
	return r < 0 ? err_sys(err, "set mount propagation") : 0;
}

int mnt_attach(struct mnt *m, int fd, int target, struct err *err)
{
	char from[FD_PATH_MAX];
	char to[FD_PATH_MAX];
	int r;

	if (m->legacy)
		r = mount(fd_path(fd, from), fd_path(target, to), NULL, MS_MOVE,
			  NULL);
	else
		r = move_mount(fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH |
			       MOVE_MOUNT_T_EMPTY_PATH);
	return r < 0 ? err_sys(err, "attach mount") : 0;
}

int mnt_park(struct mnt *m, int fd, struct err *err)
{
	if (m->legacy)
		return 0;	/* it sits on a slot already */
	autoclose int dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dev < 0)
		return err_sys(err, "open /dev");
	return mnt_attach(m, fd, dev, err);
}

/*
 * ---- the scratch ----------------------------------------------------------
 */

#define SCRATCH_DATA "size=4m,nr_inodes=4096,mode=0700"

/* The path of the directory, as the scratch covers what its descriptor names */
static int open_again(int fd)
{
	char link[FD_PATH_MAX];
	char path[4096];
	ssize_t n = readlink(fd_path(fd, link), path, sizeof(path) - 1);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int mnt_scratch(struct mnt *m, struct err *err)
{
	char on[FD_PATH_MAX];
	int fd;

	if (m->scratch_fd >= 0)
		return m->scratch_fd;
	if (mount("bryo", fd_path(m->scratch_on, on), "tmpfs",
		  MS_NOSUID | MS_NODEV | MS_NOEXEC, SCRATCH_DATA) < 0)
		return err_sys(err, "mount the scratch tmpfs");
	fd = open_again(m->scratch_on);
	if (fd < 0)
		return err_code(err, fd, "open the scratch tmpfs");
	m->scratch_fd = fd;
	return fd;
}

int mnt_slot(struct mnt *m, bool is_dir, char **ret_name, struct err *err)
{
	autofree char *name = xasprintf("m%u", m->slots++);
	int scratch = mnt_scratch(m, err);
	int fd;

	if (scratch < 0)
		return scratch;
	if (is_dir && mkdirat(scratch, name, 0700) < 0)
		return err_sys(err, "make a mount point");
	if (!is_dir) {
		autoclose int made = openat(scratch, name, O_WRONLY | O_CREAT |
					    O_EXCL | O_CLOEXEC, 0600);
		if (made < 0)
			return err_sys(err, "make a mount point");
	}
	fd = openat(scratch, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open a mount point");
	*ret_name = take_ptr(name);
	return fd;
}
