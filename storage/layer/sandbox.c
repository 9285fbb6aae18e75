/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * Theory of operation
 *
 * bryo-layer parses tar, gzip and zstd from anywhere with libraries that had
 * memory bugs before.  What a taken-over parser can reach is decided here:
 *
 *   - the staging directory is the root of its own mount namespace: chmod,
 *     chown and setxattr, which Landlock does not cover, have nothing else to
 *     act on;
 *   - capabilities are over a child user namespace only and reduced to those
 *     that chown, chmod and file capabilities need;
 *   - no network (an empty namespace, and no socket call), no other process
 *     (pid namespace, no kill, no ptrace, no fork, no exec);
 *   - the open descriptors: input, result socket, the blob file, stderr.
 *
 * sandbox_fork() runs first, in the process that the client started: the
 * parent stays outside, writes the id maps and waits.  A user namespace's map
 * can only be written from its parent, and a pid namespace only begins with a
 * child, so there have to be two processes.
 *
 * Everything that loads code or opens /etc or /proc (libcrypto, locale) must
 * happen before; the order of main() is part of this design.
 */

enum {
	/* RLIMIT_AS beyond what is mapped at the start: a zstd window of
	   64 MiB, our buffers, libarchive's headers of at most 1 MiB */
	MEMORY_MAX = 100 * 1024 * 1024,
	CPU_MAX_S = 1800,
	/* one per directory of a path (1024), more to remove a deep one */
	FILES_MAX = 1400,
	/* a path of this many directories in each of several trees */
	FILES_PER_TREE = 16,
};

/* Bytes of address space in use; 0 when /proc does not tell. */
static uint64_t mapped_bytes(void)
{
	autosb struct sb text = SB_INIT;
	uint64_t pages;
	char *end;

	if (file_read_at(AT_FDCWD, "/proc/self/statm", 256, &text) < 0)
		return 0;
	end = strchr(text.buf, ' ');
	if (!end)
		return 0;
	*end = '\0';
	if (parse_u64(text.buf, &pages) < 0)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int read_ids(struct sandbox *sb, struct err *err)
{
	int r;

	if (geteuid() != 0) {
		/* not root of anything: all we can map is ourselves */
		sb->uids = (struct idmap){ .range = { { 0, 1 } }, .n = 1 };
		sb->gids = sb->uids;
		return 0;
	}
	r = idmap_read("uid_map", &sb->uids, err);
	if (r < 0)
		return r;
	return idmap_read("gid_map", &sb->gids, err);
}

/* "0 UID 1": allowed to everybody for themselves */
static int write_own_map(int pid, const char *file, unsigned int id,
			 struct err *err)
{
	autofree char *path = xasprintf("/proc/%d/%s", pid, file);
	autofree char *text = id == UINT32_MAX ? xstrdup("deny") :
						 xasprintf("0 %u 1\n", id);

	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "open %s", path);
	if (fd_write_full(fd, text, strlen(text)) < 0)
		return err_sys(err, "write %s", path);
	return 0;
}

static int write_maps(int pid, const struct sandbox *sb, struct err *err)
{
	int r;

	if (geteuid() == 0) {
		r = idmap_write(pid, "gid_map", &sb->gids, err);
		return r < 0 ? r : idmap_write(pid, "uid_map", &sb->uids, err);
	}
	r = write_own_map(pid, "setgroups", UINT32_MAX, err);
	if (r < 0)
		return r;
	r = write_own_map(pid, "gid_map", getegid(), err);
	return r < 0 ? r : write_own_map(pid, "uid_map", geteuid(), err);
}

/* A detached mount each: ".." ends at its root.  The first one becomes the
 * current directory. */
static int open_trees(struct sandbox *sb, struct err *err)
{
	size_t n = strv_len(sb->trees);

	sb->tree_fds = xcalloc(n, sizeof(*sb->tree_fds));
	for (; sb->n_trees < n; sb->n_trees++) {
		int fd = open_tree(AT_FDCWD, sb->trees[sb->n_trees],
				   OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
					   AT_SYMLINK_NOFOLLOW);

		if (fd < 0)
			return err_sys(err, "open %s",
				       sb->trees[sb->n_trees]);
		sb->tree_fds[sb->n_trees] = fd;
	}
	if (n && chdir(sb->trees[0]) < 0)
		return err_sys(err, "enter %s", sb->trees[0]);
	return 0;
}

/* The current directory becomes "/", the old root is gone. */
static int enter_root(struct sandbox *sb, struct err *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, "make mounts private");
	if (sb->trees && open_trees(sb, err) < 0)
		return -err->code;

	autoclose int tree = open_tree(AT_FDCWD, ".",
				       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
					       AT_RECURSIVE);
	if (tree < 0)
		return err_sys(err, "clone the mount of the layer directory");
	if (move_mount(tree, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(err, "mount the layer directory");
	if (fchdir(tree) < 0)
		return err_sys(err, "enter the layer directory");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return err_sys(err, "make the layer directory the root");
	if (umount2(".", MNT_DETACH) < 0)
		return err_sys(err, "detach the old root");
	if (chdir("/") < 0)
		return err_sys(err, "enter the new root");
	/* more than needed, so not an error where locked flags forbid it */
	(void)mount(NULL, "/", NULL,
		    MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    NULL);
	return 0;
}

/*
 * LAYER_FD_ROOT as it came belongs to the mount namespace outside: ".." of it
 * leads out.  Replace it by the root we have now, close the rest.
 */
static int replace_fds(const struct sandbox *sb, struct err *err)
{
	static const int fixed[] = { LAYER_FD_SOCK, LAYER_FD_OUT,
				     LAYER_FD_RESUME };
	size_t n = ARRAY_LEN(fixed);
	autofree int *keep = xcalloc(n + sb->n_trees, sizeof(*keep));

	memcpy(keep, fixed, sizeof(fixed));
	if (sb->n_trees)
		memcpy(keep + n, sb->tree_fds, sb->n_trees * sizeof(*keep));
	n += sb->n_trees;

	autoclose int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, "open the layer directory");
	if (dup3(root, LAYER_FD_ROOT, O_CLOEXEC) < 0)
		return err_sys(err, "keep the layer directory");
	close_fd(root);
	fd_close_all_but(keep, n);
	return 0;
}

