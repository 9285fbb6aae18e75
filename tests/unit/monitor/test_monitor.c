/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Each test drives a whole monitor: rig_start() forks M, which forks a payload
 * (a function of this file) and runs monitor_main(), as a real start does
 * after oci_start().  The test itself plays the CLI: it holds the first
 * client's socket, connects others, and reads the log and the records.
 *
 * Executed with --conf-fd this binary is a bryo-monitor, so that
 * monitor_become() can be tested without building the real one.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "libpod/monitor/log_read.h"
#include "libpod/monitor/monitor.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

typedef int (*payload_fn)(void);

/**
 * struct rig - one monitor and its payload
 * @shared: a counter that payloads use, shared with them
 */
struct rig {
	payload_fn payload;
	bool tty, with_client, with_listen, with_stdin;
	bool become;		/* through monitor_become() and an exec */
	int sndbuf;		/* of the monitor's end, 0 = as it is */
	int delay_ms;		/* between the payload's start and ours */
	payload_fn helper;
	struct monitor_conf conf;

	char path[64];
	int dir;
	int client;
	int lock;
	pid_t pid;
	struct proc_id payload_id;
	struct sockaddr_un addr;
};

static volatile int *shared;

/* ---- this binary as bryo-monitor ------------------------------------- */

__attribute__((constructor)) static void be_monitor(int argc, char **argv)
{
	struct monitor_conf conf;
	struct err why = ERR_INIT;
	int fd = -1;

	if (argc < 3 || !streq(argv[1], "--conf-fd"))
		return;
	if (parse_int(argv[2], &fd) < 0 ||
	    monitor_conf_load(fd, &conf, &why) < 0)
		_exit(99);
	close(fd);
	_exit(monitor_main(&conf));
}

/* ---- the rig --------------------------------------------------------- */

static void rig_init(struct rig *r, payload_fn payload)
{
	memset(r, 0, sizeof(*r));
	monitor_conf_init(&r->conf);
	r->payload = payload;
	r->client = -EBADF;
	snprintf(r->path, sizeof(r->path), "/tmp/bryo-unit-mon.XXXXXX");
	assert_non_null(mkdtemp(r->path));
	r->dir = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(r->dir >= 0);
	r->lock = openat(r->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(r->lock, LOCK_EX | LOCK_NB), 0);
	r->conf.id = xstrdup("c0ffee");
	r->conf.dir_fd = r->dir;
	r->conf.run_fd = fcntl(r->dir, F_DUPFD_CLOEXEC, 3);
	r->conf.lock_fd = r->lock;
	r->conf.start_n = 3;
	if (!shared)
		shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*shared = 0;
}

static pid_t fork_payload(struct rig *r, const int ends[3], int master)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	signals_reset();
	setsid();
	if (r->tty) {
		int slave = ioctl(master, TIOCGPTPEER, O_RDWR);

		ioctl(slave, TIOCSCTTY, 0);
		for (int i = 0; i < 3; i++)
			dup2(slave, i);
	} else {
		for (int i = 0; i < 3; i++)
			dup2(ends[i], i);
	}
	fd_close_all_but(NULL, 0);
	_exit(r->payload());
}

static void start_helper(struct rig *r)
{
	int fds[2];
	pid_t pid;

	if (!r->helper)
		return;
	if (pipe2(fds, O_CLOEXEC) < 0)
		_exit(98);
	pid = fork();
	if (pid == 0) {
		signals_reset();
		dup2(fds[0], 0);
		fd_close_all_but(NULL, 0);
		_exit(r->helper());
	}
	close(fds[0]);
	r->conf.hold_fds[r->conf.n_hold++] = fds[1];
	r->conf.helper_pids[r->conf.n_helpers++] = pid;
}

