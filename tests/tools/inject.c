/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: inject LOG N ACTION LINGER-MS CALL,CALL,... COMMAND [ARG...]
 *
 * Run COMMAND and, at the N-th of the named system calls that it and all of
 * its descendants make together, kill the caller (ACTION "kill") or let the
 * call fail without having been made (ACTION is an errno as a number).  LOG
 * gets one line when that happened.  For ENOSPC only writes to files count.
 * Exits as COMMAND did (128+n for a signal); what COMMAND leaves running is
 * traced for LINGER-MS longer.
 *
 * strace counts the calls of each process by itself, so that the first process
 * always is the one that is hit; and it stays until the last one has ended.
 */
#include "tests/tools/tracer.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#define CALL(name) { #name, SYS_##name }

static const struct call {
	const char *name;
	long nr;
} calls[] = {
#ifdef SYS_rename
	CALL(rename), CALL(link), CALL(symlink), CALL(unlink), CALL(mkdir),
	CALL(pipe), CALL(poll), CALL(epoll_wait), CALL(fork), CALL(vfork),
	CALL(dup2),
#endif
	CALL(write), CALL(pwrite64), CALL(writev), CALL(fsync),
	CALL(fdatasync), CALL(renameat), CALL(renameat2), CALL(linkat),
	CALL(symlinkat), CALL(unlinkat), CALL(mkdirat), CALL(ftruncate),
	CALL(fallocate), CALL(openat), CALL(openat2), CALL(mount),
	CALL(umount2), CALL(move_mount), CALL(fsopen), CALL(fsmount),
	CALL(fsconfig), CALL(open_tree), CALL(mount_setattr), CALL(pivot_root),
	CALL(clone), CALL(clone3), CALL(execve), CALL(fchmod), CALL(fchown),
	CALL(sendmsg), CALL(sendto), CALL(recvfrom), CALL(recvmsg),
	CALL(socket), CALL(socketpair), CALL(pipe2), CALL(setns), CALL(bind),
	CALL(listen), CALL(connect), CALL(accept4), CALL(flock),
	CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_pwait),
	CALL(memfd_create), CALL(pidfd_open), CALL(pidfd_send_signal),
	CALL(dup), CALL(dup3), CALL(fcntl), CALL(mmap), CALL(brk), CALL(read),
	CALL(pread64), CALL(wait4), CALL(waitid), CALL(ppoll),
	CALL(nanosleep), CALL(clock_nanosleep), CALL(mknodat), CALL(fstat),
	CALL(newfstatat), CALL(statx), CALL(getdents64),
};

static bool wanted[512];
static unsigned long count, target;
static int action;	/* 0 kill, or an errno */
static pid_t victim;	/* between entry and exit of the call that fails */
static struct user_regs_struct saved;	/* the victim's */
static const char *log_path;

static void want(char *list)
{
	for (char *name; (name = strsep(&list, ","));)
		for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
			if (strcmp(calls[i].name, name) == 0)
				wanted[calls[i].nr] = true;
}

static void note(pid_t pid, uint64_t nr)
{
	int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		      0600);
	char path[64], comm[32] = "?";
	const char *name = "?";
	int in;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if ((uint64_t)calls[i].nr == nr)
			name = calls[i].name;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	in = open(path, O_RDONLY | O_CLOEXEC);
	if (in >= 0 && read(in, comm, sizeof(comm) - 1) > 0)
		comm[strcspn(comm, "\n")] = '\0';
	close(in);
	dprintf(fd, "%s in %s (%d)\n", name, comm, pid);
	close(fd);
}

/* Another call is made, one that fails and that every sandbox allows: -1 would
 * be stopped by seccomp.  The result is written at its exit. */
static void skip_call(pid_t pid)
{
	struct iovec iov = { &saved, sizeof(saved) };
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) < 0)
		return;
	regs = saved;
	iov.iov_base = &regs;
#if defined(__x86_64__)
	regs.orig_rax = SYS_close;
	regs.rdi = (unsigned long long)-1;
#elif defined(__aarch64__)
	int nr = SYS_close;
	struct iovec call = { &nr, sizeof(nr) };

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &call);
	regs.regs[0] = (unsigned long long)-1;
#else
#error "which register holds the number of a system call?"
#endif
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}

static void set_result(pid_t pid, long value)
{
	struct iovec iov = { &saved, sizeof(saved) };

#if defined(__x86_64__)
	saved.rax = (unsigned long long)value;
	saved.orig_rax = (unsigned long long)-1;
#else
	saved.regs[0] = (unsigned long long)value;
#endif
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}

/* A pipe or a socket never finds the disk full; what standard output is, is
 * the caller's business. */
static bool can_be_full(pid_t pid, const struct __ptrace_syscall_info *info)
{
	char path[64];
	struct stat st;

	if (info->entry.nr != SYS_write && info->entry.nr != SYS_writev)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid,
		 (int)info->entry.args[0]);
	return info->entry.args[0] > STDERR_FILENO && stat(path, &st) == 0 &&
	       S_ISREG(st.st_mode);
}

static bool at_syscall(pid_t pid,
		       const struct __ptrace_syscall_info *info)
{
	if (info->op == PTRACE_SYSCALL_INFO_EXIT && pid == victim) {
		set_result(pid, -action);
		victim = 0;
	}
	if (info->op != PTRACE_SYSCALL_INFO_ENTRY || info->entry.nr >= 512 ||
	    !wanted[info->entry.nr] ||
	    (action == ENOSPC && !can_be_full(pid, info)) || ++count != target)
		return true;
	note(pid, info->entry.nr);
	if (!action) {
		kill(pid, SIGKILL);
		return true;
	}
	victim = pid;
	skip_call(pid);
	return true;
}

int main(int argc, char **argv)
{
	struct tracer tracer = { .on_call = at_syscall };

	if (argc < 7) {
		fputs("usage: inject LOG N kill|ERRNO LINGER-MS CALLS "
		      "COMMAND...\n", stderr);
		return 124;
	}
	log_path = argv[1];
	target = strtoul(argv[2], NULL, 10);
	action = (int)strtoul(argv[3], NULL, 10);
	want(argv[5]);
	tracer.linger_ms = (long)strtoul(argv[4], NULL, 10);
	return tracer_run(&tracer, argv + 6);
}
