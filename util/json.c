/* SPDX-License-Identifier: Apache-2.0 */
#include "util/json.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "util/str.h"
#include "util/strv.h"

#define DEPTH_MAX 64
/* json-c takes a kilobyte for an empty object: 4 MiB of them would be 1 GB */
#define LISTS_MAX (1u << 17)
#define VALUES_MAX (1u << 19)

/*
 * json-c keeps the last of two equal keys, another parser the first: such a
 * document means different things to different readers.  The scan below runs
 * over the raw text before json-c does: it finds the keys of each object and
 * refuses doubles, and it bounds the depth.  Grammar errors are left to
 * json-c.
 *
 * @text: what the key means, between its quotes
 * @o:    owned, holds @text when it is written with escapes, else NULL
 */
struct key {
	const char *text;
	size_t len;
	struct json_object *o;
};

struct frame {
	struct key *keys;
	size_t n;
	bool object;
	bool want_key;
};

struct scan {
	const char *p, *end;
	struct frame stack[DEPTH_MAX];
	size_t depth;
	size_t lists;  /* objects and arrays so far */
	size_t commas;
};

/*
 * Return: behind the string.  @bad: what is wrong with it, unchanged if
 * nothing is.  At an escaped NUL C and others end the text differently, and
 * control bytes are taken by json-c only.
 */
static const char *skip_string(const char *p, const char *end, const char **bad)
{
	for (p++; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			*bad = *p ? "control byte in a string" : "NUL byte";
		if (*p != '\\')
			continue;
		p++;
		if (end - p >= 5 && memcmp(p, "u0000", 5) == 0)
			*bad = "NUL in a string";
	}
	return p < end ? p + 1 : end;
}

static bool same_key(const struct key *a, const struct key *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static int compare_key(const void *a, const void *b)
{
	const struct key *x = a;
	const struct key *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->text, y->text, x->len);
}

static void free_keys(struct frame *f)
{
	for (size_t i = 0; i < f->n; i++)
		json_object_put(f->keys[i].o);
	free(f->keys);
	memset(f, 0, sizeof(*f));
}

static int close_frame(struct frame *f, struct err *err)
{
	int r = 0;

	if (f->n)
		qsort(f->keys, f->n, sizeof(*f->keys), compare_key);
	for (size_t i = 1; r == 0 && i < f->n; i++) {
		if (same_key(&f->keys[i - 1], &f->keys[i]))
			r = err_set(err, ERR_INVALID, EINVAL,
				    "invalid JSON: duplicate key \"%.*s\"",
				    (int)MIN(f->keys[i].len, 64),
				    f->keys[i].text);
	}
	free_keys(f);
	return r;
}

static struct json_object *parse_text(const char *text, size_t len,
				      size_t *ret_used,
				      enum json_tokener_error *ret_why);

/* "\u0061" is "a": such a key is compared as json-c reads it */
static struct key take_key(const char *start, const char *end)
{
	struct key key = { start + 1, (size_t)(end - start), NULL };
	enum json_tokener_error why;
	size_t used;

	key.len -= MIN(key.len, 2);
	if (!memchr(key.text, '\\', key.len))
		return key;
	key.o = parse_text(start, (size_t)(end - start), &used, &why);
	if (key.o) {
		key.text = json_object_get_string(key.o);
		key.len = (size_t)json_object_get_string_len(key.o);
	}
	return key;
}

static void add_key(struct frame *f, const char *start, const char *end)
{
	if ((f->n & (f->n - 1)) == 0)
		f->keys = xreallocarray(f->keys, f->n ? f->n * 2 : 4,
					sizeof(*f->keys));
	f->keys[f->n++] = take_key(start, end);
	f->want_key = false;
}

static int open_frame(struct scan *s, bool object, struct err *err)
{
	if (s->depth == DEPTH_MAX)
		return err_set(err, ERR_LIMIT, EINVAL,
			       "invalid JSON: nested deeper than %d",
			       DEPTH_MAX);
	if (++s->lists > LISTS_MAX)
		return err_set(err, ERR_LIMIT, EINVAL,
			       "invalid JSON: more than %u objects and lists",
			       LISTS_MAX);
	s->stack[s->depth++] = (struct frame){ .object = object,
					       .want_key = object };
	return 0;
}

