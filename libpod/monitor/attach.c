/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The client end of an attach connection, in the CLI: a poll(2) loop over the
 * socket, stdin, a signalfd and whichever of stdout and stderr has something
 * to write.  One message is on its way in each direction, the next one is not
 * fetched before it has left; so a reader that stopped stops us, we stop the
 * monitor, and that stops the payload.
 *
 * Standard descriptors are shared with the shell that started us and stay
 * blocking.  They are written in pieces small enough not to block once
 * poll(2) said there is room, so that a signal is never kept waiting.
 *
 * The signals that are passed on are blocked and read from the signalfd,
 * those of job control are left alone.  Everything that is changed in this
 * process or its terminal is put back by pump_done(), on every way out.
 */
#include "libpod/monitor/monitor.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "libpod/monitor/attach_keys.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/tty.h"

#define STEP_PIPE 4096
#define STEP_TTY 512

enum { AT_SOCK, AT_IN, AT_OUT, AT_SIGNAL, AT_COUNT };

/**
 * struct pump - a running attach_run()
 * @raw_fd: the terminal of ours that is changed: in_fd, which gives single
 *          keys, or where that is none out_fd; else -EBADF
 * @in:     message to the monitor, type byte included
 * @in_open: stdin is not at its end
 * @out:    message from the monitor, the part from @out_at is to be written
 * @out_fd: where to, @step bytes at a time
 */
struct pump {
	struct attach_client *c;
	int signal_fd;		/* owned */
	sigset_t old_mask;
	struct sigaction old_pipe;
	int raw_fd;		/* borrowed */
	struct termios cooked;
	struct key_match keys;
	bool in_open;
	size_t in_len;
	int out_fd;
	size_t step;
	size_t out_at, out_len;
	char in[ATTACH_MSG_MAX];
	char out[ATTACH_MSG_MAX];
};

/* ---- signals and the terminal ---------------------------------------- */

/* Not SIGKILL and SIGSTOP, which nobody can; not what tells of our own
 * children and pipes; not job control; not the two of the C library. */
static bool is_forwarded(int sig)
{
	static const int own[] = { SIGKILL, SIGSTOP, SIGCHLD, SIGPIPE,
				   SIGURG,  SIGWINCH, SIGTSTP, SIGTTIN,
				   SIGTTOU, SIGCONT };

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (sig == own[i])
			return false;
	}
	return sig < 32 || sig >= SIGRTMIN;
}

static void choose_signals(const struct attach_client *c, sigset_t *set)
{
	static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	sigemptyset(set);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		sigaddset(set, ending[i]);
	for (int sig = 1; sig <= SIGRTMAX && c->sig_proxy_pidfd >= 0; sig++) {
		if (is_forwarded(sig))
			sigaddset(set, sig);
	}
	if (c->tty) {
		sigaddset(set, SIGWINCH);
		sigaddset(set, SIGCONT);
	}
}

static int start_signals(struct pump *p, struct err *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t caught, blocked;

	choose_signals(p->c, &caught);
	p->signal_fd = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p->signal_fd < 0)
		return err_sys(err, "make a signalfd");
	blocked = caught;
	/* the terminal can be put back from the background too */
	sigaddset(&blocked, SIGTTOU);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	return 0;
}

static void set_raw(struct pump *p)
{
	struct termios raw = p->cooked;

	cfmakeraw(&raw);
	tcsetattr(p->c->in_fd, TCSANOW, &raw);
}

/* Before SIGTTOU is blocked: a background job is to stop here. */
static void start_terminal(struct pump *p)
{
	const struct attach_client *c = p->c;

	if (!c->tty)
		return;
	if (c->in_fd < 0 || tcgetattr(c->in_fd, &p->cooked) < 0) {
		if (tty_pass_output(c->out_fd, &p->cooked))
			p->raw_fd = c->out_fd;
		return;
	}
	set_raw(p);
	p->raw_fd = c->in_fd;
	if (c->n_detach_keys > 0 && c->n_detach_keys <= ATTACH_KEYS_MAX) {
		p->keys.keys = c->detach_keys;
		p->keys.n_keys = c->n_detach_keys;
	}
}

/* After a stop: the shell has put its own settings in place. */
static void renew_terminal(struct pump *p)
{
	struct termios now;

	if (p->raw_fd >= 0 && p->raw_fd == p->c->in_fd)
		set_raw(p);
	else if (p->raw_fd >= 0)
		(void)tty_pass_output(p->raw_fd, &now);
}

