/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A payload with a terminal.
 */
#include "tests/unit/monitor/rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "util/fd.h"

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
		assert_int_equal(rig_wait(&r), 0);
		got_done(&g);
		rig_done(&r);
	}
}

UNIT_TESTS(unit_test(test_terminal), unit_test(test_terminal_end));
