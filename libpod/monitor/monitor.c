/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The per-container process, as bryo-monitor or (when that could not be
 * executed) as the big program itself.  One epoll loop, no threads; all
 * memory is one struct monitor in .bss whose pages come into being when they
 * are used: a container that prints nothing costs none of the buffers.
 *
 *   output.c  payload -> log and clients     input.c   clients -> payload
 *   client.c  attach connections             ending.c  from the death on
 *   log_write.c  the files                   hold.c    before the start
 *
 * Children are reaped whoever they are: we are a subreaper.  The payload is
 * signalled through its pidfd only.  SIGCHLD, SIGTERM, SIGINT and SIGQUIT come
 * through a signalfd, every other signal is ignored.
 *
 * Every callback of the loop changes state and then calls monitor_kick(),
 * which does everything that the new state allows.  Nothing else does, so
 * nothing here runs inside itself.
 */
#include "libpod/monitor/monitor.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/monitor/inside.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/trash.h"

void monitor_kick(struct monitor *m)
{
	input_write(m);
	output_deliver(m);
	output_watch(m);
	clients_watch(m);
	if (m->dead)
		ending_advance(m);
}

/* ---- children and signals -------------------------------------------- */

static void payload_ended(struct monitor *m, const siginfo_t *info)
{
	bool killed = info->si_code != CLD_EXITED;

	if (m->held) {
		hold_ended(m);
		return;
	}
	m->record.signal = killed ? info->si_status : 0;
	m->record.code = killed ? 128 + info->si_status : info->si_status;
	if (m->timed_out && killed)
		m->record.code = -1;
	ending_start(m);
}

static void reap(struct monitor *m)
{
	for (;;) {
		siginfo_t info = { .si_pid = 0 };

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT |
						    __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (info.si_pid == 0)
			return;
		helper_gone(m, info.si_pid);
		(void)waitid(P_PID, (id_t)info.si_pid, &info,
			     WEXITED | WNOHANG | __WALL);
		if (info.si_pid == m->conf->init.pid && !m->dead)
			payload_ended(m, &info);
		else
			helper_reaped(m, info.si_pid);
	}
}

/* The payload is dead.  As a rule SIGCHLD said so and it is reaped already;
 * should it not be our child, its exit code cannot be known. */
static int on_pidfd(struct loop *loop, struct loop_source *src,
		    uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;

	loop_del(loop, src);
	reap(m);
	if (!m->dead && m->held) {
		hold_ended(m);
	} else if (!m->dead) {
		m->record.code = -1;
		ending_start(m);
	}
	monitor_kick(m);
	return 0;
}

