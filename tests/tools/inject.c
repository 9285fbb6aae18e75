/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: inject LOG N ACTION LINGER-MS CALL,CALL,... COMMAND [ARG...]
 *
 * Run COMMAND and, at the N-th of the named system calls that it and all of
 * its descendants make together, kill the caller (ACTION "kill") or let the
 * call fail without having been made (ACTION is an errno as a number).  LOG
 * gets one line when that happened.  Exits as COMMAND did (128+n for a
 * signal); what COMMAND leaves running is traced for LINGER-MS longer.
 *
 * strace counts the calls of each process by itself, so that the first process
 * always is the one that is hit; and it stays until the last one has ended.
 */
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
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_US 10000
#define SYSGOOD 0x80
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
static const char *log_path;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(124);
}

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

/* The call is not made; its result is written at its exit. */
static void skip_call(pid_t pid)
{
#if defined(__x86_64__)
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0)
		return;
	regs.orig_rax = (unsigned long long)-1;
	ptrace(PTRACE_SETREGS, pid, 0, &regs);
#elif defined(__aarch64__)
	int nr = -1;
	struct iovec iov = { &nr, sizeof(nr) };

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov);
#else
#error "which register holds the number of a system call?"
#endif
}

static void set_result(pid_t pid, long value)
{
	struct user_regs_struct regs;
	struct iovec iov = { &regs, sizeof(regs) };

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) < 0)
		return;
#if defined(__x86_64__)
	regs.rax = (unsigned long long)value;
#else
	regs.regs[0] = (unsigned long long)value;
#endif
	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}

static void at_syscall(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && pid == victim) {
		set_result(pid, -action);
		victim = 0;
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr >= 512 ||
	    !wanted[info.entry.nr] || ++count != target)
		return;
	note(pid, info.entry.nr);
	if (!action) {
		kill(pid, SIGKILL);
		return;
	}
	victim = pid;
	skip_call(pid);
}

static void at_stop(pid_t pid, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;
	bool group = sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
		     sig == SIGTTOU;

	if (sig == (SIGTRAP | SYSGOOD)) {
		at_syscall(pid);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP && group) {
		ptrace(PTRACE_LISTEN, pid, 0, 0);
		return;
	} else if (event) {
		sig = 0;
	}
	ptrace(PTRACE_SYSCALL, pid, 0, sig);
}

static void tick(int sig)
{
	(void)sig;
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Whoever is left when we exit is detached by the kernel and goes on. */
static int follow(pid_t command, long linger_ms)
{
	int code = -1;
	long end = 0;

	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (code >= 0 && now_ms() >= end)
			return code;
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return code < 0 ? 124 : code;
		if (WIFSTOPPED(status)) {
			at_stop(pid, status);
			continue;
		}
		if (pid != command)
			continue;
		code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					     WEXITSTATUS(status);
		end = now_ms() + linger_ms;
	}
}

static pid_t start(char **argv)
{
	const uintptr_t opts = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK |
			       PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			       PTRACE_O_TRACEEXEC;
	int go[2];
	char byte;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 1)
			execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, 0, (void *)opts) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		die("trace the command");
	close(go[0]);
	if (write(go[1], "g", 1) != 1)
		die("write");
	close(go[1]);
	return pid;
}

int main(int argc, char **argv)
{
	const struct sigaction sa = { .sa_handler = tick };
	const struct itimerval each = { { 0, TICK_US }, { 0, TICK_US } };
	pid_t pid;

	if (argc < 7) {
		fputs("usage: inject LOG N kill|ERRNO LINGER-MS CALLS "
		      "COMMAND...\n", stderr);
		return 124;
	}
	log_path = argv[1];
	target = strtoul(argv[2], NULL, 10);
	action = (int)strtoul(argv[3], NULL, 10);
	want(argv[5]);
	pid = start(argv + 6);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
	return follow(pid, (long)strtoul(argv[4], NULL, 10));
}
