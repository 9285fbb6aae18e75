/* SPDX-License-Identifier: Apache-2.0 */
#include "util/strv.h"

#include <stdlib.h>
#include <string.h>

#include "util/sb.h"
#include "util/str.h"

size_t strv_len(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

/*
 * The array has no stored capacity: it grows when its length is a power of
 * two, so that appending stays linear overall.
 */
void strv_push(char ***v, char *s)
{
	size_t n = strv_len(*v);

	if (!n || (n & (n - 1)) == 0)
		*v = xreallocarray(*v, n ? n * 2 + 1 : 2, sizeof(**v));
	(*v)[n] = s;
	(*v)[n + 1] = NULL;
}

void strv_add(char ***v, const char *s)
{
	strv_push(v, xstrdup(s));
}

void strv_addf(char ***v, const char *fmt, ...)
{
	autosb struct sb sb = SB_INIT;
	va_list ap;

	va_start(ap, fmt);
	sb_addv(&sb, fmt, ap);
	va_end(ap);
	strv_push(v, sb_take(&sb));
}

void strv_extend(char ***v, char *const *more)
{
	for (size_t i = 0; more && more[i]; i++)
		strv_add(v, more[i]);
}

char **strv_copy(char *const *v)
{
	char **copy = NULL;

	strv_extend(&copy, v);
	return copy;
}

bool strv_contains(char *const *v, const char *s)
{
	for (size_t i = 0; v && v[i]; i++) {
		if (streq(v[i], s))
			return true;
	}
	return false;
}

char **strv_split(const char *s, char sep)
{
	char **v = NULL;

	if (str_is_empty(s))
		return NULL;
	for (;;) {
		const char *end = strchr(s, sep);

		if (!end) {
			strv_add(&v, s);
			return v;
		}
		strv_push(&v, xstrndup(s, (size_t)(end - s)));
		s = end + 1;
	}
}

char *strv_join(char *const *v, const char *sep)
{
	autosb struct sb sb = SB_INIT;

	for (size_t i = 0; v && v[i]; i++) {
		if (i)
			sb_add(&sb, sep);
		sb_add(&sb, v[i]);
	}
	return sb_take(&sb);
}

void strv_remove(char **v, size_t i)
{
	size_t n = strv_len(v);

	if (i >= n)
		return;
	free(v[i]);
	memmove(v + i, v + i + 1, (n - i) * sizeof(*v));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(char **v)
{
	size_t n = strv_len(v);

	if (n > 1)
		qsort(v, n, sizeof(*v), compare);
}

char **strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
	return NULL;
}

/* Index of KEY in a KEY=VALUE list; its length when it is missing. */
static size_t env_index(char *const *env, const char *key, size_t key_len)
{
	size_t i = 0;

	for (; env && env[i]; i++) {
		if (strncmp(env[i], key, key_len) == 0 &&
		    (env[i][key_len] == '=' || !env[i][key_len]))
			return i;
	}
	return i;
}

const char *strv_env_get(char *const *env, const char *key)
{
	size_t len = strlen(key);
	size_t i = env_index(env, key, len);

	if (!env || !env[i])
		return NULL;
	return env[i][len] == '=' ? env[i] + len + 1 : env[i] + len;
}

void strv_env_put(char ***env, const char *assignment)
{
	const char *eq = strchr(assignment, '=');
	size_t len = eq ? (size_t)(eq - assignment) : strlen(assignment);
	size_t i = env_index(*env, assignment, len);
	char *text = eq ? xstrdup(assignment) : xasprintf("%s=", assignment);

	if (*env && (*env)[i]) {
		free((*env)[i]);
		(*env)[i] = text;
		return;
	}
	strv_push(env, text);
}

void strv_env_set(char ***env, const char *key, const char *value)
{
	autofree char *text = xasprintf("%s=%s", key, value);

	strv_env_put(env, text);
}

void strv_env_unset(char **env, const char *key)
{
	size_t i = env_index(env, key, strlen(key));

	if (env && env[i])
		strv_remove(env, i);
}
