/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include <stdbool.h>

#include "util/compiler.h"

/*
 * Log lines go to stderr in the form that scripts of this field match:
 *     time="2026-11-20T13:27:48Z" level=warning msg="..."
 * Code below cmd/ logs at debug only; what a user has to know travels in a
 * struct err.  The exceptions are log_warn() for a wish that could not be
 * granted and is not an error (a limit without a controller), and for somebody
 * who is waited for all too long.
 */
enum log_level {
	LOG_PANIC,
	LOG_FATAL,
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
	LOG_TRACE,
};

extern enum log_level log_max;	/* default LOG_WARN */

/** log_level_parse() - "warn", "warning", ...; false when unknown */
bool log_level_parse(const char *s, enum log_level *ret);

void log_write(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_at(level, ...)                              \
	do {                                            \
		if ((level) <= log_max)                 \
			log_write((level), __VA_ARGS__); \
	} while (0)

#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_trace(...) log_at(LOG_TRACE, __VA_ARGS__)

#endif