static void pump_done(struct pump *p)
{
	int saved = errno;

	if (p->raw_fd >= 0)
		tcsetattr(p->raw_fd, TCSANOW, &p->cooked);
	close_fd(p->signal_fd);
	sigaction(SIGPIPE, &p->old_pipe, NULL);
	sigprocmask(SIG_SETMASK, &p->old_mask, NULL);
	errno = saved;
}

/* ---- to the monitor -------------------------------------------------- */

static void send_size(struct pump *p)
{
	const int fds[] = { p->c->in_fd, p->c->out_fd, p->c->err_fd };
	struct winsize size;
	char msg[5] = { ATTACH_RESIZE };
	uint16_t v[2];

	if (!p->c->tty)
		return;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		if (fds[i] < 0 || ioctl(fds[i], TIOCGWINSZ, &size) < 0)
			continue;
		v[0] = size.ws_row;
		v[1] = size.ws_col;
		memcpy(msg + 1, v, sizeof(v));
		/* lost when the monitor does not read: the next one counts */
		(void)send(p->c->sock, msg, sizeof(msg),
			   MSG_NOSIGNAL | MSG_DONTWAIT);
		return;
	}
}

static int send_hello(struct pump *p, struct err *err)
{
	const struct attach_client *c = p->c;
	char msg[2] = { ATTACH_HELLO, 0 };
	int r;

	if (c->out_fd >= 0)
		msg[1] |= ATTACH_WANT_STDOUT;
	if (c->err_fd >= 0)
		msg[1] |= ATTACH_WANT_STDERR;
	if (c->in_fd >= 0)
		msg[1] |= ATTACH_WANT_STDIN;
	r = sock_send(c->sock, msg, sizeof(msg));
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return err_code(err, r, "attach");
	send_size(p);
	return 0;
}

/* Send what stdin gave; the payload may have ended or closed its stdin. */
static void send_input(struct pump *p)
{
	ssize_t n = send(p->c->sock, p->in, p->in_len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS))
		return;
	if (n < 0)
		p->in_open = false;
	p->in_len = 0;
}

/* Take @n typed bytes at in[1..]; true when the detach keys are complete. */
static bool look_for_keys(struct pump *p, size_t n)
{
	char typed[STEP_TTY], pass[ATTACH_KEYS_MAX + 1];
	size_t to = 1, n_pass;

	memcpy(typed, p->in + 1, n);
	for (size_t i = 0; i < n; i++) {
		if (key_match_add(&p->keys, typed[i], pass, &n_pass))
			return true;
		memcpy(p->in + to, pass, n_pass);
		to += n_pass;
	}
	p->in_len = to;
	return false;
}

/* 1: detached */
static int read_input(struct pump *p)
{
	size_t max = p->keys.n_keys ? STEP_TTY : sizeof(p->in) - 1;
	ssize_t n = read(p->c->in_fd, p->in + 1, max);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	p->in[0] = ATTACH_STDIN;
	p->in_len = 1;
	if (n <= 0) {
		p->in_open = false;	/* the empty message says so */
	} else if (p->keys.n_keys) {
		if (look_for_keys(p, (size_t)n))
			return 1;
		if (p->in_len == 1)
			p->in_len = 0;	/* held back */
	} else {
		p->in_len += (size_t)n;
	}
	if (p->in_len)
		send_input(p);
	return 0;
}

/* ---- from the monitor ------------------------------------------------ */

/* How much of it can be written at once without blocking. */
static size_t step_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return STEP_TTY;
	if (S_ISREG(st.st_mode))
		return ATTACH_MSG_MAX;
	return S_ISCHR(st.st_mode) && isatty(fd) ? STEP_TTY : STEP_PIPE;
}

