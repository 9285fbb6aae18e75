/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_US 10000
#define SYSGOOD 0x80

void tracer_die(const char *what)
{
	fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
	exit(124);
}

void tracer_go(pid_t pid)
{
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
}

static bool at_call(const struct tracer *t, pid_t pid)
{
	struct __ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	       t->on_call(pid, &info);
}

static void at_stop(const struct tracer *t, pid_t pid, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;
	bool group = sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
		     sig == SIGTTOU;

	if (sig == (SIGTRAP | SYSGOOD)) {
		if (!at_call(t, pid))
			return;
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
static int follow(const struct tracer *t, pid_t command)
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
			at_stop(t, pid, status);
			continue;
		}
		if (t->on_end)
			t->on_end(pid);
		if (pid != command)
			continue;
		code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					     WEXITSTATUS(status);
		end = now_ms() + t->linger_ms;
		if (t->on_exit)
			t->on_exit(code);
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
		tracer_die("pipe");
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 1)
			execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || ptrace(PTRACE_SEIZE, pid, 0, (void *)opts) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		tracer_die("trace the command");
	close(go[0]);
	if (write(go[1], "g", 1) != 1)
		tracer_die("write");
	close(go[1]);
	return pid;
}

int tracer_run(const struct tracer *t, char **argv)
{
	const struct sigaction sa = { .sa_handler = tick };
	const struct itimerval each = { { 0, TICK_US }, { 0, TICK_US } };
	pid_t pid = start(argv);

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
	return follow(t, pid);
}
