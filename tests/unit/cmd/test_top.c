/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/container/top.h"

/* A child with a child of its own; both wait to be killed. */
static pid_t family(int *ret_ready)
{
	int ready[2];
	pid_t pid = 0;
	char c = 0;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* A name that looks like the fields behind it. */
		prctl(PR_SET_NAME, "a) Z 1 (b");
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fork() == 0) {
			prctl(PR_SET_NAME, "grandchild");
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)!write(ready[1], "x", 1);
		}
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[1]);
	*ret_ready = ready[0];
	return pid;
}

static void family_end(pid_t pid, int ready)
{
	char c = 0;

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* The grandchild holds the pipe's other end until it is gone. */
	(void)!read(ready, &c, 1);
	close(ready);
}

/* In our own pid namespace: the process and what descends from it, only. */
static void test_read(void **state unused_attr)
{
	struct proc_id id = { 0 };
	struct top top = { 0 };
	int ready = -1;

	id.pid = family(&ready);
	assert_int_equal(proc_start_time(id.pid, &id.start), 0);
	assert_ok(top_read(&id, &top, err));
	assert_int_equal(top.n, 2);
	assert_int_equal(top.v[0].host_pid, id.pid);
	assert_string_equal(top.v[0].comm, "a) Z 1 (b");
	assert_int_equal(top.v[0].ppid, 0);
	assert_int_equal(top.v[1].host_ppid, id.pid);
	assert_int_equal(top.v[1].ppid, top.v[0].pid);
	assert_string_equal(top.v[1].comm, "grandchild");
	/* by one clock, or the younger one may come first */
	assert_int_equal((top.v[1].start_ns - top.v[0].start_ns) %
				 (1000000000 / sysconf(_SC_CLK_TCK)), 0);
	assert_non_null(strchr("SRD", top.v[0].state));
	assert_int_equal(top.v[0].host_uid, geteuid());
	assert_non_null(strstr(top.v[0].args, "test_top"));
	top_done(&top);
	family_end(id.pid, ready);
}

/* A number that now belongs to another process is not shown. */
static void test_reused_pid(void **state unused_attr)
{
	struct proc_id id = { .pid = getpid(), .start = 1 };
	struct top top = { 0 };

	assert_fails(top_read(&id, &top, err), ESRCH);
}

static const struct {
	const char *column;
	const char *want;
} columns[] = {
	{ "user", "web" },	   { "huser", "hostweb" },
	{ "group", "staff" },	   { "ruser", "0" },
	{ "pid", "7" },		   { "ppid", "1" },
	{ "hpid", "4711" },	   { "pcpu", "50.000" },
	{ "etime", "2s" },	   { "time", "1s" },
	{ "tty", "pts/3" },	   { "state", "S" },
	{ "args", "sleep 1000" },  { "comm", "sleep" },
	{ "nice", "0" },	   { "seccomp", "filter" },
	{ "capeff", "none" },	   { "capbnd", "full" },
	{ "capprm", "CHOWN,KILL" }, { "groups", "staff,nogroup" },
};

static struct sb text_of(const char *s)
{
	struct sb sb = SB_INIT;

	sb_add(&sb, s);
	return sb;
}

static void test_columns(void **state unused_attr)
{
	gid_t groups[] = { 100050, 5 };
	struct top_proc p = {
		.host_pid = 4711,
		.pid = 7,
		.ppid = 1,
		.host_uid = 100033,
		.host_ruid = 1000,
		.host_gid = 100050,
		.host_groups = groups,
		.n_groups = 2,
		.state = 'S',
		.tty = 136 << 8 | 3,
		.cpu_ns = 1000000000,
		.elapsed_ns = 2000000000,
		.caps = { 0, 1 << 0 | 1 << 5, 0, UINT64_MAX },
		.seccomp = 2,
		.args = (char *)(uintptr_t)"sleep 1000",
		.comm = (char *)(uintptr_t)"sleep",
	};
	struct top t = {
		.uids = { { 0, 1000, 1 }, { 1, 100001, 65535 } },
		.n_uids = 2,
		.gids = { { 0, 1000, 1 }, { 1, 100001, 65535 } },
		.n_gids = 2,
		.passwd = text_of("not:x\n:::\nweb:x:33:33::/:\nx:x:33:\n"),
		.group = text_of("staff:x:50:\nbad\n"),
		.host_passwd = text_of("hostweb:x:100033:1::/:"),
	};

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const struct top_column *c =
			top_column_find(columns[i].column);
		struct sb out = SB_INIT;

		print_message("case: %s\n", columns[i].column);
		assert_non_null(c);
		c->print(&t, &p, &out);
		assert_string_equal(out.buf, columns[i].want);
		sb_done(&out);
	}
	assert_null(top_column_find("aux"));
	sb_done(&t.passwd);
	sb_done(&t.group);
	sb_done(&t.host_passwd);
}

UNIT_TESTS(unit_test(test_read), unit_test(test_reused_pid),
	   unit_test(test_columns));
