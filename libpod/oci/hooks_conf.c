/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hooks a container gets.
 *
 * Theory of operation.  Runs in the command, as the user, before anything is
 * made.  Each *.json file of the directories names one program, the stages in
 * which it runs and when it is wanted; all conditions of a file have to hold
 * (oci-hooks(5), version 1.0.0).  They look at what the user typed: an image
 * neither adds a hook nor keeps one away.
 *
 * Whoever can write a directory, a file in it or a program runs code as us:
 * only root and ourselves may.
 */
#include "libpod/oci/hooks.h"

#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define HOOK_FILE_MAX (1U << 16)
#define HOOK_VERSION "1.0.0"

static int invalid(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, EINVAL, "%s", what);
}

/* ---- conditions -------------------------------------------------------- */

/* 1, 0, -errno */
static int matches(const char *pattern, const char *text, struct err *err)
{
	regex_t re;
	int r;

	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "bad regular expression \"%s\"", pattern);
	r = regexec(&re, text, 0, NULL, 0);
	regfree(&re);
	return r == 0;
}

/* One annotation whose key and whose value match */
static int has_annotation(char *const *list, const char *key,
			  const char *value, struct err *err)
{
	int r = 0;

	for (; r == 0 && list && *list; list++) {
		const char *eq = strchr(*list, '=');
		autofree char *name = eq ?
			xstrndup(*list, (size_t)(eq - *list)) : xstrdup(*list);

		r = matches(key, name, err);
		if (r == 1)
			r = matches(value, eq ? eq + 1 : "", err);
	}
	return r;
}

static int match_annotations(struct json_object *want,
			     const struct hook_match *m, struct err *err)
{
	if (!json_object_is_type(want, json_type_object))
		return invalid(err, "when.annotations must be an object");
	json_object_object_foreach(want, key, value) {
		int r;

		if (!json_object_is_type(value, json_type_string))
			return invalid(err, "when.annotations: a value is no "
					    "string");
		r = has_annotation(m->annotations, key,
				   json_object_get_string(value), err);
		if (r != 1)
			return r;
	}
	return 1;
}

static int match_commands(struct json_object *want,
			  const struct hook_match *m, struct err *err)
{
	size_t n = json_object_is_type(want, json_type_array) ?
			   json_object_array_length(want) : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct json_object *s = json_object_array_get_idx(want, i);

		if (!json_object_is_type(s, json_type_string))
			return invalid(err, "when.commands: an element is no "
					    "string");
		r = matches(json_object_get_string(s),
			    m->command ? m->command : "", err);
	}
	return n ? r : invalid(err, "when.commands must be a list of strings");
}

static int match_bool(struct json_object *want, bool is, bool both,
		      struct err *err)
{
	if (!json_object_is_type(want, json_type_boolean))
		return invalid(err, "when.always and when.hasBindMounts must "
				    "be true or false");
	return json_object_get_boolean(want) ? is : both;
}

static int one_condition(const char *key, struct json_object *want,
			 const struct hook_match *m, struct err *err)
{
	if (streq(key, "always"))
		return match_bool(want, true, false, err);
	if (streq(key, "hasBindMounts"))
		return match_bool(want, m->binds, true, err);
	if (streq(key, "annotations"))
		return match_annotations(want, m, err);
	if (streq(key, "commands"))
		return match_commands(want, m, err);
	return err_set(err, ERR_INVALID, EINVAL, "when: unknown condition "
		       "\"%s\"", key);
}

/* All of them, so that what is wrong shows whatever the others say. */
static int is_wanted(struct json_object *when, const struct hook_match *m,
		     struct err *err)
{
	int all = 1;

	if (!json_object_is_type(when, json_type_object) ||
	    json_object_object_length(when) == 0)
		return invalid(err, "when: no condition");
	json_object_object_foreach(when, key, want) {
		int r = one_condition(key, want, m, err);

		if (r < 0)
			return r;
		all &= r;
	}
	return all;
}

/* ---- one file ---------------------------------------------------------- */

static int parse_stages(struct json_object *list, uint32_t *ret,
			struct err *err)
{
	size_t n = json_object_is_type(list, json_type_array) ?
			   json_object_array_length(list) : 0;

	*ret = 0;
	for (size_t i = 0; i < n; i++) {
		const char *name = json_object_get_string(
			json_object_array_get_idx(list, i));
		enum hook_stage s = 0;

		while (s < HOOK_STAGES && !streq(name, hook_stage_name(s)))
			s++;
		if (s == HOOK_STAGES)
			return err_set(err, ERR_INVALID, EINVAL,
				       "unknown stage \"%s\"",
				       name ? name : "");
		*ret |= 1U << s;
	}
	return n ? 0 : invalid(err, "no stages");
}

static int parse_strings(struct json_object *o, const char *key, char ***ret,
			 struct err *err)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	*ret = json_strv(o, key);
	if (json_object_is_type(v, json_type_array) &&
	    strv_len(*ret) == json_object_array_length(v))
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "hook.%s must be a list of strings", key);
}

static int parse_hook(struct json_object *o, struct hook *k, struct err *err)
{
	const char *path = json_str(o, "path");
	int64_t timeout = json_i64(o, "timeout", 0);
	int r;

	if (!path || path[0] != '/')
		return invalid(err, "hook.path must be an absolute path");
	if (json_object_object_get_ex(o, "timeout", NULL) &&
	    (timeout <= 0 || timeout > UINT32_MAX))
		return invalid(err, "hook.timeout must be a number of seconds");
	k->path = xstrdup(path);
	k->timeout_s = (uint32_t)timeout;
	r = parse_strings(o, "args", &k->args, err);
	if (r == 0)
		r = parse_strings(o, "env", &k->env, err);
	if (!k->args)
		strv_add(&k->args, path);
	return r;
}

