/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_PROC_H
#define UTIL_PROC_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

/*
 * A process is (pid, start time, boot id), used through a pidfd.  A number
 * alone is never signalled.
 */
struct proc_id {
	pid_t pid;	/* 0 = none */
	uint64_t start; /* field 22 of /proc/PID/stat, clock ticks after boot */
};

/** proc_self() - of the calling process */
struct proc_id proc_self(void);

/** proc_start_time() - of @pid; -ESRCH when it is gone or a zombie */
int proc_start_time(pid_t pid, uint64_t *ret);

/**
 * proc_open() - a pidfd of the process that @id names
 *
 * Opens the pidfd first and compares the start time afterwards.
 * Return: descriptor, -ESRCH when that process is gone (pid reuse included)
 */
int proc_open(const struct proc_id *id);

/** proc_is_alive() - that very process exists and is no zombie */
bool proc_is_alive(const struct proc_id *id);

/** proc_is_stopped() - by SIGSTOP or the terminal: until it gets SIGCONT */
bool proc_is_stopped(pid_t pid);

/** proc_age_ns() - since it was started, on the boot clock: a jump of the time
 *  of day and a suspend do not matter.  @id->pid 0: since the boot */
int64_t proc_age_ns(const struct proc_id *id);

/** pidfd_signal() - 0 or -errno */
int pidfd_signal(int pidfd, int sig);

/** pidfd_wait() - until it ended or @timeout_ms (-1: for ever) passed
 *  Return: 1 ended, 0 timeout, -errno */
int pidfd_wait(int pidfd, int timeout_ms);

/** boot_id() - 36 characters of /proc/sys/kernel/random/boot_id; cached;
 *  BRYO_BOOT_ID overrides in test builds */
const char *boot_id(void);

/** signals_reset() - all dispositions to default, nothing blocked: before a
 *  foreign program, and in main(), where an inherited SIG_IGN of SIGCHLD
 *  loses exit codes */
void signals_reset(void);

/** signals_init() - the same for a program of ours, which ignores SIGXFSZ: a
 *  file that is larger than ulimit -f is an error that can be told */
void signals_init(void);

/** signals_fd() - block @sigs (0-terminated) and return a signalfd */
int signals_fd(const int *sigs);

/**
 * struct proc_spawn - a helper program
 * @argv:    borrowed
 * @env:     borrowed; NULL = empty environment
 * @fds:     borrowed; child's descriptor i is fds[i] (0,1,2 first; -1 =
 *           /dev/null); everything else is closed
 * @n_fds:   at least 3
 * @prepare: runs in the child before exec, may be NULL; 0 or -errno
 */
struct proc_spawn {
	const char *path;
	char *const *argv;
	char *const *env;
	const int *fds;
	size_t n_fds;
	int (*prepare)(void *arg, struct err *err);
	void *arg;
};

/**
 * proc_spawn() - fork and exec; reports failures of exec and @prepare
 * @ret_pidfd: owned by the caller; may be NULL
 *
 * Return: the pid or -errno
 */
pid_t proc_spawn(const struct proc_spawn *s, int *ret_pidfd, struct err *err);

/** proc_wait() - reap; exit code, 128+signal, or -errno */
int proc_wait(pid_t pid);

/** proc_find_program() - absolute path of @name in a fixed list of system
 *  directories (/usr/bin, /bin, /usr/sbin, /sbin, /usr/local/bin, ...);
 *  NULL when missing; owned */
char *proc_find_program(const char *name);

/** helper_path() - absolute path of one of our own helper programs: beside
 *  the running binary, else in its ../libexec/bryo; NULL; owned */
char *helper_path(const char *name);

/** self_path() - absolute path of the running binary; borrowed, cached */
const char *self_path(void);

/** child_exit() - leave a forked child: flushes coverage, then _exit(2) */
void noreturn_attr child_exit(int code);

#endif
