/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/save.h"

#include "storage/blob.h"
#include "storage/image/digest.h"
#include "storage/image/manifest.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/* docker-archive: HEX.tar of each layer, each ID.json, manifest.json. */

static int docker_layers(struct save *sv, const struct image *img,
			 struct json_object *list, struct err *err)
{
	autojson struct json_object *manifest = NULL;
	autojson struct json_object *config = NULL;
	autostrv char **diff_ids = NULL;
	struct json_object *layers;
	int r = image_config(sv->s, img, &config, err);

	if (r == 0)
		r = image_manifest(sv->s, img, &manifest, err);
	if (r < 0)
		return r;
	diff_ids = json_strv(json_obj(config, "rootfs"), "diff_ids");
	layers = json_arr(manifest, "layers");
	for (size_t i = 0; r == 0 && diff_ids && diff_ids[i]; i++) {
		const char *diff_id = diff_ids[i];
		const char *blob =
			json_str(json_object_array_get_idx(layers, i),
				 "digest");
		autofree char *name = xasprintf("%s.tar", digest_hex(diff_id));

		json_object_array_add(list, json_object_new_string(name));
		if (!save_first_time(sv, diff_id))
			continue;
		r = save_plain_add(sv, diff_id, blob, name, err);
	}
	return r;
}

static int docker_image(struct save *sv, const struct saved *one,
			struct json_object *index, struct err *err)
{
	struct json_object *o = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	autofree char *name = xasprintf("%s.json", one->img->id);

	json_object_array_add(index, o);
	json_set_str(o, "Config", name);
	if (one->names)
		json_set_strv(o, "RepoTags", one->names);
	else
		json_set(o, "RepoTags", NULL);
	json_set(o, "Layers", layers);
	return docker_layers(sv, one->img, layers, err);
}

static int docker_config(struct save *sv, const struct image *img,
			 struct err *err)
{
	autofree char *name = xasprintf("%s.json", img->id);
	autosb struct sb config = SB_INIT;
	int r = blob_read(sv->s, img->id, CONFIG_MAX, &config, err);

	save_tell(sv, "Copying config ", img->id);
	return r < 0 ? r : sink_file(&sv->k, name, config.buf, config.len,
				     err);
}

int save_docker(struct save *sv, struct err *err)
{
	autojson struct json_object *index = json_object_new_array();
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sv->n; i++)
		r = docker_image(sv, &sv->v[i], index, err);
	if (r == 0)
		r = save_plain_write(sv, err);
	for (size_t i = 0; r == 0 && i < sv->n; i++)
		r = docker_config(sv, sv->v[i].img, err);
	if (r < 0)
		return r;
	save_tell(sv, "Writing manifest to image destination", "");
	text = json_text(index);
	return sink_file(&sv->k, "manifest.json", text, strlen(text), err);
}
