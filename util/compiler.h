/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_COMPILER_H
#define UTIL_COMPILER_H

#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define noreturn_attr __attribute__((noreturn))
#define unused_attr __attribute__((unused))
#define must_check __attribute__((warn_unused_result))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Either argument is evaluated twice: no calls in them. */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
