/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UTIL_TOML_H
#define UTIL_TOML_H

#include <stddef.h>

#include "util/err.h"

struct json_object;

/**
 * toml_parse() - a TOML 1.0 document as a tree of json-c objects
 * @text: untrusted, UTF-8, need not be terminated
 * @len:  of @text; more than 1 MiB is refused
 *
 * Tables become objects, arrays of tables arrays of objects; strings,
 * integers, floats and booleans their counterparts; dates and times stay text
 * (no configuration of this field uses them).  A key that is defined twice is
 * an error, as is nesting deeper than 32.  Read the result with util/json.h.
 *
 * Return: owned object, NULL with @err set (ERR_INVALID, "line N: ...")
 */
struct json_object *toml_parse(const char *text, size_t len, struct err *err);

#endif
