/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/layout.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "storage/archive/sink.h"
#include "storage/image/desc.h"
#include "storage/image/manifest.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"

#define ANNOTATION_NAME "org.opencontainers.image.ref.name"
#define VERSION "Directory Transport Version: 1.1\n"

/* ---- OCI ---------------------------------------------------------------- */

static struct json_object *index_new(void)
{
	struct json_object *o = json_object_new_object();

	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", TYPE_OCI_INDEX);
	json_set(o, "manifests", json_object_new_array());
	return o;
}

/* What is there is kept as it is; it only has to be an index. */
static int index_read(int dir, struct json_object **ret, struct err *err)
{
	auto_manifest struct manifest m = { 0 };
	autosb struct sb text = SB_INIT;
	int r = file_read_at(dir, "index.json", MANIFEST_MAX, &text);

	if (r == -ENOENT) {
		*ret = index_new();
		return 0;
	}
	if (r < 0)
		return err_code(err, r, "read index.json");
	r = manifest_parse(text.buf, text.len, TYPE_OCI_INDEX, &m, err);
	if (r < 0)
		return err_wrap(err, r, "index.json of the directory");
	*ret = json_parse(text.buf, text.len, err);
	if (*ret && !json_arr(*ret, "manifests"))
		json_set(*ret, "manifests", json_object_new_array());
	return *ret ? 0 : -EINVAL;
}

int layout_begin(struct sink *k, struct json_object **ret, struct err *err)
{
	int r = 0;

	if (sink_is_dir(k))
		r = index_read(k->dir, ret, err);
	else
		*ret = index_new();
	if (r == 0)
		r = sink_mkdir(k, "blobs", err);
	if (r == 0)
		r = sink_mkdir(k, LAYOUT_BLOBS, err);
	return r;
}

static const char *name_of(struct json_object *desc)
{
	struct json_object *a = json_obj(desc, "annotations");

	return a ? json_str(a, ANNOTATION_NAME) : NULL;
}

static bool is_replaced(struct json_object *old, const char *digest,
			const char *name)
{
	const char *old_name = name_of(old);

	if (name || old_name)
		return streq(name, old_name);
	return streq(json_str(old, "digest"), digest);
}

void layout_index_add(struct json_object *index, const char *type,
		      const char *digest, uint64_t size, const char *name,
		      struct json_object *platform)
{
	struct json_object *list = json_arr(index, "manifests");
	struct json_object *o = desc_json(type, digest, size);

	for (size_t i = json_object_array_length(list); i-- > 0;)
		if (is_replaced(json_object_array_get_idx(list, i), digest,
				name))
			json_object_array_del_idx(list, i, 1);
	if (name) {
		struct json_object *a = json_object_new_object();

		json_set_str(a, ANNOTATION_NAME, name);
		json_set(o, "annotations", a);
	}
	if (platform)
		json_set(o, "platform", platform);
	json_object_array_add(list, o);
}

int layout_end(struct sink *k, struct json_object *index, struct err *err)
{
	static const char layout[] = "{\"imageLayoutVersion\": \"1.0.0\"}";
	const char *text = json_text(index);
	int r = sink_file(k, "oci-layout", layout, strlen(layout), err);

	/* Last: it makes the rest visible */
	return r < 0 ? r : sink_file(k, "index.json", text, strlen(text), err);
}

/* ---- dir: --------------------------------------------------------------- */

static bool is_ours(const char *name)
{
	return hex_is_valid(name, 64) || str_starts(name, "signature-") ||
	       str_ends(name, "manifest.json") || streq(name, "version");
}

/* @drop: remove what an earlier image left, else count what is there */
static int each_entry(int dirfd, bool drop, size_t *ret_n, struct err *err)
{
	autoclosedir DIR *d = dir_stream_at(dirfd, ".");
	const struct dirent *e;
	int r;

	if (!d)
		return err_sys(err, "read the directory");
	while ((r = dir_next(d, &e, err)) > 0) {
		(*ret_n)++;
		if (drop && is_ours(e->d_name) &&
		    unlinkat(dirfd, e->d_name, 0) < 0)
			return err_sys(err, "remove %s", e->d_name);
	}
	return r;
}

int dirlayout_begin(struct sink *k, struct err *err)
{
	autosb struct sb version = SB_INIT;
	size_t n = 0;
	int r = each_entry(k->dir, false, &n, err);

	if (r < 0 || n == 0)
		return r;
	if (file_read_at(k->dir, "version", 256, &version) < 0 ||
	    !str_starts(version.buf, "Directory Transport Version: "))
		return err_set(err, ERR_INVALID, ENOTEMPTY,
			       "the directory is not empty and holds no image "
			       "that could be replaced");
	return each_entry(k->dir, true, &n, err);
}

int dirlayout_end(struct sink *k, const void *manifest, size_t len,
		  struct err *err)
{
	int r = sink_file(k, "version", VERSION, strlen(VERSION), err);

	return r < 0 ? r : sink_file(k, "manifest.json", manifest, len, err);
}
