/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_SB_H
#define UTIL_SB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/compiler.h"

/**
 * struct sb - a string builder; never NULL, always terminated
 * @buf:   owned once @cap is not 0; a constant empty string before that
 * @len:   bytes without the terminator
 * @cap:   bytes allocated
 * @limit: 0 = none; see sb_limit()
 * @over:  something did not fit @limit and was dropped
 */
struct sb {
	char *buf;
	size_t len;
	size_t cap;
	size_t limit;
	bool over;
};

extern char sb_empty[1];

#define SB_INIT { sb_empty, 0, 0, 0, false }

/** sb_limit() - at most @max bytes; mandatory for what comes from a network,
 *  an image or a socket.  Later additions that do not fit set @sb->over. */
void sb_limit(struct sb *sb, size_t max);

void sb_add(struct sb *sb, const char *s);
void sb_addch(struct sb *sb, char c);
void sb_addn(struct sb *sb, const void *data, size_t len);
void sb_addf(struct sb *sb, const char *fmt, ...) printf_like(2, 3);
void sb_addv(struct sb *sb, const char *fmt, va_list ap);

/** sb_reserve() - room for @more bytes behind len; NULL when over the limit.
 *  The caller writes there and then adds to @sb->len with sb_grow(). */
char *sb_reserve(struct sb *sb, size_t more);
void sb_grow(struct sb *sb, size_t used);

/** sb_drop() - remove the first @n bytes (at most len) */
void sb_drop(struct sb *sb, size_t n);

/** sb_trunc() - keep the first @len bytes */
void sb_trunc(struct sb *sb, size_t len);

/** sb_take() - the text, owned by the caller (never NULL); @sb is empty then */
char *sb_take(struct sb *sb);

/** sb_done() - free; accepts a zeroed struct; usable again afterwards */
void sb_done(struct sb *sb);

#define autosb cleanup(sb_done)

#endif
