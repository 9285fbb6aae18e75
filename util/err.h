/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_ERR_H
#define UTIL_ERR_H

#include <stdarg.h>

#include "util/compiler.h"

/**
 * enum err_kind - how the outer world should see a failure
 *
 * The command line turns the kind into an exit code (cmd/exit.c); everything
 * below cmd/ only says which kind it was.
 */
enum err_kind {
	ERR_FAIL = 0,	    /* our own failure: 125 */
	ERR_SYS,	    /* a system call failed, code is its errno: 125 */
	ERR_USAGE,	    /* the command line is wrong: 125 + "See '...'" */
	ERR_NOT_FOUND,	    /* no such object: 125, 1 for the rm family */
	ERR_EXISTS,	    /* the name is taken: 125 */
	ERR_IN_USE,	    /* busy, or others depend on it: 125, 2 for rm */
	ERR_STATE,	    /* the object is not in the state this needs: 125 */
	ERR_START,	    /* the runtime could not start the payload: 126 */
	ERR_CMD_NOT_FOUND,  /* the payload's program does not exist: 127 */
	ERR_UNSUPPORTED,    /* not there yet, or not on this kernel: 125 */
	ERR_LIMIT,	    /* a budget on untrusted input ran out: 125 */
	ERR_INVALID,	    /* untrusted input is malformed: 125 */
};

#define ERR_MSG_MAX 1024

/**
 * struct err - why a call failed, innermost cause last
 * @code: positive errno, 0 while unset
 * @kind: see enum err_kind
 * @msg:  "start web: mount /proc: Operation not permitted"
 *
 * A plain value: it owns nothing and is never freed, so it can be filled in
 * after clone(2) and sent to the parent with one write(2) on the sync pipe
 * (_Static_assert in err.c keeps it below PIPE_BUF).  Declare it with
 * ERR_INIT.  Callees leave it alone on success and always set it on failure.
 */
struct err {
	int code;
	enum err_kind kind;
	char msg[ERR_MSG_MAX];
};

#define ERR_INIT { 0, ERR_FAIL, "" }

/**
 * err_set() - record a failure that did not come from a system call
 * @err:  borrowed; may be NULL when the caller does not want the reason
 * @kind: how the outer world should see it
 * @code: positive errno
 *
 * Return: -@code, so that a caller can write return err_set(...);
 */
int err_set(struct err *err, enum err_kind kind, int code, const char *fmt, ...)
	printf_like(4, 5);

/**
 * err_reason() - strerror(), lower case as the middle of a line
 *
 * "no such file or directory": what programs in Go print, and so what scripts
 * that were written for podman match.  Return: borrowed, until the next call
 */
const char *err_reason(int code);

/**
 * err_sys() - record the failed system call that errno describes
 *
 * The text is "<fmt>: <err_reason(errno)>", the kind ERR_SYS.  Where it is a
 * limit, it is named.  errno is read before anything else happens.
 *
 * Return: -errno (-EIO should errno be 0)
 */
int err_sys(struct err *err, const char *fmt, ...) printf_like(2, 3);

/** err_fork() - err_code() of a fork or a clone, with the limits of processes
 *  when they may be the cause */
int err_fork(struct err *err, int code, const char *fmt, ...)
	printf_like(3, 4);

/**
 * err_code() - like err_sys() for calls that return -errno themselves
 * @code: positive or negative errno
 *
 * Return: -|@code|
 */
int err_code(struct err *err, int code, const char *fmt, ...)
	printf_like(3, 4);

/**
 * err_wrap() - put context in front of a reason that is already set
 * @err: borrowed; may be NULL
 * @r:   what the failed callee returned
 *
 * Return: @r
 */
int err_wrap(struct err *err, int r, const char *fmt, ...) printf_like(3, 4);

/** err_kind_set() - change the kind of a reason that is set; returns @r */
int err_kind_set(struct err *err, int r, enum err_kind kind);

/** err_clear() - back to ERR_INIT, for a caller that handled the failure.
 *  Return: 0, so that it can write return err_clear(err) */
int err_clear(struct err *err);

/** err_is_set() - a failure was recorded */
static inline int err_is_set(const struct err *err)
{
	return err && err->code != 0;
}

/** die_oom() - out of memory ends the process: one line on stderr, 125 */
void noreturn_attr die_oom(void);

#endif
