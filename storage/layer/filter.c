/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "storage/layer/sandbox.h"
#include "util/compiler.h"

/*
 * The system calls that unpacking and packing make, and those that the C
 * library makes for them.  Everything else ends the process: a call that is
 * not here is a bug of ours or somebody else's code running.
 */
static const int allowed[] = {
	/* per member of the archive, most frequent first */
	SYS_write, SYS_openat, SYS_close, SYS_utimensat, SYS_read, SYS_fchown,
	SYS_fchmod, SYS_mkdirat, SYS_newfstatat, SYS_fstat, SYS_symlinkat,
	SYS_linkat, SYS_mknodat, SYS_fchownat, SYS_fsetxattr, SYS_unlinkat,
	SYS_openat2, SYS_lseek, SYS_ftruncate, SYS_pread64,
	/* packing */
	SYS_getdents64, SYS_readlinkat, SYS_flistxattr, SYS_fgetxattr,
	SYS_fchmodat,
	/* replacing a deep directory */
	SYS_renameat, SYS_renameat2,
	/* messages, budgets, the pipe's size */
	SYS_sendto, SYS_fstatfs, SYS_fcntl, SYS_fadvise64,
	/* memory (qsort(3) asks how much there is) and the end */
	SYS_sysinfo, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_futex,
	SYS_getrandom, SYS_clock_gettime, SYS_exit_group, SYS_exit,
	SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_getpid,
	SYS_gettid, SYS_tgkill, SYS_restart_syscall,
#if LAYER_ASAN
	SYS_sigaltstack, SYS_prlimit64, SYS_sched_yield, SYS_getuid,
	SYS_set_robust_list,
#ifdef SYS_readlink
	SYS_readlink,
#endif
#endif
};

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#else
#error "no seccomp architecture for this machine"
#endif

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF_EQUAL(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (k), (t), (f))
#define IF_ANY_BIT(k, t, f) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (k), (t), (f))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))

/* mmap and mprotect: never executable (the low half of args[2] is prot) */
static const struct sock_filter head[] = {
	LOAD(arch),
	IF_EQUAL(FILTER_ARCH, 1, 0),
	RETURN(SECCOMP_RET_KILL_PROCESS),
	LOAD(nr),
	IF_EQUAL(SYS_mmap, 1, 0),
	IF_EQUAL(SYS_mprotect, 0, 4),
	LOAD(args[2]),
	IF_ANY_BIT(PROT_EXEC, 0, 1),
	RETURN(SECCOMP_RET_KILL_PROCESS),
	RETURN(SECCOMP_RET_ALLOW),
};

int sandbox_filter(struct err *err)
{
	struct sock_filter code[ARRAY_LEN(head) + 2 * ARRAY_LEN(allowed) + 1];
	struct sock_fprog prog = { .filter = code };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		code[n++] = head[i];
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		code[n++] = (struct sock_filter)IF_EQUAL(
			(uint32_t)allowed[i], 0, 1);
		code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_ALLOW);
	}
	code[n++] = (struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS);
	prog.len = (unsigned short)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		return err_sys(err, "load the system call filter");
	return 0;
}
