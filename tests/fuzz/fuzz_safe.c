/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes to a terminal: the result holds no control character but tab and
 * newline, no C1, is its own image, and a line holds neither.
 */
#include <stdlib.h>

#include "cmd/gotext.h"
#include "cmd/table.h"
#include "util/safe.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *s, size_t len, bool line)
{
	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t n = utf8_next(s + i, &c);

		if (!n || (n == 1 && (unsigned char)s[i] >= 0x80))
			abort();
		if (c == 0x7f || (c >= 0x80 && c < 0xa0) ||
		    (c < 0x20 && (line || (c != '\t' && c != '\n'))))
			abort();
		i += n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autosb struct sb once = SB_INIT;
	autosb struct sb twice = SB_INIT;
	autosb struct sb table = SB_INIT;
	autosb struct sb quoted = SB_INIT;
	autofree char *text = xstrndup((const char *)data, size);
	autofree char *line = safe_line(text);

	safe_text(&once, (const char *)data, size);
	check(once.buf, once.len, false);
	check(line, strlen(line), true);
	safe_text(&twice, once.buf, once.len);
	if (!streq(once.buf, twice.buf))
		abort();
	table_align(text, &table);
	go_quote(&quoted, text);
	check(quoted.buf, quoted.len, true);
	return 0;
}
