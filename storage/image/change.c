/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image/change.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * Theory of operation
 *
 * A table of instructions, each with the function that changes the config.
 * Lists of words are taken apart as a Dockerfile's are: single and double
 * quotes hold a word together, a backslash takes the next character as it
 * is.  There are no variables here: nothing expands a $.
 */

#define WORDS_MAX 4096

/* ---- words --------------------------------------------------------------- */

/* One word from *@p on, quotes and backslashes resolved; NULL at the end. */
static char *next_word(const char **p)
{
	struct sb word = SB_INIT;
	const char *s = *p;
	char quote = '\0';

	while (isspace((unsigned char)*s))
		s++;
	if (!*s)
		return NULL;
	for (; *s && (quote || !isspace((unsigned char)*s)); s++) {
		if (quote ? *s == quote : *s == '"' || *s == '\'') {
			quote = quote ? '\0' : *s;
			continue;
		}
		if (*s == '\\' && quote != '\'' && s[1])
			s++;
		sb_addch(&word, *s);
	}
	*p = s;
	return sb_take(&word);
}

static char **words_of(const char *text)
{
	char **v = NULL;
	char *word;

	for (size_t n = 0; n < WORDS_MAX && (word = next_word(&text)); n++)
		strv_push(&v, word);
	return v;
}

/* An array of strings only; anything else is the shell form. */
static struct json_object *exec_form(const char *text)
{
	autojson struct json_object *o = NULL;

	if (*text != '[')
		return NULL;
	o = json_parse(text, strlen(text), NULL);
	if (!json_object_is_type(o, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(o); i++)
		if (!json_object_is_type(json_object_array_get_idx(o, i),
					 json_type_string))
			return NULL;
	return take_ptr(o);
}

/* The array as it is, or the text behind the image's shell. */
static struct json_object *command_form(struct json_object *config,
					const char *text)
{
	struct json_object *exec = exec_form(text);
	autostrv char **v = NULL;

	if (exec)
		return exec;
	v = json_strv(config, "Shell");
	if (!v) {
		strv_add(&v, "/bin/sh");
		strv_add(&v, "-c");
	}
	strv_add(&v, text);
	exec = json_object_new_array();
	for (char **s = v; *s; s++)
		json_object_array_add(exec, json_object_new_string(*s));
	return exec;
}

/* The object at @key, made when there is none. */
static struct json_object *map_of(struct json_object *config, const char *key)
{
	struct json_object *o = json_obj(config, key);

	if (!o) {
		o = json_object_new_object();
		json_set(config, key, o);
	}
	return o;
}

/* ---- instructions -------------------------------------------------------- */

static int set_cmd(struct json_object *config, const char *text,
		   struct err *err unused_attr)
{
	json_set(config, "Cmd", command_form(config, text));
	return 0;
}

static int set_entrypoint(struct json_object *config, const char *text,
			  struct err *err unused_attr)
{
	json_set(config, "Entrypoint", command_form(config, text));
	return 0;
}

/* "K V V" is one variable, "K=V K=V" several. */
static char **pairs_of(const char *text)
{
	autostrv char **words = words_of(text);
	const char *first = text;
	char **v = NULL;

	if (!words)
		return NULL;
	if (strchr(words[0], '='))
		return take_ptr(words);
	free(next_word(&first));
	while (isspace((unsigned char)*first))
		first++;
	if (*first)
		strv_addf(&v, "%s=%s", words[0], first);
	return v;
}

static int bad_pair(const char *text, struct err *err)
{
	return err_set(err, ERR_USAGE, EINVAL, "'%.200s' is not KEY=VALUE",
		       text);
}

static int set_env(struct json_object *config, const char *text,
		   struct err *err)
{
	autostrv char **pairs = pairs_of(text);
	autostrv char **env = json_strv(config, "Env");

	if (!pairs)
		return bad_pair(text, err);
	for (char **p = pairs; *p; p++) {
		if (**p == '=' || !strchr(*p, '='))
			return bad_pair(*p, err);
		strv_env_put(&env, *p);
	}
	json_set_strv(config, "Env", env);
	return 0;
}

static int set_label(struct json_object *config, const char *text,
		     struct err *err)
{
	autostrv char **pairs = pairs_of(text);
	struct json_object *labels = map_of(config, "Labels");

	if (!pairs)
		return bad_pair(text, err);
	for (char **p = pairs; *p; p++) {
		char *value = strchr(*p, '=');

		if (!value || value == *p)
			return bad_pair(*p, err);
		*value++ = '\0';
		json_set_str(labels, *p, value);
	}
	return 0;
}

/* "80", "80/udp", "8000-8010/tcp" */
static int add_port(struct json_object *ports, const char *word,
		    struct err *err)
{
	const char *slash = strchr(word, '/');
	const char *proto = slash ? slash + 1 : "tcp";
	autofree char *range = slash ? xstrndup(word, (size_t)(slash - word)) :
				       xstrdup(word);
	char *dash = strchr(range, '-');
	uint32_t first, last;

