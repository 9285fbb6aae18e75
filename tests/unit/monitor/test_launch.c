/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process M with real containers: what its caller is told, and that nothing is
 * left when either side dies half-way.  The test is a subreaper, so whatever
 * is left of a container becomes its child.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/monitor/launch.h"
#include "libpod/monitor/log_read.h"
#include "tests/unit/oci/ctr.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/sb.h"
#include "util/str.h"

/**
 * struct rig - a container and its launch
 * @dir:    the container's data directory
 * @lock:   flock'ed, as the CLI has it when it forks
 */
struct rig {
	struct ctr ctr;
	struct monitor_conf conf;
	struct launch l;
	struct launch_proc proc;
	struct launch_report report;
	char *args[4];
	char *name;
	int dir, lock;
};

static unsigned int n_rigs;

static void rig_init(struct rig *r, const char *script)
{
	static char sh[] = "sh", minus_c[] = "-c";

	memset(r, 0, sizeof(*r));
	r->args[0] = sh;
	r->args[1] = minus_c;
	r->args[2] = (char *)(uintptr_t)script;
	ctr_init(&r->ctr, r->args);
	monitor_conf_init(&r->conf);
	r->proc = (struct launch_proc)LAUNCH_PROC_INIT;
	r->name = xasprintf("data%u", n_rigs++);
	assert_int_equal(mkdirat(ctr_dir(), r->name, 0700), 0);
	r->dir = dir_open_at(ctr_dir(), r->name);
	assert_true(r->dir >= 0);
	r->lock = openat(r->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(r->lock, LOCK_EX | LOCK_NB), 0);
	r->conf.id = xstrdup("abcdef");
	r->conf.start_n = 1;
	r->conf.dir_fd = r->dir;
	r->conf.lock_fd = r->lock;
	r->l = (struct launch){
		.spec = &r->ctr.spec,
		.conf = &r->conf,
		.net = LAUNCH_NET_OTHER,
		.monitor_fd = -EBADF,
	};
}

static void rig_done(struct rig *r)
{
	launch_proc_done(&r->proc);
	close_fd(r->lock);
	close_fd(r->dir);
	free(r->name);
	monitor_conf_done(&r->conf);
	ctr_done(&r->ctr);
}

static bool is_locked(struct rig *r)
{
	autoclose int fd = openat(r->dir, "lock", O_RDWR | O_CLOEXEC);

	return flock(fd, LOCK_EX | LOCK_NB) < 0;
}

/* M ends as its payload did: who supervises it sees the code. */
static void assert_ended_as(int dir, pid_t m)
{
	struct exit_record rec;
	int code = proc_wait(m);

	assert_ok(exit_record_read(dir, &rec, err));
	assert_int_equal(code, rec.code & 0xff);
}

/* No process of ours is left, within 30 seconds. */
static void assert_alone(void)
{
	for (int i = 0; i < 3000; i++) {
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		if (waitpid(-1, NULL, WNOHANG | __WALL) < 0)
			return;
		usleep(10000);
	}
	fail_msg("a process is left");
}

static int join_raw(void *arg, const struct log_rec *rec)
{
	sb_addn(arg, rec->text, rec->len);
	if (!rec->partial)
		sb_addch(arg, '\n');
	return 0;
}

static void assert_log(struct rig *r, const char *want)
{
	autosb struct sb text = SB_INIT;
	struct log_read_opts o = LOG_READ_INIT;

	assert_ok(log_read(r->dir, &o, join_raw, &text, err));
	assert_string_equal(text.buf, want);
}

/* ---- tests ----------------------------------------------------------- */