static int scan_one(struct scan *s, struct err *err)
{
	struct frame *top = s->depth ? &s->stack[s->depth - 1] : NULL;
	const char *start = s->p;
	const char *bad = NULL;

	switch (*s->p) {
	case '"':
		s->p = skip_string(s->p, s->end, &bad);
		if (bad)
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid JSON: %s", bad);
		if (top && top->object && top->want_key)
			add_key(top, start, s->p);
		return 0;
	case '{':
	case '[':
		s->p++;
		return open_frame(s, *start == '{', err);
	case '}':
	case ']':
		s->p++;
		if (!s->depth)
			return 0;
		s->depth--;
		return close_frame(&s->stack[s->depth], err);
	case ',':
		if (top)
			top->want_key = top->object;
		s->p++;
		if (++s->commas > VALUES_MAX)
			return err_set(err, ERR_LIMIT, EINVAL,
				       "invalid JSON: more than %u values",
				       VALUES_MAX);
		return 0;
	case '\0':
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid JSON: NUL byte");
	case '\'':
		/* json-c takes 'key' even when it is strict */
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid JSON: single quote");
	case 'N':
	case 'I':
		/* and NaN and Infinity, which are no JSON */
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid JSON: not a number");
	default:
		s->p++;
		return 0;
	}
}

static int check_keys(const char *text, size_t len, struct err *err)
{
	struct scan s = { .p = text, .end = text + len };
	int r = 0;

	while (r == 0 && s.p < s.end)
		r = scan_one(&s, err);
	while (s.depth)
		free_keys(&s.stack[--s.depth]);
	return r;
}

/* The value that @text begins with, owned, or NULL and why; @len < 2^31 */
static struct json_object *parse_text(const char *text, size_t len,
				      size_t *ret_used,
				      enum json_tokener_error *ret_why)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *o;

	if (!tok)
		die_oom();
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);
	o = json_tokener_parse_ex(tok, text, (int)len);
	*ret_why = json_tokener_get_error(tok);
	*ret_used = len;
	if (*ret_why == json_tokener_continue) {
		/* a bare number at the very end is complete only with this */
		o = json_tokener_parse_ex(tok, "\n", 1);
		*ret_why = json_tokener_get_error(tok);
	} else {
		*ret_used = json_tokener_get_parse_end(tok);
	}
	json_tokener_free(tok);
	return o;
}

struct json_object *json_parse(const char *text, size_t len, struct err *err)
{
	autojson struct json_object *o = NULL;
	enum json_tokener_error jerr;
	size_t used;

	if (len > INT32_MAX) {
		err_set(err, ERR_LIMIT, EFBIG, "invalid JSON: too large");
		return NULL;
	}
	if (check_keys(text, len, err) < 0)
		return NULL;
	o = parse_text(text, len, &used, &jerr);
	while (used < len && strchr(" \t\r\n", text[used]))
		used++;
	if (jerr == json_tokener_success && used < len)
		jerr = json_tokener_error_parse_unexpected;
	if (jerr != json_tokener_success) {
		err_set(err, ERR_INVALID, EINVAL, "invalid JSON: %s",
			jerr == json_tokener_continue ?
				"it ends too early" :
				json_tokener_error_desc(jerr));
		return NULL;
	}
	if (!o) {
		err_set(err, ERR_INVALID, EINVAL, "invalid JSON: null");
		return NULL;
	}
	return take_ptr(o);
}

static struct json_object *get(struct json_object *o, const char *key,
			       enum json_type type)
{
	struct json_object *v = NULL;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &v) ||
	    !json_object_is_type(v, type))
		return NULL;
	return v;
}

const char *json_str(struct json_object *o, const char *key)
{
	struct json_object *v = get(o, key, json_type_string);

	return v ? json_object_get_string(v) : NULL;
}

int64_t json_i64(struct json_object *o, const char *key, int64_t missing)
{
	struct json_object *v = get(o, key, json_type_int);

	return v ? json_object_get_int64(v) : missing;
}

bool json_flag(struct json_object *o, const char *key, bool missing)
{
	struct json_object *v = get(o, key, json_type_boolean);

	return v ? json_object_get_boolean(v) : missing;
}

struct json_object *json_obj(struct json_object *o, const char *key)
{
	return get(o, key, json_type_object);
}

struct json_object *json_arr(struct json_object *o, const char *key)
{
	return get(o, key, json_type_array);
}

char **json_strv(struct json_object *o, const char *key)
{
	struct json_object *a = json_arr(o, key);
	size_t n = a ? json_object_array_length(a) : 0;
	char **v = NULL;

	for (size_t i = 0; i < n; i++) {
		struct json_object *s = json_object_array_get_idx(a, i);

		if (json_object_is_type(s, json_type_string))
			strv_add(&v, json_object_get_string(s));
	}
	return v;
}

