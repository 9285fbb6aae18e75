/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TOOLS_TRACER_H
#define TESTS_TOOLS_TRACER_H

#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/types.h>

/*
 * Follow a command and all of its descendants through their system calls.
 * For test tools: what goes wrong ends the program with 124.
 */

/**
 * struct tracer - what to do on the way
 * @on_call:   at each entry and exit of a system call; false: @pid stays
 *             stopped until tracer_go()
 * @on_end:    @pid is gone; may be NULL
 * @on_exit:   the command itself ended with @code (128+n for a signal); may be
 *             NULL
 * @linger_ms: how long what the command left running is followed
 */
struct tracer {
	bool (*on_call)(pid_t pid, const struct __ptrace_syscall_info *info);
	void (*on_end)(pid_t pid);
	void (*on_exit)(int code);
	long linger_ms;
};

void __attribute__((noreturn)) tracer_die(const char *what);

/** tracer_go() - let a process go on that on_call stopped */
void tracer_go(pid_t pid);

/** tracer_run() - start @argv and follow it.  Return: its exit code */
int tracer_run(const struct tracer *t, char **argv);

#endif
