/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attach client, run in a child; the test is its monitor, its terminal
 * and its user.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "libpod/monitor/attach_keys.h"
#include "libpod/monitor/monitor.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/sb.h"

/* ---- keys ------------------------------------------------------------ */

static void test_keys(void **state unused_attr)
{
	static const struct {
		const char *spec, *keys;	/* NULL: refused */
	} cases[] = {
		{ "ctrl-p,ctrl-q", "\x10\x11" },
		{ "", "" },
		{ "a", "a" },
		{ "a,B,ctrl-z", "aB\x1a" },
		{ "ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_",
		  "\x1b\x1c\x1d\x1e\x1f" },
		{ "ctrl-A", NULL },
		{ "ctrl-", NULL },
		{ "ctrl-pp", NULL },
		{ "ab", NULL },
		{ "a,", NULL },
		{ ",a", NULL },
		{ "a,,b", NULL },
		{ "ctrl-1", NULL },
		{ "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", NULL },
	};
	char keys[ATTACH_KEYS_MAX];
	size_t n = 99;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int r = attach_keys_parse(cases[i].spec, keys, &n);

		print_message("case: '%s'\n", cases[i].spec);
		assert_int_equal(r, cases[i].keys ? 0 : -EINVAL);
		if (r < 0)
			continue;
		assert_int_equal(n, strlen(cases[i].keys));
		assert_memory_equal(keys, cases[i].keys, n);
	}
	assert_int_equal(attach_keys_parse("ctrl-@", keys, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(keys[0], 0);
}

static void test_key_match(void **state unused_attr)
{
	static const struct {
		const char *keys, *typed, *passed;
		bool detached;
	} cases[] = {
		{ "pq", "apq", "a", true },
		{ "pq", "apx", "apx", false },
		{ "pq", "ppq", "p", true },
		{ "pq", "ap", "a", false },
		{ "aab", "aaab", "a", true },
		{ "aab", "aacaab", "aac", true },
		{ "abab", "abaabab", "aba", true },
		{ "x", "abcx", "abc", true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct key_match k = { cases[i].keys, strlen(cases[i].keys),
				       0 };
		autosb struct sb passed = SB_INIT;
		bool detached = false;

		for (const char *s = cases[i].typed; *s && !detached; s++) {
			char out[ATTACH_KEYS_MAX];
			size_t n;

			detached = key_match_add(&k, *s, out, &n);
			sb_addn(&passed, out, n);
		}
		print_message("case: %s %s\n", cases[i].keys, cases[i].typed);
		assert_int_equal(detached, cases[i].detached);
		assert_string_equal(passed.buf, cases[i].passed);
	}
}

/* ---- a client in a child --------------------------------------------- */

enum { WAY_ERROR = 100, WAY_SIGNAL = 150 };

/**
 * struct rig - the client and all that surrounds it
 * @sock:   the monitor's end
 * @in, @out, @err: the user's ends of its pipes
 * @master: the user's side of its terminal
 */
struct rig {
	bool tty, with_in, with_proxy;
	const char *keys;
	pid_t pid, proxied;
	int sock, in, out, err, master;
};

/* Exit code: an attach_result * 10 + container's code, WAY_*, ... */
static int client_main(struct attach_client *c)
{
	struct err why = ERR_INIT;
	int code = -1, r = attach_run(c, &code, &why);

	if (r == -EINTR && c->signal)
		return WAY_SIGNAL + c->signal;
	if (r < 0)
		return why.code == -r ? WAY_ERROR - r : 250;
	return r == ATTACH_ENDED ? code : 200 + r;
}

static void rig_child(struct rig *r, const int fds[6], int sock)
{
	struct attach_client c = ATTACH_CLIENT_INIT;
	int slave;

	signals_reset();
	setsid();
	c.sock = sock;
	c.out_fd = fds[3];
	c.err_fd = fds[5];
	if (r->with_in)
		c.in_fd = fds[0];
	if (r->tty) {
		slave = ioctl(r->master, TIOCGPTPEER, O_RDWR);
		ioctl(slave, TIOCSCTTY, 0);
		c.in_fd = slave;
		c.out_fd = slave;
		c.err_fd = -EBADF;
		c.tty = true;
	}
	if (r->with_proxy)
		c.sig_proxy_pidfd = (int)syscall(SYS_pidfd_open, r->proxied, 0);
	c.detach_keys = r->keys;
	c.n_detach_keys = strlen(r->keys);
	close(r->sock);
	close(fds[1]);
	close(fds[2]);
	close(fds[4]);
	_exit(client_main(&c));
}

static void rig_start(struct rig *r)
{
	int pair[2], fds[6];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    pair), 0);
	for (int i = 0; i < 6; i += 2)
		assert_int_equal(pipe2(fds + i, O_CLOEXEC), 0);
	r->sock = pair[0];
	if (r->tty) {
		r->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_int_equal(unlockpt(r->master), 0);
	}
	r->pid = fork();
	if (r->pid == 0)
		rig_child(r, fds, pair[1]);
	close(pair[1]);
	close(fds[0]);
	close(fds[3]);
	close(fds[5]);
	r->in = fds[1];
	r->out = fds[2];
	r->err = fds[4];
}

