/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/oci/trampoline.h"
#include "tests/unit/oci/ctr.h"
#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"

struct second {
	struct oci_process process;
	struct oci_io io;
	struct oci_exec ex;
	char *args[4];
	struct sb out;
	int code;
};

#define SECOND_INIT { .io = { { -EBADF, -EBADF, -EBADF }, -EBADF }, \
		      .out = SB_INIT }

/* sh -c @script in the running container */
static void second_init(struct second *s, const struct ctr *c,
			const char *script)
{
	*s = (struct second)SECOND_INIT;
	s->process = c->spec.process;
	s->args[0] = (char *)(uintptr_t)"sh";
	s->args[1] = (char *)(uintptr_t)"-c";
	s->args[2] = (char *)(uintptr_t)script;
	s->process.args = s->args;
	s->ex.init = c->run.init;
	s->ex.process = &s->process;
	s->ex.io = &s->io;
	s->ex.ctr_name = "testctr";
}

static void second_done(struct second *s)
{
	close_fd(s->io.console_fd);
	sb_done(&s->out);
}

#define auto_second cleanup(second_done)

static int second_run(struct second *s, struct err *err)
{
	autoclose int pidfd = -EBADF;
	int out[2];
	pid_t pid;
	int r;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	s->io.stdio[1] = out[1];
	s->io.stdio[2] = out[1];
	r = oci_exec(&s->ex, &pidfd, &pid, err);
	close(out[1]);
	if (r == 0) {
		fd_read_all(s->process.terminal ? s->io.console_fd : out[0],
			    1 << 20, &s->out);
		s->code = ctr_wait(&pidfd);
	}
	close(out[0]);
	return r;
}

/* A container that sleeps. */
static void sleeper(struct ctr *c)
{
	autoclose int out = -EBADF;
	char b[2];

	assert_ok(ctr_start(c, &out, err));
	assert_int_equal(read(out, b, 2), 2);
	ctr_wait_exec(c, "sleep");
}

#define SLEEP "echo r; exec sleep 1000"

static void test_exec(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_second struct second s = SECOND_INIT;

	ctr_sh(&c, SLEEP);
	sleeper(&c);
	second_init(
		&s, &c,
		"ps | grep -c ' sleep 1000$'; hostname; cat /proc/self/status; "
		"echo n=$(ls /proc/self/fd | wc -l); for i in user mnt pid "
		"net ipc uts cgroup; do "
		"[ $(readlink /proc/1/ns/$i) = $(readlink "
		"/proc/self/ns/$i) ] || echo other $i; done; "
		"ls -d /work /home 2>/dev/null; exit 3");
	assert_ok(second_run(&s, err));
	assert_int_equal(s.code, 3);
	assert_int_equal(strncmp(s.out.buf, "1\nbox\n", 6), 0);
	assert_null(strstr(s.out.buf, "other"));
	assert_null(strstr(s.out.buf, "/home"));
	assert_non_null(strstr(s.out.buf, "CapEff:\t00000000800405fb\n"));
	assert_non_null(strstr(s.out.buf, "CapInh:\t0000000000000000\n"));
	assert_non_null(strstr(s.out.buf, "Seccomp:\t2\n"));
	assert_non_null(strstr(s.out.buf, "n=4\n"));
}

static void test_terminal(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_second struct second s = SECOND_INIT;

	ctr_sh(&c, SLEEP);
	sleeper(&c);
	second_init(&s, &c, "tty; stty size; echo x > /dev/tty");
	s.process.terminal = true;
	s.process.rows = 44;
	s.process.cols = 55;
	assert_ok(second_run(&s, err));
	assert_string_equal(s.out.buf, "/dev/pts/0\r\n44 55\r\nx\r\n");
}