static void test_run(void **state unused_attr)
{
	struct rig r;
	struct exit_record rec;
	struct start_record started;

	rig_init(&r, "echo out; echo $$; exit 5");
	assert_ok(launch_spawn(&r.l, &r.proc, err));
	close_fd(r.lock);
	assert_ok(launch_created(&r.proc, &r.report, err));
	assert_true(r.report.init.pid > 0);
	assert_int_equal(r.report.monitor.pid, r.proc.pid);
	assert_true(proc_is_alive(&r.report.init));
	assert_fails(start_record_read(r.dir, &started, err), ENOENT);
	assert_fails(exit_record_read(r.dir, &rec, err), ENOENT);
	assert_true(is_locked(&r));
	assert_ok(launch_go(&r.proc, err));
	assert_ok(start_record_read(r.dir, &started, err));
	assert_int_equal(started.init.pid, r.report.init.pid);
	assert_int_equal(started.monitor.start, r.report.monitor.start);
	assert_ended_as(r.dir, r.proc.pid);
	assert_false(is_locked(&r));
	assert_ok(exit_record_read(r.dir, &rec, err));
	assert_int_equal(rec.code, 5);
	assert_log(&r, "out\n1\n");
	assert_alone();
	rig_done(&r);
}

/* With a terminal, an attached client and its input */
static void test_attached(void **state unused_attr)
{
	static const char hello[2] = { ATTACH_HELLO, 7 };
	static const char input[5] = { ATTACH_STDIN, 'x', 'y', 'z', '\n' };
	char msg[ATTACH_MSG_MAX];
	autosb struct sb out = SB_INIT;
	int pair[2], code = -1;
	struct rig r;
	ssize_t n;

	rig_init(&r, "read l; tty; echo got $l; exit 6");
	r.ctr.spec.process.terminal = true;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    pair), 0);
	r.conf.client_fd = pair[1];
	assert_ok(launch_spawn(&r.l, &r.proc, err));
	close_fd(r.lock);
	close(pair[1]);
	assert_ok(launch_created(&r.proc, &r.report, err));
	assert_ok(launch_go(&r.proc, err));
	assert_int_equal(send(pair[0], hello, 2, 0), 2);
	assert_int_equal(send(pair[0], input, 5, 0), 5);
	while ((n = recv(pair[0], msg, sizeof(msg), 0)) > 0) {
		if (msg[0] == ATTACH_EXIT)
			memcpy(&code, msg + 1, sizeof(code));
		else
			sb_addn(&out, msg + 1, (size_t)n - 1);
	}
	close(pair[0]);
	assert_int_equal(code, 6);
	assert_string_equal(out.buf, "xyz\r\n/dev/pts/0\r\ngot xyz\r\n");
	assert_ended_as(r.dir, r.proc.pid);
	assert_alone();
	rig_done(&r);
}

/* Why the payload cannot run comes back word for word, and nothing stays. */
static void test_bad_command(void **state unused_attr)
{
	static char name[] = "nosuchprogram";
	static char *const args[] = { name, NULL };
	struct rig r;
	struct err why = ERR_INIT;
	int n;

	rig_init(&r, "true");
	r.ctr.spec.process.args = args;
	assert_ok(launch_spawn(&r.l, &r.proc, err));
	close_fd(r.lock);
	n = launch_created(&r.proc, &r.report, &why);
	if (n == 0)
		n = launch_go(&r.proc, &why);
	assert_true(n < 0);
	assert_int_equal(why.kind, ERR_CMD_NOT_FOUND);
	assert_non_null(strstr(why.msg, "nosuchprogram"));
	assert_false(is_locked(&r));
	assert_true(faccessat(r.dir, "started", F_OK, 0) < 0);
	assert_true(faccessat(r.dir, "exit", F_OK, 0) < 0);
	assert_alone();
	rig_done(&r);
}