	if (dash)
		*dash++ = '\0';
	if (parse_u32(range, &first) < 0 ||
	    parse_u32(dash ? dash : range, &last) < 0 || first == 0 ||
	    last > 65535 || first > last ||
	    (!streq(proto, "tcp") && !streq(proto, "udp") &&
	     !streq(proto, "sctp")))
		return err_set(err, ERR_USAGE, EINVAL,
			       "'%.100s' is not a port", word);
	for (; first <= last; first++) {
		autofree char *key = xasprintf("%u/%s", first, proto);

		json_set(ports, key, json_object_new_object());
	}
	return 0;
}

static int set_expose(struct json_object *config, const char *text,
		      struct err *err)
{
	struct json_object *ports = map_of(config, "ExposedPorts");
	autostrv char **words = words_of(text);
	int r = 0;

	for (char **w = words; r == 0 && w && *w; w++)
		r = add_port(ports, *w, err);
	return r;
}

static int set_volume(struct json_object *config, const char *text,
		      struct err *err)
{
	struct json_object *volumes = map_of(config, "Volumes");
	autojson struct json_object *exec = exec_form(text);
	autostrv char **words = exec ? NULL : words_of(text);

	for (size_t i = 0; exec && i < json_object_array_length(exec); i++)
		strv_add(&words, json_object_get_string(
					 json_object_array_get_idx(exec, i)));
	for (char **w = words; w && *w; w++) {
		if (**w != '/')
			return err_set(err, ERR_USAGE, EINVAL,
				       "'%.200s' is not an absolute path",
				       *w);
		json_set(volumes, *w, json_object_new_object());
	}
	return 0;
}

static int set_user(struct json_object *config, const char *text,
		    struct err *err unused_attr)
{
	json_set_str(config, "User", text);
	return 0;
}

/* Relative to the one before. */
static int set_workdir(struct json_object *config, const char *text,
		       struct err *err unused_attr)
{
	const char *before = json_str(config, "WorkingDir");
	autofree char *path = NULL;

	if (*text == '/')
		path = xstrdup(text);
	else
		path = xasprintf("%s%s%s", str_is_empty(before) ? "/" : before,
				 str_ends(before ? before : "/", "/") ? "" :
									"/",
				 text);
	json_set_str(config, "WorkingDir", path);
	return 0;
}

static int set_stopsignal(struct json_object *config, const char *text,
			  struct err *err)
{
	int sig;

	if (parse_signal(text, &sig) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "'%.100s' is not a signal", text);
	json_set_str(config, "StopSignal", text);
	return 0;
}

static int set_onbuild(struct json_object *config, const char *text,
		       struct err *err unused_attr)
{
	struct json_object *list = json_arr(config, "OnBuild");

	if (!list) {
		list = json_object_new_array();
		json_set(config, "OnBuild", list);
	}
	json_object_array_add(list, json_object_new_string(text));
	return 0;
}

static int set_shell(struct json_object *config, const char *text,
		     struct err *err)
{
	struct json_object *exec = exec_form(text);

	if (!exec)
		return err_set(err, ERR_USAGE, EINVAL,
			       "'%.200s' is not an array of strings", text);
	json_set(config, "Shell", exec);
	return 0;
}

/* --interval=30s and the like; 1 it was one, 0 it was none, -errno */
static int health_option(struct json_object *check, const char *word,
			 struct err *err)
{
	static const struct {
		const char *option;
		const char *key;
	} times[] = {
		{ "--interval=", "Interval" },
		{ "--timeout=", "Timeout" },
		{ "--start-period=", "StartPeriod" },
		{ "--start-interval=", "StartInterval" },
	};
	const char *v = str_after(word, "--retries=");
	uint32_t n;
	int64_t ns;

	if (v && parse_u32(v, &n) == 0) {
		json_set_i64(check, "Retries", n);
		return 1;
	}
	for (size_t i = 0; !v && i < ARRAY_LEN(times); i++) {
		v = str_after(word, times[i].option);
		if (!v)
			continue;
		if (parse_duration(v, &ns) < 0)
			break;
		json_set_i64(check, times[i].key, ns);
		return 1;
	}
	if (str_starts(word, "--"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "'%.100s' is no option of HEALTHCHECK", word);
	return 0;
}

static struct json_object *health_test(const char *text)
{
	autojson struct json_object *exec = exec_form(text);
	struct json_object *test = json_object_new_array();

	json_object_array_add(test, json_object_new_string(
					    exec ? "CMD" : "CMD-SHELL"));
	for (size_t i = 0; exec && i < json_object_array_length(exec); i++)
		json_object_array_add(
			test, json_object_get(
				      json_object_array_get_idx(exec, i)));
	if (!exec)
		json_object_array_add(test, json_object_new_string(text));
	return test;
}

static int set_healthcheck(struct json_object *config, const char *text,
			   struct err *err)
{
	autojson struct json_object *check = json_object_new_object();
	const char *rest = text;
	int r = 1;

