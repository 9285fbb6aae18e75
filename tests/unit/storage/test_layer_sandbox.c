/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/layer/sandbox.h"
#include "util/fd.h"

/*
 * What code can do that took over the parser: each probe runs in the sandbox
 * and its exit status comes back; 0 means that it was contained.
 */
enum { SIGSYS_STATUS = 128 + SIGSYS };

/* The worker's exit status, or 200 + step when there is no sandbox. */
static int run_child(int (*probe)(void), bool read_only, const char *dir)
{
	struct sandbox sb = { .read_only = read_only, .max_file = 1 << 20 };
	struct err err = ERR_INIT;
	bool child = false;
	int status, r;
	int null = open("/dev/null", O_RDWR);
	int root = open(dir, O_PATH | O_DIRECTORY);

	if (null < 0 || root < 0)
		return 200;
	for (int fd = LAYER_FD_SOCK; fd <= LAYER_FD_RESUME; fd++)
		if (fd != root && fd != null && dup2(null, fd) < 0)
			return 201;
	/* one that should not be there */
	if (dup2(root, LAYER_FD_ROOT) < 0 || dup2(null, 0) < 0 ||
	    dup2(root, 100) < 0)
		return 202;
	r = sandbox_fork(&sb, &child, &err);
	if (child && r == 0)
		r = sandbox_lock(&sb, &err);
	if (r < 0) {
		fprintf(stderr, "%s\n", err.msg);
		_exit(203);
	}
	if (child)
		_exit(probe());
	if (waitpid(r, &status, 0) < 0)
		return 204;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
				     WEXITSTATUS(status);
}

static int contained(int (*probe)(void), bool read_only)
{
	char dir[] = "/tmp/bryo-sandbox-XXXXXX";
	struct err err = ERR_INIT;
	int status;
	pid_t pid;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	pid = fork();
	if (pid == 0)
		_exit(run_child(probe, read_only, dir));
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(tree_remove_at(AT_FDCWD, dir, &err), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* ---- files -------------------------------------------------------------- */

static int probe_outside(void)
{
	static const char *const paths[] = {
		"/etc/passwd", "/proc/self/root/etc/passwd", "/tmp", "/usr",
		"../../../../etc/passwd", "/proc/1/environ", "/dev/null",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (openat(AT_FDCWD, paths[i], O_RDONLY) >= 0 ||
		    errno != ENOENT)
			return 1 + (int)i;
	return 0;
}

static int probe_dotdot(void)
{
	struct stat root, up;
	int fd = openat(LAYER_FD_ROOT, "..", O_RDONLY | O_DIRECTORY);

	if (fd < 0 || fstat(fd, &up) < 0 || fstat(LAYER_FD_ROOT, &root) < 0)
		return 1;
	return up.st_ino != root.st_ino || up.st_dev != root.st_dev;
}

/* All descriptors but those of the contract are closed. */
static int probe_descriptors(void)
{
	for (int fd = LAYER_FD_RESUME + 1; fd < 200; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			return fd;
	return 0;
}

static int probe_work(void)
{
	int fd = openat(LAYER_FD_ROOT, "f", O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || write(fd, "x", 1) != 1 || fchmod(fd, 04755) < 0)
		return 1;
	if (mkdirat(LAYER_FD_ROOT, "d", 0755) < 0 ||
	    linkat(LAYER_FD_ROOT, "f", LAYER_FD_ROOT, "d/f", 0) < 0)
		return 2;
	if (mknodat(LAYER_FD_ROOT, "w", S_IFCHR, makedev(0, 0)) < 0)
		return 3;
	return 0;
}

static int probe_device(void)
{
	return mknodat(LAYER_FD_ROOT, "null", S_IFCHR | 0666,
		       makedev(1, 3)) == 0 || errno != EPERM;
}

static int probe_read_only(void)
{
	return openat(LAYER_FD_ROOT, "f", O_WRONLY | O_CREAT, 0600) >= 0 ||
	       errno != EACCES;
}

static int probe_large_file(void)
{
	int fd = openat(LAYER_FD_ROOT, "f", O_WRONLY | O_CREAT, 0600);

	return fd < 0 || ftruncate(fd, 2 << 20) == 0 || errno != EFBIG;
}

#if !LAYER_ASAN
static int probe_memory(void)
{
	return mmap(NULL, 256u << 20, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ||
	       errno != ENOMEM;
}

static void test_memory(void **state unused_attr)
{
	assert_int_equal(contained(probe_memory, false), 0);
}
#else
static void test_memory(void **state unused_attr)
{
	/* the shadow of ASan is larger than any limit */
}
#endif

static long landlock_abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION);
}

static void test_files(void **state unused_attr)
{
	assert_int_equal(contained(probe_outside, false), 0);
	assert_int_equal(contained(probe_dotdot, false), 0);
	assert_int_equal(contained(probe_descriptors, false), 0);
	assert_int_equal(contained(probe_work, false), 0);
	assert_int_equal(contained(probe_device, false), 0);
	assert_int_equal(contained(probe_large_file, false), 0);
	if (landlock_abi() >= 2)
		assert_int_equal(contained(probe_read_only, true), 0);
}

/* ---- system calls ------------------------------------------------------- */

static const struct {
	const char *name;
	long nr;
	long arg[3];
} calls[] = {
	{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
	{ "connect", SYS_connect, { 0, 0, 0 } },
	{ "clone", SYS_clone, { SIGCHLD, 0, 0 } },
	{ "clone3", SYS_clone3, { 0, 0, 0 } },
	{ "execve", SYS_execve, { 0, 0, 0 } },
	{ "execveat", SYS_execveat, { 0, 0, 0 } },
	{ "kill", SYS_kill, { 1, 0, 0 } },
	{ "ptrace", SYS_ptrace, { PTRACE_TRACEME, 0, 0 } },
	{ "mount", SYS_mount, { 0, 0, 0 } },
	{ "unshare", SYS_unshare, { 0, 0, 0 } },
	{ "setns", SYS_setns, { 0, 0, 0 } },
	{ "chroot", SYS_chroot, { 0, 0, 0 } },
	{ "bpf", SYS_bpf, { 0, 0, 0 } },
	{ "io_uring_setup", SYS_io_uring_setup, { 0, 0, 0 } },
	{ "keyctl", SYS_keyctl, { 0, 0, 0 } },
	{ "memfd_create", SYS_memfd_create, { 0, 0, 0 } },
	{ "process_vm_readv", SYS_process_vm_readv, { 0, 0, 0 } },
	{ "open_by_handle_at", SYS_open_by_handle_at, { 0, 0, 0 } },
	{ "ioctl", SYS_ioctl, { 0, 0x5412, 0 } },
	{ "prctl", SYS_prctl, { 0, 0, 0 } },
	{ "mmap executable", SYS_mmap, { 0, 4096, PROT_EXEC } },
	{ "mprotect executable", SYS_mprotect, { 0, 4096, PROT_EXEC } },
	{ "number of x32", 0x40000000 | SYS_write, { 0, 0, 0 } },
};

static size_t call;

static int probe_call(void)
{
	syscall(calls[call].nr, calls[call].arg[0], calls[call].arg[1],
		calls[call].arg[2], MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return 1;
}

static void test_calls(void **state unused_attr)
{
	for (call = 0; call < ARRAY_LEN(calls); call++) {
		print_message("case: %s\n", calls[call].name);
		assert_int_equal(contained(probe_call, false), SIGSYS_STATUS);
	}
}

UNIT_TESTS(unit_test(test_files), unit_test(test_memory),
	   unit_test(test_calls));
