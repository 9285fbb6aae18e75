/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/filecopy.h"
#include "util/proc.h"
#include "util/sha256.h"
#include "util/str.h"

static char top[] = "/tmp/bryo-files.XXXXXX";
static int dir = -1;

static int make_top(void **state unused_attr)
{
	assert_non_null(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int remove_top(void **state unused_attr)
{
	close(dir);
	return tree_remove_at(AT_FDCWD, top, NULL);
}

static void test_write_read(void **state unused_attr)
{
	autosb struct sb text = SB_INIT;
	struct stat st;

	assert_ok(file_write_at(dir, "f", "one", 3, 0640, true, err));
	assert_ok(file_write_at(dir, "f", "two!", 4, 0600, false, err));
	assert_int_equal(file_read_at(dir, "f", 100, &text), 0);
	assert_string_equal(text.buf, "two!");
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_read_at(dir, "f", 3, &text), -EFBIG);
	assert_int_equal(symlinkat("f", dir, "link"), 0);
	assert_int_equal(file_read_at(dir, "link", 100, &text), -ELOOP);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_int_equal(file_read_at(dir, "fifo", 100, &text), -EINVAL);
	assert_fails(file_write_at(dir, "no/f", "x", 1, 0600, false, err),
		     ENOENT);
}

static void test_dir_make(void **state unused_attr)
{
	int fd;

	assert_ok(fd = dir_make_at(dir, "own", 0700, err));
	close(fd);
	assert_int_equal(fchmodat(dir, "own", 0755, 0), 0);
	assert_fails(dir_make_at(dir, "own", 0700, err), EPERM);
	assert_int_equal(symlinkat("own", dir, "alias"), 0);
	assert_fails(dir_make_at(dir, "alias", 0755, err), ENOTDIR);
}

/* Depth, modes without permission, symlinks out: all gone, nothing else. */
/* Every name once, no dots, from the start for each stream; no silent end */
static void test_dir_stream(void **state unused_attr)
{
	const struct dirent *e;
	int r;

	assert_int_equal(mkdirat(dir, "names", 0700), 0);
	autoclose int path = openat(dir, "names", O_PATH | O_CLOEXEC);
	assert_int_equal(mkdirat(path, ".hidden", 0700), 0);
	assert_int_equal(symlinkat("x", path, "..two"), 0);
	for (int i = 0; i < 2; i++) {
		autoclosedir DIR *d = dir_stream_at(path, ".");
		int n = 0;

		assert_non_null(d);
		while ((r = dir_next(d, &e, NULL)) > 0)
			n += str_starts(e->d_name, "..") ? 10 : 1;
		assert_int_equal(r, 0);
		assert_int_equal(n, 11);
	}
	assert_null(dir_stream_at(dir, "names/..two"));
	assert_int_equal(errno, ENOTDIR);
	autoclosedir DIR *broken = dir_stream_at(dir, "names");
	assert_non_null(broken);
	close(dirfd(broken));
	assert_fails(dir_next(broken, &e, err), EBADF);
}

static void test_tree_remove(void **state unused_attr)
{
	int at;

	assert_ok(file_write_at(dir, "victim", "x", 1, 0600, false, err));
	assert_int_equal(mkdirat(dir, "tree", 0700), 0);
	assert_int_equal(symlinkat("../victim", dir, "tree/link"), 0);
	assert_int_equal(mkdirat(dir, "tree/closed", 0700), 0);
	assert_int_equal(mkdirat(dir, "tree/closed/in", 0700), 0);
	assert_int_equal(fchmodat(dir, "tree/closed", 0000, 0), 0);
	at = dir_open_at(dir, "tree");
	for (int i = 0; i < 700; i++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0700), 0);
		next = dir_open_at(at, "d");
		close(at);
		at = next;
		assert_true(at >= 0);
	}
	close(at);
	assert_ok(tree_remove_at(dir, "tree", err));
	assert_int_equal(faccessat(dir, "tree", F_OK, 0), -1);
	assert_int_equal(faccessat(dir, "victim", F_OK, 0), 0);
	assert_ok(tree_remove_at(dir, "tree", err));
}

