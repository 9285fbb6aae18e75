/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/exec_keep.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/core/start.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

/** struct keep_msg - what the keeper tells: how the start went */
struct keep_msg {
	int32_t result;
	pid_t pid;
	struct err err;
};

/* Without /dev/null they are closed: the caller may wait for their end. */
static void leave_streams(void)
{
	if (fd_null(0, 2) < 0)
		for (int i = 0; i < 3; i++)
			close(i);
}

/* The one to whom it is told knows it all, or is dead. */
static void wait_hangup(int sock)
{
	char byte;

	while (recv(sock, &byte, 1, 0) < 0 && errno == EINTR)
		continue;
}

/* The database is not ours: another bryo notes it, unless the container has
 * been removed: nobody is to make its directories anew. */
static void note_died(const struct runtime *rt, const struct ctr *c,
		      const char *id, int code)
{
	autofree char *dir = xasprintf("%s/containers/%s", rt->run_path,
				       c->id);
	autofree char *file = xasprintf("%s/" EXEC_SESSION "%s", dir, id);
	autostrv char **argv = start_argv(rt);

	(void)unlink(file);
	if (rt->opts.no_events || access(dir, F_OK) < 0)
		return;
	strv_add(&argv, "__exec-died");
	strv_add(&argv, c->id);
	strv_add(&argv, id);
	strv_addf(&argv, "%d", code);
	execve(self_path(), argv, environ);
}

/* Nobody sees what is written on the terminal of a detached one, but its
 * writer must not stop there.  Until the process ends: the terminal goes then,
 * whoever else has it. */
static void read_away(int console, int pidfd)
{
	struct pollfd p[] = {
		{ .fd = pidfd, .events = POLLIN },
		{ .fd = console, .events = POLLIN },
	};
	char buf[4096];

	while (p[0].revents == 0) {
		if (poll(p, ARRAY_LEN(p), -1) < 0 && errno != EINTR)
			return;
		/* EIO: all have closed it; some may open it again */
		if (p[1].revents && read(console, buf, sizeof(buf)) <= 0 &&
		    errno != EINTR)
			p[1].fd = -1;
	}
}

static void noreturn_attr keeper(const struct runtime *rt, const struct ctr *c,
				 const struct oci_exec *ex, const char *id,
				 int sock)
{
	struct keep_msg msg = { .result = 0 };
	int pidfd = -EBADF;
	int code;

	(void)setsid();
	(void)signal(SIGHUP, SIG_IGN);
	msg.result = oci_exec(ex, &pidfd, &msg.pid, &msg.err);
	int keep[] = { sock, pidfd, ex->io->console_fd };
	size_t n = 1 + (ex->io->console_fd >= 0 ? 2 : 0);

	leave_streams();
	fd_close_all_but(keep, n);
	(void)FAULT("exec.kept");
	(void)sock_send(sock, &msg, sizeof(msg));
	if (msg.result < 0)
		child_exit(125);
	wait_hangup(sock);
	close(sock);
	if (n > 1)
		read_away(ex->io->console_fd, pidfd);
	code = proc_wait(msg.pid);
	if (code >= 0)
		note_died(rt, c, id, code);
	child_exit(0);
}

static int hear(int sock, pid_t *ret_pid, struct err *err)
{
	struct keep_msg msg;
	ssize_t n;

	do
		n = recv(sock, &msg, sizeof(msg), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(msg))
		return err_set(err, ERR_FAIL, EPIPE,
			       "the exec session has died");
	if (msg.result < 0)
		return err_set(err, msg.err.kind, -msg.result, "%s",
			       msg.err.msg);
	*ret_pid = msg.pid;
	return 0;
}

int exec_kept(const struct runtime *rt, const struct ctr *c,
	      const struct oci_exec *ex, const char *id, pid_t *ret_pid,
	      int *ret_go, struct err *err)
{
	int pair[2];
	pid_t pid;
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "socketpair");
	autoclose int ours = pair[0];
	autoclose int theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return err_fork(err, errno, "fork");
	if (pid == 0) {
		close_fd(ours);
		keeper(rt, c, ex, id, theirs);
	}
	close_fd(theirs);
	r = hear(ours, ret_pid, err);
	if (r < 0)
		(void)proc_wait(pid);
	else
		*ret_go = take_fd(ours);
	return r;
}
