/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/oci/ctr.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"

static void test_plain(void **state unused_attr)
{
	struct ctr c auto_ctr;

	ctr_sh(&c, "echo hello; hostname; id; exit 7");
	assert_ok(ctr_run(&c, err));
	assert_non_null(strstr(c.out.buf, "hello\nbox\nuid=0(root) gid=0(root)"));
	print_message("%s", c.out.buf);assert_int_equal(c.code, 7);
}

static void test_terminal(void **state unused_attr)
{
	struct ctr c auto_ctr;

	ctr_sh(&c, "tty; stty size; echo x > /dev/tty; ls -l /dev/console");
	c.spec.process.terminal = true;
	c.spec.process.rows = 33;
	c.spec.process.cols = 99;
	assert_ok(ctr_run(&c, err));
	print_message("%s", c.out.buf);
	assert_non_null(strstr(c.out.buf, "/dev/pts/0\r\n33 99\r\nx\r\n"));
	assert_int_equal(c.code, 0);
}

static void test_exec(void **state unused_attr)
{
	struct ctr c auto_ctr;
	autoclose int out = -EBADF;
	autoclose int pidfd = -EBADF;
	char *const args[] = { (char *)(uintptr_t)"sh",
			       (char *)(uintptr_t)"-c",
			       (char *)(uintptr_t)"ps; hostname; exit 3", NULL };
	autosb struct sb text = SB_INIT;
	pid_t pid;
	int p[2];

	ctr_sh(&c, "sleep 100");
	assert_ok(ctr_start(&c, &out, err));
	assert_int_equal(pipe(p), 0);
	struct oci_process proc = c.spec.process;
	proc.args = args;
	struct oci_io io = { { -EBADF, p[1], p[1] }, -EBADF };
	struct oci_exec ex = { c.run.init, &proc, &io, "testctr" };
	assert_ok(oci_exec(&ex, &pidfd, &pid, err));
	close(p[1]);
	fd_read_all(p[0], 65536, &text);
	close(p[0]);
	print_message("%s%s", c.run.warnings ? c.run.warnings : "", text.buf);
	assert_int_equal(ctr_wait(&pidfd), 3);
	assert_non_null(strstr(text.buf, "box\n"));
	assert_ok(pidfd_signal(c.run.pidfd, SIGKILL));
	assert_int_equal(ctr_wait(&c.run.pidfd), 128 + SIGKILL);
	assert_fails(oci_exec(&ex, &pidfd, &pid, err), ESRCH);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		unit_test(test_plain),
		unit_test(test_terminal),
		unit_test(test_exec),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	return ctr_main(tests);
}