static void rig_close(struct rig *r)
{
	close_fd(r->sock);
	close_fd(r->in);
	close_fd(r->out);
	close_fd(r->err);
	if (r->tty)
		close(r->master);
}

static int rig_done(struct rig *r)
{
	int code = proc_wait(r->pid);

	rig_close(r);
	return code;
}

#define RIG_INIT { .keys = "", .in = -EBADF, .out = -EBADF, .err = -EBADF }

/* The next message of the client has to be this. */
static void expect(struct rig *r, const char *want, size_t len)
{
	char msg[ATTACH_MSG_MAX];
	ssize_t n = recv(r->sock, msg, sizeof(msg), 0);

	assert_int_equal(n, len);
	assert_memory_equal(msg, want, len);
}

static void tell(struct rig *r, const char *msg, size_t len)
{
	assert_int_equal(send(r->sock, msg, len, MSG_NOSIGNAL), len);
}

static void tell_exit(struct rig *r, int32_t code)
{
	char msg[5] = { ATTACH_EXIT };

	memcpy(msg + 1, &code, 4);
	tell(r, msg, 5);
}

static void expect_text(int fd, const char *want)
{
	char text[256] = "";

	assert_int_equal(fd_read_full(fd, text, strlen(want)), strlen(want));
	assert_string_equal(text, want);
}

static bool is_raw(const struct rig *r)
{
	struct termios t;

	assert_int_equal(tcgetattr(r->master, &t), 0);
	return !(t.c_lflag & (ICANON | ECHO | ISIG));
}

static void wait_raw(const struct rig *r, bool raw)
{
	for (int i = 0; i < 3000 && is_raw(r) != raw; i++)
		usleep(10000);
	assert_int_equal(is_raw(r), raw);
}

/* ---- pipes ----------------------------------------------------------- */

static void test_pipes(void **state unused_attr)
{
	struct rig r = RIG_INIT;

	r.with_in = true;
	rig_start(&r);
	expect(&r, "h\x07", 2);
	tell(&r, "oto stdout\n", 11);
	tell(&r, "eto stderr\n", 11);
	tell(&r, "o\0\0", 3);
	expect_text(r.out, "to stdout\n");
	expect_text(r.err, "to stderr\n");
	assert_int_equal(write(r.in, "in\0put", 6), 6);
	expect(&r, "iin\0put", 7);
	close_fd(r.in);
	expect(&r, "i", 1);
	tell_exit(&r, 42);
	assert_int_equal(rig_done(&r), 42);
}

