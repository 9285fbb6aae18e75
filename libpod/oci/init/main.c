/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/socket.h>
#include <linux/termios.h>
#include <linux/wait.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "libpod/oci/init/sys.h"
#include "libpod/oci/sync.h"

/*
 * Theory of operation
 *
 * bryo-init runs inside the container, from a sealed copy in memory that
 * nobody can write, as the payload's user with the payload's confinement:
 *
 *     bryo-init t:SYNCFD PROGRAM ARG0 ARG1...     become the payload
 *     bryo-init i:SYNCFD PROGRAM ARG0 ARG1...     --init: stay as pid 1
 *
 * In its first job it exists only so that the process which calls execve(2)
 * for the payload is not bryo itself: a payload "#!/proc/self/exe" then runs
 * this file again, which is of no use to anybody (CVE-2019-5736).  In its
 * second it forks the payload, passes every signal on to it, reaps what is
 * re-parented to pid 1, and ends with the payload's exit status.
 *
 * There is no C library underneath.  A failed execve is told to the parent
 * over SYNCFD, which closes on success.
 */

/* fcntl.h has these behind names that bits of libc would be needed for */
#define MSG_NOSIGNAL_FLAG 0x4000
#define ALL_SIGNALS (~UINT64_C(0))
#define SIGSET_BYTES 8

void start_main(long *stack) __attribute__((noreturn, used));

__asm__(START_ASM);

/* The compiler may call these for copies of structures. */
void *memset(void *p, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *p, int c, size_t n)
{
	volatile unsigned char *b = p;

	while (n--)
		*b++ = (unsigned char)c;
	return p;
}

void *memcpy(void *to, const void *from, size_t n)
{
	volatile unsigned char *t = to;
	const unsigned char *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

static void __attribute__((noreturn)) leave(int code)
{
	for (;;)
		SYS(__NR_exit_group, code);
}

/* "t:17" -> 17; -1 for anything else */
static int parse_fd(const char *s)
{
	int fd = 0;

	if (!s || (s[0] != 't' && s[0] != 'i') || s[1] != ':' || !s[2])
		return -1;
	for (s += 2; *s; s++) {
		if (*s < '0' || *s > '9' || fd > 1000000)
			return -1;
		fd = fd * 10 + (*s - '0');
	}
	return fd;
}

static void report(int sync_fd, long code, const char *name)
{
	static struct sync_msg msg;
	uint32_t len = 0;

	while (name[len] && len < SYNC_TEXT_MAX - 1) {
		msg.text[len] = name[len];
		len++;
	}
	msg.type = SYNC_EXEC_FAILED;
	msg.value = (int32_t)code;
	msg.text_len = len;
	SYS(__NR_sendto, sync_fd, &msg, SYNC_HEAD + len, MSG_NOSIGNAL_FLAG);
}

static void __attribute__((noreturn))
run(int sync_fd, char **args, char **env)
{
	long r = SYS(__NR_execve, args[0], args + 1, env);

	report(sync_fd, -r, args[1]);
	leave(127);
}

/* The payload is in the foreground of its terminal, if it has one. */
static void __attribute__((noreturn))
child(int sync_fd, char **args, char **env, const uint64_t *mask)
{
	int pid = (int)SYS(__NR_getpid, 0);

	SYS(__NR_setpgid, 0, 0);
	SYS(__NR_ioctl, 0, TIOCSPGRP, &pid);	/* SIGTTOU is blocked */
	SYS(__NR_rt_sigprocmask, SIG_SETMASK, mask, 0, SIGSET_BYTES);
	run(sync_fd, args, env);
}

/* Reap all that ended; the payload's exit code, or -1 while it runs. */
static int reap(long payload)
{
	int code = -1;
	int status = 0;
	long pid;

	while ((pid = SYS(__NR_wait4, -1, &status, WNOHANG | __WALL)) > 0) {
		if (pid != payload)
			continue;
		code = status & 0x7f ? 128 + (status & 0x7f) :
		       (status >> 8) & 0xff;
	}
	return code;
}

static void __attribute__((noreturn))
stay(int sync_fd, char **args, char **env)
{
	const uint64_t all = ALL_SIGNALS;
	uint64_t old = 0;
	long payload;
	int code = -1;

	/* executed through a descriptor we have another name */
	SYS(__NR_prctl, PR_SET_NAME, "bryo-init");
	SYS(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1);
	SYS(__NR_rt_sigprocmask, SIG_SETMASK, &all, &old, SIGSET_BYTES);
	payload = SYS(__NR_clone, SIGCHLD);
	if (payload == 0)
		child(sync_fd, args, env, &old);
	if (payload < 0) {
		report(sync_fd, -payload, args[1]);
		leave(127);
	}
	SYS(__NR_close, sync_fd);
	while (code < 0) {
		long sig = SYS(__NR_rt_sigtimedwait, &all, 0, 0, SIGSET_BYTES);

		if (sig == SIGCHLD)
			code = reap(payload);
		else if (sig > 0)
			SYS(__NR_kill, payload, sig);
	}
	leave(code);
}

void start_main(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	char **env = argv + argc + 1;
	int sync_fd = argc >= 4 ? parse_fd(argv[1]) : -1;

	/* Somebody runs us by hand, or as "#!/proc/self/exe". */
	if (sync_fd < 0)
		leave(125);
	if (SYS(__NR_fcntl, sync_fd, F_SETFD, FD_CLOEXEC) < 0)
		leave(125);
	if (argv[1][0] == 'i')
		stay(sync_fd, argv + 2, env);
	run(sync_fd, argv + 2, env);
}