static int write_output(struct pump *p, struct err *err)
{
	size_t n = MIN(p->out_len - p->out_at, p->step);
	ssize_t did = write(p->out_fd, p->out + p->out_at, n);

	if (did < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (did < 0)
		return err_sys(err, "write to %s", p->out_fd == p->c->err_fd ?
			       "stderr" : "stdout");
	p->out_at += (size_t)did;
	return 0;
}

/* One message.  Return: 0, or an attach_result + 1 */
static int receive(struct pump *p, int *exit_code)
{
	ssize_t n = recv(p->c->sock, p->out, sizeof(p->out), MSG_DONTWAIT);
	int32_t code;

	/* ECONNRESET is told once, when the monitor closed with input of
	 * ours unread; its own last messages still follow. */
	if (n < 0 && (errno == EAGAIN || errno == EINTR ||
		      errno == ECONNRESET))
		return 0;
	if (n <= 0)
		return ATTACH_LOST + 1;
	if (p->out[0] == ATTACH_EXIT && n == 1 + (ssize_t)sizeof(code)) {
		memcpy(&code, p->out + 1, sizeof(code));
		*exit_code = code;
		return ATTACH_ENDED + 1;
	}
	p->out_fd = -EBADF;
	if (p->out[0] == ATTACH_STDOUT)
		p->out_fd = p->c->out_fd;
	else if (p->out[0] == ATTACH_STDERR)
		p->out_fd = p->c->err_fd >= 0 ? p->c->err_fd : p->c->out_fd;
	p->step = step_of(p->out_fd);
	p->out_at = 1;
	p->out_len = p->out_fd >= 0 ? (size_t)n : 1;
	return 0;
}

/* ---- the loop -------------------------------------------------------- */

static int take_signals(struct pump *p, struct err *err)
{
	struct signalfd_siginfo info;

	while (read(p->signal_fd, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		int sig = (int)info.ssi_signo;

		if (sig == SIGCONT)
			renew_terminal(p);
		if (sig == SIGCONT || sig == SIGWINCH) {
			send_size(p);
		} else if (p->c->sig_proxy_pidfd >= 0) {
			pidfd_signal(p->c->sig_proxy_pidfd, sig);
		} else {
			p->c->signal = sig;
			return err_set(err, ERR_FAIL, EINTR,
				       "interrupted by %s", signal_name(sig));
		}
	}
	return 0;
}

static void choose_fds(const struct pump *p, struct pollfd fds[AT_COUNT])
{
	bool writing = p->out_at < p->out_len;
	short sock = (short)((writing ? 0 : POLLIN) |
			     (p->in_len ? POLLOUT : 0));

	fds[AT_SOCK] = (struct pollfd){ sock ? p->c->sock : -1, sock, 0 };
	fds[AT_IN] = (struct pollfd){ p->in_open && !p->in_len ?
				      p->c->in_fd : -1, POLLIN, 0 };
	fds[AT_OUT] = (struct pollfd){ writing ? p->out_fd : -1, POLLOUT, 0 };
	fds[AT_SIGNAL] = (struct pollfd){ p->signal_fd, POLLIN, 0 };
}

/* Return: 0, an attach_result + 1, or -errno */
static int turn(struct pump *p, int *exit_code, struct err *err)
{
	struct pollfd fds[AT_COUNT];
	int r = 0;

	choose_fds(p, fds);
	if (poll(fds, AT_COUNT, -1) < 0)
		return errno == EINTR ? 0 : err_sys(err, "poll");
	if (fds[AT_SIGNAL].revents)
		r = take_signals(p, err);
	if (r == 0 && fds[AT_OUT].revents)
		r = write_output(p, err);
	if (r == 0 && p->in_len && (fds[AT_SOCK].revents & ~POLLIN))
		send_input(p);
	if (r == 0 && fds[AT_IN].revents && read_input(p))
		r = ATTACH_DETACHED + 1;
	if (r == 0 && p->out_at >= p->out_len &&
	    (fds[AT_SOCK].revents & (POLLIN | POLLHUP | POLLERR)))
		r = receive(p, exit_code);
	return r;
}

int attach_run(struct attach_client *c, int *exit_code, struct err *err)
{
	struct pump p cleanup(pump_done) = { .c = c, .signal_fd = -EBADF,
						.raw_fd = -EBADF };
	int r;

	sigprocmask(SIG_BLOCK, NULL, &p.old_mask);
	sigaction(SIGPIPE, NULL, &p.old_pipe);
	p.in_open = c->in_fd >= 0;
	start_terminal(&p);
	r = start_signals(&p, err);
	if (r == 0)
		r = send_hello(&p, err);
	while (r == 0)
		r = turn(&p, exit_code, err);
	return r < 0 ? r : r - 1;
}

void attach_settle(int sock, bool removed)
{
	const char msg[] = { ATTACH_SETTLED, 1 };

	(void)sock_send(sock, msg, removed ? 2 : 1);
}