/* Without stdin nothing is read and nothing is said about it. */
static void test_no_stdin(void **state unused_attr)
{
	struct rig r = RIG_INIT;
	char byte;

	rig_start(&r);
	expect(&r, "h\x03", 2);
	close_fd(r.in);
	tell_exit(&r, 0);
	assert_int_equal(proc_wait(r.pid), 0);
	assert_int_equal(recv(r.sock, &byte, 1, 0), 0);
	rig_close(&r);
}

/* The monitor closes with input of ours unread, which the kernel calls a
 * reset; its last messages count all the same. */
static void test_reset(void **state unused_attr)
{
	struct rig r = RIG_INIT;
	struct pollfd p = { .events = POLLIN };

	r.with_in = true;
	rig_start(&r);
	p.fd = r.sock;
	expect(&r, "h\x07", 2);
	assert_int_equal(write(r.in, "never read", 10), 10);
	/* it is there, and stays unread */
	assert_int_equal(poll(&p, 1, 30000), 1);
	kill(r.pid, SIGSTOP);
	tell(&r, "olast words", 11);
	tell_exit(&r, 7);
	close_fd(r.sock);
	kill(r.pid, SIGCONT);
	expect_text(r.out, "last words");
	assert_int_equal(rig_done(&r), 7);
}

static void test_lost(void **state unused_attr)
{
	struct rig r = RIG_INIT;

	rig_start(&r);
	expect(&r, "h\x03", 2);
	tell(&r, "ox", 2);
	shutdown(r.sock, SHUT_RDWR);
	assert_int_equal(rig_done(&r), 200 + ATTACH_LOST);
}

static void test_broken_pipe(void **state unused_attr)
{
	struct rig r = RIG_INIT;

	rig_start(&r);
	expect(&r, "h\x03", 2);
	close_fd(r.out);
	tell(&r, "ox", 2);
	assert_int_equal(rig_done(&r), WAY_ERROR + EPIPE);
}

/* ---- signals --------------------------------------------------------- */

/* Until a pipe holds so many bytes */
static void wait_held(int fd, int at_least)
{
	int held = 0;

	for (int i = 0; i < 3000 && held < at_least; i++) {
		usleep(10000);
		assert_int_equal(ioctl(fd, FIONREAD, &held), 0);
	}
	assert_true(held >= at_least);
}

static void test_signal_ends(void **state unused_attr)
{
	/* the last of four begins to fit into a pipe, no more */
	char big[20000] = { ATTACH_STDOUT };
	struct rig r = RIG_INIT;

	rig_start(&r);
	expect(&r, "h\x03", 2);
	/* not even a reader that stopped keeps it from ending */
	for (int i = 0; i < 4; i++)
		tell(&r, big, sizeof(big));
	wait_held(r.out, 3 * (int)(sizeof(big) - 1) + 1);
	kill(r.pid, SIGTERM);
	assert_int_equal(rig_done(&r), WAY_SIGNAL + SIGTERM);
}

static void test_signal_proxy(void **state unused_attr)
{
	static const int sent[] = { SIGUSR1, SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				    SIGFPE, SIGALRM };
	struct rig r = RIG_INIT;
	sigset_t all, old;
	int got;

	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		/* a process that ends with the number of the signal it got */
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, &old);
		r.proxied = fork();
		if (r.proxied == 0)
			_exit(sigwait(&all, &got) == 0 ? got : 99);
		sigprocmask(SIG_SETMASK, &old, NULL);
		r.with_proxy = true;
		rig_start(&r);
		expect(&r, "h\x03", 2);
		kill(r.pid, SIGCHLD);	/* this one is not passed on */
		kill(r.pid, SIGCONT);
		kill(r.pid, SIGWINCH);
		kill(r.pid, sent[i]);
		assert_int_equal(proc_wait(r.proxied), sent[i]);
		tell_exit(&r, 3);
		assert_int_equal(rig_done(&r), 3);
	}
}

