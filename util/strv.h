/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_STRV_H
#define UTIL_STRV_H

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"
#include "util/compiler.h"

/*
 * A strv is a NULL-terminated, owned array of owned strings, as argv; NULL is
 * the empty one.  Functions that add never fail (die_oom).
 */

size_t strv_len(char *const *v);

/** strv_push() - append @s; @s is taken */
void strv_push(char ***v, char *s);

/** strv_add() - append a copy of @s */
void strv_add(char ***v, const char *s);

/** strv_addf() - append a formatted string */
void strv_addf(char ***v, const char *fmt, ...) printf_like(2, 3);

/** strv_extend() - append copies of all of @more (may be NULL) */
void strv_extend(char ***v, char *const *more);

char **strv_copy(char *const *v);
bool strv_contains(char *const *v, const char *s);

/** strv_split() - "a,b" -> {"a","b"}; empty parts are kept, "" gives NULL */
char **strv_split(const char *s, char sep);

/** strv_join() - owned by the caller, never NULL */
char *strv_join(char *const *v, const char *sep);

/** strv_remove() - drop the element at @i */
void strv_remove(char **v, size_t i);

void strv_sort(char **v);
char **strv_free(char **v);	/* returns NULL */

/* KEY=VALUE lists (environments, labels) */

/** strv_env_get() - the value of KEY in a KEY=VALUE list, or NULL; borrowed */
const char *strv_env_get(char *const *env, const char *key);

/** strv_env_set() - replace or append KEY=VALUE */
void strv_env_set(char ***env, const char *key, const char *value);

/** strv_env_put() - the same for one "KEY=VALUE" text (a bare KEY is "KEY=") */
void strv_env_put(char ***env, const char *assignment);

void strv_env_unset(char **env, const char *key);

static inline void cleanup_strv(char ***v)
{
	int saved = errno;

	*v = strv_free(*v);
	errno = saved;
}

#define autostrv cleanup(cleanup_strv)

#endif
