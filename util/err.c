/* SPDX-License-Identifier: Apache-2.0 */
#include "util/err.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One write(2) on a pipe must carry it whole. */
_Static_assert(sizeof(struct err) <= PIPE_BUF, "struct err crosses a pipe");

static int store(struct err *err, enum err_kind kind, int code)
{
	if (code < 0)
		code = -code;
	if (code == 0)
		code = EIO;
	if (err) {
		err->code = code;
		err->kind = kind;
	}
	return -code;
}

const char *err_reason(int code)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s", strerror(code));
	/* "No such ..." but not an abbreviation */
	if (text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a')
		text[0] = (char)(text[0] - 'A' + 'a');
	return text;
}

/* What is behind it, and where to look */
static const char *hint_of(int code)
{
	switch (code < 0 ? -code : code) {
	case EMFILE:
		return " (see ulimit -n)";
	case ENFILE:
		return " (see sysctl fs.file-max)";
	case ENOSYS:
		return " (the kernel is too old, or a filter of system calls "
		       "around us says so)";
	default:
		return "";
	}
}

/* Append ": reason" behind what is in msg, never overflowing. */
static void add_reason(struct err *err, int code)
{
	size_t len = strlen(err->msg);

	snprintf(err->msg + len, sizeof(err->msg) - len, ": %s%s",
		 err_reason(code), hint_of(code));
}

int err_set(struct err *err, enum err_kind kind, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
	}
	return store(err, kind, code);
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int code = errno ? errno : EIO;
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		add_reason(err, code);
	}
	return store(err, ERR_SYS, code);
}

int err_code(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (code < 0)
		code = -code;
	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
		add_reason(err, code);
	}
	return store(err, ERR_SYS, code);
}

int err_fork(struct err *err, int code, const char *fmt, ...)
{
	char what[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	code = err_code(err, code, "%s", what);
	if (err && code == -EAGAIN)
		err_set(err, ERR_SYS, EAGAIN, "%s: no more processes allowed "
			"(see ulimit -u, and pids.max of the cgroup)", what);
	return code;
}

int err_wrap(struct err *err, int r, const char *fmt, ...)
{
	char inner[ERR_MSG_MAX];
	va_list ap;
	size_t len;

	if (!err)
		return r;
	snprintf(inner, sizeof(inner), "%s", err->msg);
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", inner);
	return r;
}

int err_kind_set(struct err *err, int r, enum err_kind kind)
{
	if (err)
		err->kind = kind;
	return r;
}

int err_clear(struct err *err)
{
	if (!err)
		return 0;
	err->code = 0;
	err->kind = ERR_FAIL;
	err->msg[0] = '\0';
	return 0;
}

void die_oom(void)
{
	static const char text[] = "Error: out of memory\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)n;
	_exit(125);
}
