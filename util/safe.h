/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_SAFE_H
#define UTIL_SAFE_H

#include <stddef.h>

#include "util/sb.h"

/**
 * safe_text() - append @s fit for a terminal
 *
 * C0 but \t and \n, DEL, C1, bidi controls and invalid UTF-8 come out as C
 * escapes (\x1b); everything else unchanged.  Idempotent on its own output.
 * Every string that an image, a registry or a container chose goes through
 * this before it is printed in a table, a message or a progress line.
 */
void safe_text(struct sb *out, const char *s, size_t len);

/** safe_line() - the same, with \n and \t escaped too; owned by the caller */
char *safe_line(const char *s);

#endif
