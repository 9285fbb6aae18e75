/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_OBJECTS_H
#define CMD_OBJECTS_H

#include "util/err.h"

struct json_object;
struct runtime;

typedef int (*object_fn)(struct runtime *rt, const char *name, void *data,
			 struct json_object **ret, struct err *err);

/**
 * objects_inspect() - what every inspect command does with its arguments
 * @find: gives one object, owned by the caller
 *
 * Prints the objects that were found ("[]" when none was), then one error
 * line for each of the others.
 *
 * Return: 0, or the exit code to end with; -errno when @format is wrong
 */
int objects_inspect(struct runtime *rt, char *const *argv, const char *format,
		    object_fn find, void *data, struct err *err);

#endif
