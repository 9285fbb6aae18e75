/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "libpod/oci/copyup.h"
#include "tests/unit/oci/ctr.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"

static unsigned int n_dirs;

static int new_dir(void)
{
	autofree char *name = xasprintf("copy%u", n_dirs++);

	assert_int_equal(mkdirat(ctr_dir(), name, 0755), 0);
	return openat(ctr_dir(), name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void add_file(int dir, const char *name, const char *text, mode_t mode)
{
	assert_ok(file_write_at(dir, name, text, strlen(text), mode, false,
				err));
}

static void test_everything(void **state unused_attr)
{
	const struct timespec times[2] = { { 1000, 5 }, { 2000, 7 } };
	autoclose int from = new_dir();
	autoclose int to = new_dir();
	autosb struct sb text = SB_INIT;
	struct stat a;
	struct stat b;
	char link[64] = "";

	add_file(from, "plain", "data", 0640);
	add_file(from, "setuid", "data", 04755);
	assert_int_equal(mkdirat(from, "dir", 0750), 0);
	autoclose int sub = openat(from, "dir", O_RDONLY | O_CLOEXEC);
	add_file(sub, "inner", "inner", 0600);
	assert_int_equal(linkat(from, "plain", sub, "hard", 0), 0);
	assert_int_equal(linkat(from, "plain", from, "zz-hard", 0), 0);
	assert_int_equal(symlinkat("../../../etc/passwd", from, "sym"), 0);
	assert_int_equal(mkfifoat(from, "fifo", 0611), 0);
	autoclose int sparse = openat(from, "sparse", O_CREAT | O_WRONLY |
				      O_CLOEXEC, 0600);
	assert_int_equal(pwrite(sparse, "x", 1, 8 << 20), 1);
	assert_int_equal(ftruncate(sparse, 16 << 20), 0);
	if (!ctr_single_id())
		assert_int_equal(fchownat(from, "setuid", 5, 6, 0), 0);
	assert_int_equal(fchmodat(from, "setuid", 04755, 0), 0);
	autoclose int f = openat(from, "plain", O_WRONLY | O_CLOEXEC);
	assert_int_equal(fsetxattr(f, "user.mine", "v", 1, 0), 0);
	assert_int_equal(fsetxattr(f, "user.overlay.opaque", "y", 1, 0), 0);
	assert_int_equal(utimensat(from, "plain", times, 0), 0);
	assert_int_equal(fchmod(from, 01777), 0);

	assert_ok(copyup_tree(from, to, err));
	assert_int_equal(fstat(to, &a), 0);
	assert_int_equal(a.st_mode & 07777, 01777);
	assert_int_equal(file_read_at(to, "plain", 100, &text), 0);
	assert_string_equal(text.buf, "data");
	assert_int_equal(fstatat(to, "plain", &a, 0), 0);
	assert_int_equal(a.st_mode & 07777, 0640);
	assert_int_equal(a.st_nlink, 3);
	assert_int_equal(a.st_mtim.tv_sec, 2000);
	assert_int_equal(a.st_mtim.tv_nsec, 7);
	assert_int_equal(fstatat(to, "dir/hard", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(fstatat(to, "setuid", &a, 0), 0);
	assert_int_equal(a.st_mode & 07777, 04755);
	assert_int_equal(a.st_uid, ctr_single_id() ? 0 : 5);
	assert_int_equal(fstatat(to, "dir", &a, 0), 0);
	assert_int_equal(a.st_mode & 07777, 0750);
	assert_true(readlinkat(to, "sym", link, sizeof(link) - 1) > 0);
	assert_string_equal(link, "../../../etc/passwd");
	assert_int_equal(fstatat(to, "fifo", &a, 0), 0);
	assert_true(S_ISFIFO(a.st_mode));
	assert_int_equal(fstatat(to, "sparse", &a, 0), 0);
	assert_int_equal(a.st_size, 16 << 20);
	assert_true(a.st_blocks * 512 < 1 << 20);
	autoclose int g = openat(to, "plain", O_RDONLY | O_CLOEXEC);
	char value[8];
	assert_int_equal(fgetxattr(g, "user.mine", value, sizeof(value)), 1);
	assert_true(fgetxattr(g, "user.overlay.opaque", value,
			      sizeof(value)) < 0);
}

static void test_empty(void **state unused_attr)
{
	autoclose int dir = new_dir();

	assert_int_equal(copyup_is_empty(dir), 1);
	assert_int_equal(mkdirat(dir, "lost+found", 0700), 0);
	assert_int_equal(copyup_is_empty(dir), 1);
	add_file(dir, "x", "", 0600);
	assert_int_equal(copyup_is_empty(dir), 0);
	assert_true(copyup_is_empty(-EBADF) < 0);
}

/* Something is in the way: an error, and the other side is not touched. */
static void test_in_the_way(void **state unused_attr)
{
	autoclose int from = new_dir();
	autoclose int to = new_dir();
	autoclose int victim = new_dir();
	autosb struct sb text = SB_INIT;

	add_file(victim, "f", "old", 0600);
	add_file(from, "f", "new", 0644);
	autofree char *target = xasprintf("%s/copy%u/f", ctr_dir_path(),
					  n_dirs - 1);
	assert_int_equal(symlinkat(target, to, "f"), 0);
	assert_fails(copyup_tree(from, to, err), EEXIST);
	assert_int_equal(file_read_at(victim, "f", 100, &text), 0);
	assert_string_equal(text.buf, "old");
}

/* As deep as it gets: an error instead of all descriptors used up. */
static void test_deep(void **state unused_attr)
{
	autoclose int from = new_dir();
	autoclose int to = new_dir();
	autoclose int at = openat(from, ".", O_PATH | O_CLOEXEC);

	for (int i = 0; i < 300; i++) {
		assert_int_equal(mkdirat(at, "d", 0755), 0);
		int next = openat(at, "d", O_PATH | O_CLOEXEC);

		close(at);
		at = next;
	}
	assert_fails(copyup_tree(from, to, err), ELOOP);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		unit_test(test_everything),
		unit_test(test_empty),
		unit_test(test_in_the_way),
		unit_test(test_deep),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	return ctr_main(tests);
}
