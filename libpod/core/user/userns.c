/* SPDX-License-Identifier: Apache-2.0 */
/*
 * U: the user namespace that all containers of one user are below.
 *
 * Theory of operation.  Making U costs two set-uid helpers (2.7 ms), joining
 * it 0.05 ms, so it is shared and lives as long as a process in it lives:
 *
 *   H, the holder   a forked child that does nothing for some seconds after
 *                   the last use and then ends; named by the file
 *                   RUN/userns: "v1 <pid> <start time>\n"
 *   monitors        are in U too and keep it alive when H is gone; they are
 *                   found through the rows of running containers
 *
 * Two U of one user cannot open each other's namespaces, therefore creation
 * is serialised by a flock on RUN/userns.lock and the record is written
 * before the lock is released.  A user of the record holds the lock shared
 * while it opens /proc/PID/ns/user (an open descriptor pins U) and touches
 * the record; H takes it exclusively, looks at the record's time once more
 * and removes it before it ends.  So whoever finds a record finds a living H.
 *
 * userns_prepare() only starts the helpers, userns_open() collects them: what
 * the caller does in between is free.  Pids are verified by start time.
 */
#include "libpod/core/runtime.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "libpod/core/core_priv.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/lock.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define RECORD "userns"
#define LOCK "userns.lock"
#define LINGER_NS (10 * 1000000000LL)

/**
 * struct userns - what this process has of U
 * @fd:      U, once it is known
 * @lock_fd: exclusive lock while the holder is being made
 * @holder:  its pid while it waits for its maps, 0 otherwise
 * @go_fd:   socket to that holder: one byte = maps are written
 * @owner:   process that waits for it: a forked child cannot
 * @helper:  newuidmap and newgidmap, 0 when there is nothing to wait for
 */
struct userns {
	int fd;
	int lock_fd;
	pid_t holder;
	pid_t owner;
	int go_fd;
	pid_t helper[2];
};

static struct userns *userns_get(struct runtime *rt)
{
	if (!rt->userns) {
		rt->userns = xcalloc(1, sizeof(*rt->userns));
		rt->userns->fd = -EBADF;
		rt->userns->lock_fd = -EBADF;
		rt->userns->go_fd = -EBADF;
	}
	return rt->userns;
}

/* ---- finding ----------------------------------------------------------- */

static int record_read(int run_fd, struct proc_id *ret)
{
	autosb struct sb text = SB_INIT;
	int r;

	r = file_read_at(run_fd, RECORD, 128, &text);
	if (r < 0)
		return r;
	if (sscanf(text.buf, "v1 %d %" SCNu64, &ret->pid, &ret->start) != 2 ||
	    ret->pid <= 0)
		return -EINVAL;
	return 0;
}

/*
 * What is there decides: its maps replace what /etc/subuid would give.  But
 * one id is no more than a makeshift: whoever can have them all makes an U of
 * them.  0 stays the user in both, so they go together.
 */
static int adopt_maps(struct runtime *rt, pid_t pid)
{
	struct rootless *ids = &rt->ids;
	struct idmap uids;
	struct idmap gids;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	r = idmap_read(path, &uids, NULL);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
	r = idmap_read(path, &gids, NULL);
	if (r < 0)
		return r;
	ids->single = idmap_count(&uids) == 1;
	if (ids->single) {
		ids->loaded = ids->single = false;
		r = rootless_load(rt, NULL);
		if (r == 0 && !ids->single)
			return -ESTALE;
	}
	ids->uid_map = uids;
	ids->gid_map = gids;
	ids->loaded = true;
	return 0;
}

/* The process is opened first and checked afterwards: no reuse can slip in. */
static int open_ns(struct runtime *rt, const struct proc_id *id)
{
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", id->pid);

	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = adopt_maps(rt, id->pid);
	if (r == 0 && !proc_is_alive(id))
		r = -ESRCH;
	return r < 0 ? r : take_fd(fd);
}

static int find_by_record(struct runtime *rt)
{
	struct proc_id id;
	int r;

	r = record_read(rt->run_fd, &id);
	if (r < 0)
		return r;
	r = open_ns(rt, &id);
	if (r >= 0)
		(void)utimensat(rt->run_fd, RECORD, NULL, 0);
	return r;
}

