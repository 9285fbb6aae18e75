/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/yaml.h"

#include <ctype.h>

#include "cmd/gotext.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

static void add_value(struct json_object *o, int indent, bool in_list,
		      struct sb *out);

/* Would a reader take the bare text for a number, a boolean or syntax? */
static bool needs_quotes(const char *s)
{
	static const char *const words[] = { "true", "false", "null", "yes",
					     "no",   "on",    "off",  "~" };
	double d = 0;

	if (!*s || strchr("!&*-?|>@`\"'%#{}[],:", *s) ||
	    isspace((unsigned char)*s) ||
	    isspace((unsigned char)s[strlen(s) - 1]))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcasecmp(s, words[i]))
			return true;
	if (strstr(s, ": ") || strstr(s, " #") || str_ends(s, ":"))
		return true;
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c < 0x20)
			return true;
	return !parse_double(s, &d);
}

static void add_scalar(struct json_object *o, struct sb *out)
{
	const char *s = json_object_get_string(o);

	if (json_object_is_type(o, json_type_string) && needs_quotes(s))
		go_quote(out, s);
	else if (json_object_is_type(o, json_type_double))
		go_float(out, json_object_get_double(o));
	else
		sb_add(out, o ? s : "null");
	sb_addch(out, '\n');
}

static void add_indent(int indent, struct sb *out)
{
	for (int i = 0; i < indent; i++)
		sb_addch(out, ' ');
}

static void add_map(struct json_object *o, int indent, bool in_list,
		    struct sb *out)
{
	autostrv char **keys = NULL;

	json_object_object_foreach(o, key, child)
	{
		(void)child;
		strv_add(&keys, key);
	}
	strv_sort(keys);
	for (char **k = keys; k && *k; k++) {
		if (k != keys || !in_list)
			add_indent(indent, out);
		if (needs_quotes(*k))
			go_quote(out, *k);
		else
			sb_add(out, *k);
		sb_addch(out, ':');
		add_value(json_object_object_get(o, *k), indent, false, out);
	}
}

static void add_list(struct json_object *o, int indent, struct sb *out)
{
	for (size_t i = 0; i < json_object_array_length(o); i++) {
		add_indent(indent, out);
		sb_add(out, "-");
		add_value(json_object_array_get_idx(o, i), indent, true, out);
	}
}

/* Behind "key:" or "-". */
static void add_value(struct json_object *o, int indent, bool in_list,
		      struct sb *out)
{
	if (json_object_is_type(o, json_type_object) &&
	    json_object_object_length(o)) {
		sb_addch(out, in_list ? ' ' : '\n');
		add_map(o, indent + 2, in_list, out);
	} else if (json_object_is_type(o, json_type_array) &&
		   json_object_array_length(o)) {
		sb_addch(out, '\n');
		add_list(o, in_list ? indent + 2 : indent, out);
	} else {
		sb_addch(out, ' ');
		if (json_object_is_type(o, json_type_object))
			sb_add(out, "{}\n");
		else if (json_object_is_type(o, json_type_array))
			sb_add(out, "[]\n");
		else
			add_scalar(o, out);
	}
}

void yaml_print(struct json_object *o, struct sb *out)
{
	if (json_object_is_type(o, json_type_object))
		add_map(o, 0, false, out);
	else
		add_list(o, 0, out);
}