static void make_files(int busy, int ready)
{
	(void)!write(ready, "x", 1);
	for (int i = 0; i < 1000000; i++) {
		int fd = openat(busy, "new", O_WRONLY | O_CREAT | O_CLOEXEC,
				0600);

		if (fd < 0)
			break;
		close(fd);
	}
}

/* Another process makes files in the directory until it is gone. */
static void test_tree_remove_busy(void **state unused_attr)
{
	for (int round = 0; round < 20; round++) {
		int ready[2];
		char byte;
		pid_t pid;

		assert_int_equal(mkdirat(dir, "busy", 0700), 0);
		assert_int_equal(pipe(ready), 0);
		pid = fork();
		if (pid == 0) {
			make_files(dir_open_at(dir, "busy"), ready[1]);
			_exit(0);
		}
		assert_int_equal(read(ready[0], &byte, 1), 1);
		close(ready[0]);
		close(ready[1]);
		assert_int_equal(tree_remove_at(dir, "busy", NULL), 0);
		assert_int_equal(proc_wait(pid), 0);
	}
}

/*
 * Somebody else removes the same tree and is always a moment faster: before
 * each removal that would work (FASTER), or between the one that found a
 * directory full and the look into it (MEANWHILE).
 */
static enum rival { ALONE, FASTER, MEANWHILE } rival;
static unsigned int rival_was_faster;

/* of all that is linked into this program */
int unlinkat(int at, const char *name, int flags)
{
	char in[NAME_MAX + 8];
	int r;

	if (rival == FASTER && syscall(SYS_unlinkat, at, name, flags) == 0)
		rival_was_faster++;
	r = (int)syscall(SYS_unlinkat, at, name, flags);
	if (rival == MEANWHILE && r < 0 && errno == ENOTEMPTY) {
		(void)snprintf(in, sizeof(in), "%s/in", name);
		(void)syscall(SYS_unlinkat, at, in, AT_REMOVEDIR);
		if (syscall(SYS_unlinkat, at, name, AT_REMOVEDIR) == 0)
			rival_was_faster++;
		errno = ENOTEMPTY;
	}
	return r;
}