static int find_by_monitor(struct runtime *rt)
{
	auto_db_stmt struct db_stmt *st = NULL;

	if (!rt->db)
		return -ENOENT;
	st = db_prep(rt->db, NULL,
		     "SELECT mon_pid, mon_start FROM container"
		     " WHERE state IN (?, ?, ?, ?) AND boot = ? AND mon_pid > 0"
		     " ORDER BY rowid DESC LIMIT 20",
		     "iiiis", (int64_t)CTR_RUNNING, (int64_t)CTR_STOPPING,
		     (int64_t)CTR_PAUSED, (int64_t)CTR_INITIALIZED,
		     boot_id());
	if (!st)
		return -ENOENT;
	while (db_step(st, NULL) == 1) {
		struct proc_id id = { (pid_t)db_i64(st, 0),
				      (uint64_t)db_i64(st, 1) };
		int fd = open_ns(rt, &id);

		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

static const char record_name[] = "the user namespace record";

static int lock_open(struct runtime *rt, struct err *err)
{
	int fd = openat(rt->run_fd, LOCK,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_sys(err, "open %s/" LOCK, rt->run_path);
	return fd;
}

/* ---- the holder -------------------------------------------------------- */

static bool record_is_old(int run_fd)
{
	struct stat st;
	int64_t age;

	if (fstatat(run_fd, RECORD, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	age = clock_now_ns() - ((int64_t)st.st_mtim.tv_sec * 1000000000LL +
				st.st_mtim.tv_nsec);
	/* a clock that was set back must not keep us for ever */
	return age >= LINGER_NS || age < -LINGER_NS;
}

static bool record_is_mine(int run_fd)
{
	struct proc_id id;

	return record_read(run_fd, &id) == 0 && id.pid == getpid();
}

/* Everything of the caller's but the run directory is let go. */
static void noreturn_attr holder_main(int run_fd, int go_fd)
{
	int keep[] = { run_fd, go_fd };
	char byte;

	(void)prctl(PR_SET_NAME, "bryo-userns");
	(void)setsid();
	fd_close_all_but(keep, ARRAY_LEN(keep));
	(void)fd_null(0, 2);
	(void)!chdir("/");
	if (read(go_fd, &byte, 1) != 1)
		_exit(1);	/* nobody wrote our maps */
	close(go_fd);

	for (;;) {
		struct timespec ts = { .tv_sec = LINGER_NS / 1000000000LL / 2 };

		(void)nanosleep(&ts, NULL);
		if (!record_is_mine(run_fd))
			_exit(0);
		if (!record_is_old(run_fd))
			continue;
		int lock = openat(run_fd, LOCK, O_RDWR | O_CLOEXEC);

		if (lock < 0)
			_exit(0);	/* the run directory was wiped */
		if (flock(lock, LOCK_EX | LOCK_NB) == 0 &&
		    record_is_old(run_fd)) {
			if (record_is_mine(run_fd))
				(void)unlinkat(run_fd, RECORD, 0);
			_exit(0);
		}
		close(lock);
	}
}

static pid_t holder_fork(int run_fd, int go_fd)
{
	/* as fork(2): no stack, and a signal at the end */
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0,
				   0);

	if (pid == 0)
		holder_main(run_fd, go_fd);
	return pid;
}

static pid_t spawn_helper(const char *name, pid_t pid, const struct idmap *map,
			  struct err *err)
{
	autofree char *path = proc_find_program(name);
	autostrv char **argv = NULL;
	static const int fds[] = { -1, -1, -1 };
	struct proc_spawn s = { .fds = fds, .n_fds = 3 };

	if (!path)
		return err_set(err, ERR_FAIL, ENOENT, "%s is not installed",
			       name);
	strv_add(&argv, name);
	strv_addf(&argv, "%d", pid);
	for (size_t i = 0; i < map->n; i++) {
		strv_addf(&argv, "%u", map->range[i].inside);
		strv_addf(&argv, "%u", map->range[i].outside);
		strv_addf(&argv, "%u", map->range[i].count);
	}
	s.path = path;
	s.argv = argv;
	return proc_spawn(&s, NULL, err);
}

static int write_single_maps(pid_t pid, const struct rootless *ids,
			     struct err *err)
{
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);

	autoclose int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "open %s", path);

	autoclose int deny = openat(dir, "setgroups", O_WRONLY | O_CLOEXEC);
	if (deny < 0 || fd_write_full(deny, "deny", 4) < 0)
		return err_sys(err, "write %s/setgroups", path);
	r = idmap_write(dir, "uid_map", &ids->uid_map, err);
	/* KERNEL(5.12): or it could give files capabilities it lacks */
	if (r == -EPERM && ids->uid == 0)
		return err_wrap(err, r, "root without CAP_SETFCAP cannot map "
				"itself (fix: run bryo as another user, or the "
				"outer container with --cap-add setfcap)");
	if (r < 0)
		return r;
	return idmap_write(dir, "gid_map", &ids->gid_map, err);
}

static int start_maps(struct runtime *rt, struct userns *u, struct err *err)
{
	if (rt->ids.single)
		return write_single_maps(u->holder, &rt->ids, err);
	u->helper[0] = spawn_helper("newuidmap", u->holder, &rt->ids.uid_map,
				    err);
	if (u->helper[0] < 0)
		return u->helper[0];
	u->helper[1] = spawn_helper("newgidmap", u->holder, &rt->ids.gid_map,
				    err);
	return u->helper[1] < 0 ? u->helper[1] : 0;
}

static void drop_holder(struct userns *u)
{
	for (int i = 0; i < 2; i++)
		if (u->helper[i] > 0)
			(void)proc_wait(u->helper[i]);
	u->helper[0] = u->helper[1] = 0;
	close_fd(u->go_fd);	/* without its byte it ends by itself */
	if (u->holder > 0)
		(void)proc_wait(u->holder);
	u->holder = 0;
}

static int start_holder(struct runtime *rt, struct userns *u, struct err *err)
{
	int sp[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sp) < 0)
		return err_sys(err, "socketpair");
	u->go_fd = sp[0];
	u->owner = getpid();
	u->holder = holder_fork(rt->run_fd, sp[1]);
	r = u->holder < 0 ? -errno : 0;
	close(sp[1]);
	if (r == -ENOSPC || r == -EUSERS)
		r = err_set(err, ERR_FAIL, -r, "create a user namespace: limit "
			    "reached (sysctl user.max_user_namespaces)");
	else if (r == -EAGAIN)
		r = err_fork(err, r, "fork the holder of the user namespace");
	else if (r < 0)
		r = err_code(err, r, "create a user namespace (is it allowed? "
			     "see sysctl kernel.unprivileged_userns_clone and "
			     "kernel.apparmor_restrict_unprivileged_userns)");
	else
		r = start_maps(rt, u, err);
	if (r < 0)
		drop_holder(u);
	return r;
}

/* ---- making ------------------------------------------------------------ */

int userns_prepare(struct runtime *rt, struct err *err)
{
	TRACE("core", "userns prepare");
	struct userns *u = userns_get(rt);
	int r;

	if (rt->ids.is_root || u->fd >= 0 || u->holder > 0)
		return 0;
	autoclose int lock = lock_open(rt, err);
	if (lock < 0)
		return lock;
	r = lock_flock(lock, LOCK_SH, record_name, err);
	if (r < 0)
		return r;
	u->fd = find_by_record(rt);
	if (u->fd >= 0)
		return 0;
	r = lock_flock(lock, LOCK_EX, record_name, err);
	if (r < 0)
		return r;
	/* another one may have made it between the two locks */
	u->fd = find_by_record(rt);
	if (u->fd < 0)
		u->fd = find_by_monitor(rt);
	if (u->fd >= 0)
		return 0;
	r = rootless_load(rt, err);
	if (r < 0)
		return r;
	r = start_holder(rt, u, err);
	if (r < 0)
		return r;
	u->lock_fd = take_fd(lock);
	return 0;
}

static int wait_helpers(struct userns *u)
{
	int bad = 0;

	for (int i = 0; i < 2; i++) {
		if (u->helper[i] <= 0)
			continue;
		if (proc_wait(u->helper[i]) != 0)
			bad = -EPERM;
		u->helper[i] = 0;
	}
	return bad;
}

/* Once per login: what one id cannot do, and what helps. */
static void warn_single(const struct runtime *rt)
{
	int fd = openat(rt->run_fd, "userns-single-told",
			O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return;
	close(fd);
	log_warn("containers have one user id only: programs that switch to "
		 "another user will not work in them, and what is pulled now "
		 "belongs to root until there are more ids and 'system check "
		 "--repair' has run: %s", rt->ids.single_why);
}

static int publish(struct runtime *rt, struct userns *u, struct err *err)
{
	struct proc_id id = { .pid = u->holder };
	char text[64];
	int n;
	int r;

	r = proc_start_time(id.pid, &id.start);
	if (r < 0)
		return err_code(err, r, "the holder of the user namespace");
	if (FAULT("userns.publish") < 0)
		return err_sys(err, "publish the user namespace");
	n = snprintf(text, sizeof(text), "v1 %d %" PRIu64 "\n", id.pid,
		     id.start);
	r = file_write_at(rt->run_fd, RECORD, text, (size_t)n, 0600, false,
			  err);
	if (r < 0)
		return r;
	u->fd = open_ns(rt, &id);
	if (u->fd < 0)
		return err_code(err, u->fd, "open the new user namespace");
	r = sock_send(u->go_fd, "g", 1);
	if (r < 0)
		return err_code(err, r, "start the holder of the user "
				"namespace");
	close_fd(u->go_fd);
	u->holder = 0;	/* it is on its own now */
	if (rt->ids.single)
		warn_single(rt);
	return 0;
}

static int finish_holder(struct runtime *rt, struct userns *u, struct err *err)
{
	TRACE("core", "userns finish");
	int r;

	r = wait_helpers(u);
	if (r < 0) {
		/* refused where it looked possible: go on with one id */
		drop_holder(u);
		rootless_set_single(rt, "newuidmap or newgidmap failed "
				    "(`bryo doctor` looks for the cause)");
		r = start_holder(rt, u, err);
	}
	if (r == 0)
		r = publish(rt, u, err);
	if (r < 0)
		drop_holder(u);
	close_fd(u->lock_fd);
	return r;
}

int userns_open(struct runtime *rt, struct err *err)
{
	struct userns *u = userns_get(rt);
	int fd;
	int r;

	if (rt->ids.is_root)
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "root needs no user namespace of its own");
	r = userns_prepare(rt, err);
	if (r == 0 && u->holder > 0)
		r = finish_holder(rt, u, err);
	if (r < 0)
		return r;
	fd = fcntl(u->fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? err_sys(err, "duplicate a descriptor") : fd;
}

int userns_forget(struct runtime *rt, struct err *err)
{
	int r;

	userns_release(rt);
	autoclose int lock = lock_open(rt, err);
	if (lock < 0)
		return lock;
	r = lock_flock(lock, LOCK_EX, record_name, err);
	if (r == 0 && unlinkat(rt->run_fd, RECORD, 0) < 0 && errno != ENOENT)
		r = err_sys(err, "remove %s/" RECORD, rt->run_path);
	return r;
}

void userns_release(struct runtime *rt)
{
	struct userns *u = rt->userns;

	if (!u)
		return;
	drop_holder(u);
	close_fd(u->fd);
	close_fd(u->lock_fd);
	free(u);
	rt->userns = NULL;
}

/* ---- joining ----------------------------------------------------------- */

int userns_join(int fd, struct err *err)
{
	if (setns(fd, CLONE_NEWUSER) < 0)
		return err_sys(err, "join the user namespace");
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) < 0)
		return err_sys(err, "become root in the user namespace");
	return 0;
}

