/* SPDX-License-Identifier: Apache-2.0 */
#include "util/sb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/err.h"

char sb_empty[1] = "";

void sb_limit(struct sb *sb, size_t max)
{
	sb->limit = max;
}

static bool make_room(struct sb *sb, size_t more)
{
	size_t want;
	char *p;

	if (sb->limit && (more > sb->limit || sb->len > sb->limit - more)) {
		sb->over = true;
		return false;
	}
	if (more > SIZE_MAX / 4 || sb->len > SIZE_MAX / 4)
		die_oom();
	want = sb->len + more + 1;
	if (want <= sb->cap)
		return true;
	want = want < 64 ? 64 : want + want / 2;
	p = realloc(sb->cap ? sb->buf : NULL, want);
	if (!p)
		die_oom();
	if (!sb->cap)
		p[0] = '\0';
	sb->buf = p;
	sb->cap = want;
	return true;
}

void sb_addn(struct sb *sb, const void *data, size_t len)
{
	if (!len || !make_room(sb, len))
		return;
	memcpy(sb->buf + sb->len, data, len);
	sb->len += len;
	sb->buf[sb->len] = '\0';
}

void sb_add(struct sb *sb, const char *s)
{
	sb_addn(sb, s, strlen(s));
}

void sb_addch(struct sb *sb, char c)
{
	sb_addn(sb, &c, 1);
}

void sb_addv(struct sb *sb, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		die_oom();
	if (!n || !make_room(sb, (size_t)n))
		return;
	vsnprintf(sb->buf + sb->len, (size_t)n + 1, fmt, ap);
	sb->len += (size_t)n;
}

void sb_addf(struct sb *sb, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sb_addv(sb, fmt, ap);
	va_end(ap);
}

char *sb_reserve(struct sb *sb, size_t more)
{
	return make_room(sb, more) ? sb->buf + sb->len : NULL;
}

void sb_grow(struct sb *sb, size_t used)
{
	sb->len += used;
	if (sb->cap)
		sb->buf[sb->len] = '\0';
}

void sb_drop(struct sb *sb, size_t n)
{
	if (n > sb->len)
		n = sb->len;
	if (!n)
		return;
	memmove(sb->buf, sb->buf + n, sb->len - n + 1);
	sb->len -= n;
}

void sb_trunc(struct sb *sb, size_t len)
{
	if (len >= sb->len)
		return;
	sb->len = len;
	sb->buf[len] = '\0';
}

char *sb_take(struct sb *sb)
{
	char *text;

	if (!sb->cap && !make_room(sb, 0))
		die_oom();
	text = sb->buf;
	text[sb->len] = '\0';
	sb->buf = sb_empty;
	sb->len = 0;
	sb->cap = 0;
	sb->over = false;
	return text;
}

void sb_done(struct sb *sb)
{
	int saved = errno;

	if (sb->cap)
		free(sb->buf);
	sb->buf = sb_empty;
	sb->len = 0;
	sb->cap = 0;
	sb->over = false;
	errno = saved;
}
