/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: identity, signals, start.
 *
 * A pid is a number that is given to somebody else sooner or later: a process
 * is known by pid and start time, and is used through a pidfd that was compared
 * with both.  proc_spawn() tells the parent over a pipe why an exec failed.
 */
#include "util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/str.h"

/* From /proc/PID/stat: state (field 3) and start time (field 22). */
static int read_stat(pid_t pid, char *ret_state, uint64_t *ret_start)
{
	char path[32];
	char text[1024];
	char *p;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = fd_read_full(fd, text, sizeof(text) - 1);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	/* The name may hold anything, so start behind the last ')'. */
	p = strrchr(text, ')');
	if (!p || p[1] != ' ')
		return -ESRCH;
	p += 2;
	*ret_state = *p;
	for (int field = 3; field < 22; field++) {
		p = strchr(p, ' ');
		if (!p)
			return -ESRCH;
		p++;
	}
	p[strcspn(p, " \n")] = '\0';
	return parse_u64(p, ret_start);
}

int proc_start_time(pid_t pid, uint64_t *ret)
{
	uint64_t start = 0;
	char state = 0;
	int r = read_stat(pid, &state, &start);

	if (r < 0)
		return r;
	if (state == 'Z' || state == 'X')
		return -ESRCH;
	*ret = start;
	return 0;
}

struct proc_id proc_self(void)
{
	struct proc_id id = { .pid = getpid() };

	if (proc_start_time(id.pid, &id.start) < 0)
		id.start = 0;
	return id;
}

int proc_open(const struct proc_id *id)
{
	uint64_t start = 0;

	if (id->pid <= 0)
		return -ESRCH;
	autoclose int fd = (int)syscall(SYS_pidfd_open, id->pid, 0);
	if (fd < 0)
		return -errno;
	if (proc_start_time(id->pid, &start) < 0 || start != id->start)
		return -ESRCH;
	return take_fd(fd);
}

bool proc_is_alive(const struct proc_id *id)
{
	uint64_t start = 0;

	return id->pid > 0 && proc_start_time(id->pid, &start) == 0 &&
	       start == id->start;
}

bool proc_is_stopped(pid_t pid)
{
	uint64_t start = 0;
	char state = 0;

	return pid > 0 && read_stat(pid, &state, &start) == 0 && state == 'T';
}

int64_t proc_age_ns(const struct proc_id *id)
{
	int64_t tick = INT64_C(1000000000) / sysconf(_SC_CLK_TCK);

	return (int64_t)clock_boot_ns() - (int64_t)id->start * tick;
}

int pidfd_signal(int pidfd, int sig)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0)
		return -errno;
	return 0;
}

