/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One health check's process.
 *
 * Theory of operation.  The caller is its parent (oci_exec), reads what it
 * prints through one pipe, keeps the beginning and throws the rest away, and
 * waits for it on its pidfd until the time is over.
 *
 * A check that hangs may have forked, called setsid(2) and lost its parent:
 * orphans go to the container's init.  What belongs to it is therefore known
 * by a variable with a random value in its environment (which children
 * inherit) or by its session.  After the timeout /proc is searched for both
 * and everything found is killed, again until nothing is found: what forks
 * while it is searched is found the next time.
 */
#include "libpod/core/health/health_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/plan.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

#define MARK "BRYO_HEALTHCHECK="
#define KEEP_MAX 65536
#define ENVIRON_MAX (1 << 20)
#define SEARCHES_MAX 100

/* ---- the set of processes ---------------------------------------------- */

static bool environ_has(int proc, const char *mark)
{
	autosb struct sb text = SB_INIT;
	size_t len = strlen(mark);

	if (file_read_at(proc, "environ", ENVIRON_MAX, &text) < 0)
		return false;
	for (const char *v = text.buf; v < text.buf + text.len;
	     v += strlen(v) + 1)
		if (strlen(v) == len && memcmp(v, mark, len) == 0)
			return true;
	return false;
}

/* Field 6 of stat, counted from behind the name in parentheses */
static pid_t session_of(int proc)
{
	autosb struct sb text = SB_INIT;
	const char *p;
	char state;
	int ppid, pgrp, sid;

	if (file_read_at(proc, "stat", 4096, &text) < 0)
		return -1;
	p = strrchr(text.buf, ')');
	if (!p || sscanf(p, ") %c %d %d %d", &state, &ppid, &pgrp, &sid) != 4)
		return -1;
	return state == 'Z' ? -1 : sid;
}

static bool belongs(pid_t pid, pid_t session, const char *mark)
{
	autofree char *path = xasprintf("/proc/%d", pid);

	autoclose int proc = dir_open_at(AT_FDCWD, path);
	if (proc < 0)
		return false;
	return session_of(proc) == session || environ_has(proc, mark);
}

/* Looked at once more behind the pidfd: the number may be another's now. */
static bool kill_if_ours(pid_t pid, pid_t session, const char *mark)
{
	if (!belongs(pid, session, mark))
		return false;
	autoclose int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd >= 0 && belongs(pid, session, mark) &&
	       pidfd_signal(fd, SIGKILL) == 0;
}

static bool kill_round(pid_t session, const char *mark)
{
	autoclosedir DIR *d = opendir("/proc");
	const struct dirent *e;
	bool any = false;
	int pid;

	while (d && (e = readdir(d)))
		if (parse_int(e->d_name, &pid) == 0 && pid > 1)
			any |= kill_if_ours(pid, session, mark);
	return any;
}

static void kill_set(pid_t session, const char *mark)
{
	for (int i = 0; i < SEARCHES_MAX && kill_round(session, mark); i++)
		(void)poll(NULL, 0, 5);
}

/* ---- waiting ----------------------------------------------------------- */

/* What does not fit is read and forgotten: a flood fills no pipe and no
 * memory. */
static bool take_output(int fd, size_t keep, struct sb *output)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0 && output->len < keep)
		sb_addn(output, buf, MIN((size_t)n, keep - output->len));
	return n > 0;
}

/* Milliseconds to poll for: -1 without an end, 0 when the time is over */
static int wait_ms(uint64_t end_ns)
{
	uint64_t now = clock_mono_ns();

	if (!end_ns)
		return -1;
	if (now >= end_ns)
		return 0;
	return (int)MIN((end_ns - now) / 1000000 + 1, (uint64_t)INT32_MAX);
}

/* 1 it ended, 0 the time is over */
static int watch(int pidfd, int out, int64_t timeout_ns, size_t keep,
		 struct sb *output)
{
	struct pollfd p[] = { { pidfd, POLLIN, 0 }, { out, POLLIN, 0 } };
	uint64_t end = 0;

