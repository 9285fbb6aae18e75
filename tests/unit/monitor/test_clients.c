/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients: who gets the output, who may type, who is too slow.
 */
#include "tests/unit/monitor/rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/str.h"

static int rig_connect(struct rig *r)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (void *)&r->addr, sizeof(r->addr)), 0);
	return fd;
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

/* A flood at the first byte of input, then a word once the test allows it */
static int pay_flood_and_wait(void)
{
	char byte;

	if (read(0, &byte, 1) != 1)
		return 92;
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
		assert_int_equal(poll(&p, 1, RIG_LONG_MS), 1);
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

/*
 * Without stdin_once a client that goes or has nothing to say is not the end
 * of the payload's input, nor is another one while the first has stdin; the
 * end of what was sent is.
 */
static void test_stdin_stays_open(void **state unused_attr)
{
	struct rig r;
	struct got g = GOT_INIT;
	int fd, other;

	rig_init(&r, pay_cat);
	r.with_listen = true;
	r.with_stdin = true;
	rig_start(&r);
	fd = rig_connect(&r);
	hello(fd, WANT_ALL);
	send_stdin(fd, "one\n", 4);
	while (g.out.len < 4)
		assert_true(get_msg(fd, &g));
	other = rig_connect(&r);
	hello(other, ATTACH_WANT_STDIN);
	send_stdin(other, "two\n", 4);
	send_stdin(other, NULL, 0);
	while (g.out.len < 8)
		assert_true(get_msg(fd, &g));
	/* sent on the same way: the end has been taken when it is there */
	send_stdin(other, "three\n", 6);
	while (g.out.len < 14)
		assert_true(get_msg(fd, &g));
	close(fd);
	close(other);
	fd = rig_connect(&r);
	hello(fd, WANT_ALL);
	send_stdin(fd, NULL, 0);
	close(fd);
	fd = rig_connect(&r);
	hello(fd, WANT_ALL);
	send_stdin(fd, "four\n", 5);
	while (g.out.len < 19)
		assert_true(get_msg(fd, &g));
	assert_string_equal(g.out.buf, "one\ntwo\nthree\nfour\n");
	send_stdin(fd, NULL, 0);
	get_until_exit(fd, &g);
	assert_int_equal(g.code, 5);
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
	assert_int_equal(rig_wait(&r), 0);
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
	wait_record(&r);
	assert_int_equal(record_of(&r).code, 0);
	assert_log(&r, want, sizeof(want), "");
	hello(r.client, WANT_OUT);
	get_until_exit(r.client, &g);
	assert_int_equal(g.code, 0);
	check_pattern(&g.out, BURST);
	assert_int_equal(rig_wait(&r), 0);
	got_done(&g);
	rig_done(&r);
}

/* What a client was told that it missed, all in all */
static size_t skipped(const struct got *g)
{
	static const char head[] = "[bryo: ";
	size_t sum = 0;

	for (const char *p = strstr(g->err.buf, head); p; p = strstr(p, head)) {
		p += strlen(head);
		sum += strtoul(p, NULL, 10);
	}
	return sum;
}

/* Another client does not read: the payload goes on without it, and it is
 * told what it missed. */
static void test_other_client_slow(void **state unused_attr)
{
	const size_t end_len = strlen("the end");
	uint64_t start;
	struct rig r;
	struct got g = GOT_INIT;
	int fd;

	rig_init(&r, pay_flood_and_wait);
	r.with_listen = true;
	r.with_stdin = true;
	rig_start(&r);
	fd = rig_connect(&r);
	hello(fd, WANT_ALL);
	start = clock_mono_ns();
	/* the input follows the hello: nothing is said before it listens */
	send_stdin(fd, "!", 1);
	wait_shared((FLOOD_MB << 20) / 65536);
	/* it held the payload up for a second, once: not for each chunk */
	assert_in_range((clock_mono_ns() - start) / 1000000, 900, RIG_LONG_MS);
	while (!strstr(g.err.buf, "bytes of output skipped"))
		assert_true(get_msg(fd, &g));
	assert_true(g.out.len < FLOOD_MB << 20);
	*shared = 1000;
	while (g.out.len < end_len ||
	       memcmp(g.out.buf + g.out.len - end_len, "the end", end_len) != 0)
		assert_true(get_msg(fd, &g));
	/* not a byte is unaccounted for */
	assert_int_equal(g.out.len + skipped(&g),
			 (FLOOD_MB << 20) + end_len);
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
	for (int i = 0; i < RIG_LONG_MS; i += 10) {
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

UNIT_TESTS(unit_test(test_stdin), unit_test(test_stdin_stays_open),
	   unit_test(test_stdin_owner_dies), unit_test(test_first_client_slow),
	   unit_test(test_first_client_slow_at_end),
	   unit_test(test_other_client_slow), unit_test(test_client_storm));