/* M, from where oci_start() returned */
static void rig_child(struct rig *r)
{
	struct monitor_conf *c = &r->conf;
	int in[2], out[2], err[2], ends[3], master = -EBADF;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(err, O_CLOEXEC) < 0)
		_exit(98);
	if (r->tty) {
		master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		unlockpt(master);
	}
	ends[0] = r->with_stdin ? in[0] : null;
	ends[1] = out[1];
	ends[2] = err[1];
	c->init.pid = fork_payload(r, ends, master);
	if (!c->init.start)
		c->init.start = proc_self().start;
	c->init_pidfd = (int)syscall(SYS_pidfd_open, c->init.pid, 0);
	start_helper(r);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	close(r->client);
	if (r->tty) {
		c->console_fd = master;
	} else {
		c->stdin_fd = r->with_stdin ? in[1] : -EBADF;
		c->stdout_fd = out[0];
		c->stderr_fd = err[0];
	}
	if (!r->with_stdin)
		close(in[1]);
	/* the payload's number, for the test */
	autofree char *text = xasprintf("%d\n", c->init.pid);
	(void)file_write_at(r->dir, "pid", text, strlen(text), 0600, false,
			    NULL);
	usleep((useconds_t)r->delay_ms * 1000);
	if (r->become)
		monitor_become(c, open("/proc/self/exe", O_PATH | O_CLOEXEC));
	_exit(monitor_main(c));
}

static void rig_start(struct rig *r)
{
	int pair[2] = { -EBADF, -EBADF };

	if (r->with_client) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET |
					    SOCK_CLOEXEC, 0, pair), 0);
		r->client = pair[0];
		r->conf.client_fd = pair[1];
		if (r->sndbuf)
			setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &r->sndbuf,
				   sizeof(r->sndbuf));
	}
	if (r->with_listen) {
		int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

		r->addr.sun_family = AF_UNIX;
		snprintf(r->addr.sun_path, sizeof(r->addr.sun_path),
			 "%.64s/attach", r->path);
		assert_int_equal(bind(fd, (void *)&r->addr, sizeof(r->addr)),
				 0);
		assert_int_equal(listen(fd, 128), 0);
		r->conf.listen_fd = fd;
	}
	r->pid = fork();
	if (r->pid == 0)
		rig_child(r);
	close_fd(r->conf.client_fd);
	close_fd(r->conf.listen_fd);
	close_fd(r->lock);
}

/* The monitor ends within @ms; its own exit code */
static int rig_wait(struct rig *r, int ms)
{
	autoclose int fd = (int)syscall(SYS_pidfd_open, r->pid, 0);

	assert_int_equal(pidfd_wait(fd, ms), 1);
	return proc_wait(r->pid);
}

/* M ends as its payload did: who supervises it sees the code. */
static void rig_ended(struct rig *r)
{
	struct exit_record rec;
	int code = rig_wait(r, 5000);

	assert_ok(exit_record_read(r->dir, &rec, err));
	assert_int_equal(code, rec.code & 0xff);
}

static void rig_done(struct rig *r)
{
	close_fd(r->client);
	close_fd(r->conf.run_fd);
	monitor_conf_done(&r->conf);
	close(r->dir);
	assert_ok(tree_remove_at(AT_FDCWD, r->path, err));
}

static int rig_connect(struct rig *r)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (void *)&r->addr, sizeof(r->addr)), 0);
	return fd;
}

static struct exit_record record_of(struct rig *r)
{
	struct exit_record rec = { 0 };

	assert_ok(exit_record_read(r->dir, &rec, err));
	assert_int_equal(rec.start_n, 3);
	assert_int_equal(rec.oom, -1);
	return rec;
}

static bool has_record(struct rig *r)
{
	struct exit_record rec;

	return exit_record_read(r->dir, &rec, NULL) == 0;
}

static void wait_shared(int at_least)
{
	for (int i = 0; i < 1000 && *shared < at_least; i++)
		usleep(10000);
	assert_true(*shared >= at_least);
}

/* ---- the test as a client -------------------------------------------- */

static void hello(int fd, uint8_t want)
{
	const char msg[2] = { ATTACH_HELLO, (char)want };

	assert_int_equal(send(fd, msg, 2, MSG_NOSIGNAL), 2);
}

#define WANT_OUT (ATTACH_WANT_STDOUT | ATTACH_WANT_STDERR)
#define WANT_ALL (WANT_OUT | ATTACH_WANT_STDIN)

static void send_stdin(int fd, const void *data, size_t len)
{
	char msg[ATTACH_MSG_MAX] = { ATTACH_STDIN };

	if (len)
		memcpy(msg + 1, data, len);
	assert_int_equal(send(fd, msg, len + 1, MSG_NOSIGNAL), len + 1);
}

#define NO_EXIT 12345

struct got {
	struct sb out, err;
	int code;		/* NO_EXIT: none came */
};

#define GOT_INIT { SB_INIT, SB_INIT, NO_EXIT }

static void got_done(struct got *g)
{
	sb_done(&g->out);
	sb_done(&g->err);
}

