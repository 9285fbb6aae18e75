/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/table.h"

#include "cmd/gotext.h"
#include "util/compiler.h"
#include "util/str.h"

#define WIDTH_MIN 10
#define GAP 2

/* East Asian wide and emoji blocks take two places. */
static size_t char_width(uint32_t c)
{
	static const uint32_t wide[][2] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },
		{ 0x3041, 0x33ff },   { 0x3400, 0x4dbf },
		{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },
		{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
		{ 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};

	if (c >= 0x300 && c <= 0x36f)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (c >= wide[i][0] && c <= wide[i][1])
			return 2;
	return 1;
}

static size_t text_width(const char *s, size_t len)
{
	const char *end = s + len;
	size_t width = 0;
	uint32_t c = 0;

	while (s < end) {
		size_t n = 1;

		if ((unsigned char)*s < 0x80) {
			width++;
			s++;
			continue;
		}
		n = utf8_next(s, &c);

		if (!n)
			break;
		width += char_width(c);
		s += n;
	}
	return width;
}

/* One cell: up to the next tab or newline; *@s moves to it. */
static size_t next_cell(const char **s)
{
	size_t len = strcspn(*s, "\t\n");

	*s += len;
	return len;
}

static size_t *measure(const char *text, size_t *ret_n)
{
	size_t *width = NULL;
	size_t n = 0;
	size_t col = 0;

	for (const char *s = text; *s; s++) {
		const char *cell = s;
		size_t len = next_cell(&s);
		size_t used = text_width(cell, len);

		if (*s != '\t') {
			col = 0;
			if (!*s)
				break;
			continue;
		}
		if (col == n) {
			width = xreallocarray(width, ++n, sizeof(*width));
			width[col] = WIDTH_MIN;
		}
		width[col] = MAX(width[col], used);
		col++;
	}
	*ret_n = n;
	return width;
}

void table_align(const char *text, struct sb *out)
{
	size_t n = 0;
	autofree size_t *width = measure(text, &n);
	size_t col = 0;

	for (const char *s = text; *s; s++) {
		const char *cell = s;
		size_t len = next_cell(&s);
		size_t used = text_width(cell, len);

		sb_addn(out, cell, len);
		if (!*s)
			break;
		if (*s == '\n') {
			sb_addch(out, '\n');
			col = 0;
			continue;
		}
		for (; used < width[col] + GAP; used++)
			sb_addch(out, ' ');
		col++;
	}
}
