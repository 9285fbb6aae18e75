/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Template values are json-c values.  What JSON does not say and Go does (is
 * this object a map or a struct, is this string a time, is this key a method)
 * is a mark in the object's user data: the address of one of the constants
 * below.  Everything that reads a mark is in this file.
 */
#include "cmd/template_priv.h"

#include <ctype.h>

#include "cmd/gotime.h"
#include "util/clock.h"
#include "util/str.h"
#include "util/strv.h"

static const char mark_map, mark_time, mark_hidden, mark_method;
static const char mark_duration, mark_no_duration;
static const char mark_month, mark_weekday;
static const char mark_header;
/* Go's zero values that its JSON leaves out; a nil pointer among them; and an
 * empty slice or map that JSON shows as null */
static const char mark_zero, mark_nil, mark_null;

static void mark(struct json_object *o, const char *what)
{
	if (o)
		json_object_set_userdata(o, (void *)(uintptr_t)what, NULL);
}

static bool is_marked(struct json_object *o, const char *what)
{
	return o && json_object_get_userdata(o) == (const void *)what;
}

void template_mark_map(struct json_object *o)
{
	mark(o, &mark_map);
}

void template_mark_time(struct json_object *o)
{
	mark(o, &mark_time);
}

void template_mark_duration(struct json_object *o)
{
	mark(o, &mark_duration);
}

void template_zero_duration(struct json_object *o, const char *name)
{
	struct json_object *zero;

	if (!o || json_object_object_get_ex(o, name, NULL))
		return;
	zero = json_object_new_int(0);
	mark(zero, &mark_no_duration);
	json_set(o, name, zero);
}

void template_put_hidden(struct json_object *o, const char *name,
			 struct json_object *value)
{
	mark(value, &mark_hidden);
	json_set(o, name, value);
}

void template_mark_method(struct json_object *o)
{
	mark(o, &mark_method);
}

void template_mark_header(struct json_object *o)
{
	mark(o, &mark_header);
}

static struct json_object *zero_new(enum json_type type)
{
	switch (type) {
	case json_type_boolean:
		return json_object_new_boolean(false);
	case json_type_int:
		return json_object_new_int(0);
	case json_type_double:
		return json_object_new_double(0);
	case json_type_string:
		return json_object_new_string("");
	case json_type_array:
		return json_object_new_array();
	case json_type_null:
	case json_type_object:
		break;
	}
	return json_object_new_object();
}

void template_zeros(struct json_object *o, const struct zero_field *fields)
{
	for (; fields->name; fields++) {
		struct json_object *zero = NULL;
		bool shown = json_object_object_get_ex(o, fields->name, &zero);

		if (zero || (shown && fields->type == json_type_null))
			continue;
		zero = zero_new(fields->type);
		if (fields->type == json_type_null)
			mark(zero, &mark_nil);
		else
			mark(zero, shown ? &mark_null : &mark_zero);
		json_set(o, fields->name, zero);
	}
}

void template_null_lists(struct json_object *map)
{
	json_object_object_foreach(map, key, child)
	{
		struct json_object *list = child ? NULL : zero_new(
						json_type_array);

		if (!list)
			continue;
		mark(list, &mark_null);
		json_set(map, key, list);
	}
}

bool value_is_method(struct json_object *o)
{
	return is_marked(o, &mark_method);
}

bool value_is_header(struct json_object *o)
{
	return is_marked(o, &mark_header);
}

bool value_is_time(struct value v)
{
	return is_marked(v.o, &mark_time);
}

static bool value_is_duration(struct value v)
{
	return is_marked(v.o, &mark_duration) ||
	       is_marked(v.o, &mark_no_duration);
}

struct value value_month(int month)
{
	struct value v = value_new(json_object_new_int(month));

	mark(v.o, &mark_month);
	return v;
}

struct value value_weekday(int day)
{
	struct value v = value_new(json_object_new_int(day));

	mark(v.o, &mark_weekday);
	return v;
}

const char *value_int_text(struct value v, char buf[DURATION_TEXT_MAX])
{
	int64_t n = json_object_get_int64(v.o);

	if (is_marked(v.o, &mark_month))
		return gotime_month((int)n);
	if (is_marked(v.o, &mark_weekday))
		return gotime_weekday((int)n);
	return value_is_duration(v) ? duration_go(n, buf) : NULL;
}

static const char *int_type(struct value v)
{
	if (is_marked(v.o, &mark_month))
		return "time.Month";
	if (is_marked(v.o, &mark_weekday))
		return "time.Weekday";
	return value_is_duration(v) ? "time.Duration" : "int";
}

bool value_has_methods(struct value v)
{
	return value_is_time(v) || value_is_duration(v);
}

bool value_is_hidden(struct json_object *o)
{
	return is_marked(o, &mark_hidden) || is_marked(o, &mark_zero) ||
	       is_marked(o, &mark_no_duration) || is_marked(o, &mark_nil) ||
	       value_is_method(o);
}

