/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/monitor/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libpod/monitor/log_read.h"
#include "tests/unit/unit.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

volatile int *shared;

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

void rig_init(struct rig *r, payload_fn payload)
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
	r->conf.leash_fd = fds[1];
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

void rig_start(struct rig *r)
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

int rig_wait(struct rig *r)
{
	autoclose int fd = (int)syscall(SYS_pidfd_open, r->pid, 0);

	assert_int_equal(pidfd_wait(fd, RIG_LONG_MS), 1);
	return proc_wait(r->pid);
}

/* M ends as its payload did: who supervises it sees the code. */
void rig_ended(struct rig *r)
{
	struct exit_record rec;
	int code = rig_wait(r);

	assert_ok(exit_record_read(r->dir, &rec, err));
	assert_int_equal(code, rec.code & 0xff);
}

void rig_done(struct rig *r)
{
	close_fd(r->client);
	close_fd(r->conf.run_fd);
	monitor_conf_done(&r->conf);
	close(r->dir);
	assert_ok(tree_remove_at(AT_FDCWD, r->path, err));
}

struct exit_record record_of(struct rig *r)
{
	struct exit_record rec = { 0 };

	assert_ok(exit_record_read(r->dir, &rec, err));
	assert_int_equal(rec.start_n, 3);
	assert_int_equal(rec.oom, -1);
	return rec;
}

bool has_record(struct rig *r)
{
	struct exit_record rec;

	return exit_record_read(r->dir, &rec, NULL) == 0;
}

void wait_record(struct rig *r)
{
	for (int i = 0; i < RIG_LONG_MS && !has_record(r); i += 10)
		usleep(10000);
	assert_true(has_record(r));
}

void wait_shared(int at_least)
{
	for (int i = 0; i < RIG_LONG_MS && *shared < at_least; i += 10)
		usleep(10000);
	assert_true(*shared >= at_least);
}

void hello(int fd, uint8_t want)
{
	const char msg[2] = { ATTACH_HELLO, (char)want };

	assert_int_equal(send(fd, msg, 2, MSG_NOSIGNAL), 2);
}

void send_stdin(int fd, const void *data, size_t len)
{
	char msg[ATTACH_MSG_MAX] = { ATTACH_STDIN };

	if (len)
		memcpy(msg + 1, data, len);
	assert_int_equal(send(fd, msg, len + 1, MSG_NOSIGNAL), len + 1);
}

void got_done(struct got *g)
{
	sb_done(&g->out);
	sb_done(&g->err);
}

/* One message; false at the end of the connection. */
bool get_msg(int fd, struct got *g)
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

void get_until_exit(int fd, struct got *g)
{
	while (g->code == NO_EXIT && get_msg(fd, g))
		;
}

static int join_raw(void *arg, const struct log_rec *rec)
{
	struct sb *sb = (struct sb *)arg + (rec->stream - 1);

	sb_addn(sb, rec->text, rec->len);
	if (!rec->partial)
		sb_addch(sb, '\n');
	return 0;
}

void read_log(struct rig *r, struct sb both[2])
{
	struct log_read_opts o = LOG_READ_INIT;

	assert_ok(log_read(r->dir, &o, join_raw, both, err));
}

void assert_log(struct rig *r, const char *out, size_t n_out,
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

void put(int fd, const char *text)
{
	if (fd_write_full(fd, text, strlen(text)) < 0)
		_exit(90);
}

/* A pattern that shows loss, repetition and a change of order */
char pattern(size_t i)
{
	return (char)(i * 31 + i / 251 + i / 65521);
}

int pay_burst(void)
{
	static char buf[BURST];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = pattern(i);
	return fd_write_full(1, buf, sizeof(buf)) < 0 ? 90 : 0;
}

int pay_sleep(void)
{
	put(1, "up\n");
	(*shared)++;
	while (pause() < 0)
		;
	return 0;
}
