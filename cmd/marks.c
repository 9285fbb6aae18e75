/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/marks.h"

#include "cmd/format.h"
#include "util/json.h"
#include "util/str.h"

static void mark_path(struct json_object *o, const char *path,
		      void (*mark)(struct json_object *o))
{
	size_t len = strcspn(path, ".[");
	autofree char *key = xstrndup(path, len);
	struct json_object *child = NULL;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, key, &child) || !child)
		return;
	if (!path[len]) {
		mark(child);
	} else if (path[len] == '.') {
		mark_path(child, path + len + 1, mark);
	} else if (json_object_is_type(child, json_type_array)) {
		path += len + strlen("[].");
		for (size_t i = 0; i < json_object_array_length(child); i++)
			mark_path(json_object_array_get_idx(child, i), path,
				  mark);
	}
}

void marks_set(struct json_object *o, const char *const *maps,
	       const char *const *times, const char *const *durations)
{
	for (; maps && *maps; maps++)
		mark_path(o, *maps, template_mark_map);
	for (; times && *times; times++)
		mark_path(o, *times, template_mark_time);
	for (; durations && *durations; durations++)
		mark_path(o, *durations, template_mark_duration);
}