struct value value_new(struct json_object *o)
{
	return (struct value){ o, false };
}

struct value value_ref(struct json_object *o)
{
	return (struct value){ json_object_get(o), false };
}

void value_done(struct value *v)
{
	json_object_put(v->o);
	*v = VALUE_NONE;
}

enum value_kind value_kind(struct value v)
{
	if (v.none)
		return VAL_NONE;
	switch (json_object_get_type(v.o)) {
	case json_type_boolean:
		return VAL_BOOL;
	case json_type_double:
		return VAL_FLOAT;
	case json_type_int:
		return VAL_INT;
	case json_type_string:
		return VAL_STR;
	case json_type_array:
		return VAL_LIST;
	case json_type_object:
		if (is_marked(v.o, &mark_nil))
			return VAL_NIL;
		if (is_marked(v.o, &mark_map) || is_marked(v.o, &mark_zero) ||
		    is_marked(v.o, &mark_null) || value_is_method(v.o))
			return VAL_MAP;
		return VAL_STRUCT;
	case json_type_null:
		break;
	}
	return VAL_NIL;
}

const char *value_type(struct value v)
{
	switch (value_kind(v)) {
	case VAL_BOOL:
		return "bool";
	case VAL_INT:
		return int_type(v);
	case VAL_FLOAT:
		return "float64";
	case VAL_STR:
		return value_is_time(v) ? "time.Time" : "string";
	case VAL_LIST:
		return "[]string";
	case VAL_MAP:
		return "map[string]string";
	case VAL_STRUCT:
		return "struct";
	case VAL_NONE:
	case VAL_NIL:
		break;
	}
	return "<nil>";
}

bool value_is_true(struct value v)
{
	switch (value_kind(v)) {
	case VAL_BOOL:
		return json_object_get_boolean(v.o);
	case VAL_INT:
		return json_object_get_int64(v.o) != 0;
	case VAL_FLOAT:
		return json_object_get_double(v.o) < 0 ||
		       json_object_get_double(v.o) > 0;
	case VAL_STR:
		return json_object_get_string_len(v.o) > 0;
	case VAL_LIST:
		return json_object_array_length(v.o) > 0;
	case VAL_MAP:
		return json_object_object_length(v.o) > 0;
	case VAL_STRUCT:
		return true;
	case VAL_NONE:
	case VAL_NIL:
		break;
	}
	return false;
}

/* ---- objects ---------------------------------------------------------- */

char **keys_sorted(struct json_object *o)
{
	char **keys = NULL;

	json_object_object_foreach(o, key, child)
	{
		if (!value_is_hidden(child))
			strv_add(&keys, key);
	}
	strv_sort(keys);
	return keys;
}

/* A nil slice or map is null in JSON. */
static bool is_json_null(struct json_object *o)
{
	return is_marked(o, &mark_nil) || is_marked(o, &mark_null) ||
	       (is_marked(o, &mark_zero) &&
		(json_object_is_type(o, json_type_array) ||
		 json_object_is_type(o, json_type_object)));
}

/* What @o holds, without what is for templates only. */
static char **plain_members(struct json_object *o)
{
	char **keys = NULL;

	json_object_object_foreach(o, key, child)
	{
		(void)child;
		strv_add(&keys, key);
	}
	for (char **k = keys; k && *k;) {
		struct json_object *v = json_object_object_get(o, *k);

		if (value_is_hidden(v)) {
			json_object_object_del(o, *k);
			strv_remove(keys, (size_t)(k - keys));
			continue;
		}
		if (is_json_null(v))
			json_set(o, *k, NULL);
		k++;
	}
	return keys;
}

void template_to_json(struct json_object *o)
{
	autostrv char **keys = NULL;

	if (json_object_is_type(o, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(o); i++)
			template_to_json(json_object_array_get_idx(o, i));
		return;
	}
	if (!json_object_is_type(o, json_type_object))
		return;
	keys = plain_members(o);
	for (char **k = keys; k && *k; k++)
		template_to_json(json_object_object_get(o, *k));
	if (!is_marked(o, &mark_map))
		return;
	strv_sort(keys);
	for (char **k = keys; k && *k; k++) {
		struct json_object *value =
			json_object_get(json_object_object_get(o, *k));

		/* Taken out and put back: it becomes the last one. */
		json_object_object_del(o, *k);
		json_set(o, *k, value);
	}
}

static void json_member(const char *key, struct json_object *o, bool first,
			struct sb *out)
{
	autojson struct json_object *name = json_object_new_string(key);

	if (!first)
		sb_addch(out, ',');
	sb_add(out, json_text(name));
	sb_addch(out, ':');
	value_json(o, out);
}