int hooks_parse_conf(const char *text, size_t len,
		     const struct hook_match *match, struct hooks *ret,
		     struct err *err)
{
	autojson struct json_object *o = json_parse(text, len, err);
	struct hooks one cleanup(hooks_done) = { .n = 0 };
	struct hook *k;
	int r;

	if (!o)
		return -EINVAL;
	if (!streq(json_str(o, "version"), HOOK_VERSION))
		return invalid(err, "version must be \"" HOOK_VERSION "\"");
	one.v = k = xcalloc(1, sizeof(*k));
	one.n = 1;
	r = parse_stages(json_arr(o, "stages"), &k->stages, err);
	if (r == 0)
		r = parse_hook(json_obj(o, "hook"), k, err);
	if (r == 0)
		r = is_wanted(json_obj(o, "when"), match, err);
	if (r <= 0)
		return r;
	ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
	ret->v[ret->n++] = *k;
	ret->stages |= k->stages;
	one.n = 0;
	return 1;
}

/* ---- who may have written it -------------------------------------------- */

static int check_owner(const struct stat *st, const char *path,
		       struct err *err)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(err, ERR_FAIL, EPERM,
			       "%s belongs to somebody else", path);
	if (st->st_mode & 0022)
		return err_set(err, ERR_FAIL, EPERM,
			       "%s can be written by others (chmod go-w)",
			       path);
	return 0;
}

/* One that is in the container is the container's business. */
static int check_program(const struct hook *k, struct err *err)
{
	struct stat st;

	if (!(k->stages & ~(1U << HOOK_START_CONTAINER)))
		return 0;
	if (stat(k->path, &st) < 0)
		return err_sys(err, "hook %s", k->path);
	if (!S_ISREG(st.st_mode) || access(k->path, X_OK) < 0)
		return err_set(err, ERR_INVALID, EACCES,
			       "hook %s is not a program that can be executed",
			       k->path);
	return check_owner(&st, k->path, err);
}

/* ---- directories ------------------------------------------------------- */

static int read_file(const char *path, const struct hook_match *match,
		     struct hooks *ret, struct err *err)
{
	autosb struct sb text = SB_INIT;
	struct stat st;
	int r;

	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
				O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "read hook %s", path);
	r = check_owner(&st, path, err);
	if (r < 0)
		return r;
	r = S_ISREG(st.st_mode) ? fd_read_all(fd, HOOK_FILE_MAX, &text) :
				  -EINVAL;
	if (r < 0)
		return err_code(err, r, "read hook %s", path);
	r = hooks_parse_conf(text.buf, text.len, match, ret, err);
	if (r == 1)
		r = check_program(&ret->v[ret->n - 1], err);
	return r < 0 ? err_wrap(err, r, "hook %s", path) : 0;
}

/* NAME=DIR for each file; a later directory has the last word */
static int list_dir(const char *path, bool must, char ***files,
		    struct err *err)
{
	autoclosedir DIR *dir = opendir(path);
	const struct dirent *d;
	struct stat st;
	int r = 0;

	if (!dir && errno == ENOENT && !must)
		return 0;
	if (!dir)
		return err_sys(err, "read hooks directory %s", path);
	if (fstat(dirfd(dir), &st) < 0)
		r = err_sys(err, "read hooks directory %s", path);
	if (r == 0)
		r = check_owner(&st, path, err);
	if (r < 0)
		return r;
	while ((r = dir_next(dir, &d, err)) > 0)
		if (d->d_name[0] != '.' && str_ends(d->d_name, ".json") &&
		    !strchr(d->d_name, '='))
			strv_env_set(files, d->d_name, path);
	return r < 0 ? err_wrap(err, r, "hooks directory %s", path) : 0;
}

int hooks_read(char *const *dirs, bool must, const struct hook_match *match,
	       struct hooks *ret, struct err *err)
{
	autostrv char **files = NULL;
	int r = 0;

	for (; r == 0 && dirs && *dirs; dirs++)
		r = list_dir(*dirs, must, &files, err);
	if (files)
		strv_sort(files);
	for (char **f = files; r == 0 && f && *f; f++) {
		const char *eq = strchr(*f, '=');
		autofree char *path = xasprintf("%s/%.*s", eq + 1,
						(int)(eq - *f), *f);

		r = read_file(path, match, ret, err);
	}
	return r;
}

/* ---- config.json -------------------------------------------------------- */

static struct json_object *hook_json(const struct hook *k)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "path", k->path);
	json_set_strv(o, "args", k->args);
	if (k->env)
		json_set_strv(o, "env", k->env);
	if (k->timeout_s)
		json_set_i64(o, "timeout", k->timeout_s);
	return o;
}

struct json_object *hooks_to_json(const struct hooks *h)
{
	struct json_object *o = json_object_new_object();

	for (enum hook_stage s = 0; s < HOOK_STAGES; s++) {
		struct json_object *list = NULL;

		for (size_t i = 0; i < h->n; i++) {
			if (!(h->v[i].stages & 1U << s))
				continue;
			if (!list)
				list = json_object_new_array();
			json_object_array_add(list, hook_json(&h->v[i]));
		}
		if (list)
			json_set(o, hook_stage_name(s), list);
	}
	return o;
}
