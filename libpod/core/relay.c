/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  `exec` is the parent of what it runs, so it pumps the
 * streams itself: from our stdin to the process, from the process to our
 * stdout and stderr.  One poll(2) loop, one buffer per direction: a source is
 * read only while its buffer is empty, so a slow reader holds the writer up
 * and nothing grows.  Descriptors of the caller are never made non-blocking
 * (the file description is shared with the caller's other processes): they
 * are read and written only when poll says so, and a terminal or a file does
 * not block for long then.
 *
 * The end: the process's pidfd becomes readable.  What its pipes hold is
 * still taken, however slow our reader is; a background process that keeps
 * them open is not waited for.
 */
#include "libpod/core/relay.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/tty.h"

#define CHUNK 32768
/* what a dead process wrote is in its pipes: others may still hold them open */
#define IDLE_MS 20

/* One direction: @from is read into the buffer, the buffer written to @to. */
struct pipe_dir {
	int *from;
	int *to;
	size_t len;
	size_t off;
	char buf[CHUNK];
};

struct session {
	struct relay *r;
	int in;		/* our 0, 1, 2; -EBADF when not used */
	int out;
	int err;
	struct pipe_dir input;
	struct pipe_dir output;
	struct pipe_dir error;
	int sigfd;
	size_t matched;	/* detach keys seen so far */
	int raw_fd;	/* the terminal that is changed, or -EBADF */
	struct termios saved;
};

void relay_done(struct relay *r)
{
	close_fd(r->in_fd);
	close_fd(r->out_fd);
	close_fd(r->err_fd);
	close_fd(r->console);
}

/* ---- terminal ---------------------------------------------------------- */

static void raw_on(struct session *s)
{
	struct termios t;

	if (s->r->console < 0)
		return;
	if (!s->r->interactive || tcgetattr(0, &s->saved) < 0) {
		if (tty_pass_output(1, &s->saved))
			s->raw_fd = 1;
		return;
	}
	t = s->saved;
	cfmakeraw(&t);
	if (tcsetattr(0, TCSADRAIN, &t) == 0)
		s->raw_fd = 0;
}

/* From the background, too: whoever calls has the mask put back. */
static void raw_off(struct session *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (s->raw_fd >= 0)
		(void)tcsetattr(s->raw_fd, TCSADRAIN, &s->saved);
	s->raw_fd = -EBADF;
}

static void forward_size(const struct session *s)
{
	struct winsize ws;

	if (s->r->console >= 0 && (ioctl(0, TIOCGWINSZ, &ws) == 0 ||
				   ioctl(1, TIOCGWINSZ, &ws) == 0))
		(void)ioctl(s->r->console, TIOCSWINSZ, &ws);
}

/* ---- detach keys ----
 *
 * Keys that begin the sequence are held back until it is clear that it is
 * not one.  Return: true when it is complete.
 */
static bool scan_keys(struct session *s, const char *in, size_t n,
		      struct pipe_dir *d)
{
	const struct relay *r = s->r;

	for (size_t i = 0; i < n; i++) {
		if (r->n_keys > 0 && in[i] == r->keys[s->matched]) {
			if (++s->matched == r->n_keys)
				return true;
			continue;
		}
		memcpy(d->buf + d->len, r->keys, s->matched);
		d->len += s->matched;
		s->matched = 0;
		if (r->n_keys > 0 && in[i] == r->keys[0])
			s->matched = 1;
		else
			d->buf[d->len++] = in[i];
	}
	return false;
}

/* ---- pumping ----------------------------------------------------------- */

static bool is_idle(const struct pipe_dir *d)
{
	return d->len == d->off;
}

/* 0 something or nothing, 1 detached */
static int fill(struct session *s, struct pipe_dir *d)
{
	bool keys = d == &s->input && s->r->console >= 0;
	char in[CHUNK / 2];
	ssize_t n;

	n = read(*d->from, keys ? in : d->buf, keys ? sizeof(in) : CHUNK);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	d->off = d->len = 0;
	if (n > 0 && keys)
		return scan_keys(s, in, (size_t)n, d);
	if (n > 0)
		d->len = (size_t)n;
	else if (d == &s->input)
		*d->from = -EBADF;	/* the caller's, stays open */
	else
		close_fd(*d->from);
	return 0;
}

static void drain(struct session *s, struct pipe_dir *d)
{
	ssize_t n = write(*d->to, d->buf + d->off, d->len - d->off);

	if (n > 0)
		d->off += (size_t)n;
	else if (n < 0 && errno != EINTR && errno != EAGAIN)
		d->off = d->len;	/* nobody reads it any more */
	if (n < 0 && errno == EPIPE) {
		/* the writer is to learn of it, too */
		if (d == &s->input) {
			*d->from = -EBADF;
			close_fd(*d->to);
		} else {
			close_fd(*d->from);
		}
	}
}

/* Our stdin ended: so does the process's, once it has got all of it. */
static void end_input(struct session *s)
{
	if (s->input.from && *s->input.from < 0 && is_idle(&s->input) &&
	    s->r->console < 0)
		close_fd(s->r->in_fd);
}

static void add_poll(struct pollfd *p, const struct pipe_dir *d)
{
	p->fd = -1;
	if (!d->from)
		return;
	if (!is_idle(d)) {
		p->fd = *d->to;
		p->events = POLLOUT;
	} else if (*d->from >= 0 && *d->to >= 0) {
		p->fd = *d->from;
		p->events = POLLIN;
	}
}

static int step(struct session *s, struct pipe_dir *d, short revents)
{
	if (!revents)
		return 0;
	if (!is_idle(d)) {
		drain(s, d);
		return 0;
	}
	return fill(s, d);
}

static void on_signal(struct session *s)
{
	struct signalfd_siginfo si;

	if (read(s->sigfd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGWINCH)
		forward_size(s);
	else
		(void)pidfd_signal(s->r->pidfd, (int)si.ssi_signo);
}

/* Take a signal: nothing but the terminal's new size? */
static bool is_resize(const struct session *s)
{
	struct signalfd_siginfo si;

	return read(s->sigfd, &si, sizeof(si)) != (ssize_t)sizeof(si) ||
	       si.ssi_signo == SIGWINCH;
}

/* False: a signal came. */
static bool last_words_of(struct session *s, struct pipe_dir *d)
{
	while (d->from && (*d->from >= 0 || !is_idle(d))) {
		struct pollfd p[2] = {
			{ .fd = -1 },
			{ .fd = s->sigfd, .events = POLLIN },
		};

		add_poll(&p[0], d);
		if (p[0].fd < 0 || poll(p, 2, is_idle(d) ? IDLE_MS : -1) <= 0)
			break;
		if (p[1].revents && !is_resize(s))
			return false;
		(void)step(s, d, p[0].revents);
	}
	return true;
}

/* The process ended: take what is there, which is no more than its pipes hold,
 * for as long as our reader likes.  There is nobody left whom a signal could
 * be for: it ends us. */
static void last_words(struct session *s)
{
	if (last_words_of(s, &s->output))
		(void)last_words_of(s, &s->error);
}

static int pump(struct session *s, struct err *err)
{
	for (;;) {
		struct pollfd p[5] = {
			{ .fd = s->r->pidfd, .events = POLLIN },
			{ .fd = s->sigfd, .events = POLLIN },
		};

		end_input(s);
		add_poll(&p[2], &s->input);
		add_poll(&p[3], &s->output);
		add_poll(&p[4], &s->error);
		if (poll(p, 5, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, "poll");
		}
		if (p[1].revents)
			on_signal(s);
		if (step(s, &s->input, p[2].revents) == 1)
			return 1;
		(void)step(s, &s->output, p[3].revents);
		(void)step(s, &s->error, p[4].revents);
		if (p[0].revents && !p[3].revents && !p[4].revents) {
			last_words(s);
			return 0;
		}
	}
}

static void connect_streams(struct session *s)
{
	struct relay *r = s->r;

	if (r->console >= 0) {
		if (r->interactive) {
			s->input.from = &s->in;
			s->input.to = &r->console;
		}
		s->output.from = &r->console;
		s->output.to = &s->out;
		return;
	}
	if (r->in_fd >= 0) {
		s->input.from = &s->in;
		s->input.to = &r->in_fd;
	}
	if (r->out_fd >= 0) {
		s->output.from = &r->out_fd;
		s->output.to = &s->out;
	}
	if (r->err_fd >= 0) {
		s->error.from = &r->err_fd;
		s->error.to = &s->err;
	}
}

int relay_run(struct relay *r, struct err *err)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH,
				    0 };
	struct session s = { .r = r, .in = 0, .out = 1, .err = 2,
			     .raw_fd = -EBADF };
	sigset_t mask;
	void (*old_pipe)(int);
	int ret;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	s.sigfd = signals_fd(sigs);
	if (s.sigfd < 0)
		return err_code(err, s.sigfd, "signalfd");
	old_pipe = signal(SIGPIPE, SIG_IGN);
	connect_streams(&s);
	raw_on(&s);
	forward_size(&s);
	ret = pump(&s, err);
	raw_off(&s);
	(void)signal(SIGPIPE, old_pipe);
	close_fd(s.sigfd);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return ret;
}

int relay_keep(struct relay *r, struct err *err)
{
	char buf[4096];
	pid_t pid;

	/* Our terminal hangs up its processes when we, its leader, end: that
	 * may be before the child has left it. */
	(void)signal(SIGHUP, SIG_IGN);
	pid = fork();
	if (pid != 0)
		(void)signal(SIGHUP, SIG_DFL);
	if (pid < 0)
		return err_fork(err, errno, "fork");
	if (pid > 0)
		return 0;
	int keep[] = { r->console, r->pidfd };

	(void)setsid();
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	fd_close_all_but(keep, 2);
	/* what it prints is lost, but it is not held up */
	while (pidfd_wait(r->pidfd, 0) == 0 &&
	       read(r->console, buf, sizeof(buf)) > 0)
		continue;
	child_exit(0);
}