/* One message; false at the end of the connection. */
static bool get_msg(int fd, struct got *g)
{
	static char msg[ATTACH_MSG_MAX + 1];
	ssize_t n;

	do
		n = recv(fd, msg, sizeof(msg), 0);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n <= 0)
		return false;
	assert_true(n <= ATTACH_MSG_MAX);
	assert_int_equal(g->code, NO_EXIT); /* nothing follows it */
	if (msg[0] == ATTACH_STDOUT)
		sb_addn(&g->out, msg + 1, (size_t)n - 1);
	else if (msg[0] == ATTACH_STDERR)
		sb_addn(&g->err, msg + 1, (size_t)n - 1);
	else if (msg[0] == ATTACH_EXIT)
		memcpy(&g->code, msg + 1, sizeof(g->code));
	else
		fail_msg("message of type %d", msg[0]);
	return true;
}

static void get_until_exit(int fd, struct got *g)
{
	while (g->code == NO_EXIT && get_msg(fd, g))
		;
}

/* ---- the log --------------------------------------------------------- */

static int join_raw(void *arg, const struct log_rec *rec)
{
	struct sb *sb = (struct sb *)arg + (rec->stream - 1);

	sb_addn(sb, rec->text, rec->len);
	if (!rec->partial)
		sb_addch(sb, '\n');
	return 0;
}

static void read_log(struct rig *r, struct sb both[2])
{
	struct log_read_opts o = LOG_READ_INIT;

	assert_ok(log_read(r->dir, &o, join_raw, both, err));
}

static void assert_log(struct rig *r, const char *out, size_t n_out,
		       const char *text_err)
{
	struct sb both[2] = { SB_INIT, SB_INIT };

	read_log(r, both);
	assert_int_equal(both[0].len, n_out);
	assert_memory_equal(both[0].buf, out, n_out);
	assert_string_equal(both[1].buf, text_err);
	sb_done(&both[0]);
	sb_done(&both[1]);
}

/* ---- payloads -------------------------------------------------------- */

static void put(int fd, const char *text)
{
	if (fd_write_full(fd, text, strlen(text)) < 0)
		_exit(90);
}

static int pay_hello(void)
{
	put(1, "hello\n");
	put(2, "warn\n");
	put(1, "no newline");
	return 7;
}

/* A pattern that shows loss, repetition and a change of order */
static char pattern(size_t i)
{
	return (char)(i * 31 + i / 251 + i / 65521);
}

#define BURST 60000

static int pay_burst(void)
{
	static char buf[BURST];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = pattern(i);
	return fd_write_full(1, buf, sizeof(buf)) < 0 ? 90 : 0;
}

#define FLOOD_MB 4

static int pay_flood(void)
{
	static char buf[65536];

	for (size_t at = 0; at < FLOOD_MB << 20; at += sizeof(buf)) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = pattern(at + i);
		if (fd_write_full(1, buf, sizeof(buf)) < 0)
			return 90;
		(*shared)++;
	}
	return 0;
}

/* A flood, then a word once the test allows it */
static int pay_flood_and_wait(void)
{
	char byte;

	pay_flood();
	while (*shared < 1000)
		usleep(1000);
	put(1, "the end");
	return read(0, &byte, 1) == 0 ? 0 : 91;
}

static int pay_cat(void)
{
	char buf[10000];
	ssize_t n;

	while ((n = read(0, buf, sizeof(buf))) > 0) {
		if (fd_write_full(1, buf, (size_t)n) < 0)
			return 90;
	}
	return n == 0 ? 5 : 91;
}

static int pay_sleep(void)
{
	put(1, "up\n");
	(*shared)++;
	while (pause() < 0)
		;
	return 0;
}

static int pay_exit_0(void)
{
	return 0;
}

static int pay_exit_3(void)
{
	return 3;
}

/* Leaves a process behind that has all pipes open and fills one. */
static int pay_leaver(void)
{
	static char much[1 << 20];

	put(1, "bye\n");
	if (fork() == 0) {
		alarm(20);
		while (write(2, much, sizeof(much)) > 0)
			;
	}
	return 4;
}

static int helper_obedient(void)
{
	char byte;

	while (read(0, &byte, 1) > 0)
		;
	*shared += 100;
	return 0;
}

static int helper_stubborn(void)
{
	signal(SIGTERM, SIG_IGN);
	while (pause() < 0)
		;
	return 0;
}