/* Directories with one inside each, and files */
static void make_wide_tree(void)
{
	assert_int_equal(mkdirat(dir, "wide", 0700), 0);
	autoclose int wide = dir_open_at(dir, "wide");
	for (int i = 0; i < 5; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(mkdirat(wide, name, 0700), 0);
		snprintf(name, sizeof(name), "%d/in", i);
		assert_int_equal(mkdirat(wide, name, 0700), 0);
		snprintf(name, sizeof(name), "file%d", i);
		close(openat(wide, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
}

static void remove_beside(enum rival who, unsigned int faster)
{
	struct err err = ERR_INIT;
	int r;

	make_wide_tree();
	rival = who;
	rival_was_faster = 0;
	r = tree_remove_at(dir, "wide", &err);
	rival = ALONE;
	assert_string_equal(err.msg, "");
	assert_int_equal(r, 0);
	assert_int_equal(rival_was_faster, faster);
	assert_int_equal(faccessat(dir, "wide", F_OK, 0), -1);
}

/* It is gone for both, whoever was faster. */
static void test_tree_remove_twice(void **state unused_attr)
{
	remove_beside(FASTER, 5 * 3 + 1);
	remove_beside(MEANWHILE, 5);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_send_fds(void **state unused_attr)
{
	int pair[2], pipes[2], got[4], before;
	size_t n = 4;
	char c = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(sock_send_fds(pair[0], "m", 1, pipes, 2), 1);
	assert_int_equal(sock_recv_fds(pair[1], &c, 1, got, &n), 1);
	assert_int_equal(n, 2);
	assert_int_equal(write(got[1], "z", 1), 1);
	assert_int_equal(read(pipes[0], &c, 1), 1);
	assert_int_equal(c, 'z');
	/* what does not fit is closed, not leaked */
	assert_int_equal(sock_send_fds(pair[0], "m", 1, pipes, 2), 1);
	n = 1;
	before = count_fds();
	assert_int_equal(sock_recv_fds(pair[1], &c, 1, got + 2, &n), 1);
	assert_int_equal(n, 1);
	assert_int_equal(count_fds(), before + 1);
	for (int i = 0; i < 3; i++)
		close(got[i]);
	close(pair[0]);
	close(pair[1]);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_proc(void **state unused_attr)
{
	static const int none[] = { -1, -1, -1 };
	char *const argv[] = { (char *)"sh", (char *)"-c",
			       (char *)"exit 7", NULL };
	char *const bad[] = { (char *)"nope", NULL };
	struct proc_spawn s = { .path = "/bin/sh", .argv = argv,
				.fds = none, .n_fds = 3 };
	struct proc_id self = proc_self();
	struct proc_id other = { self.pid, self.start + 1 };
	pid_t pid;
	int fd;

	assert_true(proc_is_alive(&self));
	assert_false(proc_is_alive(&other));
	assert_int_equal(proc_open(&other), -ESRCH);
	fd = proc_open(&self);
	assert_true(fd >= 0);
	assert_int_equal(pidfd_wait(fd, 0), 0);
	close(fd);
	assert_ok(pid = proc_spawn(&s, NULL, err));
	assert_int_equal(proc_wait(pid), 7);
	s.path = "/no/such/program";
	s.argv = bad;
	assert_fails(proc_spawn(&s, NULL, err), ENOENT);
	assert_int_equal(strlen(boot_id()), 36);
}

/* Where the bytes go decides how: a file, one that is appended to (which
 * copy_file_range() and sendfile() refuse), a pipe. */
/* ST-04: nobody executes what only is to be read. */
static void test_memory(void **state unused_attr)
{
	static char *const argv[] = { NULL };
	autoclose int fd = fd_memory("test", NULL);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, "#!/bin/true\n", 12), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0111, 0);
	assert_int_equal(fexecve(fd, argv, argv), -1);
	assert_int_equal(errno, EACCES);
}

static void test_file_send(void **state unused_attr)
{
	static const int flags[] = { 0, O_APPEND };
	autosb struct sb text = SB_INIT;
	char got[8] = "";
	int pair[2];

	assert_ok(file_write_at(dir, "from", "0123456789", 10, 0600, false,
				err));
	autoclose int from = openat(dir, "from", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		assert_ok(file_write_at(dir, "to", "ab", 2, 0600, false, err));
		autoclose int to = openat(dir, "to", O_WRONLY | O_CLOEXEC |
						     flags[i]);
		assert_int_equal(lseek(to, 2, SEEK_SET), 2);
		assert_int_equal(file_send(from, 3, to, 4), 0);
		assert_int_equal(file_send(from, 0, to, 1), 0);
		sb_trunc(&text, 0);
		assert_int_equal(file_read_at(dir, "to", 100, &text), 0);
		assert_string_equal(text.buf, "ab34560");
	}
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_int_equal(file_send(from, 6, pair[1], 4), 0);
	assert_int_equal(read(pair[0], got, sizeof(got)), 4);
	assert_memory_equal(got, "6789", 4);
	assert_int_equal(file_send(from, 8, pair[1], 3), -ENODATA);
	/* nothing moved the descriptor that was read */
	assert_int_equal(lseek(from, 0, SEEK_CUR), 0);
	close(pair[0]);
	close(pair[1]);
	autoclose int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(file_send(from, 0, full, 4), -ENOSPC);
}

static void test_sha256(void **state unused_attr)
{
	char hex[SHA256_HEX];

	assert_ok(sha256_data("abc", 3, hex, err));
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test(test_write_read), unit_test(test_dir_make),
		unit_test(test_dir_stream),
		unit_test(test_tree_remove), unit_test(test_tree_remove_busy),
		unit_test(test_tree_remove_twice),
		unit_test(test_send_fds),
		unit_test(test_proc),	    unit_test(test_sha256),
		unit_test(test_file_send),  unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
