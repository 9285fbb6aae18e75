/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The functions of a template: Go's own (index, len, printf, comparisons) and
 * those that docker and podman add (json, join, truncate, ...).  Each gets
 * its evaluated arguments, borrowed, and gives an owned value.  The piped
 * value is the last argument.
 */
#include <ctype.h>

#include "cmd/gotext.h"
#include "cmd/template_priv.h"
#include "util/str.h"

#define PAD_MAX 1000

static int bad(struct err *err, const char *fn, const char *what)
{
	return err_set(err, ERR_INVALID, EINVAL,
		       "template: error calling %s: %s", fn, what);
}

static const char *str_arg(struct value v)
{
	return value_kind(v) == VAL_STR ? json_object_get_string(v.o) : NULL;
}

/* A text that a function builds: {{$x := print $x $x}} doubles each time. */
#define VALUE_MAX (16u << 20)
#define TEXT_INIT { sb_empty, 0, 0, VALUE_MAX, false }

static int str_result(const struct sb *text, struct value *ret,
		      struct err *err)
{
	if (text->over)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "template: a value is longer than %u bytes",
			       VALUE_MAX);
	*ret = value_new(
		json_object_new_string_len(text->buf, (int)text->len));
	return 0;
}

static struct value bool_value(bool b)
{
	return value_new(json_object_new_boolean(b));
}

/* ---- looking into lists and maps -------------------------------------- */

/* Where Go knows the type of a map's elements we go by the others: the zero
 * value of a string map is "", of a map of lists the empty list. */
static struct value zero_of(struct json_object *map)
{
	enum json_type type = json_type_string;

	json_object_object_foreach(map, key, child)
	{
		(void)key;
		type = json_object_get_type(child);
		break;
	}
	if (type == json_type_string)
		return value_new(json_object_new_string(""));
	if (type == json_type_array)
		return value_new(json_object_new_array());
	return VALUE_NONE;
}

static int index_key(struct value v, struct value key, struct value *ret,
		     struct err *err)
{
	const char *name = str_arg(key);
	struct json_object *child = NULL;

	if (!name)
		return bad(err, "index", "a map's key is a string");
	if (json_object_object_get_ex(v.o, name, &child)) {
		*ret = value_ref(child);
		return 0;
	}
	if (value_kind(v) == VAL_STRUCT)
		return bad(err, "index", "can't index item of type struct");
	*ret = zero_of(v.o);
	return 0;
}

static int index_list(struct value v, struct value key, struct value *ret,
		      struct err *err)
{
	bool list = value_kind(v) == VAL_LIST;
	size_t len = list ? json_object_array_length(v.o) :
			    (size_t)json_object_get_string_len(v.o);
	int64_t i = json_object_get_int64(key.o);

	if (value_kind(key) != VAL_INT)
		return bad(err, "index", "cannot index with this type");
	if (i < 0 || (uint64_t)i >= len)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: error calling index: index out of "
			       "range: %lld", (long long)i);
	if (list)
		*ret = value_ref(json_object_array_get_idx(v.o, (size_t)i));
	else
		*ret = value_new(json_object_new_int(
			(unsigned char)json_object_get_string(v.o)[i]));
	return 0;
}

static int fn_index(const struct value *args, size_t n, struct value *ret,
		    struct err *err)
{
	auto_value struct value at = value_ref(args[0].o);

	at.none = args[0].none;
	for (size_t i = 1; i < n; i++) {
		struct value next = VALUE_NONE;
		enum value_kind kind = value_kind(at);
		int r = 0;

		if (kind == VAL_MAP || kind == VAL_STRUCT)
			r = index_key(at, args[i], &next, err);
		else if (kind == VAL_LIST || kind == VAL_STR)
			r = index_list(at, args[i], &next, err);
		else
			r = bad(err, "index",
				kind == VAL_NONE || kind == VAL_NIL ?
					"index of untyped nil" :
					"can't index this type");
		if (r < 0)
			return r;
		value_done(&at);
		at = next;
	}
	*ret = at;
	at = VALUE_NONE;
	return 0;
}

static int fn_len(const struct value *args, size_t n unused_attr,
		  struct value *ret, struct err *err)
{
	size_t len = 0;

