/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Values as Go's fmt prints them: %v for plain actions, and printf with its
 * verbs and its way of telling of a wrong one inside the output
 * ("%!d(string=x)").  Lists and maps apply the verb to their elements.
 */
#include <ctype.h>

#include "cmd/gotext.h"
#include "cmd/gotime.h"
#include "cmd/template_priv.h"
#include "util/strv.h"

#define WIDTH_MAX 1000

/* One verb of a format: "%-12.3s" */
struct verb {
	char c;
	bool minus, plus, zero, space, sharp;
	int width;	/* -1: none */
	int prec;	/* -1: none */
};

static void fmt_value(const struct verb *f, struct value v, bool top,
		      struct sb *out);

static void pad(struct sb *out, const char *text, size_t chars,
		const struct verb *f, char fill)
{
	size_t width = f->width > 0 ? (size_t)f->width : 0;
	size_t n = width > chars ? width - chars : 0;

	if (f->minus)
		sb_add(out, text);
	for (; n; n--)
		sb_addch(out, f->minus ? ' ' : fill);
	if (!f->minus)
		sb_add(out, text);
}

static size_t count_chars(const char *s)
{
	size_t chars = 0;
	uint32_t c = 0;
	size_t n = 0;

	for (; (n = utf8_next(s, &c)) > 0; s += n)
		chars++;
	return chars;
}

/* "%!d(string=hi)" */
static void bad_verb(char verb, struct value v, struct sb *out)
{
	sb_addf(out, "%%!%c(", verb);
	if (v.none || !v.o) {
		sb_add(out, "<nil>)");
		return;
	}
	sb_addf(out, "%s=", value_type(v));
	value_print(v, out);
	sb_addch(out, ')');
}

static void fmt_text(const struct verb *f, const char *s, struct sb *out)
{
	autosb struct sb text = SB_INIT;
	uint32_t c = 0;
	size_t n = 0;

	for (int i = 0; (n = utf8_next(s, &c)) > 0; s += n, i++) {
		if (f->prec >= 0 && i >= f->prec)
			break;
		sb_addn(&text, s, n);
	}
	if (f->c == 'q') {
		autosb struct sb quoted = SB_INIT;

		go_quote(&quoted, text.buf);
		pad(out, quoted.buf, count_chars(quoted.buf), f, ' ');
		return;
	}
	pad(out, text.buf, count_chars(text.buf), f, f->zero ? '0' : ' ');
}

static void fmt_hex(const struct verb *f, const char *s, struct sb *out)
{
	autosb struct sb text = SB_INIT;

	for (; *s; s++)
		sb_addf(&text, f->c == 'x' ? "%02x" : "%02X",
			(unsigned char)*s);
	pad(out, text.buf, text.len, f, ' ');
}

static void fmt_str(const struct verb *f, struct value v, struct sb *out)
{
	const char *s = json_object_get_string(v.o);
	autosb struct sb time = SB_INIT;
	struct gotime t;

	if (value_is_time(v) && !gotime_parse(s, &t)) {
		gotime_print(&t, &time);
		s = time.buf;
	}
	if (f->c == 'x' || f->c == 'X')
		fmt_hex(f, s, out);
	else if (f->c == 'v' && f->sharp)
		fmt_text(&(struct verb){ .c = 'q', .width = f->width,
					 .prec = -1, .minus = f->minus },
			 s, out);
	else if (strchr("svq", f->c))
		fmt_text(f, s, out);
	else
		bad_verb(f->c, v, out);
}

static void digits(uint64_t n, unsigned int base, bool upper, struct sb *out)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char buf[65];
	size_t i = sizeof(buf) - 1;

	buf[i] = '\0';
	do {
		buf[--i] = set[n % base];
		n /= base;
	} while (n);
	sb_add(out, buf + i);
}

/* 0: the verb does not write digits */
static unsigned int base_of(char verb)
{
	switch (verb) {
	case 'v':
	case 'd':
		return 10;
	case 'b':
		return 2;
	case 'o':
		return 8;
	case 'x':
	case 'X':
		return 16;
	default:
		return 0;
	}
}

static const char *sign_of(const struct verb *f, bool negative)
{
	if (negative)
		return "-";
	if (f->plus && f->c != 'v')	/* %+v means field names */
		return "+";
	return f->space ? " " : "";
}

