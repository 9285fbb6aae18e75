/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/oci/ctr.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/path.h"
#include "util/str.h"

/*
 * Images that try to lead the runtime out of their tree.  Outside lies a
 * canary: a directory with a secret, whose content must be the same after
 * every start, and never be seen inside.
 */

#define SECRET "token-4711"

static void canary_make(void)
{
	mkdirat(ctr_dir(), "canary", 0755);
	autoclose int fd = openat(ctr_dir(), "canary", O_PATH | O_CLOEXEC);
	mkdirat(fd, "dir", 0755);
	assert_ok(file_write_at(fd, "secret", SECRET "\n", strlen(SECRET) + 1,
				0644, false, err));
}

static void canary_check(const struct ctr *c)
{
	autosb struct sb text = SB_INIT;
	autoclose int fd = openat(ctr_dir(), "canary", O_RDONLY | O_CLOEXEC);
	struct stat st;

	assert_int_equal(file_read_at(fd, "secret", 4096, &text), 0);
	assert_string_equal(text.buf, SECRET "\n");
	assert_int_equal(fstatat(fd, "secret", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 3);	/* no directory was added */
	assert_int_equal(unlinkat(fd, "secret", 0), 0);
	assert_int_equal(unlinkat(fd, "dir", AT_REMOVEDIR), 0);
	/* now it has to be empty */
	assert_int_equal(unlinkat(ctr_dir(), "canary", AT_REMOVEDIR), 0);
	assert_null(strstr(c->out.buf, SECRET));
}

enum shape {
	LINK_ABS,	/* to the canary's absolute path */
	LINK_UP,	/* the same by way of ../../.. */
	LINK_PROC,	/* to /proc/1/root */
	LINK_INSIDE,	/* to a directory of the image */
	FIFO,
	PLAIN,
	DIR_,
	SHAPES,
};

static const char *const shape_names[] = { "absolute link", "relative link",
					   "link to /proc", "link inside",
					   "fifo", "file", "directory" };

/* Make @path in the image a @shape; the link target gets @tail appended. */
static void plant(int image, const char *path, enum shape shape,
		  const char *tail)
{
	autofree char *abs = xasprintf("%s/canary%s", ctr_dir_path(), tail);
	autofree char *up = xasprintf("../../../../../../..%s", abs);
	autofree char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	int r = 0;

	if (slash) {
		*slash = '\0';
		close(path_mkdirs(image, dir, 0755));
	}
	switch (shape) {
	case LINK_ABS:
		r = symlinkat(abs, image, path);
		break;
	case LINK_UP:
		r = symlinkat(up, image, path);
		break;
	case LINK_PROC:
		r = symlinkat("/proc/1/root", image, path);
		break;
	case LINK_INSIDE:
		r = symlinkat("/tmp", image, path);
		break;
	case FIFO:
		r = mkfifoat(image, path, 0644);
		break;
	case PLAIN:
		r = openat(image, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		break;
	case DIR_:
		r = mkdirat(image, path, 0755);
		break;
	case SHAPES:
		break;
	}
	assert_true(r >= 0);
	if (shape == PLAIN)
		close(r);
}

static unsigned int n_images;

/* A container whose image has @path in a @shape over busybox. */
static void hostile(struct ctr *c, const char *path, enum shape shape,
		    const char *tail, const char *script)
{
	autofree char *name = xasprintf("hostile%u", n_images++);

	autoclose int image = ctr_image(name);
	plant(image, path, shape, tail);
	ctr_sh(c, script);
	c->lower_name = xasprintf("%s/diff", name);
	c->lower[0] = c->lower_name;
	c->lower[1] = (char *)(uintptr_t)"bb/diff";
	c->spec.rootfs.lower = c->lower;
	c->spec.rootfs.n_lower = 2;
}

#define LOOK "cat /dev/null /secret /etc/secret 2>/dev/null; "     \
	     "ls -R /dev /proc/sys/kernel 2>/dev/null | head -n 200; echo ran"

/* FS-03, FS-05, FS-06: /dev, /proc, /sys and what is below them */
static void test_kernel_dirs(void **state unused_attr)
{
	static const char *const paths[] = { "dev", "proc", "sys", "dev/pts",
					     "dev/console", "dev/null",
					     "dev/shm", "dev/ptmx" };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		for (int shape = 0; shape < SHAPES; shape++) {
			struct err why = ERR_INIT;
			auto_ctr struct ctr c = CTR_INIT;
			int r;

			canary_make();
			hostile(&c, paths[i], (enum shape)shape, "", LOOK);
			c.spec.process.terminal = true;
			r = ctr_run(&c, &why);
			canary_check(&c);
			print_message("%s %s: %s\n", paths[i],
				      shape_names[shape],
				      r < 0 ? why.msg : "ran");
			/* below our /dev nothing of the image is seen */
			if (strchr(paths[i], '/') || shape == DIR_)
				assert_int_equal(r, 0);
			else
				assert_true(r < 0 && why.msg[0]);
			if (r == 0)
				assert_non_null(strstr(c.out.buf, "ran"));
		}
	}
}

/* FS-01, FS-02: a mount target that leads out, at each depth */
static void test_mount_targets(void **state unused_attr)
{
	static const char *const targets[] = { "/t", "/t/x", "/t/x/y/z" };

	mkdirat(ctr_dir(), "source", 0755);
	autoclose int dir = openat(ctr_dir(), "source", O_PATH | O_CLOEXEC);
	assert_ok(file_write_at(dir, "f", "bound\n", 6, 0644, false, err));
	autoclose int file = openat(dir, "f", O_PATH | O_CLOEXEC);
	for (size_t i = 0; i < 2 * ARRAY_LEN(targets) * SHAPES; i++) {
		const char *target = targets[i / 2 % ARRAY_LEN(targets)];
		enum shape shape = (enum shape)(i / 2 / ARRAY_LEN(targets));
		struct err why = ERR_INIT;
		struct oci_mount *m;
		auto_ctr struct ctr c = CTR_INIT;

		canary_make();
		hostile(&c, "t", shape, "", "cat /t/f /t/x/f /t/x/y/z/f /t/x "
			"/t/x/y/z 2>/dev/null; echo ran");
		m = ctr_mount(&c, OCI_MOUNT_BIND, target);
		m->source_fd = i % 2 ? file : dir;
		if (ctr_run(&c, &why) == 0)
			assert_non_null(strstr(c.out.buf, "ran"));
		canary_check(&c);
	}
}

/* FS-09: WORKDIR through a link */
static void test_workdir(void **state unused_attr)
{
	for (int shape = 0; shape < SHAPES; shape++) {
		struct err why = ERR_INIT;
		auto_ctr struct ctr c = CTR_INIT;

		canary_make();
		hostile(&c, "a", (enum shape)shape, "", "cat secret; pwd");
		c.spec.process.cwd = "/a/b/c";
		c.spec.process.cwd_create = true;
		(void)ctr_run(&c, &why);
		canary_check(&c);
	}
}

/* FS-08, FS-10: the user files */
static void test_user_files(void **state unused_attr)
{
	static const char *const files[] = { "etc/passwd", "etc/group" };

	for (size_t i = 0; i < ARRAY_LEN(files) * SHAPES; i++) {
		enum shape shape = (enum shape)(i % SHAPES);
		uint64_t start = clock_mono_ns();
		struct err why = ERR_INIT;
		auto_ctr struct ctr c = CTR_INIT;
		int r;

		canary_make();
		hostile(&c, files[i / SHAPES], shape, "/secret", "id");
		c.spec.process.user = "www:wheel";
		c.spec.accounts.add = true;
		r = ctr_run(&c, &why);
		assert_true(r < 0 && why.msg[0]);
		assert_int_equal(why.kind, ERR_START);
		print_message("%s as %s: %s\n", files[i / SHAPES],
			      shape_names[shape], why.msg);
		canary_check(&c);
		assert_true(clock_mono_ns() - start < UINT64_C(60000000000));
	}
}

/* The line for an unknown uid does not follow links out either. */
static void test_passwd_entry(void **state unused_attr)
{
	if (ctr_single_id())
		return;
	for (int shape = 0; shape < SHAPES; shape++) {
		struct err why = ERR_INIT;
		auto_ctr struct ctr c = CTR_INIT;

		canary_make();
		hostile(&c, "etc/passwd", (enum shape)shape, "/secret",
			"grep Uid /proc/self/status");
		c.spec.process.user = "4711";
		c.spec.accounts.add = true;
		if (ctr_run(&c, &why) < 0)
			fail_msg("%s: %s", shape_names[shape], why.msg);
		assert_non_null(strstr(c.out.buf, "\t4711\t"));
		canary_check(&c);
	}
}

/* A file of 10 GiB without a byte in it is refused, not read. */
static void test_huge_passwd(void **state unused_attr)
{
	static char *const lower[] = { (char *)(uintptr_t)"huge/diff",
				       (char *)(uintptr_t)"bb/diff", NULL };
	autoclose int image = ctr_image("huge");
	struct err why = ERR_INIT;
	auto_ctr struct ctr c = CTR_INIT;
	auto_ctr struct ctr d = CTR_INIT;

	mkdirat(image, "etc", 0755);
	autoclose int f = openat(image, "etc/passwd", O_CREAT | O_WRONLY |
				 O_CLOEXEC, 0644);
	assert_int_equal(ftruncate(f, INT64_C(10) << 30), 0);
	ctr_sh(&c, "id");
	c.spec.rootfs.lower = lower;
	c.spec.rootfs.n_lower = 2;
	c.spec.process.user = "www";
	assert_true(ctr_run(&c, &why) < 0);
	assert_int_equal(why.code, EFBIG);
	/* a number needs no file */
	ctr_sh(&d, "echo $HOME");
	d.spec.rootfs.lower = lower;
	d.spec.rootfs.n_lower = 2;
	assert_ok(ctr_run(&d, err));
	assert_string_equal(d.out.buf, "/\n");
}

/* FS-04: what masks show does not come from the image's /dev/null */
static void test_masks_trust_nothing(void **state unused_attr)
{
	struct oci_mount *m;
	auto_ctr struct ctr c = CTR_INIT;

	canary_make();
	mkdirat(ctr_dir(), "fakedev", 0755);
	autoclose int dev = openat(ctr_dir(), "fakedev", O_PATH | O_CLOEXEC);
	(void)!symlinkat("/proc/sys/kernel/core_pattern", dev, "null");
	ctr_sh(&c,
	       "head -c 1 /proc/interrupts | wc -c; echo x > /proc/interrupts;"
	       "echo x > /proc/sys/kernel/core_pattern");
	c.spec.n_mounts = 1;	/* no /dev of ours */
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/dev");
	m->source_fd = dev;
	c.io.stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_ok(ctr_run(&c, err));
	close(c.io.stdio[0]);
	assert_int_equal(strncmp(c.out.buf, "0\n", 2), 0);
	assert_non_null(
		strstr(c.out.buf, "can't create /proc/interrupts: Read-only"));
	assert_non_null(strstr(c.out.buf,
			       "can't create /proc/sys/kernel/core_pattern"));
	canary_check(&c);
}

/* FS-07: a closed stdin is only ever replaced by the real null device */
static void test_fake_null(void **state unused_attr)
{
	struct oci_mount *m;
	struct err why = ERR_INIT;
	auto_ctr struct ctr c = CTR_INIT;

	canary_make();
	mkdirat(ctr_dir(), "fakenull", 0755);
	autoclose int dev = openat(ctr_dir(), "fakenull", O_PATH | O_CLOEXEC);
	(void)!symlinkat("/victim", dev, "null");
	autoclose int victim = openat(ctr_dir(), "canary/secret", O_PATH |
				      O_CLOEXEC);
	ctr_sh(&c, "true");
	c.spec.n_mounts = 1;
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/dev");
	m->source_fd = dev;
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/victim");
	m->source_fd = victim;
	assert_true(ctr_run(&c, &why) < 0);
	print_message("%s\n", why.msg);
	assert_int_equal(why.code, ENODEV);
	canary_check(&c);
}

/* FS-07b: read-only means read-only, whatever /proc looks like */
static void test_readonly_with_fake_proc(void **state unused_attr)
{
	struct oci_mount *m;
	auto_ctr struct ctr c = CTR_INIT;

	mkdirat(ctr_dir(), "fakeproc", 0777);
	autoclose int proc = openat(ctr_dir(), "fakeproc", O_PATH | O_CLOEXEC);
	ctr_sh(&c, "touch /x; touch /ro/x; touch /proc/x && echo fake");
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/proc");
	m->source_fd = proc;
	m = ctr_mount(&c, OCI_MOUNT_BIND, "/ro");
	m->source_fd = proc;
	m->attr = MOUNT_ATTR_RDONLY;
	c.spec.rootfs.readonly = true;
	/* the image has no mount point /ro and must not get one later */
	assert_ok(ctr_run(&c, err));
	assert_non_null(strstr(c.out.buf, "/x: Read-only"));
	assert_non_null(strstr(c.out.buf, "/ro/x: Read-only"));
	assert_non_null(strstr(c.out.buf, "fake"));
}

static int tests(void)
{
	const struct CMUnitTest all[] = {
		unit_test(test_kernel_dirs),
		unit_test(test_mount_targets),
		unit_test(test_workdir),
		unit_test(test_user_files),
		unit_test(test_passwd_entry),
		unit_test(test_huge_passwd),
		unit_test(test_masks_trust_nothing),
		unit_test(test_fake_null),
		unit_test(test_readonly_with_fake_proc),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}

int main(void)
{
	return ctr_main(tests);
}
