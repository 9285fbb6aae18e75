/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A recursive descent parser of TOML 1.0 for the configuration files of this
 * field (registries.conf, containers.conf).  It builds json-c objects: the
 * root table, `[a.b]` headers that move the current table, `[[a]]` headers
 * that append one to an array.
 *
 * Bounds: the text is at most TEXT_MAX bytes and values nest at most
 * DEPTH_MAX deep, so neither memory nor stack depend on who wrote the file.
 *
 * TOML's rule against defining a table twice is kept by two marks, held as
 * json-c user data of the table: "header" for one that had a [header] of its
 * own, "closed" for inline tables and those made by dotted keys.
 */
#include "util/toml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/cleanup.h"
#include "util/json.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

#define TEXT_MAX (1u << 20)
#define DEPTH_MAX 32

/**
 * struct toml - the parser's place
 * @p, @end: what is left
 * @line:    of @p, from 1
 * @depth:   of arrays and inline tables that are open
 * @err:     borrowed from the caller
 */
struct toml {
	const char *p;
	const char *end;
	unsigned int line;
	unsigned int depth;
	struct err *err;
};

static char mark_header[] = "header";
static char mark_closed[] = "closed";

static int parse_value(struct toml *t, struct json_object **ret);

static int bad(struct toml *t, const char *what)
{
	return err_set(t->err, ERR_INVALID, EINVAL, "line %u: %s", t->line,
		       what);
}

static bool at_end(const struct toml *t)
{
	return t->p >= t->end;
}

/* The next byte, NUL at the end (a NUL in the text is refused earlier) */
static char peek(const struct toml *t)
{
	return at_end(t) ? '\0' : *t->p;
}

static bool looking_at(const struct toml *t, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(t->end - t->p) >= n && memcmp(t->p, s, n) == 0;
}

static bool take(struct toml *t, char c)
{
	if (peek(t) != c)
		return false;
	t->p++;
	return true;
}

static void skip_blanks(struct toml *t)
{
	while (peek(t) == ' ' || peek(t) == '\t')
		t->p++;
}

static void skip_comment(struct toml *t)
{
	const char *line_end;

	if (peek(t) != '#')
		return;
	/* most of the vendors' files are comments */
	line_end = memchr(t->p, '\n', (size_t)(t->end - t->p));
	t->p = line_end ? line_end : t->end;
}

static bool take_newline(struct toml *t)
{
	if (looking_at(t, "\r\n"))
		t->p++;
	if (!take(t, '\n'))
		return false;
	t->line++;
	return true;
}

/* Blanks, comments and line ends: between lines and inside of arrays */
static void skip_space(struct toml *t)
{
	do {
		skip_blanks(t);
		skip_comment(t);
	} while (take_newline(t));
}

static int end_of_line(struct toml *t)
{
	skip_blanks(t);
	skip_comment(t);
	if (at_end(t) || take_newline(t))
		return 0;
	return bad(t, "unexpected text after the value");
}

/* ---- strings ----------------------------------------------------------- */