static void add_digits(const struct verb *f, int64_t n, unsigned int base,
		       struct sb *text)
{
	size_t want = f->zero && !f->minus ? (size_t)MAX(f->width, 0) : 0;
	autosb struct sb num = SB_INIT;

	digits(n < 0 ? 0 - (uint64_t)n : (uint64_t)n, base, f->c == 'X', &num);
	sb_add(text, sign_of(f, n < 0));
	if (f->sharp && base == 16)
		sb_addf(text, "0%c", f->c);
	while (text->len + num.len < want)
		sb_addch(text, '0');
	sb_add(text, num.buf);
}

static void fmt_int(const struct verb *f, struct value v, struct sb *out)
{
	int64_t n = json_object_get_int64(v.o);
	char duration[DURATION_TEXT_MAX];
	unsigned int base = base_of(f->c);
	autosb struct sb text = SB_INIT;

	if (strchr("vsq", f->c) && value_int_text(v, duration)) {
		fmt_text(f, value_int_text(v, duration), out);
		return;
	}
	if (base) {
		add_digits(f, n, base, &text);
	} else if (f->c == 'c') {
		utf8_add(&text, n < 0 ? UINT32_MAX : (uint32_t)n);
	} else if (f->c == 'q') {
		go_quote_rune(&text, n);
	} else if (f->c == 'U') {
		sb_addf(&text, "U+%04llX", (unsigned long long)n);
	} else {
		bad_verb(f->c, v, out);
		return;
	}
	pad(out, text.buf, count_chars(text.buf), f, ' ');
}

static void fmt_float(const struct verb *f, struct value v, struct sb *out)
{
	double d = json_object_get_double(v.o);
	autosb struct sb text = SB_INIT;
	int prec = f->prec < 0 ? 6 : MIN(f->prec, 100);
	bool shortest = f->c == 'v' || (f->c == 'g' && f->prec < 0);

	if (f->plus && f->c != 'v' && d >= 0)
		sb_addch(&text, '+');
	switch (shortest ? 'v' : f->c) {
	case 'v':
		go_float(&text, d);
		break;
	case 'f':
	case 'F':
		sb_addf(&text, "%.*f", prec, d);
		break;
	case 'e':
		sb_addf(&text, "%.*e", prec, d);
		break;
	case 'E':
		sb_addf(&text, "%.*E", prec, d);
		break;
	case 'g':
		sb_addf(&text, "%.*g", prec, d);
		break;
	case 'G':
		sb_addf(&text, "%.*G", prec, d);
		break;
	default:
		bad_verb(f->c, v, out);
		return;
	}
	pad(out, text.buf, text.len, f, f->zero && !f->minus ? '0' : ' ');
}

static void fmt_list(const struct verb *f, struct value v, struct sb *out)
{
	size_t n = json_object_array_length(v.o);

	sb_addch(out, '[');
	for (size_t i = 0; i < n; i++) {
		struct value item = { json_object_array_get_idx(v.o, i),
				      false };

		if (i)
			sb_addch(out, ' ');
		fmt_value(f, item, false, out);
	}
	sb_addch(out, ']');
}

static void fmt_map(const struct verb *f, struct value v, struct sb *out)
{
	autostrv char **keys = keys_sorted(v.o);

	sb_add(out, "map[");
	for (char **k = keys; k && *k; k++) {
		struct value item = { json_object_object_get(v.o, *k), false };

		if (k != keys)
			sb_addch(out, ' ');
		fmt_text(f, *k, out);
		sb_addch(out, ':');
		fmt_value(f, item, false, out);
	}
	sb_addch(out, ']');
}

/* Fields in their order, with names for %+v. */
static void fmt_struct(const struct verb *f, struct value v, struct sb *out)
{
	bool names = f->c == 'v' && (f->plus || f->sharp);
	bool first = true;

	sb_addch(out, '{');
	json_object_object_foreach(v.o, key, child)
	{
		struct value item = { child, false };

		if (value_is_hidden(child))
			continue;
		if (!first)
			sb_addch(out, ' ');
		first = false;
		if (names)
			sb_addf(out, "%s:", key);
		fmt_value(f, item, false, out);
	}
	sb_addch(out, '}');
}

