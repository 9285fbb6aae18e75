/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/oci/ctr.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

/* @n layers with long names, each with one file, busybox at the bottom. */
static char **stack(size_t n)
{
	char **lower = NULL;

	for (size_t i = 0; i + 1 < n; i++) {
		autofree char *name = xasprintf("%064zu", i);
		autofree char *text = xasprintf("layer %zu\n", i);
		autofree char *file = xasprintf("file%zu", i);
		autoclose int dir = ctr_image(name);

		assert_ok(file_write_at(dir, file, text, strlen(text), 0644,
					false, err));
		assert_ok(file_write_at(dir, "top", text, strlen(text), 0644,
					false, err));
		strv_addf(&lower, "%s/diff", name);
	}
	strv_add(&lower, "bb/diff");
	return lower;
}

static void run_stack(size_t n)
{
	autostrv char **lower = stack(n);
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "ls / | grep -c ^file; cat /top; "
		   "echo x > /written; rm /top; ls /top");
	c.spec.rootfs.lower = lower;
	c.spec.rootfs.n_lower = n;
	assert_ok(ctr_run(&c, err));
	autofree char *want = xasprintf("%zu\nlayer 0\nls: /top: No such file "
					"or directory\n", n - 1);
	assert_string_equal(c.out.buf, want);
	/* nothing of the overlay stays, its upper directory does */
	assert_int_equal(faccessat(c.state_fd, "upper/written", F_OK, 0), 0);
	autosb struct sb mounts = SB_INIT;
	assert_int_equal(file_read_at(AT_FDCWD, "/proc/self/mounts", 1 << 20,
				      &mounts), 0);
	assert_null(strstr(mounts.buf, ctr_dir_path()));
}

static void test_layers(void **state unused_attr)
{
	run_stack(2);
	run_stack(60);
	run_stack(500);
}

static void test_too_many_layers(void **state unused_attr)
{
	autostrv char **lower = stack(501);
	struct err why = ERR_INIT;
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "true");
	c.spec.rootfs.lower = lower;
	c.spec.rootfs.n_lower = 501;
	assert_true(ctr_run(&c, &why) < 0);
	assert_int_equal(why.kind, ERR_LIMIT);
	assert_non_null(strstr(why.msg, "501 layers"));
}

static void test_missing_layer(void **state unused_attr)
{
	static char *const lower[] = { (char *)(uintptr_t)"none/diff",
				       (char *)(uintptr_t)"bb/diff", NULL };
	struct err why = ERR_INIT;
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "true");
	c.spec.rootfs.lower = lower;
	c.spec.rootfs.n_lower = 2;
	assert_true(ctr_run(&c, &why) < 0);
	print_message("%s\n", why.msg);
	assert_int_equal(why.code, ENOENT);
}

/* The mark that a volatile mount leaves does not stop the next start. */
static void test_volatile(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;

	ctr_sh(&c, "echo x > /kept");
	c.spec.rootfs.volatile_ = true;
	assert_ok(ctr_run(&c, err));
	assert_int_equal(faccessat(c.state_fd, "work/work/incompat/volatile",
				   F_OK, 0), 0);
	ctr_sh(&d, "cat /kept");
	d.spec.rootfs.state_fd = c.state_fd;
	assert_ok(ctr_run(&d, err));
	assert_string_equal(d.out.buf, "x\n");
}

static void test_directory(void **state unused_attr)
{
	auto_ctr struct ctr c = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;
	autoclose int tree = openat(ctr_layers(), "bb/diff", O_PATH |
				    O_DIRECTORY | O_CLOEXEC);

	ctr_sh(&c, "echo x > /etc/made; touch /proc/x 2>/dev/null; hostname");
	c.spec.rootfs.driver = OCI_ROOTFS_DIR;
	c.spec.rootfs.dir_fd = tree;
	c.spec.rootfs.state_fd = -EBADF;
	assert_ok(ctr_run(&c, err));
	assert_string_equal(c.out.buf, "box\n");
	assert_int_equal(unlinkat(tree, "etc/made", 0), 0);
	ctr_sh(&d, "touch /x; whoami");
	d.spec.rootfs.driver = OCI_ROOTFS_DIR;
	d.spec.rootfs.dir_fd = tree;
	d.spec.rootfs.readonly = true;
	assert_ok(ctr_run(&d, err));
	assert_string_equal(d.out.buf,
			    "touch: /x: Read-only file system\nroot\n");
}