/* The caller gives up, or is killed, before "go". */
static void test_caller_dies(void **state unused_attr)
{
	for (int way = 0; way < 3; way++) {
		struct rig r;

		rig_init(&r, "echo must not run");
		assert_ok(launch_spawn(&r.l, &r.proc, err));
		close_fd(r.lock);
		if (way > 0)
			assert_ok(launch_created(&r.proc, &r.report, err));
		if (way == 1)
			launch_abort(&r.proc);
		else
			close_fd(r.proc.report_fd);
		assert_alone();
		assert_false(is_locked(&r));
		assert_log(&r, "");
		assert_true(faccessat(r.dir, "started", F_OK, 0) < 0);
		rig_done(&r);
	}
}

/* M is killed: the caller hears of it, and init dies with M. */
static void test_m_dies(void **state unused_attr)
{
	for (int way = 0; way < 2; way++) {
		struct rig r;

		rig_init(&r, "echo must not run");
		assert_ok(launch_spawn(&r.l, &r.proc, err));
		close_fd(r.lock);
		if (way == 1)
			assert_ok(launch_created(&r.proc, &r.report, err));
		kill(r.proc.pid, SIGKILL);
		/* it may have been fast enough to say that init is there */
		if (way == 1 || launch_created(&r.proc, &r.report, NULL) == 0)
			assert_fails(launch_go(&r.proc, err), EPIPE);
		assert_alone();
		assert_false(is_locked(&r));
		assert_log(&r, "");
		rig_done(&r);
	}
}

static pid_t parent_of(pid_t pid)
{
	autofree char *path = xasprintf("/proc/%d/stat", pid);
	autosb struct sb text = SB_INIT;
	const char *end;
	int parent;

	if (file_read_at(AT_FDCWD, path, 4096, &text) < 0)
		return -1;
	end = strrchr(text.buf, ')');
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : -1;
}

/* In the caller; the number of the line that went wrong */
static int spawn_sibling(struct rig *r)
{
	if (launch_spawn(&r->l, &r->proc, NULL) < 0)
		return __LINE__;
	close_fd(r->lock);
	if (launch_created(&r->proc, &r->report, NULL) < 0)
		return __LINE__;
	if (parent_of(r->proc.pid) != getppid())
		return __LINE__;
	launch_abort(&r->proc);
	return proc_is_alive(&r->report.init) ? __LINE__ : 0;
}

/* M belongs to the caller's parent while the caller still lives, and the
 * caller sees it end although it cannot reap it. */
static void test_sibling(void **state unused_attr)
{
	struct rig r;
	pid_t pid;

	rig_init(&r, "echo must not run");
	r.l.sibling = true;
	pid = fork();
	if (pid == 0)
		_exit(spawn_sibling(&r) % 256);
	close_fd(r.lock);
	assert_int_equal(proc_wait(pid), 0);
	assert_alone();
	assert_false(is_locked(&r));
	rig_done(&r);
}

static int connect_to(const struct rig *r)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path),
		       "/proc/self/fd/%d/attach", r->dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void listen_at(struct rig *r)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	r->conf.listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path),
		       "/proc/self/fd/%d/attach", r->dir);
	assert_int_equal(bind(r->conf.listen_fd, (struct sockaddr *)&sa,
			      sizeof(sa)), 0);
	assert_int_equal(listen(r->conf.listen_fd, 4), 0);
}

