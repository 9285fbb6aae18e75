/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the death of the payload to that of the monitor.
 */
#include "tests/unit/monitor/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

static int pay_exit_0(void)
{
	return 0;
}

static int pay_exit_3(void)
{
	return 3;
}

/* Once the helper is at work */
static int pay_exit_3_later(void)
{
	while (*shared == 0)
		usleep(1000);
	return 3;
}

static int helper_obedient(void)
{
	char byte;

	*shared = 1;
	while (read(0, &byte, 1) > 0)
		;
	*shared = 100;
	return 0;
}

static int helper_stubborn(void)
{
	signal(SIGTERM, SIG_IGN);
	*shared = 1;
	while (pause() < 0)
		;
	return 0;
}

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

/* SIGTERM after the payload's death: no client is waited for any more. */
static void test_hurry(void **state unused_attr)
{
	struct rig r;

	rig_init(&r, pay_burst);
	r.with_client = true;
	rig_script(&r);
	rig_start(&r);
	wait_record(&r);
	usleep(200000);
	assert_false(ran(&r));
	kill(r.pid, SIGTERM);
	assert_int_equal(rig_wait(&r), 0);
	assert_true(ran(&r));
	rig_done(&r);
}

/* What the helper left in @shared */
static int end_with_helper(payload_fn helper)
{
	struct rig r;
	uint64_t start = clock_mono_ns();

	rig_init(&r, pay_exit_3_later);
	r.helper = helper;
	rig_start(&r);
	rig_ended(&r);
	if (helper == helper_stubborn)
		assert_true(clock_mono_ns() - start >= 500000000);
	assert_int_equal(record_of(&r).code, 3);
	rig_done(&r);
	return *shared;
}

static void test_helpers(void **state unused_attr)
{
	int left = 0;

	/* it has half a second, too little for some when all is busy */
	for (int i = 0; i < 10 && left != 100; i++)
		left = end_with_helper(helper_obedient);
	assert_int_equal(left, 100);
	assert_int_equal(end_with_helper(helper_stubborn), 1);
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
		assert_int_equal(rig_wait(&r), 0);
		assert_true(has_record(&r));
		check_ran(&r);
		rig_done(&r);
	}
}

#define SETTLE_NS 2000000000

/* false: the machine is too busy, the monitor may have given up on us */
static bool settle(int how)
{
	struct rig r;
	struct got g = GOT_INIT;
	uint64_t start;
	bool early, slow;
	int code;

	rig_init(&r, pay_exit_3);
	r.with_client = true;
	rig_script(&r);
	rig_start(&r);
	start = clock_mono_ns();	/* it waits for the hello first */
	hello(r.client, WANT_OUT);
	get_until_exit(r.client, &g);
	early = ran(&r);
	if (how == 0)
		attach_settle(r.client, false);
	else if (how == 1)
		close_fd(r.client);
	slow = clock_mono_ns() - start > SETTLE_NS / 2;
	code = rig_wait(&r);
	if (how == 2)
		assert_true(clock_mono_ns() - start >= SETTLE_NS);
	if (!slow) {
		assert_false(early);
		/* the payload's code, or that of what it became */
		assert_int_equal(code, how == 0 ? 3 : 0);
		assert_int_equal(ran(&r), how != 0);
	}
	got_done(&g);
	rig_done(&r);
	return !slow;
}

/* The first client settles, dies without, or does neither. */
static void test_settle(void **state unused_attr)
{
	for (int how = 0; how < 3; how++) {
		bool sure = false;

		for (int i = 0; i < 10 && !sure; i++)
			sure = settle(how);
		assert_true(sure);
	}
}

static void test_restart(void **state unused_attr)
{
	static const struct {
		payload_fn payload;
		bool on_failure, stop;
		bool worked;	/* since the machine was started */
		uint32_t delay_ms;
		int min_ms;
	} cases[] = {
		{ pay_exit_3, false, false, false, 600, 600 },
		{ pay_exit_3, true, false, false, 600, 600 },
		{ pay_exit_0, true, false, false, 2 * RIG_LONG_MS, 0 },
		{ pay_exit_3, false, true, false, 2 * RIG_LONG_MS, 0 },
		{ pay_exit_3, false, false, true, 2 * RIG_LONG_MS, 100 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t start = clock_mono_ns(), took;
		struct rig r;

		rig_init(&r, cases[i].payload);
		r.conf.restart = true;
		r.conf.restart_on_failure = cases[i].on_failure;
		r.conf.init.start = cases[i].worked ? 1 : 0;
		r.conf.restart_delay_ms = cases[i].delay_ms;
		rig_script(&r);
		rig_start(&r);
		if (cases[i].stop) {
			wait_record(&r);
			kill(r.pid, SIGTERM);
		}
		assert_int_equal(rig_wait(&r), 0);
		took = (clock_mono_ns() - start) / 1000000;
		print_message("case %zu: %d ms\n", i, (int)took);
		assert_true(took >= (uint64_t)cases[i].min_ms);
		check_ran(&r);
		rig_done(&r);
	}
}

UNIT_TESTS(unit_test(test_hurry), unit_test(test_helpers),
	   unit_test(test_exec), unit_test(test_settle),
	   unit_test(test_restart));
