/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The inside of one {{action}} as tokens, by the rules of Go's text/template
 * and Go's literals.  Blanks matter in one place only: ".A.B" is one chain,
 * ".A .B" are two operands; a token remembers whether it was glued to the one
 * before.
 */
#include <ctype.h>

#include "cmd/gotext.h"
#include "cmd/template_priv.h"
#include "util/str.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Letters of any script count: bytes of a multi-byte character too. */
static bool is_word(char c)
{
	unsigned char u = (unsigned char)c;

	return isalnum(u) || c == '_' || u >= 0x80;
}

static int bad(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, EINVAL, "template: %s", what);
}

/* The end of the literal that begins at @s (a quote), behind the closing
 * quote; NULL when it is not closed. */
static const char *skip_quoted(const char *s, const char *end)
{
	char quote = *s++;

	for (; s < end && *s; s++) {
		if (*s == quote)
			return s + 1;
		if (*s == '\\' && quote != '`' && s + 1 < end && s[1])
			s++;
		else if (*s == '\n' && quote != '`')
			return NULL;
	}
	return NULL;
}

const char *lex_action_end(const char *s)
{
	const char *end = s + strlen(s);

	while (*s) {
		if (str_starts(s, "/*")) {
			s = strstr(s + 2, "*/");
			if (!s)
				return NULL;
			s += 2;
		} else if (*s == '"' || *s == '`' || *s == '\'') {
			s = skip_quoted(s, end);
			if (!s)
				return NULL;
		} else if (str_starts(s, "}}")) {
			return s;
		} else {
			s++;
		}
	}
	return NULL;
}

static int hex_digits(const char **s, int n, int base, uint32_t *ret)
{
	uint32_t c = 0;

	for (int i = 0; i < n; i++) {
		char ch = *(*s)++;
		int digit = base;

		if (isdigit((unsigned char)ch))
			digit = ch - '0';
		else if (isxdigit((unsigned char)ch))
			digit = (ch | 0x20) - 'a' + 10;
		if (digit >= base)
			return -EINVAL;
		c = c * (uint32_t)base + (uint32_t)digit;
	}
	*ret = c;
	return 0;
}

/* One escape behind the backslash; *@s moves behind it. */
static int unescape(const char **s, struct sb *out)
{
	static const char from[] = "abfnrtv\\'\"";
	static const char to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *known = strchr(from, **s);
	uint32_t c = 0;
	int n = 0;

	if (!**s)
		return -EINVAL;
	if (known) {
		sb_addch(out, to[known - from]);
		(*s)++;
		return 0;
	}
	if (**s >= '0' && **s <= '7') {
		if (hex_digits(s, 3, 8, &c) < 0 || c > 0xff)
			return -EINVAL;
		sb_addch(out, (char)c);
		return 0;
	}
	n = **s == 'x' ? 2 : **s == 'u' ? 4 : **s == 'U' ? 8 : 0;
	if (!n)
		return -EINVAL;
	(*s)++;
	if (hex_digits(s, n, 16, &c) < 0)
		return -EINVAL;
	if (n == 2)
		sb_addch(out, (char)c);
	else
		utf8_add(out, c);
	return 0;
}

static int lex_quoted(struct lexer *lx, struct err *err)
{
	const char *close = skip_quoted(lx->s, lx->end);
	const char *s = lx->s + 1;
	char quote = *lx->s;
	autosb struct sb text = SB_INIT;
	uint32_t c = 0;

	if (!close)
		return bad(err, quote == '\'' ?
					"unterminated character constant" :
					"unterminated quoted string");
	while (s < close - 1) {
		if (*s != '\\' || quote == '`') {
			sb_addch(&text, *s++);
			continue;
		}
		s++;
		if (unescape(&s, &text) < 0 || strlen(text.buf) != text.len)
			return bad(err, "invalid escape in a literal");
	}
	lx->s = close;
	if (quote != '\'') {
		lx->tok.type = TOK_STR;
		lx->tok.text = sb_take(&text);
		return 0;
	}
	if (!text.len || utf8_next(text.buf, &c) != text.len)
		return bad(err, "malformed character constant");
	lx->tok.type = TOK_INT;
	lx->tok.num = c;
	return 0;
}