/* Held: the payload waits for somebody else's "go", or never runs. */
static void test_held(void **state unused_attr)
{
	static char bad[] = "nosuchprogram";
	static char *const bad_args[] = { bad, NULL };

	for (int way = 0; way < 4; way++) {
		struct start_record started;
		struct exit_record rec;
		struct err why = ERR_INIT;
		struct rig r;
		int sock;

		print_message("way %d\n", way);
		rig_init(&r, "echo ran; exit 4");
		if (way == 1)
			r.ctr.spec.process.args = bad_args;
		listen_at(&r);
		r.l.hold = true;
		assert_ok(launch_spawn(&r.l, &r.proc, err));
		close_fd(r.lock);
		close_fd(r.conf.listen_fd);
		assert_ok(launch_created(&r.proc, &r.report, err));
		assert_ok(launch_go(&r.proc, err));
		sock = connect_to(&r);
		assert_true(is_locked(&r));
		assert_true(proc_is_alive(&r.report.init));
		assert_fails(start_record_read(r.dir, &started, err), ENOENT);
		assert_log(&r, "");
		if (way == 0) {
			assert_ok(launch_resume(sock, false, err));
			assert_ok(start_record_read(r.dir, &started, err));
			assert_int_equal(started.init.pid, r.report.init.pid);
		} else if (way == 1) {
			assert_true(launch_resume(sock, true, &why) < 0);
			assert_int_equal(why.kind, ERR_CMD_NOT_FOUND);
		} else if (way == 2) {
			kill(r.proc.pid, SIGTERM);
		} else {
			kill(r.report.init.pid, SIGKILL);
		}
		close(sock);
		assert_alone();
		assert_false(is_locked(&r));
		assert_log(&r, way == 0 ? "ran\n" : "");
		if (way == 0) {
			assert_ok(exit_record_read(r.dir, &rec, err));
			assert_int_equal(rec.code, 4);
		} else {
			assert_true(faccessat(r.dir, "started", F_OK, 0) < 0);
			assert_true(faccessat(r.dir, "exit", F_OK, 0) < 0);
		}
		rig_done(&r);
	}
}

/* In place, as a restart does it */
static void test_here(void **state unused_attr)
{
	struct rig r;
	struct exit_record rec;
	pid_t pid;

	rig_init(&r, "echo again; exit 8");
	pid = fork();
	if (pid == 0) {
		(void)launch_here(&r.l, NULL);
		_exit(99);
	}
	close_fd(r.lock);
	assert_ended_as(r.dir, pid);
	assert_ok(exit_record_read(r.dir, &rec, err));
	assert_int_equal(rec.code, 8);
	assert_log(&r, "again\n");
	assert_alone();
	rig_done(&r);
}

/* Another user of U, a container's for one, finds the socket. */
static int connect_as_other(const struct sockaddr_un *addr)
{
	char byte;
	int fd;

	if (setresuid(33, 33, 33) < 0)
		return errno == EINVAL ? 2 : 3;
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (connect(fd, (const void *)addr, sizeof(*addr)) < 0)
		return 4;
	/* thrown out before it said anything */
	return recv(fd, &byte, 1, 0) == 0 ? 0 : 5;
}

static void test_other_user(void **state unused_attr)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct rig r;
	pid_t pid;

	rig_init(&r, "sleep 100");
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.64s/attach",
		 ctr_dir_path());
	r.conf.listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(r.conf.listen_fd, (void *)&addr, sizeof(addr)),
			 0);
	assert_int_equal(listen(r.conf.listen_fd, 8), 0);
	assert_int_equal(chmod(addr.sun_path, 0666), 0);
	assert_int_equal(chmod(ctr_dir_path(), 0711), 0);
	assert_ok(launch_spawn(&r.l, &r.proc, err));
	close_fd(r.lock);
	close_fd(r.conf.listen_fd);
	assert_ok(launch_created(&r.proc, &r.report, err));
	assert_ok(launch_go(&r.proc, err));
	pid = fork();
	if (pid == 0) {
		alarm(60);
		_exit(connect_as_other(&addr));
	}
	/* with a single id in U there is nobody else */
	assert_int_equal(proc_wait(pid), ctr_single_id() ? 2 : 0);
	kill(r.report.init.pid, SIGKILL);
	assert_ended_as(r.dir, r.proc.pid);
	assert_alone();
	rig_done(&r);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		unit_test(test_run),	     unit_test(test_attached),
		unit_test(test_bad_command), unit_test(test_caller_dies),
		unit_test(test_m_dies),	     unit_test(test_sibling),
		unit_test(test_held),	     unit_test(test_here),
		unit_test(test_other_user),
	};

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	return ctr_main(tests);
}
