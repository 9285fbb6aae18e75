/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strings and memory.  The x functions end the process when there is no memory;
 * all take NULL where a string may be missing, as the headers say.
 */
#include "util/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "util/cleanup.h"

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		die_oom();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die_oom();
	return p;
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n ? n : 1, size ? size : 1);
	if (!p)
		die_oom();
	return p;
}

char *xstrdup(const char *s)
{
	return s ? xmemdup(s, strlen(s) + 1) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = xmalloc(len + 1);

	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *xasprintf(const char *fmt, ...)
{
	char *p = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		die_oom();
	return p;
}

void *xmemdup(const void *p, size_t n)
{
	void *copy = xmalloc(n);

	memcpy(copy, p, n);
	return copy;
}

bool str_starts(const char *s, const char *prefix)
{
	return str_after(s, prefix) != NULL;
}

bool str_ends(const char *s, const char *suffix)
{
	size_t len = strlen(s);
	size_t n = strlen(suffix);

	return len >= n && memcmp(s + len - n, suffix, n) == 0;
}

const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

void str_set(char **dst, const char *s)
{
	char *copy = xstrdup(s);

	free(*dst);
	*dst = copy;
}

void str_lower(char *s)
{
	for (; *s; s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' ||
	       c == '\v';
}

char *str_trim(char *s)
{
	size_t len;

	while (is_blank(*s))
		s++;
	len = strlen(s);
	while (len && is_blank(s[len - 1]))
		s[--len] = '\0';
	return s;
}

bool name_is_valid(const char *name)
{
	size_t i = 0;

	for (; name[i]; i++) {
		bool word = (name[i] >= '0' && name[i] <= '9') ||
			    (name[i] >= 'a' && name[i] <= 'z') ||
			    (name[i] >= 'A' && name[i] <= 'Z');

		if (!word && (i == 0 || !strchr("_.-", name[i])))
			return false;
	}
	return i > 0 && i <= 255;
}

bool hex_is_valid(const char *s, size_t n)
{
	size_t len = strspn(s, "0123456789abcdef");

	return len > 0 && !s[len] && (!n || len == n);
}

static void fill_random(void *buf, size_t len)
{
	unsigned char *p = buf;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			abort();
		p += n;
		len -= (size_t)n;
	}
}

void id_random(char ret[65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char raw[32];

	fill_random(raw, sizeof(raw));
	/* All digits would read as a number in too many places. */
	raw[0] = (unsigned char)((raw[0] & 0x5f) | 0xa0);
	for (size_t i = 0; i < sizeof(raw); i++) {
		ret[2 * i] = digits[raw[i] >> 4];
		ret[2 * i + 1] = digits[raw[i] & 15];
	}
	ret[64] = '\0';
}

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t len)
{
	const unsigned char *p = data;
	char *out = xmalloc((len + 2) / 3 * 4 + 1);
	char *o = out;

	for (; len >= 3; p += 3, len -= 3) {
		*o++ = base64_digits[p[0] >> 2];
		*o++ = base64_digits[(p[0] & 3) << 4 | p[1] >> 4];
		*o++ = base64_digits[(p[1] & 15) << 2 | p[2] >> 6];
		*o++ = base64_digits[p[2] & 63];
	}
	if (len) {
		unsigned char second = len == 2 ? p[1] : 0;

		*o++ = base64_digits[p[0] >> 2];
		*o++ = base64_digits[(p[0] & 3) << 4 | second >> 4];
		*o++ = len == 2 ? base64_digits[(second & 15) << 2] : '=';
		*o++ = '=';
	}
	*o = '\0';
	return out;
}

/* Four digits, or the last two or three and what pads them.  Return: how many
 * are padding, -1 damaged */
static int base64_group(const char *s, bool last, uint32_t *ret)
{
	uint32_t bits = 0;
	int pad = 0;

	for (size_t k = 0; k < 4; k++) {
		const char *d = strchr(base64_digits, s[k]);

		bits <<= 6;
		if (s[k] == '=' && k >= 2 && last)
			pad++;
		else if (!d || pad)
			return -1;
		else
			bits |= (uint32_t)(d - base64_digits);
	}
	*ret = bits;
	return pad;
}

char *base64_decode(const char *s, size_t *ret_len)
{
	size_t len = strlen(s);
	autofree char *out = xmalloc(len / 4 * 3 + 1);
	size_t n = 0;

	if (len % 4)
		return NULL;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t bits;
		int pad = base64_group(s + i, i + 4 == len, &bits);

		if (pad < 0)
			return NULL;
		out[n++] = (char)(bits >> 16);
		if (pad < 2)
			out[n++] = (char)(bits >> 8);
		if (pad < 1)
			out[n++] = (char)bits;
	}
	out[n] = '\0';
	*ret_len = n;
	return take_ptr(out);
}