/* ---- what is executed at the end -------------------------------------- */

/* What the program that is executed at the end writes down */
static const char script[] =
	"#!/bin/sh\n"
	"cd \"${0%/*}\" || exit 1\n"
	"echo \"$$ $*\" >ran.new\n"
	"ls /proc/$$/fd >fds.new\n"
	"flock -n lock true && echo free >>ran.new\n"
	"mv fds.new fds\n"
	"mv ran.new ran\n";

static void rig_script(struct rig *r)
{
	int fd = openat(r->dir, "next", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	assert_ok(fd_write_full(fd, script, sizeof(script) - 1));
	close(fd);
	r->conf.exec_path = xasprintf("%s/next", r->path);
	strv_add(&r->conf.exec_argv, r->conf.exec_path);
	strv_addf(&r->conf.exec_argv, "--lock-fd");
	strv_addf(&r->conf.exec_argv, "%d", r->conf.lock_fd);
}

static bool ran(struct rig *r)
{
	return faccessat(r->dir, "ran", F_OK, 0) == 0;
}

static void check_ran(struct rig *r)
{
	autosb struct sb text = SB_INIT;
	autofree char *want = xasprintf("%d --lock-fd %s\n", r->pid,
					r->conf.exec_argv[2]);

	assert_int_equal(file_read_at(r->dir, "ran", 4096, &text), 0);
	assert_string_equal(text.buf, want);
	/* 0 1 2, the lock, and what dash itself has at 10 and 11 */
	sb_trunc(&text, 0);
	assert_int_equal(file_read_at(r->dir, "fds", 4096, &text), 0);
	for (char *line = text.buf, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		print_message("descriptor %s\n", line);
		assert_true(streq(line, r->conf.exec_argv[2]) ||
			    streq(line, "0") || streq(line, "1") ||
			    streq(line, "2") || streq(line, "10") ||
			    streq(line, "11"));
	}
}

/* ---- tests ----------------------------------------------------------- */

static void test_basic(void **state unused_attr)
{
	for (int become = 0; become < 2; become++) {
		struct rig r;
		struct got g = GOT_INIT;

		rig_init(&r, pay_hello);
		r.with_client = true;
		r.become = become;
		r.conf.durable_exit = true;
		rig_start(&r);
		hello(r.client, WANT_OUT);
		get_until_exit(r.client, &g);
		assert_true(has_record(&r));
		assert_int_equal(g.code, 7);
		assert_string_equal(g.out.buf, "hello\nno newline");
		assert_string_equal(g.err.buf, "warn\n");
		rig_ended(&r);
		assert_int_equal(record_of(&r).code, 7);
		assert_int_equal(record_of(&r).signal, 0);
		assert_string_equal(record_of(&r).boot_id, boot_id());
		assert_log(&r, "hello\nno newline", 16, "warn\n");
		assert_true(faccessat(r.dir, "exit.new", F_OK, 0) < 0);
		got_done(&g);
		rig_done(&r);
	}
}

/* It wrote and died before anybody looked. */
static void test_dead_already(void **state unused_attr)
{
	struct rig r;
	char want[BURST];

	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = pattern(i);
	rig_init(&r, pay_burst);
	r.delay_ms = 200;
	rig_start(&r);
	assert_int_equal(rig_wait(&r, 5000), 0);
	assert_int_equal(record_of(&r).code, 0);
	assert_log(&r, want, sizeof(want), "");
	rig_done(&r);
}

static void test_leaver(void **state unused_attr)
{
	struct sb both[2] = { SB_INIT, SB_INIT };
	struct rig r;
	uint64_t start = clock_mono_ns();

	rig_init(&r, pay_leaver);
	rig_start(&r);
	rig_ended(&r);
	assert_true(clock_mono_ns() - start < 4000000000ULL);
	assert_int_equal(record_of(&r).code, 4);
	read_log(&r, both);
	assert_string_equal(both[0].buf, "bye\n");
	sb_done(&both[0]);
	sb_done(&both[1]);
	rig_done(&r);
}

/* 1.5 MB through stdin and back, NUL bytes among them */
static void test_stdin(void **state unused_attr)
{
	enum { SIZE = 1500000 };
	autofree char *data = xmalloc(SIZE);
	struct rig r;
	struct got g = GOT_INIT;
	size_t sent = 0;

	for (size_t i = 0; i < SIZE; i++)
		data[i] = pattern(i);
	rig_init(&r, pay_cat);
	r.with_client = true;
	r.with_stdin = true;
	r.conf.stdin_once = true;
	rig_start(&r);
	hello(r.client, WANT_ALL);
	while (g.code == NO_EXIT) {
		struct pollfd p = { r.client, POLLIN, 0 };

		if (sent <= SIZE)
			p.events |= POLLOUT;
		assert_int_equal(poll(&p, 1, 10000), 1);
		if (p.revents & POLLIN) {
			if (!get_msg(r.client, &g))
				break;
		} else {
			size_t n = MIN((size_t)20000, SIZE - sent);

			send_stdin(r.client, data + sent, n);
			sent += n ? n : 1;	/* the empty one ends it */
		}
	}
	assert_int_equal(g.code, 5);
	assert_int_equal(g.out.len, SIZE);
	assert_memory_equal(g.out.buf, data, SIZE);
	assert_log(&r, data, SIZE, "");
	rig_ended(&r);
	got_done(&g);
	rig_done(&r);
}

/* Without stdin_once the end of a client's input is not the payload's. */
static void test_stdin_stays_open(void **state unused_attr)
{
	struct rig r;
	struct got g = GOT_INIT;
	int fd;

	rig_init(&r, pay_cat);
	r.with_listen = true;
	r.with_stdin = true;
	rig_start(&r);
	fd = rig_connect(&r);
	hello(fd, WANT_ALL);
	send_stdin(fd, "one\n", 4);
	send_stdin(fd, NULL, 0);
	while (g.out.len < 4)
		assert_true(get_msg(fd, &g));
	close(fd);
	fd = rig_connect(&r);
	hello(fd, WANT_ALL);
	send_stdin(fd, "two\n", 4);
	while (g.out.len < 8)
		assert_true(get_msg(fd, &g));
	assert_string_equal(g.out.buf, "one\ntwo\n");
	kill(r.pid, SIGTERM);	/* handed on */
	get_until_exit(fd, &g);
	assert_int_equal(g.code, 128 + SIGTERM);
	close(fd);
	rig_ended(&r);
	got_done(&g);
	rig_done(&r);
}

/* The client that owns stdin is killed: so ends the payload's stdin. */
static void test_stdin_owner_dies(void **state unused_attr)
{
	struct rig r;

	rig_init(&r, pay_cat);
	r.with_client = true;
	r.with_stdin = true;
	r.conf.stdin_once = true;
	rig_start(&r);
	hello(r.client, WANT_ALL);
	send_stdin(r.client, "x", 1);
	close_fd(r.client);
	rig_ended(&r);
	assert_int_equal(record_of(&r).code, 5);
	rig_done(&r);
}

static void check_pattern(const struct sb *sb, size_t len)
{
	assert_int_equal(sb->len, len);
	for (size_t i = 0; i < len; i++) {
		if (sb->buf[i] != pattern(i))
			fail_msg("byte %zu of %zu is wrong", i, len);
	}
}

/* User and system time that a process took so far */
static uint64_t cpu_ticks(pid_t pid)
{
	autosb struct sb text = SB_INIT;
	unsigned long user = 0, system = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	assert_int_equal(file_read_at(AT_FDCWD, path, 4096, &text), 0);
	assert_int_equal(sscanf(strrchr(text.buf, ')'),
				") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u "
				"%*u %lu %lu", &user, &system), 2);
	return user + system;
}

/* The first client is slow: the payload waits, nothing is lost. */
static void test_first_client_slow(void **state unused_attr)
{
	struct rig r;
	struct got g = GOT_INIT;
	int stuck;

	rig_init(&r, pay_flood);
	r.with_client = true;
	r.sndbuf = 17000;	/* room for one message of three */
	rig_start(&r);
	usleep(300000);		/* not even a hello */
	stuck = *shared;
	assert_true(stuck <= 2);
	hello(r.client, WANT_OUT);
	usleep(1500000);	/* longer than others would be waited for */
	assert_true(cpu_ticks(r.pid) < 50);
	assert_true(*shared < (FLOOD_MB << 20) / 65536 / 2);
	get_until_exit(r.client, &g);
	assert_int_equal(g.code, 0);
	check_pattern(&g.out, FLOOD_MB << 20);
	assert_int_equal(rig_wait(&r, 5000), 0);
	got_done(&g);
	rig_done(&r);
}

/* The payload is dead: its record and its log do not wait for the client,
 * and the client still gets all of the output before it is told. */
static void test_first_client_slow_at_end(void **state unused_attr)
{
	struct rig r;
	struct got g = GOT_INIT;
	char want[BURST];

	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = pattern(i);
	rig_init(&r, pay_burst);
	r.with_client = true;
	rig_start(&r);
	for (int i = 0; i < 500 && !has_record(&r); i++)
		usleep(10000);
	assert_int_equal(record_of(&r).code, 0);
	assert_log(&r, want, sizeof(want), "");
	hello(r.client, WANT_OUT);
	get_until_exit(r.client, &g);
	assert_int_equal(g.code, 0);
	check_pattern(&g.out, BURST);
	assert_int_equal(rig_wait(&r, 5000), 0);
	got_done(&g);
	rig_done(&r);
}

/* SIGTERM after the payload's death: no client is waited for any more. */
static void test_hurry(void **state unused_attr)
{
	struct rig r;

	rig_init(&r, pay_burst);
	r.with_client = true;
	rig_script(&r);
	rig_start(&r);
	for (int i = 0; i < 500 && !has_record(&r); i++)
		usleep(10000);
	usleep(200000);
	assert_false(ran(&r));
	kill(r.pid, SIGTERM);
	assert_int_equal(rig_wait(&r, 1500), 0);
	assert_true(ran(&r));
	rig_done(&r);
}

/* Another client does not read: the payload goes on without it, and it is
 * told what it missed. */
static void test_other_client_slow(void **state unused_attr)
{
	struct rig r;
	struct got g = GOT_INIT;
	int fd;

	rig_init(&r, pay_flood_and_wait);
	r.with_listen = true;
	r.with_stdin = true;
	rig_start(&r);
	fd = rig_connect(&r);
	hello(fd, WANT_OUT);
	wait_shared((FLOOD_MB << 20) / 65536);
	while (!strstr(g.err.buf, "bytes of output skipped"))
		assert_true(get_msg(fd, &g));
	assert_true(g.out.len < FLOOD_MB << 20);
	*shared = 1000;
	sb_trunc(&g.out, 0);
	while (!str_ends(g.out.buf, "the end"))
		assert_true(get_msg(fd, &g));
	kill(r.pid, SIGTERM);
	get_until_exit(fd, &g);
	assert_int_equal(g.code, 128 + SIGTERM);
	close(fd);
	rig_ended(&r);
	got_done(&g);
	rig_done(&r);
}

static int count_fds(pid_t pid)
{
	char path[64];
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	autoclosedir DIR *dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir))
		n++;
	return n;
}