int pidfd_wait(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	do {
		r = poll(&p, 1, timeout_ms);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r > 0;
}

const char *boot_id(void)
{
	static char text[40];
	const char *env = NULL;
	ssize_t n;

	if (text[0])
		return text;
#ifdef BRYO_TESTING
	env = getenv("BRYO_BOOT_ID");
#endif
	if (env) {
		snprintf(text, sizeof(text), "%s", env);
		return text;
	}
	autoclose int fd = open("/proc/sys/kernel/random/boot_id",
				O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read_full(fd, text, 36);
	if (n != 36)
		snprintf(text, sizeof(text), "unknown");
	return text;
}

void signals_reset(void)
{
	/* a kernel sigaction: handler, flags, restorer, mask */
	const unsigned long dfl[4] = { 0 };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	/* libc keeps these two for its threads and refuses to touch them */
	for (int sig = 32; sig < 34; sig++)
		(void)syscall(SYS_rt_sigaction, sig, dfl, NULL, NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void signals_init(void)
{
	signals_reset();
	signal(SIGXFSZ, SIG_IGN);
}

int signals_fd(const int *sigs)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (; *sigs; sigs++)
		sigaddset(&set, *sigs);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

/* ---- helper programs ----------------------------------------------------- */

/* Put the descriptors at 0..n-1: first out of the way, then into place. */
static int place_fds(const struct proc_spawn *s, int sync, int *ret_sync)
{
	int base = (int)s->n_fds + 8;
	autofree int *moved = xcalloc(s->n_fds, sizeof(*moved));

	*ret_sync = fcntl(sync, F_DUPFD_CLOEXEC, base);
	if (*ret_sync < 0)
		return -errno;
	for (size_t i = 0; i < s->n_fds; i++) {
		int from = s->fds[i];

		if (from < 0)
			from = open("/dev/null", O_RDWR | O_CLOEXEC);
		moved[i] = fcntl(from, F_DUPFD_CLOEXEC, base);
		if (moved[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < s->n_fds; i++) {
		if (dup2(moved[i], (int)i) < 0)
			return -errno;
	}
	return 0;
}

static void noreturn_attr spawn_child(const struct proc_spawn *s, int sync)
{
	static char *const no_env[] = { NULL };
	struct err err = ERR_INIT;
	int r = 0;

	signals_reset();
	if (s->prepare)
		r = s->prepare(s->arg, &err);
	if (r == 0) {
		r = place_fds(s, sync, &sync);
		if (r < 0)
			err_code(&err, r, "set up descriptors of %s", s->path);
	}
	if (r == 0) {
		/* what stays open above is CLOEXEC, but not all is ours */
		autofree int *keep = xcalloc(s->n_fds + 1, sizeof(*keep));

		for (size_t i = 0; i < s->n_fds; i++)
			keep[i] = (int)i;
		keep[s->n_fds] = sync;
		fd_close_all_but(keep, s->n_fds + 1);
		execve(s->path, s->argv, s->env ? s->env : no_env);
		err_sys(&err, "run %s", s->path);
	}
	(void)fd_write_full(sync, &err, sizeof(err));
	_exit(127);
}

pid_t proc_spawn(const struct proc_spawn *s, int *ret_pidfd, struct err *err)
{
	struct err child = ERR_INIT;
	int sync[2];
	pid_t pid;
	ssize_t n;

	if (pipe2(sync, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe for %s", s->path);
	autoclose int in = sync[0];
	autoclose int out = sync[1];
	pid = fork();
	if (pid < 0)
		return err_fork(err, errno, "fork for %s", s->path);
	if (pid == 0)
		spawn_child(s, out);
	close_fd(out);
	n = fd_read_full(in, &child, sizeof(child));
	if (n == 0 && ret_pidfd) {
		*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*ret_pidfd < 0)
			err_sys(&child, "watch %s: pidfd_open", s->path);
	}
	if (n == 0 && !child.code)
		return pid;
	kill(pid, SIGKILL);
	(void)proc_wait(pid);
	if (n != (ssize_t)sizeof(child) && !child.code)
		return err_set(err, ERR_FAIL, EIO, "start %s failed", s->path);
	if (err)
		*err = child;
	return -child.code;
}

int proc_wait(pid_t pid)
{
	siginfo_t info = { 0 };

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return info.si_code == CLD_EXITED ? info.si_status :
					    128 + info.si_status;
}

char *proc_find_program(const char *name)
{
	static const char *const dirs[] = { "/usr/bin",	 "/usr/local/bin",
					    "/bin",	 "/usr/sbin",
					    "/sbin",	 "/usr/local/sbin" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		autofree char *path = xasprintf("%s/%s", dirs[i], name);

		if (access(path, X_OK) == 0)
			return take_ptr(path);
	}
	return NULL;
}

const char *self_path(void)
{
	static char path[PATH_MAX];
	ssize_t n;

	if (path[0])
		return path;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return path;
}

char *helper_path(const char *name)
{
	const char *self = self_path();
	const char *slash = strrchr(self, '/');
	int len = slash ? (int)(slash - self) : 0;
	autofree char *beside = xasprintf("%.*s/%s", len, self, name);

	if (access(beside, X_OK) == 0)
		return take_ptr(beside);
	autofree char *libexec = xasprintf("%.*s/../libexec/bryo/%s", len,
					   self, name);
	if (access(libexec, X_OK) == 0)
		return take_ptr(libexec);
	return NULL;
}

void __gcov_dump(void) __attribute__((weak));

void child_exit(int code)
{
	if (__gcov_dump)
		__gcov_dump();
	_exit(code);
}
