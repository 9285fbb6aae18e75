/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_STR_H
#define UTIL_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "util/compiler.h"
#include "util/err.h"

/* Allocation that ends the process instead of failing. */
void *xmalloc(size_t n) must_check;
void *xcalloc(size_t n, size_t size) must_check;
void *xreallocarray(void *p, size_t n, size_t size) must_check;
char *xstrdup(const char *s) must_check;		/* NULL stays NULL */
char *xstrndup(const char *s, size_t n) must_check;
char *xasprintf(const char *fmt, ...) printf_like(1, 2) must_check;
void *xmemdup(const void *p, size_t n) must_check;

static inline bool streq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static inline bool str_is_empty(const char *s)
{
	return !s || !*s;
}

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/** str_after() - the part of @s behind @prefix, or NULL; borrowed from @s */
const char *str_after(const char *s, const char *prefix);

/** str_set() - free *@dst, make it a copy of @s (may be NULL) */
void str_set(char **dst, const char *s);

/** str_lower() - ASCII, in place */
void str_lower(char *s);

/** str_trim() - cut blanks at both ends, in place; returns inside @s */
char *str_trim(char *s);

/*
 * Numbers: decimal digits only, the whole string, no sign, blank or overflow
 * (CVE class: "exec -u 1" parsed as 0).  -EINVAL or -ERANGE, *ret untouched.
 */
int parse_u64(const char *s, uint64_t *ret);
int parse_u32(const char *s, uint32_t *ret);
int parse_i64(const char *s, int64_t *ret);	/* one leading '-' allowed */
int parse_int(const char *s, int *ret);		/* one leading '-' allowed */
int parse_double(const char *s, double *ret);	/* C locale, no nan/inf */

/** parse_id() - a uid or gid: 0..4294967294 */
int parse_id(const char *s, uint32_t *ret);

/** parse_octal() - "0755", "755" */
int parse_octal(const char *s, uint32_t *ret);

/** parse_bool() - 1 t true 0 f false (any of Go's spellings) */
int parse_bool(const char *s, bool *ret);

/** parse_size() - "512", "64k", "1.5MB", "2GiB": binary, any case; bytes */
int parse_size(const char *s, uint64_t *ret);

/** parse_duration() - Go's form "1h30m", "500ms", "10s"; nanoseconds */
int parse_duration(const char *s, int64_t *ret_ns);

/** parse_signal() - "TERM", "SIGTERM", "-TERM", "15", "RTMAX-1"; 1..64
 *
 *  Return: 0, -EINVAL (no such name), -ERANGE (number out of range)
 */
int parse_signal(const char *s, int *ret);

/** signal_name() - "SIGTERM"; NULL for a number out of range */
const char *signal_name(int sig);

/** name_is_valid() - [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 255 bytes */
bool name_is_valid(const char *name);

/** hex_is_valid() - exactly @n lower-case hex digits (0 = one or more) */
bool hex_is_valid(const char *s, size_t n);

/** id_random() - 64 lower-case hex digits from getrandom(2) and a NUL */
void id_random(char ret[65]);

/** base64_encode()/base64_decode() - standard alphabet with padding; the
 *  result is owned and terminated; decode returns NULL on bad input */
char *base64_encode(const void *data, size_t len);
char *base64_decode(const char *s, size_t *ret_len);

#endif