/* A line for an unknown uid never goes into somebody's own tree. */
static void test_directory_passwd(void **state unused_attr)
{
	autoclose int tree = openat(ctr_layers(), "bb/diff", O_PATH |
				    O_DIRECTORY | O_CLOEXEC);
	autosb struct sb text = SB_INIT;
	auto_ctr struct ctr c = CTR_INIT;

	if (ctr_single_id())
		return;
	ctr_sh(&c, "whoami; tail -n 1 /etc/passwd");
	c.spec.rootfs.driver = OCI_ROOTFS_DIR;
	c.spec.rootfs.dir_fd = tree;
	c.spec.rootfs.state_fd = -EBADF;
	c.spec.process.user = "4711";
	c.spec.accounts.add = true;
	assert_ok(ctr_run(&c, err));
	assert_int_equal(strncmp(c.out.buf, "4711\n4711:*:", 12), 0);
	autoclose int etc = openat(tree, "etc", O_PATH | O_CLOEXEC);
	sb_trunc(&text, 0);
	assert_int_equal(file_read_at(etc, "passwd", 65536, &text), 0);
	assert_null(strstr(text.buf, "4711"));
}

static void test_fuse(void **state unused_attr)
{
	autofree char *program = proc_find_program("fuse-overlayfs");
	autostrv char **lower = stack(60);
	auto_ctr struct ctr c = CTR_INIT;

	assert_non_null(program);
	ctr_sh(&c, "ls / | grep -c ^file; cat /top; echo x > /written; "
		   "rm /top; chown 5:5 /written; stat -c %u:%g /written; "
		   "grep ' / / ' /proc/self/mountinfo");
	c.spec.rootfs.driver = OCI_ROOTFS_FUSE;
	c.spec.rootfs.fuse_path = program;
	c.spec.rootfs.lower = lower;
	c.spec.rootfs.n_lower = 60;
	assert_ok(ctr_run(&c, err));
	print_message("%s", c.out.buf);
	assert_int_equal(strncmp(c.out.buf, "59\nlayer 0\n", 11), 0);
	assert_non_null(strstr(c.out.buf, "fuse"));
	if (!ctr_single_id())
		assert_non_null(strstr(c.out.buf, "\n5:5\n"));
	assert_int_equal(faccessat(c.state_fd, "upper/written", F_OK, 0), 0);
}

static void test_fuse_missing(void **state unused_attr)
{
	struct err why = ERR_INIT;
	auto_ctr struct ctr c = CTR_INIT;

	ctr_sh(&c, "true");
	c.spec.rootfs.driver = OCI_ROOTFS_FUSE;
	c.spec.rootfs.fuse_path = "/nosuch/fuse-overlayfs";
	assert_true(ctr_run(&c, &why) < 0);
	assert_non_null(strstr(why.msg, "fuse-overlayfs"));
	/* one that starts and gives up at once is no hang either */
	struct err gave_up = ERR_INIT;
	auto_ctr struct ctr d = CTR_INIT;
	ctr_sh(&d, "true");
	d.spec.rootfs.driver = OCI_ROOTFS_FUSE;
	d.spec.rootfs.fuse_path = "/bin/false";
	assert_true(ctr_run(&d, &gave_up) < 0);
	print_message("%s\n", gave_up.msg);
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		unit_test(test_layers),
		unit_test(test_too_many_layers),
		unit_test(test_missing_layer),
		unit_test(test_volatile),
		unit_test(test_directory),
		unit_test(test_directory_passwd),
		unit_test(test_fuse),
		unit_test(test_fuse_missing),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	return ctr_main(tests);
}