static int lex_number(struct lexer *lx, struct err *err)
{
	const char *s = lx->s;
	autofree char *text = NULL;
	unsigned long long n = 0;
	int used = 0;

	while (s < lx->end && (is_word(*s) || *s == '.' ||
			       ((*s == '+' || *s == '-') &&
				(s == lx->s || (s[-1] | 0x20) == 'e'))))
		s++;
	text = xstrndup(lx->s, (size_t)(s - lx->s));
	lx->s = s;
	if (!parse_i64(text + (*text == '+'), &lx->tok.num)) {
		lx->tok.type = TOK_INT;
		return 0;
	}
	if (str_starts(text, "0x") && strlen(text) <= 17 &&
	    sscanf(text, "0x%llx%n", &n, &used) == 1 && !text[used]) {
		lx->tok.type = TOK_INT;
		lx->tok.num = (int64_t)n;
		return 0;
	}
	if (sscanf(text, "%lf%n", &lx->tok.real, &used) != 1 || text[used])
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: bad number syntax: \"%s\"", text);
	lx->tok.type = TOK_FLOAT;
	return 0;
}

/* A word behind '.', '$' or nothing. */
static void lex_word(struct lexer *lx, enum token_type type, size_t skip)
{
	const char *from = lx->s + skip;
	const char *to = from;

	while (to < lx->end && is_word(*to))
		to++;
	lx->tok.type = type;
	lx->tok.text = xstrndup(from, (size_t)(to - from));
	lx->s = to;
}

static int lex_punct(struct lexer *lx, struct err *err)
{
	static const struct {
		const char *text;
		enum token_type type;
	} puncts[] = {
		{ ":=", TOK_DECLARE }, { "=", TOK_ASSIGN }, { "(", TOK_OPEN },
		{ ")", TOK_CLOSE },    { "|", TOK_PIPE },   { ",", TOK_COMMA },
	};
	autosb struct sb c = SB_INIT;
	uint32_t rune = 0;

	for (size_t i = 0; i < ARRAY_LEN(puncts); i++) {
		size_t len = strlen(puncts[i].text);

		if ((size_t)(lx->end - lx->s) < len ||
		    memcmp(lx->s, puncts[i].text, len) != 0)
			continue;
		lx->tok.type = puncts[i].type;
		lx->s += len;
		return 0;
	}
	utf8_next(lx->s, &rune);
	go_quote_rune(&c, rune);
	return err_set(err, ERR_INVALID, EINVAL,
		       "template: bad character U+%04X %s", rune, c.buf);
}

int lex_next(struct lexer *lx, struct err *err)
{
	const char *from = lx->s;

	free(lx->tok.text);
	lx->tok = (struct token){ TOK_END, false, NULL, 0, 0 };
	while (lx->s < lx->end && is_blank(*lx->s))
		lx->s++;
	lx->tok.glued = lx->s == from;
	if (lx->s == lx->end)
		return 0;
	if (*lx->s == '.' && lx->s + 1 < lx->end && is_word(lx->s[1]) &&
	    !isdigit((unsigned char)lx->s[1])) {
		lex_word(lx, TOK_FIELD, 1);
		return 0;
	}
	if (*lx->s == '$') {
		lex_word(lx, TOK_VAR, 1);
		return 0;
	}
	if (*lx->s == '"' || *lx->s == '`' || *lx->s == '\'')
		return lex_quoted(lx, err);
	if (isdigit((unsigned char)*lx->s) ||
	    (strchr("+-.", *lx->s) && lx->s + 1 < lx->end &&
	     isdigit((unsigned char)lx->s[1])))
		return lex_number(lx, err);
	if (*lx->s == '.') {
		lx->tok.type = TOK_DOT;
		lx->s++;
		return 0;
	}
	if (is_word(*lx->s)) {
		lex_word(lx, TOK_IDENT, 0);
		return 0;
	}
	return lex_punct(lx, err);
}

void lex_done(struct lexer *lx)
{
	free(lx->tok.text);
	lx->tok.text = NULL;
}
