/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One payload from its start to the exit record.
 */
#include "tests/unit/monitor/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int pay_hello(void)
{
	put(1, "hello\n");
	put(2, "warn\n");
	put(1, "no newline");
	return 7;
}

/* Leaves a process behind that has all pipes open and fills one, for longer
 * than the monitor may take. */
static int pay_leaver(void)
{
	static char much[1 << 20];

	put(1, "bye\n");
	if (fork() == 0) {
		alarm(4 * RIG_LONG_MS / 1000);
		while (write(2, much, sizeof(much)) > 0)
			;
	}
	return 4;
}

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
	assert_int_equal(rig_wait(&r), 0);
	assert_int_equal(record_of(&r).code, 0);
	assert_log(&r, want, sizeof(want), "");
	rig_done(&r);
}

static void test_leaver(void **state unused_attr)
{
	struct sb both[2] = { SB_INIT, SB_INIT };
	struct rig r;

	rig_init(&r, pay_leaver);
	rig_start(&r);
	rig_ended(&r);
	assert_int_equal(record_of(&r).code, 4);
	read_log(&r, both);
	assert_string_equal(both[0].buf, "bye\n");
	sb_done(&both[0]);
	sb_done(&both[1]);
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
	   unit_test(test_leaver), unit_test(test_signals),
	   unit_test(test_timeout), unit_test(test_log_none));
