/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * slirp4netns carries what a container with a private network sends out.  It
 * attaches to the tap0 that net_tap_setup() left in the namespace; inbound
 * connections do not pass through it (proxy.c).
 *
 * It is started by the monitor, which is in the user's namespace U but in the
 * host's network namespace: that is where slirp connects from.  It finds the
 * container by pid, because its sandbox wants the target's user namespace too
 * and takes that from a pid only.
 *
 * Its life hangs on a pipe (leash_make()), not on a signal: only the monitor
 * holds the write end, so slirp ends with the monitor however that dies.
 * Should it end on its own, the tap is still there, and the monitor starts
 * another one on it.  The three security options are not negotiable: without
 * --disable-host-loopback a container reaches the host's 127.0.0.1 as
 * 10.0.2.2.
 */
#include "network/network.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

#define SLIRP_PROGRAM "slirp4netns"
#define SLIRP_LOG_MAX 512

/* Its messages go to a pipe that nobody reads once it is ready. */
static int ignore_sigpipe(void *arg unused_attr, struct err *err)
{
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_sys(err, "ignore SIGPIPE");
	return 0;
}

static int pipe_make(int ret[2], struct err *err)
{
	if (pipe2(ret, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	return 0;
}

int slirp_spawn(pid_t init, int leash, struct slirp *ret, struct err *err)
{
	char pid_text[16], mtu_text[32];
	autofree char *path = proc_find_program(SLIRP_PROGRAM);
	int ready[2], log[2], r;

	if (!path)
		return err_set(err, ERR_START, ENOENT,
			       "a private network needs " SLIRP_PROGRAM
			       ", which is not installed (fix: sudo apt-get "
			       "install " SLIRP_PROGRAM "; or use --network "
			       "none or host)");
	r = pipe_make(ready, err);
	if (r < 0)
		return r;
	autoclose int ready_r = ready[0];
	autoclose int ready_w = ready[1];

	r = pipe_make(log, err);
	if (r < 0)
		return r;
	autoclose int log_r = log[0];
	autoclose int log_w = log[1];
	autoclose int end = leash_end(leash, err);

	if (end < 0)
		return end;
	snprintf(pid_text, sizeof(pid_text), "%d", (int)init);
	snprintf(mtu_text, sizeof(mtu_text), "--mtu=%d", NET_SLIRP_MTU);

	/* in the child: 3 is the ready pipe, 4 the leash */
	const int fds[] = { -1, log_w, log_w, ready_w, end };
	const char *const argv[] = {
		SLIRP_PROGRAM,
		"--netns-type=pid",
		"--ready-fd=3",
		"--exit-fd=4",
		"--disable-host-loopback",
		"--enable-sandbox",
		"--enable-seccomp",
		"--enable-ipv6",
		mtu_text,
		pid_text,
		"tap0",
		NULL,
	};
	struct proc_spawn spawn = {
		.path = path,
		.argv = (char *const *)argv,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
		.prepare = ignore_sigpipe,
	};
	pid_t pid;

	if (FAULT("net.slirp.spawn") < 0)
		return err_sys(err, "start " SLIRP_PROGRAM);
	close_fd(ret->pidfd);
	pid = proc_spawn(&spawn, &ret->pidfd, err);
	if (pid < 0)
		return err_wrap(err, pid, "start " SLIRP_PROGRAM);

	ret->pid = pid;
	ret->ready_fd = take_fd(ready_r);
	ret->log_fd = take_fd(log_r);
	return 0;
}

/* The first line that slirp printed and that is no warning. */
static int slirp_failed(struct slirp *s, struct err *err)
{
	char text[SLIRP_LOG_MAX + 1], *line, *rest = text;
	ssize_t n;

	fd_nonblock(s->log_fd, true);
	n = read(s->log_fd, text, SLIRP_LOG_MAX);
	text[n > 0 ? n : 0] = '\0';

	do
		line = strsep(&rest, "\n");
	while (rest && (!*line || str_starts(line, "WARNING:")));
	return err_set(err, ERR_START, EPIPE, SLIRP_PROGRAM " ended: %s",
		       *line ? line : "no reason given");
}

static int ready_wait(struct slirp *s, int timeout_ms, struct err *err)
{
	uint64_t end = clock_mono_ns() + (uint64_t)timeout_ms * 1000000;
	struct pollfd p = { s->ready_fd, POLLIN, 0 };
	char c;
	int r;

	do {
		uint64_t now = clock_mono_ns();

		r = poll(&p, 1, now < end ? (int)((end - now) / 1000000) : 0);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_sys(err, "wait for " SLIRP_PROGRAM);
	if (r == 0)
		return err_set(err, ERR_START, ETIMEDOUT,
			       SLIRP_PROGRAM " is not ready after %d ms",
			       timeout_ms);
	return fd_read_full(s->ready_fd, &c, 1) == 1 ? 0 : slirp_failed(s, err);
}

int slirp_wait(struct slirp *s, int timeout_ms, struct err *err)
{
	int r = ready_wait(s, timeout_ms, err);

	close_fd(s->ready_fd);
	close_fd(s->log_fd);
	return r;
}

void slirp_done(struct slirp *s)
{
	close_fd(s->ready_fd);
	close_fd(s->log_fd);
	close_fd(s->pidfd);
}
