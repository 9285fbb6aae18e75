/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `image inspect`: the object is made of the image's rows and of its config
 * and manifest blobs, in podman's names and order.  What the config does not
 * have is shown empty, not left out, where podman does so.
 */
#include "cmd/image/inspect.h"

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "cmd/image/choose.h"
#include "cmd/objects.h"
#include "libpod/core/runtime.h"
#include "storage/image/lineage.h"
#include "storage/image/manifest.h"
#include "storage/store.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

struct inspect_args {
	char *format;
	char *platform;
};

static const struct opt inspect_opts[] = {
	OPT_STR('f', "format", struct inspect_args, format, "string",
		"Print with a Go template, or json"),
	OPT_STR(0, "platform", struct inspect_args, platform,
		"OS/ARCH[/VARIANT]",
		"The image has to be for this platform; of a manifest list "
		"the one that is"),
	OPT_END,
};

static void copy_text(struct json_object *to, const char *key,
		      struct json_object *from, const char *key_from)
{
	const char *s = from ? json_str(from, key_from) : NULL;

	json_set_str(to, key, s ? s : "");
}

/* The keys of the config that podman shows, in its order; maps are maps. */
static struct json_object *config_object(struct json_object *config)
{
	static const struct zero_field fields[] = {
		{ "User", json_type_string },
		{ "ExposedPorts", json_type_object },
		{ "Env", json_type_array },
		{ "Entrypoint", json_type_array },
		{ "Cmd", json_type_array },
		{ "Volumes", json_type_object },
		{ "WorkingDir", json_type_string },
		{ "Labels", json_type_object },
		{ "StopSignal", json_type_string },
		{ "Healthcheck", json_type_null },
		{ "OnBuild", json_type_array },
		{ "Shell", json_type_array },
		{ NULL, json_type_null },
	};
	struct json_object *o = json_object_new_object();

	for (const struct zero_field *f = fields; f->name; f++) {
		struct json_object *v;

		if (!json_object_object_get_ex(config, f->name, &v) || !v)
			continue;
		if (f->type == json_type_object &&
		    json_object_is_type(v, json_type_object))
			template_mark_map(v);
		json_set(o, f->name, json_object_get(v));
	}
	template_zeros(o, fields);
	return o;
}

static struct json_object *map_or_null(struct json_object *o)
{
	template_mark_map(o);
	return json_object_get(o);
}

static struct json_object *map_or_empty(struct json_object *o)
{
	struct json_object *map = o ? json_object_get(o) :
				      json_object_new_object();

	template_mark_map(map);
	return map;
}

/* Entries keep their JSON names; templates ask for all of Go's fields. */
static struct json_object *history_list(struct json_object *history)
{
	static const struct zero_field zeros[] = {
		{ "created", json_type_string },
		{ "created_by", json_type_string },
		{ "author", json_type_string },
		{ "comment", json_type_string },
		{ "empty_layer", json_type_boolean },
		{ NULL, json_type_null },
	};
	size_t n = history ? json_object_array_length(history) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *entry =
			json_object_array_get_idx(history, i);

		template_mark_time(json_object_object_get(entry, "created"));
		template_zeros(entry, zeros);
	}
	return json_object_get(history);
}

/* docker's own field, or what the last step said. */
static void set_comment(struct json_object *o, struct json_object *doc)
{
	struct json_object *history = json_arr(doc, "history");
	size_t n = history ? json_object_array_length(history) : 0;
	const char *s = json_str(doc, "comment");

	if (str_is_empty(s) && n)
		s = json_str(json_object_array_get_idx(history, n - 1),
			     "comment");
	json_set_str(o, "Comment", s ? s : "");
}

/* layers/HEX/diff below the data directory, the top one first */
static struct json_object *driver_object(struct runtime *rt, char **lower)
{
	struct json_object *o = json_object_new_object();
	struct json_object *data = json_object_new_object();
	autosb struct sb rest = SB_INIT;

	for (char **dir = lower; dir && *dir; dir++) {
		autofree char *path = xasprintf("%s/layers/%s", rt->data_path,
						*dir);

		if (dir == lower) {
			json_set_str(data, "UpperDir", path);
			continue;
		}
		sb_addf(&rest, "%s%s", rest.len ? ":" : "", path);
	}
	if (rest.len)
		json_set_str(data, "LowerDir", rest.buf);
	template_mark_map(data);
	json_set_str(o, "Name", "overlay");
	json_set(o, "Data", data);
	return o;
}

static struct json_object *rootfs_object(struct json_object *config)
{
	struct json_object *o = json_object_new_object();
	struct json_object *rootfs = json_obj(config, "rootfs");

	json_set_str(o, "Type", "layers");
	json_set(o, "Layers", json_object_get(json_arr(rootfs, "diff_ids")));
	return o;
}