static int enter(struct sandbox *sb, int sync, bool new_user,
		 struct err *err)
{
	char go;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_sys(err, "set the parent death signal");
	/* end of file: the parent failed or died before the call above */
	if (read(sync, &go, 1) != 1)
		_exit(1);
	if (new_user) {
		(void)setgroups(0, NULL);	/* not with setgroups denied */
		if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
			return err_sys(err, "become root of the sandbox");
	}
	umask(0);
	if (enter_root(sb, err) < 0)
		return -err->code;
	return replace_fds(sb, err);
}

static long fork_into(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
}

int sandbox_fork(struct sandbox *sb, bool *ret_child, struct err *err)
{
	const unsigned long spaces = CLONE_NEWNS | CLONE_NEWNET |
				     CLONE_NEWPID | CLONE_NEWIPC;
	bool new_user = true;
	int pair[2];
	long pid;
	int r;

	*ret_child = false;
	sb->mapped = mapped_bytes();
	r = read_ids(sb, err);
	if (r < 0)
		return r;
	/* the current directory moves into the new mount namespace with us,
	   a descriptor would stay in the old one */
	if (fchdir(LAYER_FD_ROOT) < 0)
		return err_sys(err, "enter the layer directory");
	if (pipe2(pair, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	autoclose int in = pair[0];
	autoclose int out = pair[1];

	pid = fork_into(spaces | CLONE_NEWUSER);
	if (pid < 0 && geteuid() == 0) {
		/* root where user namespaces are switched off */
		new_user = false;
		pid = fork_into(spaces);
	}
	if (pid < 0)
		return err_sys(err, "make the namespaces of the sandbox");
	if (pid == 0) {
		*ret_child = true;
		close_fd(out);
		return enter(sb, in, new_user, err);
	}
	if (new_user)
		r = write_maps((int)pid, sb, err);
	if (r == 0 && write(out, "", 1) != 1)
		r = err_sys(err, "start the sandbox");
	return r < 0 ? r : (int)pid;
}

/* ---- locking ------------------------------------------------------------ */

static int set_limit(int which, rlim_t value, struct err *err)
{
	struct rlimit lim;

	if (getrlimit((__rlimit_resource_t)which, &lim) < 0)
		return err_sys(err, "read limit %d", which);
	if (value > lim.rlim_max)
		value = lim.rlim_max;
	lim = (struct rlimit){ value, value };
	if (setrlimit((__rlimit_resource_t)which, &lim) < 0)
		return err_sys(err, "set limit %d", which);
	return 0;
}

static int set_limits(const struct sandbox *sb, struct err *err)
{
	int r;

	r = set_limit(RLIMIT_FSIZE, sb->max_file, err);
	if (r == 0)
		r = set_limit(RLIMIT_CPU, CPU_MAX_S, err);
	if (r == 0)
		r = set_limit(RLIMIT_NOFILE,
			      FILES_MAX + FILES_PER_TREE * sb->n_trees, err);
	if (r == 0)
		r = set_limit(RLIMIT_CORE, 0, err);
	/* the shadow of ASan is terabytes of address space */
	if (r == 0 && sb->mapped && !LAYER_ASAN)
		r = set_limit(RLIMIT_AS, sb->mapped + MEMORY_MAX + sb->memory,
			      err);
	return r;
}

static int drop_capabilities(bool read_only, struct err *err)
{
	/* MKNOD is not among them: a whiteout (0:0) needs none, and for
	   other devices the kernel asks for it in the initial namespace */
	const uint32_t write_caps = 1U << CAP_CHOWN | 1U << CAP_FOWNER |
				    1U << CAP_FSETID;
	const uint64_t all = 1U << CAP_DAC_OVERRIDE |
			     (read_only ? 0 : write_caps) |
			     (read_only ? 0 : UINT64_C(1) << CAP_SETFCAP);
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)all, .permitted = (uint32_t)all },
		{ .effective = (uint32_t)(all >> 32),
		  .permitted = (uint32_t)(all >> 32) },
	};

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) < 0)
			return err_sys(err, "drop capability %d", cap);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "clear ambient capabilities");
	if (syscall(SYS_capset, &head, data) < 0)
		return err_sys(err, "reduce capabilities");
	return 0;
}

int sandbox_lock(const struct sandbox *sb, struct err *err)
{
	int r;

	/* a file that reaches RLIMIT_FSIZE is an error, not a death */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	r = set_limits(sb, err);
	if (r == 0)
		r = drop_capabilities(sb->read_only, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		return err_sys(err, "become undumpable");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "set no_new_privs");
	r = sandbox_landlock(sb, err);
	return r < 0 ? r : sandbox_filter(err);
}