/* Attach, detach, half a protocol, nonsense, more than there is room for */
static void test_client_storm(void **state unused_attr)
{
	static const char *const nonsense[] = { "", "?", "h", "hxx", "w12",
						"s", "iii", "wwwww", "x" };
	struct rig r;
	struct got g = GOT_INIT;
	int before, after = 0, fd, many[40];
	char big[ATTACH_MSG_MAX + 100] = { ATTACH_STDIN };

	rig_init(&r, pay_sleep);
	r.with_listen = true;
	r.with_stdin = true;
	rig_start(&r);
	wait_shared(1);
	fd = rig_connect(&r);
	hello(fd, WANT_ALL);
	/* once the next one is thrown out, this one was let in */
	many[0] = rig_connect(&r);
	assert_int_equal(send(many[0], "?", 1, 0), 1);
	assert_false(get_msg(many[0], &g));
	close(many[0]);
	before = count_fds(r.pid);
	for (int i = 0; i < 200; i++) {
		int c = rig_connect(&r);

		if (i % 3)
			hello(c, WANT_ALL);
		if (i % 2) {
			const char *s = nonsense[(size_t)i %
						 ARRAY_LEN(nonsense)];

			(void)send(c, s, strlen(s), MSG_NOSIGNAL);
		}
		if (i % 50 == 0)
			(void)send(c, big, sizeof(big), MSG_NOSIGNAL);
		close(c);
	}
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = rig_connect(&r);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		close(many[i]);
	for (int i = 0; i < 300; i++) {
		after = count_fds(r.pid);
		if (after <= before)
			break;
		usleep(10000);
	}
	assert_true(after <= before);
	kill(r.pid, SIGTERM);
	get_until_exit(fd, &g);
	assert_int_equal(g.code, 128 + SIGTERM);
	close(fd);
	rig_ended(&r);
	got_done(&g);
	rig_done(&r);
}