	if (timeout_ns > 0)
		end = clock_mono_ns() + (uint64_t)timeout_ns;
	while (!p[0].revents) {
		int ms = wait_ms(end);

		if (ms == 0)
			return 0;
		if (poll(p, 2, ms) < 0 && errno != EINTR)
			return 1;
		if (p[1].revents && !take_output(out, keep, output))
			p[1].fd = -1;
	}
	/* what it left behind may hold the pipe open */
	(void)fd_nonblock(out, true);
	for (int i = 0; i < 64 && take_output(out, keep, output); i++)
		;
	return 1;
}

static int reap(int pidfd)
{
	siginfo_t si = { 0 };

	while (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL) < 0)
		if (errno != EINTR)
			return -1;
	return si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
}

/* ---- the command ------------------------------------------------------- */

static char **command_of(char *const *test)
{
	char **v = NULL;

	if (streq(test[0], "CMD-SHELL")) {
		autofree char *text = strv_join(test + 1, " ");

		strv_add(&v, "/bin/sh");
		strv_add(&v, "-c");
		strv_add(&v, text);
		return v;
	}
	strv_extend(&v, streq(test[0], "CMD") ? test + 1 : test);
	return v;
}

static int not_started(const struct err *why, struct sb *output, int *ret_code,
		       struct err *err)
{
	if (why->kind != ERR_START && why->kind != ERR_CMD_NOT_FOUND)
		return err_set(err, why->kind, why->code, "%s", why->msg);
	sb_add(output, why->msg);
	*ret_code = why->kind == ERR_CMD_NOT_FOUND ? 127 : 126;
	return 0;
}

static int start(struct ctr *c, const struct oci_process *p, int *ret_out,
		 int *ret_pidfd, pid_t *ret_pid, struct err *err)
{
	struct oci_io io = { .console_fd = -EBADF };
	struct oci_exec ex = { .init = c->init, .process = p, .io = &io,
			       .ctr_name = c->name };
	int ends[2];
	int r;

	autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_sys(err, "open /dev/null");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	io.stdio[0] = null;
	io.stdio[1] = io.stdio[2] = ends[1];
	r = oci_exec(&ex, ret_pidfd, ret_pid, err);
	close_fd(ends[1]);
	if (r < 0)
		close_fd(ends[0]);
	else
		*ret_out = ends[0];
	return r;
}

int health_exec(struct ctr *c, char *const *test, int64_t timeout_ns,
		size_t keep, struct sb *output, int *ret_code,
		struct err *err)
{
	autofree struct oci_rlimit *limits = NULL;
	autostrv char **args = command_of(test);
	autostrv char **env = ctr_env(c);
	struct oci_process p = { .args = args };
	struct err why = ERR_INIT;
	char mark[sizeof(MARK) + 65] = MARK;
	pid_t pid = 0;
	int r;

	id_random(mark + strlen(MARK));
	strv_env_put(&env, mark);
	p.env = env;
	p.cwd = c->config.workdir;
	p.user = c->config.user ? c->config.user : "";
	r = process_fill(&c->config, c->config.privileged, &p, &limits, err);
	if (r < 0)
		return r;
	autoclose int out = -EBADF;
	autoclose int pidfd = -EBADF;

	if (str_is_empty(args ? args[0] : NULL))
		r = err_set(&why, ERR_START, EINVAL, "the command is empty");
	else
		r = start(c, &p, &out, &pidfd, &pid, &why);
	if (r < 0)
		return not_started(&why, output, ret_code, err);
	if (watch(pidfd, out, timeout_ns, keep ? keep : KEEP_MAX, output)) {
		*ret_code = reap(pidfd);
		return 0;
	}
	(void)pidfd_signal(pidfd, SIGKILL);
	kill_set(pid, mark);
	(void)reap(pidfd);
	sb_trunc(output, 0);
	sb_addf(output, "health check exceeded timeout of %gs",
		(double)timeout_ns / 1e9);
	*ret_code = -1;
	return 0;
}