static int on_signal(struct loop *loop unused_attr,
		     struct loop_source *src unused_attr,
		     uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;
	struct signalfd_siginfo info;

	while (read(m->signal_fd, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(m);
		else if (info.ssi_signo == SIGUSR1)
			health_check(m);
		else if (m->dead)
			m->hurry = true;
		else if (m->held)
			hold_undo(m);
		else
			pidfd_signal(m->conf->init_pidfd, (int)info.ssi_signo);
	}
	monitor_kick(m);
	return 0;
}

static int on_timeout(struct loop *loop unused_attr,
		      struct loop_source *src unused_attr,
		      uint32_t events unused_attr, void *arg)
{
	struct monitor *m = arg;

	m->timeout = NULL;
	m->timed_out = true;
	pidfd_signal(m->conf->init_pidfd, SIGKILL);
	return 0;
}

static int start_signals(struct monitor *m)
{
	static const int caught[] = { SIGCHLD, SIGTERM, SIGINT, SIGQUIT,
				      SIGUSR1, 0 };
	static const int ignored[] = { SIGHUP,	SIGPIPE, SIGALRM, SIGUSR2,
				       SIGIO,	 SIGPWR,  SIGPROF,
				       SIGTSTP, SIGTTIN, SIGTTOU, SIGVTALRM,
				       SIGXFSZ, 0 };
	struct loop_source *src;

	for (const int *sig = ignored; *sig; sig++)
		signal(*sig, SIG_IGN);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		signal(sig, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	m->signal_fd = signals_fd(caught);
	if (m->signal_fd < 0)
		return m->signal_fd;
	return loop_add(m->loop, m->signal_fd, EPOLLIN, on_signal, m, &src);
}

/* ---- start and end --------------------------------------------------- */

void monitor_payload_runs(struct monitor *m)
{
	const struct monitor_conf *c = m->conf;

	if (c->timeout_s)
		loop_timer(m->loop, clock_mono_ns() +
			   c->timeout_s * 1000000000ULL, on_timeout, m,
			   &m->timeout);
	health_start(m);
}

/* @fd moves to a lower number that nobody needs. */
static void move_fd(int *fd, int to)
{
	if (*fd <= to || dup3(*fd, to, O_CLOEXEC) < 0)
		return;
	close(*fd);
	*fd = to;
}

/*
 * The program lives in the container's directory: one descriptor less, and the
 * directory that it was started from can be unmounted.
 *
 * It never reads 0 nor writes 1 and 2, so three of its descriptors live there.
 * None of them can be read or written, should somebody try.  What it executes
 * gets /dev/null there: proc_spawn(), spawn_session(), exec_next().
 */
static void move_in(struct monitor_conf *c)
{
	if (fchdir(c->dir_fd) == 0) {
		close(c->dir_fd);
		c->dir_fd = AT_FDCWD;
	}
	move_fd(&c->init_pidfd, 0);
	move_fd(&c->run_fd, 1);
	move_fd(&c->listen_fd, 2);
}

static int start(struct monitor *m)
{
	const struct monitor_conf *c = m->conf;
	int r = loop_new(&m->loop, NULL);

	if (r == 0)
		r = start_signals(m);
	if (r < 0)
		return r;
	log_writer_init(&m->log, c);
	output_start(m);
	input_start(m);
	clients_start(m);
	if (c->init_pidfd >= 0)
		loop_add(m->loop, c->init_pidfd, EPOLLIN, on_pidfd, m,
			 &m->pidfd_src);
	m->health.pipe = -EBADF;
	if (!m->held)
		monitor_payload_runs(m);
	exit_record_reserve(c->dir_fd);
	(void)unlinkat(c->dir_fd, DEGRADED_NAME, 0);
	helpers_start(m);
	reap(m);
	monitor_kick(m);
	return 0;
}

/* `bryo __monitor`: the lock stays, all else goes. */
static void exec_next(const struct monitor_conf *c)
{
	int keep[] = { c->lock_fd };

	(void)FAULT("monitor.exec");
	fd_close_all_but(keep, 1);
	if (fd_null(0, 2) < 0 || chdir("/") < 0)
		return;
	if (c->lock_fd >= 0)
		fd_cloexec(c->lock_fd, false);
	execve(c->exec_path, c->exec_argv, environ);
}

/*
 * The container was removed and its directory, which we hold, renamed into
 * the trash: delete it there, under the lock by which sweeps see that somebody
 * is at work.  Those who came meanwhile went away again, what they left is
 * ours.  Should anything be odd it stays for the next sweep.
 */
static void delete_dir(int at)
{
	autoclose int dir_fd = openat(at, ".", O_RDONLY | O_DIRECTORY |
						       O_CLOEXEC);
	char link[FD_PATH_MAX];
	char path[4096];
	struct stat held;
	struct stat named;
	const char *name;
	ssize_t n = readlink(fd_path(dir_fd, link), path, sizeof(path) - 1);

	if (n <= 0)
		return;
	path[n] = '\0';
	name = strrchr(path, '/');
	autoclose int trash = openat(dir_fd, "..", O_RDONLY | O_DIRECTORY |
							   O_CLOEXEC);
	if (!name || trash < 0 || fstat(dir_fd, &held) < 0 ||
	    fstatat(trash, name + 1, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    held.st_ino != named.st_ino || held.st_dev != named.st_dev)
		return;
	(void)flock(trash, LOCK_EX | LOCK_NB);
	(void)tree_remove_at(trash, name + 1, NULL);
	(void)flock(trash, LOCK_UN);
	trash_empty(trash);
}

int monitor_main(struct monitor_conf *c)
{
	static struct monitor m;
	int r;

	m.conf = c;
	m.held = c->sync_fd >= 0;
	prctl(PR_SET_NAME, "bryo-monitor");
	if (c->is_program)
		move_in(c);
	r = start(&m);
	if (r == 0)
		r = loop_run(m.loop);
	if (r == 0 && c->exec_argv && !m.settled && !m.held)
		exec_next(c);
	if (r == 0 && m.removed)
		delete_dir(c->dir_fd);
	/* systemd looks at it: --sdnotify makes us the main process */
	return r == 0 ? m.record.code & 0xff : 1;
}
