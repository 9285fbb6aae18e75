/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
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

static int run_with(bool sockets, attempt_fn attempt)
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
		    sandbox_enter(paths, sockets, &why) < 0) {
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

static int run(attempt_fn attempt)
{
	return run_with(false, attempt);
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

/* ---- ways out that need no file ------------------------------------------ */

static struct sockaddr_un bus_address(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/bus", scratch);
	return a;
}

/* The bus of the session starts programs for who connects to it. */
static int try_bus(void)
{
	const struct sockaddr_un a = bus_address();
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int pair[2];

	if (fd >= 0)
		return connect(fd, (const struct sockaddr *)&a,
			       sizeof(a)) == 0 ? 1 : 2;
	if (errno != EAFNOSUPPORT)
		return 3;
	/* Half of a pair of datagram sockets can be connected anew */
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0)
		return 4;
	/* libcurl wakes itself with one of these */
	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ? 5 : 0;
}

/* Where names come from a daemon only, its socket has to be reached. */
static int try_daemon(void)
{
	return try_bus() == 1 ? 0 : 1;
}

static void test_bus(void **state)
{
	const struct sockaddr_un a = bus_address();
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(run(try_bus), 0);
	assert_int_equal(run_with(true, try_daemon), 0);
}

static int try_families(void)
{
	static const int none[] = { AF_PACKET, AF_VSOCK, AF_ALG, AF_BLUETOOTH };

	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		autoclose int fd = socket(none[i], SOCK_STREAM, 0);

		if (fd >= 0 || errno != EAFNOSUPPORT)
			return 1 + (int)i;
	}
	/* getaddrinfo(3) looks at the addresses of this machine */
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);

	return fd < 0 ? 10 : 0;
}

static void test_families(void **state)
{
	(void)state;
	assert_int_equal(run(try_families), 0);
}

static int try_signals(void)
{
	pid_t other = getppid();

	if (kill(other, 0) == 0 || errno != EPERM)
		return 1;
	if (syscall(SYS_tgkill, other, other, 0) == 0 || errno != EPERM)
		return 2;
	if (syscall(SYS_tkill, other, 0) == 0 || errno != EPERM)
		return 3;
	if (kill(-1, 0) == 0 || errno != EPERM)
		return 5;
	if (kill(0, 0) == 0 || errno != EPERM)
		return 6;
	/* abort(3) and fault points */
	if (kill(getpid(), 0) < 0)
		return 7;
	return syscall(SYS_tgkill, getpid(), getpid(), 0) < 0 ? 4 : 0;
}

static void test_signals(void **state)
{
	(void)state;
	assert_int_equal(run(try_signals), 0);
}

/* Its standard error is the user's terminal, where a line could be typed. */
static int try_terminal(void)
{
	char c = '\n';

	if (isatty(STDERR_FILENO))
		return 1;
	return ioctl(STDERR_FILENO, TIOCSTI, &c) < 0 ? 0 : 2;
}

static int in_terminal(void)
{
	int status;
	int master;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	if (pid == 0)
		child_exit(run(try_terminal));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(master);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_terminal(void **state)
{
	(void)state;
	assert_int_equal(in_terminal(), 0);
}

static int try_session(void)
{
	return getsid(0) == getpid() ? 0 : 1;
}

static void test_session(void **state)
{
	(void)state;
	assert_int_equal(run(try_session), 0);
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
		unit_test(test_work), unit_test(test_bus),
		unit_test(test_families), unit_test(test_signals),
		unit_test(test_terminal), unit_test(test_session),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
