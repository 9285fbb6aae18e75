/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_GOTEXT_H
#define CMD_GOTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/sb.h"

/*
 * Texts of our users' scripts are Go's: quoting as %q, numbers as %v.  One
 * place for these rules: the template engine and the option parser use it.
 */

/** go_quote() - append @s as strconv.Quote() does: "a\tb\x00\u200b" */
void go_quote(struct sb *out, const char *s);

/** go_quote_rune() - append a character as %q of an integer: 'x', '\n' */
void go_quote_rune(struct sb *out, int64_t rune);

/** go_is_printable() - a character that Go's quoting leaves as it is */
bool go_is_printable(uint32_t c);

/** go_float() - append @f as %v: shortest text that reads back, exponents
 *  below -4 and from 6 */
void go_float(struct sb *out, double f);

/** go_duration() - append as time.Duration prints: "1h2m3.5s", "20ms", "0s" */
void go_duration(struct sb *out, int64_t ns);

/**
 * utf8_next() - decode one character
 * @ret: the code point; 0xFFFD for a byte that starts no valid sequence
 *
 * Return: bytes used (1..4); 0 at the terminator
 */
size_t utf8_next(const char *s, uint32_t *ret);

/** utf8_add() - append a code point (invalid ones: U+FFFD) */
void utf8_add(struct sb *out, uint32_t c);

#endif
