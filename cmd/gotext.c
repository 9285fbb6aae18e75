/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * How Go writes a quoted text, a number and a duration, byte for byte, since
 * scripts compare them.  UTF-8 is decoded here too: quoting escapes what is
 * not printable and what is no character.
 */
#include "cmd/gotext.h"

#include <math.h>
#include <stdio.h>

#define UTF8_BAD 0xfffdu
#define EXP_BIG 6

size_t utf8_next(const char *s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	size_t len = 0;
	uint32_t c = 0;

	if (!*u)
		return 0;
	*ret = UTF8_BAD;
	if (*u < 0x80) {
		*ret = *u;
		return 1;
	}
	if (*u >= 0xc2 && *u <= 0xdf) {
		len = 2;
		c = *u & 0x1f;
	} else if ((*u & 0xf0) == 0xe0) {
		len = 3;
		c = *u & 0x0f;
	} else if (*u >= 0xf0 && *u <= 0xf4) {
		len = 4;
		c = *u & 0x07;
	} else {
		return 1;
	}
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 1;
	*ret = c;
	return len;
}

void utf8_add(struct sb *out, uint32_t c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = UTF8_BAD;
	if (c < 0x80) {
		sb_addch(out, (char)c);
	} else if (c < 0x800) {
		sb_addch(out, (char)(0xc0 | c >> 6));
		sb_addch(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		sb_addch(out, (char)(0xe0 | c >> 12));
		sb_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
		sb_addch(out, (char)(0x80 | (c & 0x3f)));
	} else {
		sb_addch(out, (char)(0xf0 | c >> 18));
		sb_addch(out, (char)(0x80 | (c >> 12 & 0x3f)));
		sb_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
		sb_addch(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* Characters that Go escapes though they are valid: controls, the spaces but
 * ' ', format characters, surrogates' neighbours, private use. */
bool go_is_printable(uint32_t c)
{
	static const uint32_t hidden[][2] = {
		{ 0x00, 0x1f }, { 0x7f, 0xa0 }, { 0xad, 0xad },
		{ 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x2000, 0x200f },
		{ 0x2028, 0x202f }, { 0x205f, 0x206f }, { 0x3000, 0x3000 },
		{ 0xe000, 0xf8ff }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb },
		{ 0xfffe, 0xffff }, { 0xe0000, 0x10ffff },
	};

	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (c >= hidden[i][0] && c <= hidden[i][1])
			return false;
	return true;
}

static void quote_char(struct sb *out, uint32_t c, char quote)
{
	static const char named[] = "\aa\bb\ff\nn\rr\tt\vv";

	if (c == (unsigned char)quote || c == '\\') {
		sb_addch(out, '\\');
		sb_addch(out, (char)c);
		return;
	}
	for (size_t i = 0; named[i]; i += 2) {
		if (c != (unsigned char)named[i])
			continue;
		sb_addch(out, '\\');
		sb_addch(out, named[i + 1]);
		return;
	}
	if (go_is_printable(c))
		utf8_add(out, c);
	else if (c < 0x20 || c == 0x7f)
		sb_addf(out, "\\x%02x", c);
	else if (c < 0x10000)
		sb_addf(out, "\\u%04x", c);
	else
		sb_addf(out, "\\U%08x", c);
}

void go_quote(struct sb *out, const char *s)
{
	uint32_t c = 0;
	size_t n = 0;

	sb_addch(out, '"');
	for (; (n = utf8_next(s, &c)) > 0; s += n) {
		if (c == UTF8_BAD && n == 1)
			sb_addf(out, "\\x%02x", (unsigned char)*s);
		else
			quote_char(out, c, '"');
	}
	sb_addch(out, '"');
}

void go_quote_rune(struct sb *out, int64_t rune)
{
	uint32_t c = rune < 0 || rune > 0x10ffff ? UTF8_BAD : (uint32_t)rune;

	if (c >= 0xd800 && c <= 0xdfff)
		c = UTF8_BAD;
	sb_addch(out, '\'');
	quote_char(out, c, '\'');
	sb_addch(out, '\'');
}

/* Fewest significant digits that read back as the same number. */
static int shortest(double f, char *buf, size_t size)
{
	for (int digits = 0; digits < 17; digits++) {
		double back = 0;

		snprintf(buf, size, "%.*e", digits, f);
		if (sscanf(buf, "%lf", &back) == 1 && back >= f && back <= f)
			return digits;
	}
	return 16;
}

void go_float(struct sb *out, double f)
{
	char buf[40];
	int digits = 0;
	int exp = 0;

	if (isnan(f)) {
		sb_add(out, "NaN");
		return;
	}
	if (isinf(f)) {
		sb_add(out, f > 0 ? "+Inf" : "-Inf");
		return;
	}
	digits = shortest(f, buf, sizeof(buf));
	if (sscanf(strchr(buf, 'e'), "e%d", &exp) != 1)
		exp = 0;
	if (exp < -4 || exp >= EXP_BIG)
		sb_addf(out, "%.*e", digits, f);
	else
		sb_addf(out, "%.*f", digits > exp ? digits - exp : 0, f);
}

/* "1.5": @n in units of @unit, without trailing zeros */
static void decimal(struct sb *out, uint64_t n, uint64_t unit)
{
	uint64_t rest = n % unit;
	int digits = 0;

	sb_addf(out, "%llu", (unsigned long long)(n / unit));
	if (!rest)
		return;
	for (uint64_t u = unit; u > 1; u /= 10)
		digits++;
	sb_addf(out, ".%0*llu", digits, (unsigned long long)rest);
	while (out->buf[out->len - 1] == '0')
		sb_trunc(out, out->len - 1);
}

void go_duration(struct sb *out, int64_t ns)
{
	uint64_t n = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	uint64_t s = n / 1000000000;

	if (ns < 0)
		sb_addch(out, '-');
	if (!n) {
		sb_add(out, "0s");
	} else if (n < 1000) {
		sb_addf(out, "%lluns", (unsigned long long)n);
	} else if (n < 1000000) {
		decimal(out, n, 1000);
		sb_add(out, "\u00b5s");
	} else if (n < 1000000000) {
		decimal(out, n, 1000000);
		sb_add(out, "ms");
	} else {
		if (s >= 3600)
			sb_addf(out, "%lluh", (unsigned long long)(s / 3600));
		if (s >= 60)
			sb_addf(out, "%llum",
				(unsigned long long)(s / 60 % 60));
		decimal(out, n % 60000000000, 1000000000);
		sb_add(out, "s");
	}
}
