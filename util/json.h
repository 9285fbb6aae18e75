/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_JSON_H
#define UTIL_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/err.h"
#include "util/sb.h"

/* json-c is used through this file's rules and its getters and setters. */

static inline void cleanup_json(struct json_object **o)
{
	json_object_put(*o);
	*o = NULL;
}

#define autojson cleanup(cleanup_json)

/**
 * json_parse() - strict parse of untrusted text
 * @len: of @text, which need not be terminated
 *
 * One value, nothing behind it, no NUL (neither escaped), depth <= 64, at most
 * 131072 objects and lists and 524288 values, no duplicate keys in an object:
 * an ambiguous document is refused, never interpreted (CVE-2021-41190).  See
 * json_check_case() too.
 *
 * Return: owned object, NULL with @err set (ERR_INVALID, ERR_LIMIT)
 */
struct json_object *json_parse(const char *text, size_t len, struct err *err);

/**
 * json_check_case() - no key of @o is one of @known in other letter case
 * @known: ends with NULL
 *
 * Go's decoder would take such a key for the known one.  Not for free maps
 * (labels, volumes), where case is data.
 * Return: 0, -EINVAL/ERR_INVALID
 */
int json_check_case(struct json_object *o, const char *const *known,
		    struct err *err);

/* Getters: NULL/default when the key is missing or of another type. */
const char *json_str(struct json_object *o, const char *key); /* borrowed */
int64_t json_i64(struct json_object *o, const char *key, int64_t missing);
bool json_flag(struct json_object *o, const char *key, bool missing);
struct json_object *json_obj(struct json_object *o, const char *key);
struct json_object *json_arr(struct json_object *o, const char *key);

/** json_strv() - an array of strings as a strv (owned; NULL when absent) */
char **json_strv(struct json_object *o, const char *key);

/* Setters; NULL strings are left out. */
void json_set_str(struct json_object *o, const char *key, const char *value);
void json_set_i64(struct json_object *o, const char *key, int64_t value);
void json_set_u64(struct json_object *o, const char *key, uint64_t value);
void json_set_bool(struct json_object *o, const char *key, bool value);
void json_set_strv(struct json_object *o, const char *key, char *const *v);
void json_set(struct json_object *o, const char *key,
	      struct json_object *value); /* taken */

/** json_new_env_map() - a KEY=VALUE list as an object of strings */
struct json_object *json_new_env_map(char *const *env);

/** json_env_list() - the reverse: an object of strings as KEY=VALUE list */
char **json_env_list(struct json_object *o);

/** json_text() - compact, slashes not escaped; borrowed from @o */
const char *json_text(struct json_object *o);

/** json_pretty() - indented by @indent blanks as Go's encoder does it, no
 *  newline at the end */
void json_pretty(struct json_object *o, int indent, struct sb *out);

#endif