static void add_utf8(struct sb *out, uint32_t c)
{
	if (c < 0x80) {
		sb_addch(out, (char)c);
		return;
	}
	if (c < 0x800) {
		sb_addch(out, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		sb_addch(out, (char)(0xe0 | c >> 12));
		sb_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		sb_addch(out, (char)(0xf0 | c >> 18));
		sb_addch(out, (char)(0x80 | (c >> 12 & 0x3f)));
		sb_addch(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	sb_addch(out, (char)(0x80 | (c & 0x3f)));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* \uXXXX and \UXXXXXXXX, behind the letter */
static int parse_unicode(struct toml *t, unsigned int digits, struct sb *out)
{
	uint32_t c = 0;

	for (unsigned int i = 0; i < digits; i++) {
		int d = hex_digit(peek(t));

		if (d < 0)
			return bad(t, "bad \\u escape");
		c = c << 4 | (uint32_t)d;
		t->p++;
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return bad(t, "\\u escape is not a character");
	add_utf8(out, c);
	return 0;
}

static int parse_escape(struct toml *t, bool multi, struct sb *out)
{
	static const char from[] = "btnfre\"\\";
	static const char to[] = "\b\t\n\f\r\033\"\\";
	char c = peek(t);
	const char *hit;

	if (multi && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
		/* A backslash at the end of a line joins the next one */
		skip_blanks(t);
		if (!take_newline(t))
			return bad(t, "bad escape in a string");
		do
			skip_blanks(t);
		while (take_newline(t));
		return 0;
	}
	if (c == '\0')
		return bad(t, "string without an end");
	t->p++;
	if (c == 'u')
		return parse_unicode(t, 4, out);
	if (c == 'U')
		return parse_unicode(t, 8, out);
	hit = strchr(from, c);
	if (!hit)
		return bad(t, "bad escape in a string");
	sb_addch(out, to[hit - from]);
	return 0;
}

/* "..." and '...': no line end inside */
static int parse_line_string(struct toml *t, char quote, struct sb *out)
{
	for (;;) {
		char c = peek(t);

		if (at_end(t) || c == '\n' || c == '\r')
			return bad(t, "string without an end");
		t->p++;
		if (c == quote)
			return 0;
		if (c == '\\' && quote == '"') {
			if (parse_escape(t, false, out) < 0)
				return -EINVAL;
		} else if ((unsigned char)c < 0x20 && c != '\t') {
			return bad(t, "control character in a string");
		} else {
			sb_addch(out, c);
		}
	}
}

/* Triple quotes; up to two more quotes may stand before the closing ones. */
static bool take_triple(struct toml *t, const char *quotes, struct sb *out)
{
	if (!looking_at(t, quotes))
		return false;
	for (int i = 0; i < 2 && t->end - t->p > 3 && t->p[3] == *quotes; i++) {
		sb_addch(out, *quotes);
		t->p++;
	}
	t->p += 3;
	return true;
}

static int parse_multi_string(struct toml *t, const char *quotes,
			      struct sb *out)
{
	take_newline(t);
	while (!take_triple(t, quotes, out)) {
		char c = peek(t);

		if (at_end(t))
			return bad(t, "string without an end");
		if (take_newline(t)) {
			sb_addch(out, '\n');
			continue;
		}
		t->p++;
		if (c == '\\' && *quotes == '"') {
			if (parse_escape(t, true, out) < 0)
				return -EINVAL;
		} else if ((unsigned char)c < 0x20 && c != '\t') {
			return bad(t, "control character in a string");
		} else {
			sb_addch(out, c);
		}
	}
	return 0;
}

static int parse_string(struct toml *t, bool allow_multi, struct sb *out)
{
	static const char *const triples[] = { "\"\"\"", "'''" };

	for (size_t i = 0; allow_multi && i < ARRAY_LEN(triples); i++) {
		if (looking_at(t, triples[i])) {
			t->p += 3;
			return parse_multi_string(t, triples[i], out);
		}
	}
	if (take(t, '"'))
		return parse_line_string(t, '"', out);
	if (take(t, '\''))
		return parse_line_string(t, '\'', out);
	return bad(t, "expected a string");
}

/* ---- keys -------------------------------------------------------------- */

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static int parse_part(struct toml *t, struct sb *out)
{
	if (peek(t) == '"' || peek(t) == '\'')
		return parse_string(t, false, out);
	while (is_bare(peek(t)))
		sb_addch(out, *t->p++);
	return out->len ? 0 : bad(t, "expected a key");
}

/* a."b.c".d as a strv */
static int parse_key(struct toml *t, char ***ret)
{
	autostrv char **parts = NULL;

	do {
		autosb struct sb part = SB_INIT;

		skip_blanks(t);
		if (parse_part(t, &part) < 0)
			return -EINVAL;
		if (strv_len(parts) == DEPTH_MAX)
			return bad(t, "key has too many parts");
		strv_push(&parts, sb_take(&part));
		skip_blanks(t);
	} while (take(t, '.'));

	*ret = take_ptr(parts);
	return 0;
}

/* ---- tables ------------------------------------------------------------ */

static void mark(struct json_object *table, char *what)
{
	json_object_set_userdata(table, what, NULL);
}

static bool has_mark(struct json_object *table, const char *what)
{
	return json_object_get_userdata(table) == what;
}

static struct json_object *last_of(struct json_object *array)
{
	size_t n = json_object_array_length(array);

	return n ? json_object_array_get_idx(array, n - 1) : NULL;
}

/*
 * One step down for a header or a dotted key: the table at @key, made when it
 * is missing; the last element of an array of tables.
 */
static int descend(struct toml *t, struct json_object **table, const char *key)
{
	struct json_object *next;

	if (!json_object_object_get_ex(*table, key, &next)) {
		next = json_object_new_object();
		json_object_object_add(*table, key, next);
	} else if (json_object_is_type(next, json_type_array) &&
		   has_mark(next, mark_header)) {
		next = last_of(next);
	}
	if (!json_object_is_type(next, json_type_object) ||
	    has_mark(next, mark_closed))
		return bad(t, "key is defined already, and not as a table");
	*table = next;
	return 0;
}

static int add_value(struct toml *t, struct json_object *table, char **key,
		     struct json_object *value)
{
	autojson struct json_object *owned = value;
	size_t n = strv_len(key);

	for (size_t i = 0; i + 1 < n; i++) {
		if (descend(t, &table, key[i]) < 0)
			return -EINVAL;
		if (has_mark(table, mark_header))
			return bad(t, "table is defined already");
	}
	if (json_object_object_get_ex(table, key[n - 1], NULL))
		return bad(t, "key is defined twice");
	json_object_object_add(table, key[n - 1], take_ptr(owned));
	return 0;
}

static int parse_pair(struct toml *t, struct json_object *table)
{
	autostrv char **key = NULL;
	struct json_object *value;

	if (parse_key(t, &key) < 0)
		return -EINVAL;
	if (!take(t, '='))
		return bad(t, "expected '=' after the key");
	skip_blanks(t);
	if (parse_value(t, &value) < 0)
		return -EINVAL;
	return add_value(t, table, key, value);
}

/* [a.b] */
static int open_table(struct toml *t, struct json_object *table,
		      const char *key, struct json_object **current)
{
	if (descend(t, &table, key) < 0)
		return -EINVAL;
	if (has_mark(table, mark_header))
		return bad(t, "table is defined twice");
	mark(table, mark_header);
	*current = table;
	return 0;
}

/* [[a.b]] */
static int open_element(struct toml *t, struct json_object *table,
			const char *key, struct json_object **current)
{
	struct json_object *array, *element;

	if (!json_object_object_get_ex(table, key, &array)) {
		array = json_object_new_array();
		mark(array, mark_header);
		json_object_object_add(table, key, array);
	} else if (!json_object_is_type(array, json_type_array) ||
		   !has_mark(array, mark_header)) {
		return bad(t, "key is defined already, and not as [[...]]");
	}
	element = json_object_new_object();
	mark(element, mark_header);
	json_object_array_add(array, element);
	*current = element;
	return 0;
}

static int parse_header(struct toml *t, struct json_object *root,
			struct json_object **current)
{
	struct json_object *table = root;
	autostrv char **key = NULL;
	bool element;
	size_t n;
	int r;

	take(t, '[');
	element = take(t, '[');
	if (parse_key(t, &key) < 0)
		return -EINVAL;
	if (!take(t, ']') || (element && !take(t, ']')))
		return bad(t, "table header without its closing bracket");

	n = strv_len(key);
	for (size_t i = 0; i + 1 < n; i++) {
		if (descend(t, &table, key[i]) < 0)
			return -EINVAL;
	}
	if (element)
		r = open_element(t, table, key[n - 1], current);
	else
		r = open_table(t, table, key[n - 1], current);
	return r < 0 ? r : end_of_line(t);
}

/* ---- values ------------------------------------------------------------ */

static int parse_array(struct toml *t, struct json_object **ret)
{
	autojson struct json_object *array = json_object_new_array();
	struct json_object *value;

	for (;;) {
		skip_space(t);
		if (take(t, ']'))
			break;
		if (parse_value(t, &value) < 0)
			return -EINVAL;
		json_object_array_add(array, value);
		skip_space(t);
		if (take(t, ']'))
			break;
		if (!take(t, ','))
			return bad(t, "expected ',' or ']' in an array");
	}
	*ret = take_ptr(array);
	return 0;
}

static int parse_inline_table(struct toml *t, struct json_object **ret)
{
	autojson struct json_object *table = json_object_new_object();

	skip_blanks(t);
	while (!take(t, '}')) {
		if (parse_pair(t, table) < 0)
			return -EINVAL;
		skip_blanks(t);
		if (take(t, '}'))
			break;
		if (!take(t, ','))
			return bad(t, "expected ',' or '}' in a table");
		skip_blanks(t);
		if (peek(t) == '}')
			return bad(t, "expected a key");
	}
	mark(table, mark_closed);
	*ret = take_ptr(table);
	return 0;
}

/* 0x1f, 0o17, 0b11 behind the prefix */
static bool parse_radix(const char *s, unsigned int radix, int64_t *ret)
{
	uint64_t v = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		int d = hex_digit(*s);

		if (d < 0 || (unsigned int)d >= radix ||
		    v > (uint64_t)INT64_MAX / radix - 1)
			return false;
		v = v * radix + (unsigned int)d;
	}
	*ret = (int64_t)v;
	return true;
}

/* 1_000: single underscores between digits are dropped */
static bool drop_underscores(char *s)
{
	char *out = s;

	for (const char *in = s; *in; in++) {
		if (*in != '_') {
			*out++ = *in;
			continue;
		}
		if (in == s || hex_digit(in[-1]) < 0 || hex_digit(in[1]) < 0)
			return false;
	}
	*out = '\0';
	return true;
}

static struct json_object *number_value(char *s)
{
	const char *digits = s + (*s == '+' || *s == '-');
	int64_t i;
	double d;

	if (!drop_underscores(s))
		return NULL;
	if (str_starts(s, "0x") && parse_radix(s + 2, 16, &i))
		return json_object_new_int64(i);
	if (str_starts(s, "0o") && parse_radix(s + 2, 8, &i))
		return json_object_new_int64(i);
	if (str_starts(s, "0b") && parse_radix(s + 2, 2, &i))
		return json_object_new_int64(i);
	if (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
		return NULL;
	if (*s == '+')
		s++;
	if (parse_i64(s, &i) == 0)
		return json_object_new_int64(i);
	if (strpbrk(s, ".eE") && parse_double(s, &d) == 0)
		return json_object_new_double(d);
	return NULL;
}

/* 1979-05-27T07:32:00Z, 07:32:00: kept as text */
static bool is_time(const char *s)
{
	size_t n = strlen(s);

	if (n < 8 || strspn(s, "0123456789-:.+TtZz ") != n)
		return false;
	return (s[4] == '-' && s[7] == '-') || (s[2] == ':' && s[5] == ':');
}

static int parse_scalar(struct toml *t, struct json_object **ret)
{
	autofree char *word = NULL;
	const char *start = t->p;
	struct json_object *value;

	while (is_bare(peek(t)) || peek(t) == '+' || peek(t) == '.' ||
	       peek(t) == ':')
		t->p++;
	/* A date may be followed by one blank and a time */
	if (t->p - start == 10 && start[4] == '-' && peek(t) == ' ' &&
	    t->end - t->p > 3 && t->p[3] == ':') {
		t->p++;
		while (is_bare(peek(t)) || peek(t) == '+' || peek(t) == '.' ||
		       peek(t) == ':')
			t->p++;
	}
	if (t->p == start)
		return bad(t, "expected a value");
	word = xstrndup(start, (size_t)(t->p - start));
	if (streq(word, "true"))
		value = json_object_new_boolean(1);
	else if (streq(word, "false"))
		value = json_object_new_boolean(0);
	else if (is_time(word))
		value = json_object_new_string(word);
	else
		value = number_value(word);
	if (!value)
		return bad(t, "not a value (text needs quotes)");
	*ret = value;
	return 0;
}

static int parse_nested(struct toml *t, struct json_object **ret)
{
	int r;

	if (t->depth == DEPTH_MAX)
		return bad(t, "nested too deep");
	t->depth++;
	if (take(t, '['))
		r = parse_array(t, ret);
	else {
		take(t, '{');
		r = parse_inline_table(t, ret);
	}
	t->depth--;
	return r;
}

static int parse_value(struct toml *t, struct json_object **ret)
{
	autosb struct sb text = SB_INIT;

	switch (peek(t)) {
	case '"':
	case '\'':
		if (parse_string(t, true, &text) < 0)
			return -EINVAL;
		*ret = json_object_new_string_len(text.buf, (int)text.len);
		return 0;
	case '[':
	case '{':
		return parse_nested(t, ret);
	default:
		return parse_scalar(t, ret);
	}
}

static int parse_document(struct toml *t, struct json_object *root)
{
	struct json_object *current = root;
	int r;

	for (;;) {
		skip_space(t);
		if (at_end(t))
			return 0;
		if (peek(t) == '[') {
			r = parse_header(t, root, &current);
		} else {
			r = parse_pair(t, current);
			if (r == 0)
				r = end_of_line(t);
		}
		if (r < 0)
			return r;
	}
}

struct json_object *toml_parse(const char *text, size_t len, struct err *err)
{
	autojson struct json_object *root = json_object_new_object();
	struct toml t = { .p = text, .end = text + len, .line = 1, .err = err };

	if (len > TEXT_MAX) {
		err_set(err, ERR_LIMIT, EFBIG,
			"more than %u bytes of configuration", TEXT_MAX);
		return NULL;
	}
	if (len && memchr(text, '\0', len)) {
		err_set(err, ERR_INVALID, EINVAL, "NUL byte in the text");
		return NULL;
	}
	if (looking_at(&t, "\xef\xbb\xbf"))
		t.p += 3;
	if (parse_document(&t, root) < 0)
		return NULL;
	return take_ptr(root);
}