static void test_signals(void **state unused_attr)
{
	struct rig r;
	struct got g = GOT_INIT;

	rig_init(&r, pay_sleep);
	r.with_client = true;
	rig_start(&r);
	hello(r.client, WANT_OUT);
	wait_shared(1);
	while (g.out.len < 3)	/* it runs and so does the monitor */
		assert_true(get_msg(r.client, &g));
	for (int i = 0; i < 200; i++) {
		kill(r.pid, SIGHUP);
		kill(r.pid, SIGUSR1);
		kill(r.pid, SIGUSR2);
		kill(r.pid, SIGPIPE);
		kill(r.pid, SIGALRM);
		kill(r.pid, SIGCHLD);
		kill(r.pid, SIGRTMIN + i % 20);
	}
	kill(r.pid, SIGQUIT);
	get_until_exit(r.client, &g);
	assert_int_equal(g.code, 128 + SIGQUIT);
	rig_ended(&r);
	assert_int_equal(record_of(&r).signal, SIGQUIT);
	got_done(&g);
	rig_done(&r);
}

static void test_timeout(void **state unused_attr)
{
	struct rig r;
	struct got g = GOT_INIT;

	rig_init(&r, pay_sleep);
	r.with_client = true;
	r.conf.timeout_s = 1;
	rig_start(&r);
	hello(r.client, WANT_OUT);
	get_until_exit(r.client, &g);
	assert_int_equal(g.code, -1);
	rig_ended(&r);
	assert_int_equal(record_of(&r).code, -1);
	assert_int_equal(record_of(&r).signal, SIGKILL);
	got_done(&g);
	rig_done(&r);
}

