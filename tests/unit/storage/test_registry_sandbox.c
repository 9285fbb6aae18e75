/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/registry/sandbox.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * Each test forks: the child enters the sandbox and tries something; its exit
 * code is 0 when that went as it should.
 */
typedef int (*attempt_fn)(void);

static char scratch[] = "/tmp/bryo-unit.XXXXXX";

static int run(attempt_fn attempt)
{
	autostrv char **paths = NULL;
	struct err why = ERR_INIT;
	int status;
	pid_t pid;

	strv_addf(&paths, "%s/allowed", scratch);
	strv_add(&paths, "/nonexistent/is/fine");
	pid = fork();
	if (pid == 0) {
		if (sandbox_early(3, &why) < 0 ||
		    sandbox_enter(paths, &why) < 0) {
			print_message("%s\n", why.msg);
			child_exit(100);
		}
		child_exit(attempt());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION);
}

static int refused(const char *path, int flags)
{
	autoclose int fd = open(path, flags | O_CLOEXEC, 0600);

	return fd < 0 && errno == EACCES ? 0 : 1;
}

static int allowed(const char *path)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? 0 : 1;
}

static int try_files(void)
{
	autofree char *mine = xasprintf("%s/allowed/file", scratch);
	autofree char *other = xasprintf("%s/other", scratch);
	autofree char *fresh = xasprintf("%s/allowed/new", scratch);

	return refused("/etc/passwd", O_RDONLY) || refused(other, O_RDONLY) ||
	       refused(mine, O_WRONLY) || refused(fresh, O_WRONLY | O_CREAT) ||
	       refused("/proc/self/environ", O_RDONLY) ||
	       (mkdir("/tmp/bryo-unit-x", 0700) == 0) || allowed(mine) ||
	       allowed("/etc/hosts");
}

static void test_files(void **state)
{
	(void)state;
	/* An older kernel has this layer not; nothing to see then */
	assert_int_equal(landlock_abi() >= 1 ? run(try_files) : 0, 0);
}

static int try_listen(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 2;
	return bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 &&
			       errno == EACCES ?
		       0 :
		       1;
}

static void test_no_server(void **state)
{
	(void)state;
	assert_int_equal(landlock_abi() >= 4 ? run(try_listen) : 0, 0);
}

static int try_calls(void)
{
	char name[] = "true";
	char *argv[] = { name, NULL };

	execve("/bin/true", argv, NULL);
	if (errno != EPERM)
		return 1;
	if (syscall(SYS_ptrace, 0, 0, 0, 0) != -1 || errno != EPERM)
		return 2;
	if (syscall(SYS_unshare, 0) != -1 || errno != EPERM)
		return 3;
	if (syscall(SYS_keyctl, 0, 0, 0, 0, 0) != -1 || errno != EPERM)
		return 4;
	return 0;
}

static void test_calls(void **state)
{
	(void)state;
	assert_int_equal(run(try_calls), 0);
}

static int try_attributes(void)
{
	struct rlimit rl;

	if (prctl(PR_GET_DUMPABLE) != 0)
		return 1;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 2;
	if (getrlimit(RLIMIT_CORE, &rl) < 0 || rl.rlim_max != 0)
		return 3;
	if (getrlimit(RLIMIT_FSIZE, &rl) < 0 || rl.rlim_max > 64 << 20)
		return 4;
	/* A descriptor that the parent forgot */
	return fcntl(9, F_GETFD) < 0 ? 0 : 5;
}

static void test_attributes(void **state)
{
	autoclose int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(dup2(fd, 9), 9);
	assert_int_equal(run(try_attributes), 0);
	close(9);
}

/* The network is what it is for: connect and memfds still work. */
static int try_work(void)
{
	autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(1),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (fd < 0)
		return 1;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ||
	    errno != ECONNREFUSED)
		return 2;
	return 0;
}

static void test_work(void **state)
{
	(void)state;
	assert_int_equal(run(try_work), 0);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(scratch))
		return -1;
	autoclose int dir = open(scratch, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (mkdirat(dir, "allowed", 0700) < 0)
		return -1;
	if (file_write_at(dir, "other", "x", 1, 0600, false, NULL) < 0)
		return -1;
	autoclose int sub =
		openat(dir, "allowed", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return file_write_at(sub, "file", "x", 1, 0600, false, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	return tree_remove_at(AT_FDCWD, scratch, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test(test_files), unit_test(test_no_server),
		unit_test(test_calls), unit_test(test_attributes),
		unit_test(test_work),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
