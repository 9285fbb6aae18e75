/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libpod/monitor/monitor.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

static void test_round_trip(void **state unused_attr)
{
	struct monitor_conf c, back;
	int fd, sink;

	monitor_conf_init(&c);
	c.id = xstrdup("0123abcd");
	c.name = xstrdup("web\nwith\\n odd = name");
	c.start_n = 4;
	c.dir_fd = 5;
	c.lock_fd = 7;
	c.init = (struct proc_id){ 4711, 123456789012ULL };
	c.init_pidfd = 8;
	c.stdout_fd = 10;
	c.client_fd = 0;
	c.leash_fd = 20;
	c.helper_pids[c.n_helpers++] = 300;
	c.slirp_pid = 300;
	c.proxy_fd = 31;
	strv_add(&c.note_argv, "bryo");
	strv_add(&c.note_argv, "__helper");
	c.is_program = true;
	c.stdin_once = true;
	c.log_driver = LOGDRV_JSON_FILE;
	c.log_size_max = UINT64_MAX;
	c.log_files_max = 5;
	c.durable_exit = true;
	c.restart_on_failure = true;
	c.restart_delay_ms = 100;
	c.exec_path = xstrdup("/a b/\nbryo");
	strv_add(&c.exec_argv, "bryo");
	strv_add(&c.exec_argv, "");
	strv_add(&c.exec_argv, "a=b\\");

	fd = monitor_conf_save(&c, NULL);
	assert_true(fd >= 0);
	sink = (int)write(fd, "x", 1);
	assert_int_equal(sink, -1);	/* sealed */
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_ok(monitor_conf_load(fd, &back, err));
	assert_string_equal(back.id, c.id);
	assert_string_equal(back.name, c.name);
	assert_int_equal(back.start_n, 4);
	assert_int_equal(back.dir_fd, 5);
	assert_int_equal(back.run_fd, -EBADF);
	assert_int_equal(back.stdin_fd, -EBADF);
	assert_int_equal(back.client_fd, 0);
	assert_int_equal(back.init.pid, 4711);
	assert_int_equal(back.init.start, c.init.start);
	assert_int_equal(back.leash_fd, 20);
	assert_int_equal(back.n_helpers, 1);
	assert_int_equal(back.helper_pids[0], 300);
	assert_int_equal(back.slirp_pid, 300);
	assert_int_equal(back.proxy_pid, 0);
	assert_int_equal(back.proxy_fd, 31);
	assert_int_equal(strv_len(back.note_argv), 2);
	assert_string_equal(back.note_argv[1], "__helper");
	assert_false(back.is_program);	/* who reads it knows */
	assert_true(back.stdin_once && back.durable_exit);
	assert_true(back.restart_on_failure && !back.restart);
	assert_int_equal(back.log_driver, LOGDRV_JSON_FILE);
	assert_true(back.log_size_max == UINT64_MAX);
	assert_int_equal(back.log_files_max, 5);
	assert_string_equal(back.exec_path, c.exec_path);
	assert_int_equal(strv_len(back.exec_argv), 3);
	assert_string_equal(back.exec_argv[1], "");
	assert_string_equal(back.exec_argv[2], "a=b\\");
	close(fd);
	monitor_conf_done(&c);
	monitor_conf_done(&back);
}

static int load_text(const char *text, size_t len, struct err *err)
{
	autoclose int fd = memfd_create("test", MFD_CLOEXEC);
	struct monitor_conf c;
	int r;

	assert_int_equal(fd_write_full(fd, text, len), 0);
	r = monitor_conf_load(fd, &c, err);
	if (r == 0)
		monitor_conf_done(&c);
	return r;
}

#define GOOD "id=abc\ndir_fd=3\ninit_pid=2\n"

static void test_strict(void **state unused_attr)
{
	static const char *const bad[] = {
		"", "id=abc\n", "id=abc\ndir_fd=3\n",
		"dir_fd=3\ninit_pid=2\n",
		"id=xyz\ndir_fd=3\ninit_pid=2\n",
		GOOD "id=abc\n",
		GOOD "dir_fd=4\n",
		GOOD "nonsense=1\n",
		GOOD "nonsense\n",
		GOOD "\n",
		GOOD "run_fd=4",
		GOOD "run_fd=-1\n",
		GOOD "run_fd= 4\n",
		GOOD "run_fd=4 \n",
		GOOD "run_fd=0x4\n",
		GOOD "run_fd=99999999999\n",
		GOOD "run_fd=\n",
		GOOD "restart=2\n",
		GOOD "restart=true\n",
		GOOD "log_driver=syslog\n",
		GOOD "log_files_max=0\n",
		GOOD "log_files_max=101\n",
		GOOD "log_size_max=18446744073709551616\n",
		GOOD "helper_pid=0\n",
		GOOD "name=a\\x\n",
		GOOD "name=a\\\n",
		GOOD "exec_argv=bryo\n",
		GOOD "leash_fd=1\nleash_fd=1\n",
		GOOD "helper_pid=1\nhelper_pid=1\nhelper_pid=1\nhelper_pid=1\n"
		     "helper_pid=1\nhelper_pid=1\nhelper_pid=1\nhelper_pid=1\n"
		     "helper_pid=1\nhelper_pid=1\nhelper_pid=1\nhelper_pid=1\n"
		     "helper_pid=1\nhelper_pid=1\nhelper_pid=1\nhelper_pid=1\n"
		     "helper_pid=1\n",
	};
	autofree char *big = xcalloc(1, 100000);

	assert_ok(load_text(GOOD, strlen(GOOD), err));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("case %zu\n", i);
		assert_fails(load_text(bad[i], strlen(bad[i]), err), EINVAL);
	}
	assert_fails(load_text(GOOD "name=a\0b\n", sizeof(GOOD) + 8, err),
		     EINVAL);
	memset(big, 'a', 99999);
	assert_fails(load_text(big, 99999, err), EFBIG);
}