static void test_helpers(void **state unused_attr)
{
	static const payload_fn helpers[] = { helper_obedient,
					      helper_stubborn };

	for (size_t i = 0; i < ARRAY_LEN(helpers); i++) {
		struct rig r;
		uint64_t start;

		rig_init(&r, pay_exit_3);
		r.helper = helpers[i];
		rig_start(&r);
		start = clock_mono_ns();
		rig_ended(&r);
		assert_int_equal(*shared, i == 0 ? 100 : 0);
		if (i == 1)
			assert_true(clock_mono_ns() - start >= 400000000);
		assert_int_equal(record_of(&r).code, 3);
		rig_done(&r);
	}
}

static void test_exec(void **state unused_attr)
{
	for (int become = 0; become < 2; become++) {
		struct rig r;

		rig_init(&r, pay_exit_3);
		r.become = become;
		r.with_listen = true;
		rig_script(&r);
		rig_start(&r);
		assert_int_equal(rig_wait(&r, 5000), 0);
		assert_true(has_record(&r));
		check_ran(&r);
		rig_done(&r);
	}
}

/* The first client settles, dies without, or does neither. */
static void test_settle(void **state unused_attr)
{
	for (int how = 0; how < 3; how++) {
		struct rig r;
		struct got g = GOT_INIT;
		uint64_t start;

		rig_init(&r, pay_exit_3);
		r.with_client = true;
		rig_script(&r);
		rig_start(&r);
		hello(r.client, WANT_OUT);
		get_until_exit(r.client, &g);
		start = clock_mono_ns();
		assert_false(ran(&r));
		if (how == 0)
			attach_settle(r.client, false);
		else if (how == 1)
			close_fd(r.client);
		/* the payload's code, or that of what it became */
		assert_int_equal(rig_wait(&r, 5000), how == 0 ? 3 : 0);
		assert_int_equal(ran(&r), how != 0);
		if (how == 2)
			assert_true(clock_mono_ns() - start > 1500000000);
		got_done(&g);
		rig_done(&r);
	}
}