	switch (value_kind(args[0])) {
	case VAL_STR:
		if (value_is_time(args[0]))
			return bad(err, "len", "len of type time.Time");
		len = (size_t)json_object_get_string_len(args[0].o);
		break;
	case VAL_LIST:
		len = json_object_array_length(args[0].o);
		break;
	case VAL_MAP:
	case VAL_STRUCT:
		len = (size_t)json_object_object_length(args[0].o);
		break;
	case VAL_NONE:
	case VAL_NIL:
		return bad(err, "len", "len of nil pointer");
	case VAL_BOOL:
	case VAL_INT:
	case VAL_FLOAT:
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: error calling len: len of type %s",
			       value_type(args[0]));
	}
	*ret = value_new(json_object_new_int64((int64_t)len));
	return 0;
}

static int fn_slice(const struct value *args, size_t n, struct value *ret,
		    struct err *err)
{
	bool list = value_kind(args[0]) == VAL_LIST;
	const char *s = str_arg(args[0]);
	size_t bound[3] = { 0, 0, 0 };
	size_t size = 0;

	if (!list && !s)
		return bad(err, "slice", "can't slice this type");
	if (s && n == 4)
		return bad(err, "slice", "cannot 3-index slice a string");
	size = s ? strlen(s) : json_object_array_length(args[0].o);
	bound[1] = size;
	for (size_t i = 1; i < n; i++) {
		int64_t at = json_object_get_int64(args[i].o);

		if (value_kind(args[i]) != VAL_INT || at < 0 ||
		    (uint64_t)at > size)
			return bad(err, "slice", "index out of range");
		bound[i - 1] = (size_t)at;
	}
	if (bound[0] > bound[1] || (n == 4 && bound[1] > bound[2]))
		return bad(err, "slice", "invalid slice index");
	if (s) {
		*ret = value_new(json_object_new_string_len(
			s + bound[0], (int)(bound[1] - bound[0])));
		return 0;
	}
	*ret = value_new(json_object_new_array());
	for (size_t i = bound[0]; i < bound[1]; i++)
		json_object_array_add(ret->o,
				      json_object_get(json_object_array_get_idx(
					      args[0].o, i)));
	return 0;
}

/* ---- text ------------------------------------------------------------- */

static int fn_json(const struct value *args, size_t n unused_attr,
		   struct value *ret, struct err *err)
{
	autosb struct sb text = TEXT_INIT;

	value_json(args[0].o, &text);
	return str_result(&text, ret, err);
}

static int fn_printf(const struct value *args, size_t n, struct value *ret,
		     struct err *err)
{
	autosb struct sb text = TEXT_INIT;

	if (!str_arg(args[0]))
		return bad(err, "printf", "the format is no string");
	value_printf(str_arg(args[0]), args + 1, n - 1, &text);
	return str_result(&text, ret, err);
}

/* Go's Sprint: a blank between two operands when neither is a string. */
static void sprint(const struct value *args, size_t n, struct sb *out)
{
	for (size_t i = 0; i < n; i++) {
		if (i && !str_arg(args[i]) && !str_arg(args[i - 1]))
			sb_addch(out, ' ');
		value_print(value_new(args[i].o), out);
	}
}

static int fn_print(const struct value *args, size_t n, struct value *ret,
		    struct err *err)
{
	autosb struct sb text = TEXT_INIT;

	sprint(args, n, &text);
	return str_result(&text, ret, err);
}

static int escape(const struct value *args, size_t n,
		  void (*write)(const char *s, struct sb *out),
		  struct value *ret, struct err *err)
{
	autosb struct sb plain = TEXT_INIT;
	autosb struct sb text = TEXT_INIT;

	sprint(args, n, &plain);
	write(plain.buf, &text);
	text.over |= plain.over;
	return str_result(&text, ret, err);
}

static int fn_html(const struct value *args, size_t n, struct value *ret,
		   struct err *err)
{
	return escape(args, n, escape_html, ret, err);
}

static int fn_js(const struct value *args, size_t n, struct value *ret,
		 struct err *err)
{
	return escape(args, n, escape_js, ret, err);
}

static int fn_urlquery(const struct value *args, size_t n, struct value *ret,
		       struct err *err)
{
	return escape(args, n, escape_url, ret, err);
}

static int fn_println(const struct value *args, size_t n, struct value *ret,
		      struct err *err)
{
	autosb struct sb text = TEXT_INIT;

	for (size_t i = 0; i < n; i++) {
		if (i)
			sb_addch(&text, ' ');
		value_print(value_new(args[i].o), &text);
	}
	sb_addch(&text, '\n');
	return str_result(&text, ret, err);
}