static int scratch(char path[64])
{
	int fd;

	snprintf(path, 64, "/tmp/bryo-unit-rec.XXXXXX");
	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void put_file(int dir, const char *name, const char *text)
{
	assert_ok(file_write_at(dir, name, text, strlen(text), 0600, false,
				err));
}

static void test_exit_record(void **state unused_attr)
{
	struct exit_record r = { 137, 9, -1, 1795699668288368766LL, "", 12 };
	struct exit_record back;
	char path[64];
	int dir = scratch(path);

	assert_fails(exit_record_read(dir, &back, err), ENOENT);
	exit_record_reserve(dir);
	assert_fails(exit_record_read(dir, &back, err), ENOENT);
	assert_ok(exit_record_write(dir, &r, true, err));
	assert_ok(exit_record_read(dir, &back, err));
	assert_int_equal(back.code, 137);
	assert_int_equal(back.signal, 9);
	assert_int_equal(back.oom, -1);
	assert_int_equal(back.finished_ns, r.finished_ns);
	assert_int_equal(back.start_n, 12);
	assert_string_equal(back.boot_id, boot_id());
	r.code = -1;
	r.oom = 1;
	assert_ok(exit_record_write(dir, &r, false, err));
	assert_ok(exit_record_read(dir, &back, err));
	assert_int_equal(back.code, -1);
	assert_int_equal(back.oom, 1);
	assert_ok(tree_remove_at(AT_FDCWD, path, err));
	close(dir);
}

static void test_damaged_records(void **state unused_attr)
{
	static const char *const bad[] = {
		"", "\n", "v1\n", "v2 0 0 - 1 b 1\n", "v1 0 0 - 1 b 1",
		"v1 0 0 - 1 b 1 1\n", "v1 256 0 - 1 b 1\n",
		"v1 -2 0 - 1 b 1\n", "v1 0 65 - 1 b 1\n", "v1 0 0 2 1 b 1\n",
		"v1 0 0 -- 1 b 1\n", "v1 0 0 - x b 1\n", "v1 0 0 - 1  1\n",
		"v1 0 0 - 1 B/../x 1\n", "v1 0 0 - 1 b -1\n",
		"v1 0 0 - 1 b 99999999999\n",
		("v1 0 0 - 1 "
		 "0123456789012345678901234567890123456789 1\n"),
	};
	struct exit_record e;
	struct start_record s;
	char path[64];
	int dir = scratch(path);

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("case %zu\n", i);
		put_file(dir, "exit", bad[i]);
		put_file(dir, "started", bad[i]);
		assert_fails(exit_record_read(dir, &e, err), EINVAL);
		assert_fails(start_record_read(dir, &s, err), EINVAL);
	}
	put_file(dir, "exit", "v1 0 0 - 1 b 1\n");
	assert_ok(exit_record_read(dir, &e, err));
	/* a link is not followed */
	assert_int_equal(renameat(dir, "exit", dir, "other"), 0);
	assert_int_equal(symlinkat("other", dir, "exit"), 0);
	assert_fails(exit_record_read(dir, &e, err), ELOOP);
	assert_ok(tree_remove_at(AT_FDCWD, path, err));
	close(dir);
}

static void test_start_record(void **state unused_attr)
{
	struct start_record r = {
		{ 100, 5000 }, { 101, 5001 }, "", 2,
	}, back;
	char path[64];
	int dir = scratch(path);

	assert_fails(start_record_read(dir, &back, err), ENOENT);
	assert_ok(start_record_write(dir, &r, err));
	assert_ok(start_record_read(dir, &back, err));
	assert_int_equal(back.init.pid, 100);
	assert_int_equal(back.init.start, 5000);
	assert_int_equal(back.monitor.pid, 101);
	assert_int_equal(back.monitor.start, 5001);
	assert_int_equal(back.start_n, 2);
	assert_string_equal(back.boot_id, boot_id());
	assert_ok(tree_remove_at(AT_FDCWD, path, err));
	close(dir);
}

UNIT_TESTS(unit_test(test_round_trip), unit_test(test_strict),
	   unit_test(test_exit_record), unit_test(test_damaged_records),
	   unit_test(test_start_record));
