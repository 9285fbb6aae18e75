/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Go's html, js and urlquery: the arguments as print makes one text of them,
 * then written so that it stays a text in HTML, between the quotes of a
 * JavaScript string, or in the query of a URL.
 */
#include <ctype.h>

#include "cmd/gotext.h"
#include "cmd/template_priv.h"
#include "util/str.h"

/* NULL: as it is */
static const char *html_of(char c)
{
	switch (c) {
	case '"':
		return "&#34;";
	case '\'':
		return "&#39;";
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	default:
		return NULL;
	}
}

void escape_html(const char *s, struct sb *out)
{
	for (; *s; s++) {
		if (html_of(*s))
			sb_add(out, html_of(*s));
		else
			sb_addch(out, *s);
	}
}

void escape_js(const char *s, struct sb *out)
{
	while (*s) {
		uint32_t c = 0;
		size_t len = utf8_next(s, &c);

		if (c == '\\' || c == '\'' || c == '"')
			sb_addf(out, "\\%c", (char)c);
		else if (!go_is_printable(c) ||
			 (c < 0x80 && strchr("<>&=", (int)c)))
			sb_addf(out, "\\u%04X", c);
		else
			sb_addn(out, s, len);
		s += len;
	}
}

void escape_url(const char *s, struct sb *out)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < 0x80 && (isalnum(c) || strchr("-_.~", c)))
			sb_addch(out, *s);
		else if (c == ' ')
			sb_addch(out, '+');
		else
			sb_addf(out, "%%%02X", c);
	}
}