static int fn_join(const struct value *args, size_t n unused_attr,
		   struct value *ret, struct err *err)
{
	const char *sep = str_arg(args[1]);
	autosb struct sb text = TEXT_INIT;
	size_t len = 0;

	if (value_kind(args[0]) != VAL_LIST || !sep)
		return bad(err, "join", "wants a list and a string");
	len = json_object_array_length(args[0].o);
	for (size_t i = 0; i < len; i++) {
		if (i)
			sb_add(&text, sep);
		value_print(value_new(json_object_array_get_idx(args[0].o, i)),
			    &text);
	}
	return str_result(&text, ret, err);
}

static int fn_split(const struct value *args, size_t n unused_attr,
		    struct value *ret, struct err *err)
{
	const char *s = str_arg(args[0]);
	const char *sep = str_arg(args[1]);
	struct json_object *list = NULL;

	if (!s || !sep)
		return bad(err, "split", "wants two strings");
	list = json_object_new_array();
	while (true) {
		uint32_t c = 0;
		const char *hit = *sep ? strstr(s, sep) :
				  *s   ? s + utf8_next(s, &c) :
					 NULL;
		size_t len = hit ? (size_t)(hit - s) : strlen(s);

		if (*sep || len)
			json_object_array_add(
				list, json_object_new_string_len(s, (int)len));
		if (!hit)
			break;
		s = hit + strlen(sep);
	}
	*ret = value_new(list);
	return 0;
}

/* ASCII letters only: upper and lower case of other scripts need tables. */
static int map_case(const struct value *args, const char *fn, char kind,
		    struct value *ret, struct err *err)
{
	const char *s = str_arg(args[0]);
	autosb struct sb text = TEXT_INIT;
	bool word = false;

	if (!s)
		return bad(err, fn, "wants a string");
	for (; *s; s++) {
		bool up = kind == 'u' || (kind == 't' && !word);

		word = isalnum((unsigned char)*s) || *s == '_' ||
		       (unsigned char)*s >= 0x80;
		sb_addch(&text, (char)(up ? toupper((unsigned char)*s) :
				       kind == 'l' ?
					    tolower((unsigned char)*s) :
					    *s));
	}
	return str_result(&text, ret, err);
}

static int fn_upper(const struct value *args, size_t n unused_attr,
		    struct value *ret, struct err *err)
{
	return map_case(args, "upper", 'u', ret, err);
}

static int fn_lower(const struct value *args, size_t n unused_attr,
		    struct value *ret, struct err *err)
{
	return map_case(args, "lower", 'l', ret, err);
}

static int fn_title(const struct value *args, size_t n unused_attr,
		    struct value *ret, struct err *err)
{
	return map_case(args, "title", 't', ret, err);
}

static int fn_truncate(const struct value *args, size_t n unused_attr,
		       struct value *ret, struct err *err)
{
	const char *s = str_arg(args[0]);
	int64_t max = json_object_get_int64(args[1].o);
	size_t len = s ? strlen(s) : 0;

	if (!s || value_kind(args[1]) != VAL_INT || max < 0)
		return bad(err, "truncate", "wants a string and a length");
	*ret = value_new(json_object_new_string_len(
		s, (int)MIN(len, (uint64_t)max)));
	return 0;
}

static int fn_pad(const struct value *args, size_t n unused_attr,
		  struct value *ret, struct err *err)
{
	const char *s = str_arg(args[0]);
	int64_t before = json_object_get_int64(args[1].o);
	int64_t after = json_object_get_int64(args[2].o);
	autosb struct sb text = TEXT_INIT;

	if (!s || value_kind(args[1]) != VAL_INT ||
	    value_kind(args[2]) != VAL_INT || before < 0 || after < 0 ||
	    before > PAD_MAX || after > PAD_MAX)
		return bad(err, "pad", "wants a string and two lengths");
	if (*s)
		sb_addf(&text, "%*s%s%*s", (int)before, "", s, (int)after, "");
	return str_result(&text, ret, err);
}

/* ---- comparisons ------------------------------------------------------ */

/* <0, 0, >0 in *@ret; the kinds must be the same, as in Go. */
static int compare(struct value a, struct value b, const char *fn, int *ret,
		   struct err *err)
{
	enum value_kind kind = value_kind(a);