static void test_user(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_second struct second s = SECOND_INIT;
	auto_second struct second t = SECOND_INIT;
	struct err why = ERR_INIT;

	ctr_sh(&c, SLEEP);
	sleeper(&c);
	second_init(&t, &c, "id");
	t.process.user = "nobody-here";
	assert_true(second_run(&t, &why) < 0);
	assert_int_equal(why.kind, ERR_START);
	assert_string_equal(why.msg, "unable to find user nobody-here: no "
				     "matching entries in passwd file");
	if (ctr_single_id())
		return;
	second_init(&s, &c, "id -u; id -g; id -G; cat /proc/self/status");
	s.process.user = "1000:adm";
	assert_ok(second_run(&s, err));
	assert_int_equal(strncmp(s.out.buf, "1000\n4\n4\n", 9), 0);
	assert_non_null(strstr(s.out.buf, "CapEff:\t0000000000000000\n"));
}

static void test_errors(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_second struct second s = SECOND_INIT;
	auto_second struct second t = SECOND_INIT;
	struct err why = ERR_INIT;
	struct err where = ERR_INIT;

	ctr_sh(&c, SLEEP);
	sleeper(&c);
	second_init(&s, &c, "");
	s.args[0] = (char *)(uintptr_t)"nosuch";
	assert_true(second_run(&s, &why) < 0);
	assert_int_equal(why.kind, ERR_CMD_NOT_FOUND);
	second_init(&t, &c, "pwd");
	t.process.cwd = "/nosuch";
	assert_true(second_run(&t, &where) < 0);
	assert_int_equal(where.kind, ERR_START);
	assert_string_equal(where.msg, "workdir \"/nosuch\" does not exist on "
				       "container testctr");
}

static void test_not_running(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_second struct second s = SECOND_INIT;
	struct err why = ERR_INIT;

	ctr_sh(&c, SLEEP);
	sleeper(&c);
	second_init(&s, &c, "true");
	assert_ok(pidfd_signal(c.run.pidfd, SIGKILL));
	assert_int_equal(ctr_wait(&c.run.pidfd), 128 + SIGKILL);
	assert_int_equal(second_run(&s, &why), -ESRCH);
	assert_int_equal(why.kind, ERR_STATE);
	assert_string_equal(why.msg, "container testctr is not running");
}

