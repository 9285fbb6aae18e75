/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/image/platforms.h"

#include <string.h>

#include "storage/image/list.h"
#include "storage/image/platform.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"

#define SHORT_ID 12

/* @usage: NULL: it is not in the store */
static void add_line(struct json_object *lines, const char *name,
		     const char *id, const uint64_t *usage, bool no_trunc)
{
	struct json_object *o = json_object_new_object();
	autofree char *shown = no_trunc ? xasprintf("sha256:%s", id) :
					  xstrndup(id, SHORT_ID);
	char size[SIZE_TEXT_MAX] = "";

	if (usage)
		size_human(*usage, true, size);
	json_set_str(o, "Image", name);
	json_set_str(o, "ID", shown);
	json_set_str(o, "DiskUsage", size);
	json_object_array_add(lines, o);
}

static void add_platform(struct json_object *lines, const char *os,
			 const char *arch, const char *variant,
			 const char *id, const uint64_t *usage, bool last,
			 bool no_trunc)
{
	autofree char *name = xasprintf(
		"%s %s/%s%s%s", last ? "└─" : "├─",
		str_is_empty(os) ? "unknown" : os,
		str_is_empty(arch) ? "unknown" : arch,
		str_is_empty(variant) ? "" : "/",
		str_is_empty(variant) ? "" : variant);

	add_line(lines, name, id, usage, no_trunc);
}

static void add_entry(struct json_object *lines, struct store *store,
		      const struct list *l, size_t i, bool no_trunc)
{
	struct json_object *entries = json_arr(l->index, "manifests");
	struct json_object *entry = json_object_array_get_idx(entries, i);
	struct json_object *p = json_obj(entry, "platform");
	const char *digest = json_str(entry, "digest");
	const char *hex = digest ? strchr(digest, ':') : NULL;
	auto_image struct image *img = NULL;

	if (hex)
		(void)list_image(store, l, digest, &img);
	add_platform(lines, json_str(p, "os"), json_str(p, "architecture"),
		     json_str(p, "variant"), hex ? hex + 1 : "",
		     img ? &img->size : NULL,
		     i + 1 == json_object_array_length(entries), no_trunc);
}

int platforms_add(struct json_object *lines, struct store *store,
		  const char *name, const struct image *img, bool no_trunc,
		  struct err *err)
{
	auto_list struct list l = LIST_INIT;
	int r;

	if (!img->is_list) {
		add_line(lines, name, img->id, &img->size, no_trunc);
		add_platform(lines, img->os, img->arch, img->variant, img->id,
			     &img->size, true, no_trunc);
		return 0;
	}
	r = list_load(store, img->id, &l, err);
	if (r < 0)
		return r;
	add_line(lines, name, img->id, NULL, no_trunc);
	for (size_t i = 0; i < json_object_array_length(
				       json_arr(l.index, "manifests")); i++)
		add_entry(lines, store, &l, i, no_trunc);
	return 0;
}