	while (r == 1) {
		const char *here = rest;
		autofree char *word = next_word(&rest);

		r = word ? health_option(check, word, err) : 0;
		if (r == 0 && word && strcasecmp(word, "NONE") == 0) {
			struct json_object *none = json_object_new_array();

			json_object_array_add(none,
					      json_object_new_string("NONE"));
			json_set(check, "Test", none);
		} else if (r == 0 && word && strcasecmp(word, "CMD") == 0) {
			while (isspace((unsigned char)*rest))
				rest++;
			json_set(check, "Test", health_test(rest));
		} else if (r == 0) {
			r = err_set(err, ERR_USAGE, EINVAL,
				    "HEALTHCHECK wants NONE or CMD, not "
				    "'%.100s'", here);
		}
	}
	if (r < 0)
		return r;
	json_set(config, "Healthcheck", take_ptr(check));
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct json_object *config, const char *text,
		   struct err *err);
} instructions[] = {
	{ "CMD", set_cmd },
	{ "ENTRYPOINT", set_entrypoint },
	{ "ENV", set_env },
	{ "EXPOSE", set_expose },
	{ "HEALTHCHECK", set_healthcheck },
	{ "LABEL", set_label },
	{ "ONBUILD", set_onbuild },
	{ "SHELL", set_shell },
	{ "STOPSIGNAL", set_stopsignal },
	{ "USER", set_user },
	{ "VOLUME", set_volume },
	{ "WORKDIR", set_workdir },
};

int change_apply(struct json_object *config, const char *line,
		 struct err *err)
{
	autofree char *copy = xstrdup(line);
	char *text = str_trim(copy);
	size_t len = strcspn(text, " \t=");
	char *rest = text + len;
	int r;

	if (*rest)
		*rest++ = '\0';
	rest = str_trim(rest);
	for (size_t i = 0; i < ARRAY_LEN(instructions); i++) {
		if (strcasecmp(text, instructions[i].name) != 0)
			continue;
		if (!*rest)
			break;
		r = instructions[i].set(config, rest, err);
		return r < 0 ? err_wrap(err, r, "invalid change \"%s\"", line) :
			       0;
	}
	return err_set(err, ERR_USAGE, EINVAL,
		       "invalid change \"%.300s\" - must be formatted as "
		       "KEY VALUE, with KEY one of CMD, ENTRYPOINT, ENV, "
		       "EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, "
		       "STOPSIGNAL, USER, VOLUME, WORKDIR", line);
}

/* ---- a config over another ----------------------------------------------- */

static void merge_map(struct json_object *config, const char *key,
		      struct json_object *more)
{
	struct json_object *map = map_of(config, key);

	json_object_object_foreach(more, name, value)
	{
		json_set(map, name, json_object_get(value));
	}
}

static void merge_env(struct json_object *config, const char *key,
		      char *const *values)
{
	autostrv char **env = json_strv(config, key);

	for (; values && *values; values++)
		strv_env_put(&env, *values);
	json_set_strv(config, key, env);
}

static void merge_onbuild(struct json_object *config, const char *key,
			  char *const *values)
{
	autostrv char **all = json_strv(config, key);

	strv_extend(&all, values);
	json_set_strv(config, key, all);
}

static bool is_empty(struct json_object *o)
{
	switch (json_object_get_type(o)) {
	case json_type_null:
		return true;
	case json_type_string:
		return !json_object_get_string_len(o);
	case json_type_array:
		return !json_object_array_length(o);
	case json_type_object:
		return !json_object_object_length(o);
	case json_type_boolean:
	case json_type_double:
	case json_type_int:
		break;
	}
	return false;
}

static void merge_field(struct json_object *config, const char *key,
			struct json_object *from, struct json_object *value)
{
	autostrv char **list = NULL;

	if (json_object_is_type(value, json_type_array))
		list = json_strv(from, key);
	if (streq(key, "Env"))
		merge_env(config, key, list);
	else if (streq(key, "OnBuild"))
		merge_onbuild(config, key, list);
	else if (json_object_is_type(value, json_type_object) &&
		 !streq(key, "Healthcheck"))
		merge_map(config, key, value);
	else
		json_set(config, key, json_object_get(value));
}

int change_merge(struct json_object *config, struct json_object *more,
		 struct err *err)
{
	static const struct {
		const char *key;
		enum json_type type;
	} fields[] = {
		{ "User", json_type_string },
		{ "ExposedPorts", json_type_object },
		{ "Env", json_type_array },
		{ "Entrypoint", json_type_array },
		{ "Cmd", json_type_array },
		{ "Volumes", json_type_object },
		{ "WorkingDir", json_type_string },
		{ "Labels", json_type_object },
		{ "StopSignal", json_type_string },
		{ "Healthcheck", json_type_object },
		{ "OnBuild", json_type_array },
		{ "Shell", json_type_array },
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct json_object *value =
			json_object_object_get(more, fields[i].key);

		if (is_empty(value))
			continue;
		if (!json_object_is_type(value, fields[i].type))
			return err_set(err, ERR_INVALID, EINVAL,
				       "field %s is not of the type that it "
				       "has in an image", fields[i].key);
		merge_field(config, fields[i].key, more, value);
	}
	return 0;
}