/* In a child: the holder that our parent is making is its business; the lock
 * tells when it is there.  Our copy of the descriptor does not hold it up. */
static void forget_holder(struct userns *u)
{
	if (!u || u->holder <= 0 || u->owner == getpid())
		return;
	u->holder = 0;
	u->helper[0] = u->helper[1] = 0;
	close_fd(u->go_fd);
	close_fd(u->lock_fd);
}

int userns_enter(void *arg, struct err *err)
{
	struct runtime *rt = arg;

	if (rt->ids.is_root)
		return 0;
	forget_holder(rt->userns);
	autoclose int fd = userns_open(rt, err);
	if (fd < 0)
		return fd;
	return userns_join(fd, err);
}

int userns_run(struct runtime *rt, int (*fn)(void *arg, struct err *err),
	       void *arg, struct err *err)
{
	struct err child = ERR_INIT;
	int fds[2];
	pid_t pid;
	int r;

	if (rt->ids.is_root)
		return fn(arg, err);
	autoclose int ns = userns_open(rt, err);
	if (ns < 0)
		return ns;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid == 0) {
		r = userns_join(ns, &child);
		if (r == 0)
			r = fn(arg, &child);
		if (r < 0)
			(void)fd_write_full(fds[1], &child, sizeof(child));
		child_exit(r < 0);
	}
	r = pid < 0 ? err_fork(err, errno, "fork") : 0;
	close(fds[1]);
	if (pid > 0) {
		ssize_t n = fd_read_full(fds[0], &child, sizeof(child));
		int code = proc_wait(pid);

		if (n == (ssize_t)sizeof(child))
			r = err_set(err, child.kind, child.code, "%s",
				    child.msg);
		else if (code != 0)
			r = err_set(err, ERR_FAIL, ECHILD,
				    "a helper process ended with %d", code);
	}
	close(fds[0]);
	return r;
}