	if (kind != value_kind(b))
		return bad(err, fn, "incompatible types for comparison");
	if (kind == VAL_INT) {
		int64_t x = json_object_get_int64(a.o);
		int64_t y = json_object_get_int64(b.o);

		*ret = (x > y) - (x < y);
	} else if (kind == VAL_FLOAT) {
		double x = json_object_get_double(a.o);
		double y = json_object_get_double(b.o);

		*ret = (x > y) - (x < y);
	} else if (kind == VAL_STR) {
		*ret = strcmp(json_object_get_string(a.o),
			      json_object_get_string(b.o));
	} else {
		return bad(err, fn, "invalid type for comparison");
	}
	return 0;
}

static int equal(struct value a, struct value b, const char *fn, bool *ret,
		 struct err *err)
{
	enum value_kind ka = value_kind(a);
	enum value_kind kb = value_kind(b);
	int order = 0;
	int r = 0;

	if (ka <= VAL_NIL || kb <= VAL_NIL) {
		*ret = ka <= VAL_NIL && kb <= VAL_NIL;
		return 0;
	}
	if (ka == VAL_BOOL && kb == VAL_BOOL) {
		*ret = value_is_true(a) == value_is_true(b);
		return 0;
	}
	r = compare(a, b, fn, &order, err);
	if (!r)
		*ret = order == 0;
	return r;
}

static int fn_eq(const struct value *args, size_t n, struct value *ret,
		 struct err *err)
{
	bool any = false;

	for (size_t i = 1; i < n && !any; i++) {
		int r = equal(args[0], args[i], "eq", &any, err);

		if (r < 0)
			return r;
	}
	*ret = bool_value(any);
	return 0;
}

static int fn_ne(const struct value *args, size_t n unused_attr,
		 struct value *ret, struct err *err)
{
	bool same = false;
	int r = equal(args[0], args[1], "ne", &same, err);

	if (!r)
		*ret = bool_value(!same);
	return r;
}

static int fn_lt(const struct value *args, size_t n unused_attr,
		 struct value *ret, struct err *err)
{
	int order = 0;
	int r = compare(args[0], args[1], "lt", &order, err);

	if (!r)
		*ret = bool_value(order < 0);
	return r;
}

static int fn_le(const struct value *args, size_t n unused_attr,
		 struct value *ret, struct err *err)
{
	int order = 0;
	int r = compare(args[0], args[1], "le", &order, err);

	if (!r)
		*ret = bool_value(order <= 0);
	return r;
}

static int fn_gt(const struct value *args, size_t n unused_attr,
		 struct value *ret, struct err *err)
{
	int order = 0;
	int r = compare(args[0], args[1], "gt", &order, err);

	if (!r)
		*ret = bool_value(order > 0);
	return r;
}

static int fn_ge(const struct value *args, size_t n unused_attr,
		 struct value *ret, struct err *err)
{
	int order = 0;
	int r = compare(args[0], args[1], "ge", &order, err);

	if (!r)
		*ret = bool_value(order >= 0);
	return r;
}

static int fn_not(const struct value *args, size_t n unused_attr,
		  struct value *ret, struct err *err unused_attr)
{
	*ret = bool_value(!value_is_true(args[0]));
	return 0;
}

static const struct func funcs[] = {
	{ "and", 1, -1, NULL, false },
	{ "or", 1, -1, NULL, false },
	{ "eq", 2, -1, fn_eq, false },
	{ "ge", 2, 2, fn_ge, false },
	{ "gt", 2, 2, fn_gt, false },
	{ "html", 1, -1, fn_html, false },
	{ "index", 1, -1, fn_index, false },
	{ "join", 2, 2, fn_join, true },
	{ "js", 1, -1, fn_js, false },
	{ "json", 1, 1, fn_json, true },
	{ "le", 2, 2, fn_le, false },
	{ "len", 1, 1, fn_len, false },
	{ "lower", 1, 1, fn_lower, true },
	{ "lt", 2, 2, fn_lt, false },
	{ "ne", 2, 2, fn_ne, false },
	{ "not", 1, 1, fn_not, false },
	{ "pad", 3, 3, fn_pad, false },
	{ "print", 0, -1, fn_print, false },
	{ "printf", 1, -1, fn_printf, false },
	{ "println", 0, -1, fn_println, false },
	{ "slice", 1, 4, fn_slice, false },
	{ "split", 2, 2, fn_split, true },
	{ "title", 1, 1, fn_title, true },
	{ "truncate", 2, 2, fn_truncate, true },
	{ "upper", 1, 1, fn_upper, false },
	{ "urlquery", 1, -1, fn_urlquery, false },
};

const struct func *func_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(funcs); i++)
		if (streq(funcs[i].name, name))
			return &funcs[i];
	return NULL;
}