void json_set(struct json_object *o, const char *key,
	      struct json_object *value)
{
	if (json_object_object_add(o, key, value) < 0)
		die_oom();
}

void json_set_str(struct json_object *o, const char *key, const char *value)
{
	if (value)
		json_set(o, key, json_object_new_string(value));
}

void json_set_i64(struct json_object *o, const char *key, int64_t value)
{
	json_set(o, key, json_object_new_int64(value));
}

void json_set_u64(struct json_object *o, const char *key, uint64_t value)
{
	json_set(o, key, json_object_new_uint64(value));
}

void json_set_bool(struct json_object *o, const char *key, bool value)
{
	json_set(o, key, json_object_new_boolean(value));
}

void json_set_strv(struct json_object *o, const char *key, char *const *v)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; v && v[i]; i++)
		json_object_array_add(a, json_object_new_string(v[i]));
	json_set(o, key, a);
}

struct json_object *json_new_env_map(char *const *env)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; env && env[i]; i++) {
		const char *eq = strchr(env[i], '=');
		autofree char *key = eq ? xstrndup(env[i],
						   (size_t)(eq - env[i])) :
					  xstrdup(env[i]);

		json_set_str(o, key, eq ? eq + 1 : "");
	}
	return o;
}

char **json_env_list(struct json_object *o)
{
	char **env = NULL;

	if (!json_object_is_type(o, json_type_object))
		return NULL;
	json_object_object_foreach(o, key, value)
	{
		if (json_object_is_type(value, json_type_string))
			strv_addf(&env, "%s=%s", key,
				  json_object_get_string(value));
	}
	return env;
}

const char *json_text(struct json_object *o)
{
	return json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* ---- Go's indentation ---------------------------------------------------- */

static void put(struct json_object *o, int step, int depth, struct sb *out);

static void new_line(struct sb *out, int blanks)
{
	sb_addf(out, "\n%*s", blanks, "");
}

static void put_object(struct json_object *o, int step, int depth,
		       struct sb *out)
{
	const char *separator = "";

	if (!json_object_object_length(o)) {
		sb_add(out, "{}");
		return;
	}
	sb_addch(out, '{');
	json_object_object_foreach(o, key, value)
	{
		autojson struct json_object *k = json_object_new_string(key);

		sb_add(out, separator);
		new_line(out, step * (depth + 1));
		sb_addf(out, "%s: ", json_text(k));
		put(value, step, depth + 1, out);
		separator = ",";
	}
	new_line(out, step * depth);
	sb_addch(out, '}');
}

static void put_array(struct json_object *o, int step, int depth,
		      struct sb *out)
{
	size_t n = json_object_array_length(o);

	if (!n) {
		sb_add(out, "[]");
		return;
	}
	sb_addch(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			sb_addch(out, ',');
		new_line(out, step * (depth + 1));
		put(json_object_array_get_idx(o, i), step, depth + 1, out);
	}
	new_line(out, step * depth);
	sb_addch(out, ']');
}

static void put(struct json_object *o, int step, int depth, struct sb *out)
{
	if (json_object_is_type(o, json_type_object))
		put_object(o, step, depth, out);
	else if (json_object_is_type(o, json_type_array))
		put_array(o, step, depth, out);
	else
		sb_add(out, json_text(o));
}

void json_pretty(struct json_object *o, int indent, struct sb *out)
{
	put(o, indent, 0, out);
}

/*
 * Does Go's decoder take @key for @known?  Letter case is nothing to it, and
 * by Unicode the long s and the Kelvin sign are an s and a k.
 */
static bool folds_to(const char *key, const char *known)
{
	for (; *key && *known; key++, known++) {
		unsigned char c = (unsigned char)*key;

		if (strncmp(key, "\u017f", 2) == 0) {
			c = 's';
			key += 1;
		} else if (strncmp(key, "\u212a", 3) == 0) {
			c = 'k';
			key += 2;
		}
		if (tolower(c) != tolower((unsigned char)*known))
			return false;
	}
	return !*key && !*known;
}

int json_check_case(struct json_object *o, const char *const *known,
		    struct err *err)
{
	json_object_object_foreach(o, key, unused)
	{
		(void)unused;
		for (size_t i = 0; known[i]; i++) {
			if (folds_to(key, known[i]) &&
			    strcmp(key, known[i]) != 0)
				return err_set(err, ERR_INVALID, EINVAL,
					       "invalid JSON: key %s where %s "
					       "is meant", key, known[i]);
		}
	}
	return 0;
}