/* Leaky descriptors of the caller: 200 of them, none arrives. */
static void test_descriptors(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_second struct second s = SECOND_INIT;
	int fds[200];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = open("/", O_RDONLY);
	ctr_sh(&c, "ls /proc/self/fd | wc -l; " SLEEP);
	autoclose int out = -EBADF;
	char b[8] = "";
	assert_ok(ctr_start(&c, &out, err));
	assert_int_equal(fd_read_full(out, b, 4), 4);
	assert_string_equal(b, "4\nr\n");
	second_init(&s, &c, "ls /proc/self/fd | wc -l; cat /proc/1/fd/3");
	assert_ok(second_run(&s, err));
	assert_int_equal(strncmp(s.out.buf, "4\n", 2), 0);
	for (int fd = 3; fd < 60; fd++) {
		auto_second struct second t = SECOND_INIT;
		struct err why = ERR_INIT;
		autofree char *cwd = xasprintf("/proc/self/fd/%d", fd);

		/* CVE-2024-21626 */
		second_init(&t, &c, "ls");
		t.process.cwd = cwd;
		if (second_run(&t, &why) == 0)
			fail_msg("cwd %s works: %s", cwd, t.out.buf);
	}
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

/* --preserve-fds: exactly those */
static void test_preserve(void **state unused_attr)
{
	static const int fds[] = { 3, 4 };
	auto_ctr struct ctr c = CTR_INIT;
	int p[2];

	assert_int_equal(pipe(p), 0);
	int saved3 = fcntl(3, F_DUPFD_CLOEXEC, 50);
	int saved4 = fcntl(4, F_DUPFD_CLOEXEC, 50);
	ctr_sh(&c, "ls /proc/self/fd | wc -l; echo three >&3");
	int out = fcntl(p[1], F_DUPFD_CLOEXEC, 60);
	if (out != 3)
		dup2(out, 3);
	dup2(3, 4);
	c.spec.process.keep_fds = fds;
	c.spec.process.n_keep_fds = ARRAY_LEN(fds);
	assert_ok(ctr_run(&c, err));
	if (saved3 >= 0)
		dup2(saved3, 3);
	if (saved4 >= 0)
		dup2(saved4, 4);
	assert_string_equal(c.out.buf, "6\n");
}

/*
 * ---- CVE-2019-5736
 * ----------------------------------------------------------
 */

/*
 * "#!/proc/self/exe" makes the kernel run the program that called execve; what
 * that is must not be the file of this test program.
 */
static void test_self_exe(void **state unused_attr)
{
	static char *const lower[] = { (char *)(uintptr_t)"evil/diff",
				       (char *)(uintptr_t)"bb/diff", NULL };
	static const char script[] = "#!/proc/self/exe\n";
	autoclose int image = ctr_image("evil");
	char *const args[] = { (char *)(uintptr_t)"/evil", NULL };
	auto_ctr struct ctr c = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;
	auto_second struct second s = SECOND_INIT;
	struct err why = ERR_INIT;
	struct stat st;

	assert_ok(file_write_at(image, "evil", script, strlen(script), 0755,
				false, err));
	assert_int_equal(stat("/proc/self/exe", &st), 0);
	if (st.st_uid != geteuid() && !trampoline_needed()) {
		print_message("the test program is not ours to write\n");
		return;
	}
	/* bryo-init runs again, and says 125: it was called wrongly */
	ctr_init(&c, args);
	c.spec.rootfs.lower = lower;
	c.spec.rootfs.n_lower = 2;
	assert_ok(ctr_run(&c, err));
	assert_int_equal(c.code, 125);
	ctr_sh(&d, SLEEP);
	d.spec.rootfs.lower = lower;
	d.spec.rootfs.n_lower = 2;
	sleeper(&d);
	second_init(&s, &d, "");
	s.args[0] = (char *)(uintptr_t)"/evil";
	s.args[1] = NULL;
	if (second_run(&s, &why) < 0)
		fail_msg("%s", why.msg);
	assert_int_equal(s.code, 125);
}

/* What /proc/1/exe shows during --init cannot be written either. */
static void test_init_exe(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "echo x >> /proc/1/exe && echo written; "
		   "chmod 777 /proc/1/exe; echo x >> /proc/1/exe && echo "
		   "written; readlink /proc/1/exe");
	c.spec.init_process = true;
	assert_ok(ctr_run(&c, err));
	assert_null(strstr(c.out.buf, "written"));
	assert_non_null(strstr(c.out.buf, "/memfd:bryo-init"));
}

/*
 * The new process fails before the helper has told its pid: it is reaped all
 * the same, else the container's pid namespace could never end.  Last of all,
 * as the delay stays.
 */
static void test_late_pid(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_second struct second s = SECOND_INIT;
	struct err why = ERR_INIT;

	ctr_sh(&c, SLEEP);
	sleeper(&c);
	setenv("BRYO_FAULT", "oci.exec.cloned:delay=200", 1);
	fault_init();
	second_init(&s, &c, "true");
	s.process.user = "nobody-here";
	assert_true(second_run(&s, &why) < 0);
	assert_non_null(strstr(why.msg, "nobody-here"));
	assert_ok(pidfd_signal(c.run.pidfd, SIGKILL));
	if (pidfd_wait(c.run.pidfd, 60000) != 1)
		_exit(77);	/* cleaning up would hang as well */
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		unit_test(test_exec),	     unit_test(test_terminal),
		unit_test(test_user),	     unit_test(test_errors),
		unit_test(test_not_running), unit_test(test_descriptors),
		unit_test(test_preserve),    unit_test(test_self_exe),
		unit_test(test_init_exe),    unit_test(test_late_pid),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	return ctr_main(tests);
}
