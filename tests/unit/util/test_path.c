/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/path.h"

/*
 * A tree with every trick of an image that wants out, resolved twice: by the
 * kernel's openat2 and by the fallback walk.  Both must land on the same
 * inode, and never outside.
 */
static char top[] = "/tmp/bryo-path.XXXXXX";
static int root = -1;

static void must(int r)
{
	assert_true(r >= 0);
}

static int make_tree(void **state unused_attr)
{
	char path[128];
	int at;

	assert_non_null(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/root", top);
	must(mkdir(path, 0755));
	snprintf(path, sizeof(path), "%s/canary", top);
	must(mkdir(path, 0755));
	at = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	root = dir_open_at(at, "root");
	must(root);
	must(mkdirat(root, "etc", 0755));
	must(mkdirat(root, "a", 0755));
	must(mkdirat(root, "a/b", 0755));
	must(mkdirat(root, "canary", 0755));
	close(openat(root, "etc/passwd", O_CREAT | O_WRONLY, 0644));
	close(openat(root, "a/b/file", O_CREAT | O_WRONLY, 0644));
	must(symlinkat("../../canary", root, "up"));
	must(symlinkat("/etc", root, "abs"));
	must(symlinkat("../../../../../etc/passwd", root, "a/b/deep"));
	must(symlinkat("loop2", root, "loop1"));
	must(symlinkat("loop1", root, "loop2"));
	must(symlinkat("a/b/", root, "slash"));
	must(symlinkat("/nowhere/x", root, "dangling"));
	must(symlinkat("..", root, "a/dotdot"));
	must(symlinkat("/proc/self/root", root, "magic"));
	close(at);
	return 0;
}

static int remove_tree(void **state unused_attr)
{
	struct err err = ERR_INIT;

	close(root);
	return tree_remove_at(AT_FDCWD, top, &err);
}

static const struct {
	const char *path;
	int flags;
} resolve_cases[] = {
	{ "/", O_PATH },
	{ "", O_PATH },
	{ "..", O_PATH },
	{ "../../..", O_PATH },
	{ "etc/passwd", O_RDONLY },
	{ "/etc/passwd", O_RDONLY },
	{ "abs/passwd", O_RDONLY },
	{ "up", O_PATH },
	{ "up/../etc/passwd", O_RDONLY },
	{ "a/b/deep", O_RDONLY },
	{ "a/b/deep", O_PATH | O_NOFOLLOW },
	{ "a/dotdot/a/dotdot/etc", O_PATH | O_DIRECTORY },
	{ "loop1", O_RDONLY },
	{ "slash", O_PATH },
	{ "slash/file", O_RDONLY },
	{ "etc/passwd/", O_RDONLY },
	{ "etc/passwd/x", O_RDONLY },
	{ "a/b/file", O_RDONLY | O_DIRECTORY },
	{ "dangling", O_RDONLY },
	{ "missing", O_RDONLY },
	{ "missing/..", O_PATH },
	{ "./a/./b/.", O_PATH | O_DIRECTORY },
	{ "a//b///file", O_RDONLY },
};

struct outcome {
	int r;
	dev_t dev;
	ino_t ino;
};

static void resolve_all(struct outcome *out)
{
	for (size_t i = 0; i < ARRAY_LEN(resolve_cases); i++) {
		struct stat st = { 0 };
		int fd = path_open(root, resolve_cases[i].path,
				   resolve_cases[i].flags);

		out[i] = (struct outcome){ .r = fd < 0 ? fd : 0 };
		if (fd >= 0 && fstat(fd, &st) == 0) {
			out[i].dev = st.st_dev;
			out[i].ino = st.st_ino;
			close(fd);
		}
	}
}

/* The choice is made once per process, so the walk gets one of its own. */
static void resolve_by_walk(struct outcome *out, size_t size)
{
	int p[2];
	int status;
	pid_t pid;

	must(pipe(p));
	pid = fork();
	if (pid == 0) {
		setenv("BRYO_FORCE", "no-openat2", 1);
		resolve_all(out);
		fd_write_full(p[1], out, size);
		_exit(0);
	}
	close(p[1]);
	assert_int_equal(fd_read_full(p[0], out, size), (ssize_t)size);
	close(p[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void test_walk_equals_kernel(void **state unused_attr)
{
	struct outcome walk[ARRAY_LEN(resolve_cases)];
	struct outcome kernel[ARRAY_LEN(resolve_cases)];

	resolve_by_walk(walk, sizeof(walk));
	resolve_all(kernel);
	for (size_t i = 0; i < ARRAY_LEN(resolve_cases); i++) {
		print_message("case: '%s' kernel %d walk %d\n",
			      resolve_cases[i].path, kernel[i].r, walk[i].r);
		assert_int_equal(walk[i].r, kernel[i].r);
		assert_int_equal(walk[i].ino, kernel[i].ino);
		assert_int_equal(walk[i].dev, kernel[i].dev);
	}
}

static void test_stays_inside(void **state unused_attr)
{
	struct stat inside, found, outside;
	char canary[128];
	int fd = path_open(root, "up", O_PATH);

	must(fd);
	must(fstat(fd, &found));
	close(fd);
	must(fstatat(root, "canary", &inside, 0));
	snprintf(canary, sizeof(canary), "%s/canary", top);
	must(stat(canary, &outside));
	assert_int_equal(found.st_ino, inside.st_ino);
	assert_int_not_equal(found.st_ino, outside.st_ino);
}

static void test_magic_link_refused(void **state unused_attr)
{
	/* "/proc/self/root" means ROOT/proc/self/root, which is not there */
	assert_int_equal(path_open(root, "magic", O_PATH), -ENOENT);
}

static void test_parent(void **state unused_attr)
{
	autofree char *name = NULL;
	int fd;

	assert_int_equal(path_parent(root, "/", &name), -EINVAL);
	assert_int_equal(path_parent(root, "a/..", &name), -EINVAL);
	fd = path_parent(root, "up/x/", &name);
	must(fd);
	close(fd);
	assert_string_equal(name, "x");
}

static void test_targets(void **state unused_attr)
{
	struct stat st;
	int fd = path_mkdirs(root, "up/x/y/z", 0755);

	must(fd);
	close(fd);
	must(fstatat(root, "canary/x/y/z", &st, 0));
	fd = path_target(root, "/abs/deep/file", false);
	must(fd);
	close(fd);
	must(fstatat(root, "etc/deep/file", &st, 0));
	assert_true(S_ISREG(st.st_mode));
	fd = path_target(root, "/etc/passwd", false);
	must(fd);
	close(fd);
	assert_int_equal(path_target(root, "/dangling", false), -ELOOP);
	assert_int_equal(path_mkdirs(root, "etc/passwd/x", 0755), -ENOTDIR);
}

static void test_text(void **state unused_attr)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "/", "/" },	      { "", "/" },
		{ "a", "/a" },	      { "//a//b/", "/a/b" },
		{ "/a/./b", "/a/b" }, { "/a/../b", "/b" },
		{ "/../..", "/" },    { "/a/b/../..", "/" },
		{ "/..a", "/..a" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *clean = path_clean(cases[i].in);

		assert_string_equal(clean, cases[i].want);
	}
	assert_true(path_is_beneath("/a/b", "/a"));
	assert_true(path_is_beneath("/a", "/a"));
	assert_true(path_is_beneath("/a", "/"));
	assert_false(path_is_beneath("/ab", "/a"));
}

static void test_from_cwd(void **state unused_attr)
{
	static const struct {
		const char *in, *full, *clean;
	} cases[] = {
		{ "a/../b", "/proc/a/../b", "/proc/b" },
		{ "./x/", "/proc/./x/", "/proc/x" },
		{ "/a/../b", "/a/../b", "/b" },
	};

	must(chdir("/proc"));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		autofree char *full = NULL;
		autofree char *clean = NULL;

		assert_ok(path_from_cwd(cases[i].in, &full, err));
		assert_string_equal(full, cases[i].full);
		assert_ok(path_absolute(cases[i].in, &clean, err));
		assert_string_equal(clean, cases[i].clean);
	}
	must(chdir("/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test(test_walk_equals_kernel),
		unit_test(test_stays_inside),
		unit_test(test_magic_link_refused),
		unit_test(test_parent),
		unit_test(test_targets),
		unit_test(test_text),
		unit_test(test_from_cwd),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