static void set_names(struct json_object *o, const struct image *img)
{
	struct json_object *empty = json_object_new_array();

	json_set(o, "RepoTags", json_object_get(empty));
	json_set(o, "RepoDigests", json_object_get(empty));
	if (img->names)
		json_set_strv(o, "RepoTags", img->names);
	if (img->digests)
		json_set_strv(o, "RepoDigests", img->digests);
	json_object_put(empty);
}

static void set_names_history(struct json_object *o, const struct image *img)
{
	autostrv char **all = strv_copy(img->names);

	strv_extend(&all, img->history);
	if (all)
		json_set_strv(o, "NamesHistory", all);
	else
		json_set(o, "NamesHistory", NULL);
}

static void set_size(struct json_object *o, const struct image *img)
{
	json_set_u64(o, "Size", img->size);
	json_set_u64(o, "VirtualSize", img->size);
}

static void set_created(struct json_object *o, int64_t ns)
{
	char text[TIME_TEXT_MAX];
	struct json_object *v = json_object_new_string(time_rfc3339(ns, text));

	template_mark_time(v);
	json_set(o, "Created", v);
}

/* podman's name of it in Go is HealthCheck, in JSON Healthcheck. */
static void set_health(struct json_object *o, struct json_object *config)
{
	struct json_object *health = json_obj(config, "Healthcheck");
	struct json_object *copy = NULL;

	if (!health || json_object_deep_copy(health, &copy, NULL) < 0)
		return;
	json_set(o, "Healthcheck", json_object_get(health));
	template_put_hidden(o, "HealthCheck", copy);
}

static struct json_object *build(struct runtime *rt, const struct image *img,
				 const struct image *parent,
				 struct json_object *doc,
				 struct json_object *manifest, char **lower)
{
	static const struct zero_field zeros[] = {
		{ "Labels", json_type_object },
		{ "HealthCheck", json_type_null },
		{ NULL, json_type_null },
	};
	struct json_object *o = json_object_new_object();
	struct json_object *config = json_obj(doc, "config");
	const char *type = json_str(manifest, "mediaType");

	json_set_str(o, "Id", img->id);
	json_set_str(o, "Digest", img->digest);
	set_names(o, img);
	json_set_str(o, "Parent", parent ? parent->id : "");
	set_comment(o, doc);
	set_created(o, img->created_ns);
	json_set(o, "Config", config_object(config));
	copy_text(o, "Version", doc, "docker_version");
	copy_text(o, "Author", doc, "author");
	copy_text(o, "Architecture", doc, "architecture");
	copy_text(o, "Os", doc, "os");
	set_size(o, img);
	json_set(o, "GraphDriver", driver_object(rt, lower));
	json_set(o, "RootFS", rootfs_object(doc));
	json_set(o, "Labels", map_or_null(json_obj(config, "Labels")));
	json_set(o, "Annotations",
		 map_or_empty(json_obj(manifest, "annotations")));
	json_set_str(o, "ManifestType", type ? type : TYPE_OCI_MANIFEST);
	copy_text(o, "User", config, "User");
	json_set(o, "History", history_list(json_arr(doc, "history")));
	set_names_history(o, img);
	set_health(o, config);
	template_zeros(o, zeros);
	return o;
}

static int object_for(struct runtime *rt, const char *name,
		      const char *platform, struct json_object **ret,
		      struct err *err)
{
	autojson struct json_object *manifest = NULL;
	autojson struct json_object *doc = NULL;
	auto_lineage struct lineage *l = NULL;
	auto_image struct image *img = NULL;
	autostrv char **lower = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_choose(store, name, platform, &img, err);
	if (r == 0)
		r = image_config(store, img, &doc, err);
	if (r == 0)
		r = image_manifest(store, img, &manifest, err);
	if (r == 0)
		r = image_lower_paths(store, img, &lower, err);
	if (r < 0)
		return r;
	r = lineage_load(store, &l, err);
	if (r < 0)
		return r;
	*ret = build(rt, img, lineage_parent(l, img->id), doc, manifest,
		     lower);
	return 0;
}

int image_object(struct runtime *rt, const char *name,
		 struct json_object **ret, struct err *err)
{
	return object_for(rt, name, NULL, ret, err);
}

static int find(struct runtime *rt, const char *name, void *data,
		struct json_object **ret, struct err *err)
{
	return object_for(rt, name, data, ret, err);
}

static int inspect_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct inspect_args *args = p;

	return objects_inspect(rt, argv, args->format, find, args->platform,
			       err);
}

const struct cmd cmd_image_inspect = {
	.path = "image inspect",
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Display the configuration of an image",
	.text = "Shows what the store knows of one or more images.",
	.examples = (const char *const[]){ "image inspect alpine",
					   "image inspect --format "
					   "'imageId: {{.Id}} size: {{.Size}}' "
					   "alpine", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ inspect_opts, NULL },
	.args_size = sizeof(struct inspect_args),
	.run = inspect_run,
};