static void test_restart(void **state unused_attr)
{
	static const struct {
		payload_fn payload;
		bool on_failure, stop;
		bool worked;	/* since the machine was started */
		int min_ms, max_ms;
	} cases[] = {
		{ pay_exit_3, false, false, false, 600, 5000 },
		{ pay_exit_3, true, false, false, 600, 5000 },
		{ pay_exit_0, true, false, false, 0, 590 },
		{ pay_exit_3, false, true, false, 0, 590 },
		{ pay_exit_3, false, false, true, 100, 590 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t start = clock_mono_ns(), took;
		struct rig r;

		rig_init(&r, cases[i].payload);
		r.conf.restart = true;
		r.conf.restart_on_failure = cases[i].on_failure;
		r.conf.init.start = cases[i].worked ? 1 : 0;
		r.conf.restart_delay_ms = 600;
		rig_script(&r);
		rig_start(&r);
		if (cases[i].stop) {
			while (!has_record(&r))
				usleep(1000);
			kill(r.pid, SIGTERM);
		}
		assert_int_equal(rig_wait(&r, 5000), 0);
		took = (clock_mono_ns() - start) / 1000000;
		print_message("case %zu: %d ms\n", i, (int)took);
		assert_in_range(took, cases[i].min_ms, cases[i].max_ms);
		check_ran(&r);
		rig_done(&r);
	}
}

/* ---- the terminal ---------------------------------------------------- */

static int pay_terminal(void)
{
	struct winsize size = { 0 };
	char line[64];
	ssize_t n = read(0, line, sizeof(line) - 1);

	if (n < 0)
		return 90;
	line[n] = '\0';
	ioctl(0, TIOCGWINSZ, &size);
	printf("%d %d %s", size.ws_row, size.ws_col, line);
	fflush(stdout);
	/* let go of it for a while, as an init does with /dev/console */
	close(0);
	close(1);
	close(2);
	usleep(300000);
	if (open("/dev/tty", O_RDWR) != 0)
		return 92;
	put(0, "back\n");
	return read(0, line, sizeof(line)) == 0 ? 6 : 93;
}

static void test_terminal(void **state unused_attr)
{
	const char resize[5] = { ATTACH_RESIZE, 33, 0, 111, 0 };
	struct rig r;
	struct got g = GOT_INIT;

	rig_init(&r, pay_terminal);
	r.tty = true;
	r.with_client = true;
	r.conf.stdin_once = true;
	rig_start(&r);
	hello(r.client, WANT_ALL);
	assert_int_equal(send(r.client, resize, 5, 0), 5);
	send_stdin(r.client, "typed\n", 6);
	while (!strstr(g.out.buf, "33 111 typed\r\n"))
		assert_true(get_msg(r.client, &g));
	while (!strstr(g.out.buf, "back\r\n"))
		assert_true(get_msg(r.client, &g));
	send_stdin(r.client, NULL, 0);	/* becomes ^D */
	get_until_exit(r.client, &g);
	assert_int_equal(g.code, 6);
	assert_int_equal(g.err.len, 0);
	rig_ended(&r);
	got_done(&g);
	rig_done(&r);
}

static int pay_terminal_burst(void)
{
	static char buf[20000];

	memset(buf, 'x', sizeof(buf));
	return fd_write_full(1, buf, sizeof(buf)) < 0 ? 90 : 0;
}

/* What a terminal still holds when the payload dies is not lost. */
static void test_terminal_end(void **state unused_attr)
{
	for (int i = 0; i < 10; i++) {
		struct rig r;
		struct got g = GOT_INIT;

		rig_init(&r, pay_terminal_burst);
		r.tty = true;
		r.with_client = true;
		rig_start(&r);
		hello(r.client, WANT_OUT);
		get_until_exit(r.client, &g);
		assert_int_equal(g.out.len, 20000);
		assert_int_equal(rig_wait(&r, 5000), 0);
		got_done(&g);
		rig_done(&r);
	}
}

static void test_log_none(void **state unused_attr)
{
	struct rig r;

	rig_init(&r, pay_hello);
	r.conf.log_driver = LOGDRV_NONE;
	rig_start(&r);
	rig_ended(&r);
	assert_int_equal(record_of(&r).code, 7);
	assert_true(faccessat(r.dir, "ctr.log", F_OK, 0) < 0);
	rig_done(&r);
}

UNIT_TESTS(unit_test(test_basic), unit_test(test_dead_already),
	   unit_test(test_leaver), unit_test(test_stdin),
	   unit_test(test_stdin_stays_open), unit_test(test_stdin_owner_dies),
	   unit_test(test_first_client_slow),
	   unit_test(test_first_client_slow_at_end), unit_test(test_hurry),
	   unit_test(test_other_client_slow), unit_test(test_client_storm),
	   unit_test(test_signals), unit_test(test_timeout),
	   unit_test(test_helpers), unit_test(test_exec),
	   unit_test(test_settle), unit_test(test_restart),
	   unit_test(test_terminal), unit_test(test_terminal_end),
	   unit_test(test_log_none));
