/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpod/oci/oci.h"
#include "util/cleanup.h"

/* Custom profiles, tried in a child of the running kernel. */

#define CAP(c) (UINT64_C(1) << (c))

/* Loads the profile and answers what chroot("/nosuch") and the like give. */
struct probe {
	int chroot_errno;
	int getppid_ok;
	int personality_errno;
};

static int load(const struct oci_seccomp *s)
{
	struct sock_fprog prog = { (unsigned short)s->n,
				   (struct sock_filter *)(uintptr_t)s->filter };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

static void ask(struct probe *p)
{
	p->chroot_errno = syscall(SYS_chroot, "/nosuch") < 0 ? errno : 0;
	errno = 0;
	p->getppid_ok = syscall(SYS_getppid) > 0;
	p->personality_errno = syscall(SYS_personality, 0x1234) < 0 ? errno : 0;
}

static struct probe in_kernel(const char *text, uint64_t caps)
{
	struct oci_seccomp s = { .filter = NULL };
	struct probe probe = { 0 };
	int status = 0;
	int fds[2];
	pid_t pid;

	assert_ok(oci_seccomp_compile(text, strlen(text), caps, &s, err));
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		if (load(&s) < 0)
			_exit(1);
		ask(&probe);
		/* plain calls: a sanitizer would make others, now refused */
		syscall(SYS_write, fds[1], &probe, sizeof(probe));
		syscall(SYS_exit_group, 0);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &probe, sizeof(probe)), sizeof(probe));
	close(fds[0]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	oci_seccomp_done(&s);
	return probe;
}

static const char docker_form[] =
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\","
	"\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\","
	"\"subArchitectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]}],"
	"\"syscalls\":[{\"names\":[\"chroot\",\"nosuchcall\"],"
	"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":99,"
	"\"excludes\":{\"caps\":[\"CAP_SYS_CHROOT\"]}},"
	"{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ERRNO\","
	"\"args\":[{\"index\":0,\"value\":4660,\"op\":\"SCMP_CMP_EQ\"}],"
	"\"includes\":{\"minKernel\":\"4.8\"}},"
	"{\"name\":\"getppid\",\"action\":\"SCMP_ACT_ERRNO\","
	"\"includes\":{\"arches\":[\"nosucharch\"]}}]}";

static void test_docker_form(void **state unused_attr)
{
	struct probe p = in_kernel(docker_form, 0);

	assert_int_equal(p.chroot_errno, 99);
	assert_int_equal(p.getppid_ok, 1);
	assert_int_equal(p.personality_errno, EPERM);
	p = in_kernel(docker_form, CAP(CAP_SYS_CHROOT));
	assert_int_not_equal(p.chroot_errno, 99);
}

static void test_spec_form(void **state unused_attr)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":"
		"[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_AARCH64\"],\"syscalls\":"
		"[{\"names\":[\"chroot\"],\"action\":\"SCMP_ACT_ERRNO\"}]}";

	assert_int_equal(in_kernel(text, 0).chroot_errno, EPERM);
}

/*
 * moby/profiles#21: a rule with the action of the default stays in, and wins
 * over a wider one.
 */
static void test_rule_like_default(void **state unused_attr)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		"\"syscalls\":[{\"names\":[\"write\",\"exit_group\",\"chroot\","
		"\"getppid\",\"mmap\",\"munmap\",\"mprotect\",\"madvise\","
		"\"futex\",\"brk\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ERRNO\","
		"\"errnoRet\":38}]}";
	struct oci_seccomp s = { .filter = NULL };
	const struct sock_filter *f;
	size_t named = 0;

	assert_int_equal(in_kernel(text, 0).personality_errno, ENOSYS);
	assert_ok(oci_seccomp_compile(text, strlen(text), 0, &s, err));
	f = s.filter;
	for (size_t i = 0; i < s.n; i++)
		named += f[i].k == SYS_personality;
	assert_true(named > 0);
	oci_seccomp_done(&s);
}

/* Two comparisons of one argument: one rule each. */
static void test_repeated_argument(void **state unused_attr)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{"
		"\"names\":"
		"[\"personality\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":["
		"{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},"
		"{\"index\":0,\"value\":4660,\"op\":\"SCMP_CMP_EQ\"}]}]}";

	assert_int_equal(in_kernel(text, 0).personality_errno, EPERM);
}

static const char *const bad[] = {
	"",
	"[]",
	"{}",
	"{\"defaultAction\":\"ALLOW\"}",
	"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}",
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":5000}",
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[1]}",
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
	"[\"read\"],\"action\":\"x\"}]}",
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
	"[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":6,"
	"\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}",
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":"
	"[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":[{\"index\":0,"
	"\"value\":1,\"op\":\"EQ\"}]}]}",
};

static void test_bad(void **state unused_attr)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct oci_seccomp s = { .filter = NULL };
		struct err e = ERR_INIT;

		assert_true(oci_seccomp_compile(bad[i], strlen(bad[i]), 0,
						    &s, &e) < 0);
		print_message("%s\n", e.msg);
		assert_true(e.msg[0]);
		assert_null(s.filter);
	}
}

UNIT_TESTS(unit_test(test_docker_form), unit_test(test_spec_form),
	   unit_test(test_rule_like_default), unit_test(test_repeated_argument),
	   unit_test(test_bad));