/* ---- the terminal ---------------------------------------------------- */

static const struct winsize size_1 = { 24, 80, 0, 0 };
static const struct winsize size_2 = { 50, 132, 0, 0 };

static void tty_start(struct rig *r, const char *keys)
{
	*r = (struct rig)RIG_INIT;
	r->tty = true;
	r->keys = keys;
	rig_start(r);
	expect(r, "h\x05", 2);
	expect(r, "w\0\0\0\0", 5);	/* a new terminal has no size */
	wait_raw(r, true);
}

static void test_terminal(void **state unused_attr)
{
	struct rig r;

	tty_start(&r, "");
	/* bytes go as they are: ^C, ^D, ^Z, CR */
	assert_int_equal(write(r.master, "a\x03\x04\x1a\r", 5), 5);
	expect(&r, "ia\x03\x04\x1a\r", 6);
	tell(&r, "o1\n2", 4);
	expect_text(r.master, "1\n2");
	ioctl(r.master, TIOCSWINSZ, &size_1);
	expect(&r, "w\x18\0\x50\0", 5);
	ioctl(r.master, TIOCSWINSZ, &size_2);
	expect(&r, "w\x32\0\x84\0", 5);
	tell_exit(&r, 9);
	assert_int_equal(proc_wait(r.pid), 9);
	assert_false(is_raw(&r));
	rig_close(&r);
}

/* However it ends, the terminal is as it was. */
static void test_terminal_is_restored(void **state unused_attr)
{
	for (int way = 0; way < 4; way++) {
		struct rig r;
		int code, slave;

		tty_start(&r, "\x10\x11");
		slave = ioctl(r.master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
		if (way == 0)
			tell_exit(&r, 1);
		else if (way == 1)
			assert_int_equal(write(r.master, "\x10\x11", 2), 2);
		else if (way == 2)
			shutdown(r.sock, SHUT_RDWR);
		else
			kill(r.pid, SIGHUP);
		code = proc_wait(r.pid);
		print_message("case %d: %d\n", way, code);
		assert_int_equal(code, way == 0 ? 1 :
				 way == 1 ? 200 + ATTACH_DETACHED :
				 way == 2 ? 200 + ATTACH_LOST :
					    WAY_SIGNAL + SIGHUP);
		assert_false(is_raw(&r));
		close(slave);
		rig_close(&r);
	}
}

static void test_detach_keys(void **state unused_attr)
{
	struct rig r;

	tty_start(&r, "\x10\x11");
	assert_int_equal(write(r.master, "a\x10", 2), 2);
	expect(&r, "ia", 2);
	assert_int_equal(write(r.master, "b", 1), 1);
	expect(&r, "i\x10" "b", 3);
	assert_int_equal(write(r.master, "\x10\x10\x11", 3), 3);
	assert_int_equal(rig_done(&r), 200 + ATTACH_DETACHED);
}

/* Binary input that is not typed may hold the keys. */
static void test_no_keys_in_pipes(void **state unused_attr)
{
	struct rig r = RIG_INIT;

	r.with_in = true;
	r.keys = "\x10\x11";
	rig_start(&r);
	expect(&r, "h\x07", 2);
	assert_int_equal(write(r.in, "\x10\x11", 2), 2);
	expect(&r, "i\x10\x11", 3);
	tell_exit(&r, 0);
	assert_int_equal(rig_done(&r), 0);
}

UNIT_TESTS(unit_test(test_keys), unit_test(test_key_match),
	   unit_test(test_pipes), unit_test(test_no_stdin),
	   unit_test(test_reset), unit_test(test_lost),
	   unit_test(test_broken_pipe), unit_test(test_signal_ends),
	   unit_test(test_signal_proxy), unit_test(test_terminal),
	   unit_test(test_terminal_is_restored), unit_test(test_detach_keys),
	   unit_test(test_no_keys_in_pipes));