static void fmt_nil(const struct verb *f, bool top, struct sb *out)
{
	const char *text = "<nil>";
	autosb struct sb bad = SB_INIT;

	if (f->c != 'v' && top) {
		sb_addf(&bad, "%%!%c(<nil>)", f->c);
		text = bad.buf;
	}
	pad(out, text, strlen(text), f, ' ');
}

static void fmt_value(const struct verb *f, struct value v, bool top,
		      struct sb *out)
{
	if (f->c == 'T') {
		fmt_text(&(struct verb){ .c = 's', .width = -1, .prec = -1 },
			 value_type(v), out);
		return;
	}
	switch (value_kind(v)) {
	case VAL_BOOL:
		if (f->c == 'v' || f->c == 't')
			pad(out, json_object_get_boolean(v.o) ? "true" :
								"false",
			    json_object_get_boolean(v.o) ? 4 : 5, f, ' ');
		else
			bad_verb(f->c, v, out);
		return;
	case VAL_INT:
		fmt_int(f, v, out);
		return;
	case VAL_FLOAT:
		fmt_float(f, v, out);
		return;
	case VAL_STR:
		fmt_str(f, v, out);
		return;
	case VAL_LIST:
		fmt_list(f, v, out);
		return;
	case VAL_MAP:
		fmt_map(f, v, out);
		return;
	case VAL_STRUCT:
		fmt_struct(f, v, out);
		return;
	case VAL_NONE:
	case VAL_NIL:
		fmt_nil(f, top, out);
		return;
	}
}

void value_print(struct value v, struct sb *out)
{
	static const struct verb plain = { .c = 'v', .width = -1, .prec = -1 };

	if (v.none)
		sb_add(out, "<no value>");
	else
		fmt_value(&plain, v, true, out);
}

/* ---- printf ----------------------------------------------------------- */

/* A number, or '*' for the next argument. */
static int read_number(const char **s, const struct value *args, size_t n,
		       size_t *next)
{
	int num = 0;

	if (**s == '*') {
		(*s)++;
		if (*next < n && value_kind(args[*next]) == VAL_INT)
			num = json_object_get_int(args[*next].o);
		(*next)++;
		return MIN(num, WIDTH_MAX);
	}
	if (!isdigit((unsigned char)**s))
		return -1;
	for (; isdigit((unsigned char)**s); (*s)++)
		num = MIN(num * 10 + (**s - '0'), WIDTH_MAX);
	return num;
}

/* @s: behind the '%'; moves behind the verb */
static struct verb read_verb(const char **s, const struct value *args,
			     size_t n, size_t *next)
{
	struct verb f = { .width = -1, .prec = -1 };

	for (; **s && strchr("-+0 #", **s); (*s)++) {
		f.minus |= **s == '-';
		f.plus |= **s == '+';
		f.zero |= **s == '0';
		f.space |= **s == ' ';
		f.sharp |= **s == '#';
	}
	f.width = read_number(s, args, n, next);
	if (f.width < -1) {
		f.minus = true;
		f.width = MIN(-f.width, WIDTH_MAX);
	}
	if (**s == '.') {
		(*s)++;
		f.prec = read_number(s, args, n, next);
		if (f.prec < 0)
			f.prec = 0;
	}
	f.c = **s;
	if (**s)
		(*s)++;
	return f;
}

void value_printf(const char *fmt, const struct value *args, size_t n,
		  struct sb *out)
{
	size_t next = 0;

	while (*fmt) {
		struct verb f;

		if (*fmt != '%') {
			sb_addch(out, *fmt++);
			continue;
		}
		fmt++;
		f = read_verb(&fmt, args, n, &next);
		if (!f.c)
			sb_add(out, "%!(NOVERB)");
		else if (f.c == '%')
			sb_addch(out, '%');
		else if (next >= n)
			sb_addf(out, "%%!%c(MISSING)", f.c);
		else
			fmt_value(&f, args[next++], true, out);
	}
	if (next >= n)
		return;
	sb_add(out, "%!(EXTRA ");
	for (size_t i = next; i < n; i++) {
		sb_addf(out, "%s%s=", i > next ? ", " : "",
			value_type(args[i]));
		value_print(args[i], out);
	}
	sb_addch(out, ')');
}
