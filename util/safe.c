/* SPDX-License-Identifier: Apache-2.0 */
#include "util/safe.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* How long the sequence is that begins with @first; 0: none does */
static size_t utf8_want(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/*
 * Length of the valid UTF-8 sequence at @s, 0 when it is none; *cp gets the
 * code point.  Overlong forms, surrogates and > U+10FFFF are not valid.
 */
static size_t utf8_len(const unsigned char *s, size_t len, uint32_t *cp)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = utf8_want(s[0]);

	*cp = s[0];
	if (n <= 1)
		return n;
	if (n > len)
		return 0;
	*cp &= 0x7fu >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (s[i] & 0x3f);
	}
	if (*cp < smallest[n] || *cp > 0x10ffff ||
	    (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return n;
}

/* Code points that move, colour, reorder or hide text. */
static bool is_control(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) ||
	       (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069) ||
	       cp == 0x200e || cp == 0x200f || cp == 0x061c ||
	       cp == 0x2028 || cp == 0x2029 || cp == 0xfeff;
}

static void escape_into(struct sb *out, const char *s, size_t len, bool line)
{
	const unsigned char *p = (const unsigned char *)s;

	while (len) {
		uint32_t cp = 0;
		size_t n = utf8_len(p, len, &cp);
		bool pass = n && !is_control(cp);

		if (n && !line && (cp == '\n' || cp == '\t'))
			pass = true;
		if (!n)
			n = 1;
		if (pass)
			sb_addn(out, p, n);
		else if (n == 1 && p[0] == '\n')
			sb_add(out, "\\n");
		else if (n == 1 && p[0] == '\t')
			sb_add(out, "\\t");
		else
			for (size_t i = 0; i < n; i++)
				sb_addf(out, "\\x%02x", p[i]);
		p += n;
		len -= n;
	}
}

void safe_text(struct sb *out, const char *s, size_t len)
{
	escape_into(out, s, len, false);
}

char *safe_line(const char *s)
{
	autosb struct sb out = SB_INIT;

	escape_into(&out, s, strlen(s), true);
	return sb_take(&out);
}