/* Maps come out sorted, structs in the order of their fields, as in Go. */
static void json_object_text(struct json_object *o, struct sb *out)
{
	autostrv char **keys = NULL;
	bool first = true;

	sb_addch(out, '{');
	if (is_marked(o, &mark_map)) {
		keys = keys_sorted(o);
		for (char **k = keys; k && *k; k++)
			json_member(*k, json_object_object_get(o, *k),
				    k == keys, out);
	} else {
		json_object_object_foreach(o, key, child)
		{
			if (value_is_hidden(child))
				continue;
			json_member(key, child, first, out);
			first = false;
		}
	}
	sb_addch(out, '}');
}

void value_json(struct json_object *o, struct sb *out)
{
	if (is_json_null(o))
		o = NULL;
	switch (json_object_get_type(o)) {
	case json_type_object:
		json_object_text(o, out);
		return;
	case json_type_array:
		sb_addch(out, '[');
		for (size_t i = 0; i < json_object_array_length(o); i++) {
			if (i)
				sb_addch(out, ',');
			value_json(json_object_array_get_idx(o, i), out);
		}
		sb_addch(out, ']');
		return;
	case json_type_null:
	case json_type_boolean:
	case json_type_double:
	case json_type_int:
	case json_type_string:
		break;
	}
	sb_add(out, o ? json_text(o) : "null");
}

/* ---- fields ----------------------------------------------------------- */

/* The other spelling of a name that ends in ID or Id; NULL: has none. */
static char *other_id(const char *name)
{
	char *other = xstrdup(name);
	size_t len = strlen(name);

	if (len >= 2 && other[len - 2] == 'I' &&
	    (other[len - 1] == 'd' || other[len - 1] == 'D')) {
		other[len - 1] ^= 'd' ^ 'D';
		return other;
	}
	free(other);
	return NULL;
}

/* "created_by" is the JSON name of CreatedBy, "ociRuntime" of OCIRuntime. */
static bool is_json_name(const char *key, const char *field)
{
	if (*key < 'a' || *key > 'z' || *field < 'A' || *field > 'Z')
		return false;
	for (; *key; key++) {
		if (*key == '_')
			continue;
		if (tolower((unsigned char)*key) !=
		    tolower((unsigned char)*field))
			return false;
		field++;
	}
	return !*field;
}

/* A field of a Go struct whose JSON has another spelling of its name. */
static bool find_spelling(struct json_object *o, const char *name,
			  struct json_object **ret)
{
	autofree char *other = other_id(name);

	if (other && json_object_object_get_ex(o, other, ret))
		return true;
	json_object_object_foreach(o, key, child)
	{
		if (is_json_name(key, name)) {
			*ret = child;
			return true;
		}
	}
	return false;
}

/* Same letters in another case, or one begins with the other. */
static bool is_near(const char *a, const char *b)
{
	size_t len_a = strlen(a);
	size_t len_b = strlen(b);
	size_t n = MIN(len_a, len_b);

	return n >= 2 && !strncasecmp(a, b, n);
}

/* At most three, for a message; Return: how many */
static int near_fields(struct json_object *o, const char *name, struct sb *out)
{
	int n = 0;

	json_object_object_foreach(o, key, child)
	{
		(void)child;
		if (n < 3 && is_near(key, name))
			sb_addf(out, "%s%s", n++ ? ", " : "", key);
	}
	return n;
}

static void first_fields(struct json_object *o, int max, struct sb *out)
{
	int n = 0;

	json_object_object_foreach(o, key, child)
	{
		if (n++ < max && !value_is_hidden(child))
			sb_addf(out, "%s%s", out->len ? ", " : "", key);
	}
	if (n > max)
		sb_add(out, ", ...");
}

static int unknown_field(struct json_object *o, const char *name,
			 struct err *err)
{
	autosb struct sb list = SB_INIT;

	if (near_fields(o, name, &list))
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: can't evaluate field %s (near: %s)",
			       name, list.buf);
	first_fields(o, 12, &list);
	return err_set(err, ERR_INVALID, EINVAL,
		       "template: can't evaluate field %s (there are: %s)",
		       name, list.buf);
}

int value_field(struct value v, const char *name, struct value *ret,
		struct err *err)
{
	struct json_object *child = NULL;
	enum value_kind kind = value_kind(v);

	if (kind == VAL_NONE) {
		*ret = VALUE_NONE;
		return 0;
	}
	if (kind == VAL_NIL)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: nil pointer evaluating field %s",
			       name);
	if (value_has_methods(v))
		return value_call(v, name, NULL, 0, ret, err);
	if (kind != VAL_MAP && kind != VAL_STRUCT)
		return err_set(err, ERR_INVALID, EINVAL,
			       "template: can't evaluate field %s in type %s",
			       name, value_type(v));
	if (!json_object_object_get_ex(v.o, name, &child) &&
	    (kind == VAL_MAP || !find_spelling(v.o, name, &child))) {
		*ret = VALUE_NONE;
		return kind == VAL_MAP ? 0 : unknown_field(v.o, name, err);
	}
	*ret = value_ref(child);
	return 0;
}
