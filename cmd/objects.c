/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/objects.h"

#include "cmd/cmd.h"
#include "cmd/format.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

int objects_inspect(struct runtime *rt, char *const *argv, const char *format,
		    object_fn find, void *data, struct err *err)
{
	autojson struct json_object *list = json_object_new_array();
	autofree struct err *failed =
		xcalloc(strv_len(argv) + 1, sizeof(*failed));
	size_t n_failed = 0;
	int code = 0;
	int r = 0;

	for (; *argv; argv++) {
		struct json_object *o = NULL;

		if (find(rt, *argv, data, &o, &failed[n_failed]) < 0)
			n_failed++;
		else
			json_object_array_add(list, o);
	}
	/* A template that is wrong is said also when nothing was found. */
	r = print_objects(format, list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n_failed; i++)
		code = exit_worse(code, cmd_error(&failed[i], false));
	return code;
}
