/* SPDX-License-Identifier: Apache-2.0 */
/* --env, --env-file, --label, --label-file */
#include <stdlib.h>

#include "cmd/container/create_opts.h"
#include "util/fd.h"
#include "util/strv.h"

#define ENV_FILE_MAX (1U << 20)

/* NAME* takes every variable of ours that begins so. */
static void import_prefix(const char *prefix, size_t len, char ***env)
{
	for (char **v = environ; v && *v; v++)
		if (strncmp(*v, prefix, len) == 0 && strchr(*v, '='))
			strv_env_put(env, *v);
}

/* "K=V"; "K" copies ours, when we have one; "K*" */
static int env_add(const char *text, char ***env, struct err *err)
{
	size_t len = strlen(text);
	const char *value;

	if (len == 0 || text[0] == '=')
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid variable: \"%s\"", text);
	if (strchr(text, '=')) {
		strv_env_put(env, text);
		return 0;
	}
	if (text[len - 1] == '*') {
		import_prefix(text, len - 1, env);
		return 0;
	}
	value = getenv(text);
	if (value)
		strv_env_set(env, text, value);
	return 0;
}

/* No quotes, no continuation: a line is what it is. */
int env_file_parse(const char *name, const char *text, char ***env,
		   struct err *err)
{
	autostrv char **lines = strv_split(text, '\n');

	for (char **l = lines; l && *l; l++) {
		char *line = *l + strspn(*l, " \t");
		size_t n = strlen(line);
		int r;

		if (n > 0 && line[n - 1] == '\r')
			line[--n] = '\0';
		if (n == 0 || *line == '#')
			continue;
		r = env_add(line, env, err);
		if (r < 0)
			return err_wrap(err, r, "parsing file \"%s\"", name);
	}
	return 0;
}

static int load_file(const char *path, struct sb *text, struct err *err)
{
	int r = file_load_any(path, ENV_FILE_MAX, text);

	if (r < 0)
		return err_code(err, r, "parsing file \"%s\": open %s", path,
				path);
	if (memchr(text->buf, '\0', text->len))
		return err_set(err, ERR_INVALID, EINVAL,
			       "parsing file \"%s\": contains a NUL byte",
			       path);
	return 0;
}

int env_collect(char *const *files, char *const *vars, char ***env,
		struct err *err)
{
	int r = 0;

	for (; r == 0 && files && *files; files++) {
		autosb struct sb text = SB_INIT;

		r = load_file(*files, &text, err);
		if (r == 0)
			r = env_file_parse(*files, text.buf, env, err);
	}
	for (; r == 0 && vars && *vars; vars++)
		r = env_add(*vars, env, err);
	return r;
}

int labels_collect(char *const *files, char *const *labels, char ***ret,
		   struct err *err)
{
	int r = 0;

	for (; r == 0 && files && *files; files++) {
		autosb struct sb text = SB_INIT;

		r = load_file(*files, &text, err);
		if (r == 0)
			r = env_file_parse(*files, text.buf, ret, err);
	}
	for (; r == 0 && labels && *labels; labels++) {
		if (!**labels || **labels == '=')
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid label format: \"%s\"",
				       *labels);
		strv_env_put(ret, *labels);
	}
	return r;
}
