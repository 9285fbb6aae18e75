/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * image_save(): images as one archive, written to a descriptor front to back.
 *
 * oci-archive: manifests, configs and compressed layers as they are in
 * blobs/, so the digests are those of the registry.  docker-archive: layers
 * uncompressed; bryo-layer inflates the blob straight into the archive, which
 * needs its size in advance: layer.json has it.
 *
 * A layer that was here already when the image came has the blob of another
 * image: docker-archive uses that, oci-archive a manifest that names it.
 * Where there is no blob at all, a docker-archive packs the layer again from
 * its directory; that gives the same content but hardly the same bytes, so it
 * is an error unless the digest comes out right.
 */
#include <unistd.h>

#include "storage/archive/tarwrite.h"
#include "storage/blob.h"
#include "storage/image/manifest.h"
#include "storage/image/names.h"
#include "storage/image/ref.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/**
 * struct saved - one image and the names under which it was asked for
 */
struct saved {
	struct image *img; /* owned */
	char **names;	   /* owned */
};

/**
 * struct save - one call of image_save()
 * @done: hashes that are in the archive; owned
 */
struct save {
	struct store *s;
	const struct progress *p;
	struct tar_writer w;
	struct saved *v;
	size_t n;
	char **done;
};

static void save_done(struct save *sv)
{
	for (size_t i = 0; i < sv->n; i++) {
		image_free(sv->v[i].img);
		strv_free(sv->v[i].names);
	}
	free(sv->v);
	strv_free(sv->done);
	lease_drop(sv->s);
}

static void tell(const struct save *sv, const char *what, const char *hash)
{
	autofree char *text = xasprintf("%s%s", what, hash);

	if (sv->p && sv->p->line)
		sv->p->line(sv->p->arg, text);
}

/* True the first time. */
static bool first_time(struct save *sv, const char *hash)
{
	if (strv_contains(sv->done, hash))
		return false;
	strv_add(&sv->done, hash);
	return true;
}

/* ---- what is wanted ----------------------------------------------------- */

static struct saved *saved_of(struct save *sv, const char *id)
{
	for (size_t i = 0; i < sv->n; i++)
		if (streq(sv->v[i].img->id, id))
			return &sv->v[i];
	return NULL;
}

static int want_one(struct save *sv, const char *typed, struct err *err)
{
	autofree char *full = NULL;
	autofree char *id = NULL;
	struct saved *found;
	int r = image_resolve(sv->s, typed, &id, &full, err);

	if (r < 0)
		return r;
	found = saved_of(sv, id);
	if (!found) {
		auto_image struct image *img = NULL;

		r = image_find(sv->s, id, &img, err);
		if (r < 0)
			return r;
		sv->v = xreallocarray(sv->v, sv->n + 1, sizeof(*sv->v));
		found = &sv->v[sv->n++];
		*found = (struct saved){ take_ptr(img), NULL };
	}
	if (full && !strchr(full, '@') && !strv_contains(found->names, full))
		strv_push(&found->names, take_ptr(full));
	return 0;
}

/* Everything stays while it is read: rmi has to come after us. */
static int hold(struct save *sv, struct err *err)
{
	autostrv char **hashes = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sv->n; i++) {
		struct db_stmt *st =
			db_prep(sv->s->conf.db, err, "SELECT digest FROM"
				" image_blob WHERE image = ?1 UNION SELECT"
				" diff_id FROM image_layer WHERE image = ?1",
				"s", sv->v[i].img->id);

		if (!st)
			return -EIO;
		while ((r = db_step(st, err)) == 1)
			strv_add(&hashes, db_str(st, 0));
		db_done(st);
	}
	return r < 0 ? r : lease_add(sv->s, hashes, err);
}

/* ---- layers ------------------------------------------------------------- */

static int missing_blob(const char *diff_id, struct err *err)
{
	return err_set(err, ERR_FAIL, ENOENT,
		       "layer %.19s: its compressed blob is not in the store "
		       "any more, pull the image again", diff_id);
}

/* The tar stream of a layer whose blob is there but compressed. */
static int inflate(struct save *sv, int blob, uint64_t size,
		   const char *diff_id, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	auto_staging struct staging st = STAGING_INIT;
	struct layer_apply apply = {
		.input = blob,
		.size = size,
		.diff_id = diff_id,
		.max_bytes = sv->s->conf.layer_max,
		.enter_userns = sv->s->conf.enter_userns,
		.arg = sv->s->conf.arg,
	};
	int r = store_userns(sv->s, err);

	if (r == 0)
		r = staging_new(sv->s, &st, err);
	if (r < 0)
		return r;
	apply.staging = st.fd;
	r = layer_inflate(&apply, sv->w.fd, &res, err);
	if (r < 0)
		return err_wrap(err, r, "layer %.19s", diff_id);
	tar_skip(&sv->w, res.diff_size);
	return 0;
}

static int pack(struct save *sv, const struct layer_info *info,
		const char *diff_id, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	int r = store_userns(sv->s, err);

	if (r < 0)
		return r;
	autoclose int dir = layer_open(sv->s, digest_hex(diff_id));
	if (dir < 0)
		return err_code(err, dir, "open layer %.19s", diff_id);
	r = layer_diff_stream(dir, info->format, sv->w.fd,
			      sv->s->conf.enter_userns, sv->s->conf.arg, &res,
			      err);
	if (r < 0)
		return err_wrap(err, r, "layer %.19s", diff_id);
	if (!streq(res.diff_id, diff_id))
		return missing_blob(diff_id, err);
	tar_skip(&sv->w, res.diff_size);
	return 0;
}

static int add_layer_tar(struct save *sv, const char *diff_id, const char *blob,
			 struct err *err)
{
	auto_layer_info struct layer_info info = { 0 };
	const char *hex = digest_hex(diff_id);
	autofree char *name = xasprintf("%s.tar", hex);
	uint64_t size = 0;
	int r = layer_read(sv->s, hex, &info, err);

	if (r < 0)
		return r;
	autoclose int fd = blob_open(sv->s, digest_hex(blob), &size);
	/* Another image's blob of the same layer will do as well */
	if (fd < 0 && *info.digest)
		fd = blob_open(sv->s, digest_hex(info.digest), &size);
	if (fd >= 0 && size == info.diff_size)
		return tar_copy(&sv->w, name, fd, size, err);
	r = tar_begin(&sv->w, name, info.diff_size, err);
	if (r == 0)
		r = fd >= 0 ? inflate(sv, fd, size, diff_id, err) :
			      pack(sv, &info, diff_id, err);
	return r < 0 ? r : tar_end(&sv->w, err);
}

/* ---- docker-archive ----------------------------------------------------- */

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
		if (!first_time(sv, diff_id))
			continue;
		tell(sv, "Copying blob ", diff_id);
		r = add_layer_tar(sv, diff_id, blob, err);
	}
	return r;
}

static int docker_image(struct save *sv, const struct saved *one,
			struct json_object *index, struct err *err)
{
	struct json_object *o = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	autofree char *name = xasprintf("%s.json", one->img->id);
	autosb struct sb config = SB_INIT;
	int r;

	json_object_array_add(index, o);
	json_set_str(o, "Config", name);
	if (one->names)
		json_set_strv(o, "RepoTags", one->names);
	else
		json_set(o, "RepoTags", NULL);
	json_set(o, "Layers", layers);
	r = docker_layers(sv, one->img, layers, err);
	if (r < 0)
		return r;
	tell(sv, "Copying config ", one->img->id);
	r = blob_read(sv->s, one->img->id, CONFIG_MAX, &config, err);
	if (r == 0)
		r = tar_file(&sv->w, name, config.buf, config.len, err);
	return r;
}

static int save_docker(struct save *sv, struct err *err)
{
	autojson struct json_object *index = json_object_new_array();
	const char *text;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sv->n; i++)
		r = docker_image(sv, &sv->v[i], index, err);
	if (r < 0)
		return r;
	tell(sv, "Writing manifest to image destination", "");
	text = json_text(index);
	return tar_file(&sv->w, "manifest.json", text, strlen(text), err);
}

/* ---- oci-archive -------------------------------------------------------- */

static int oci_blob(struct save *sv, const char *digest, const char *what,
		    struct err *err)
{
	autofree char *name = xasprintf("blobs/sha256/%s", digest_hex(digest));
	uint64_t size;

	if (!first_time(sv, digest))
		return 0;
	autoclose int fd = blob_open(sv->s, digest_hex(digest), &size);
	if (fd < 0)
		return missing_blob(digest, err);
	tell(sv, what, digest);
	return tar_copy(&sv->w, name, fd, size, err);
}

static const char *layer_type(int blob)
{
	static const unsigned char gzip[] = { 0x1f, 0x8b };
	static const unsigned char zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
	unsigned char head[4] = { 0 };

	if (pread(blob, head, sizeof(head), 0) < 0)
		return TYPE_OCI_LAYER;
	if (memcmp(head, gzip, sizeof(gzip)) == 0)
		return TYPE_OCI_LAYER "+gzip";
	if (memcmp(head, zstd, sizeof(zstd)) == 0)
		return TYPE_OCI_LAYER "+zstd";
	return TYPE_OCI_LAYER;
}

static struct json_object *json_desc(const char *type, const char *digest,
				     uint64_t size)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "mediaType", type);
	json_set_str(o, "digest", digest);
	json_set_u64(o, "size", size);
	return o;
}

/* The blob that the layer was unpacked from, which came with another image. */
static int stand_in_layer(struct save *sv, const char *diff_id,
			  struct json_object *layers, struct err *err)
{
	auto_layer_info struct layer_info info = { 0 };
	uint64_t size;
	int r = layer_read(sv->s, digest_hex(diff_id), &info, err);

	if (r < 0)
		return r;
	autoclose int fd = *info.digest ?
		blob_open(sv->s, digest_hex(info.digest), &size) : -ENOENT;
	if (fd < 0)
		return missing_blob(diff_id, err);
	json_object_array_add(layers, json_desc(layer_type(fd), info.digest,
						size));
	return 0;
}

static int stand_in(struct save *sv, const struct image *img,
		    struct json_object **ret, struct err *err)
{
	autojson struct json_object *o = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	autojson struct json_object *config = NULL;
	autostrv char **diff_ids = NULL;
	char digest[DIGEST_MAX];
	autosb struct sb raw = SB_INIT;
	int r = image_config(sv->s, img, &config, err);

	if (r == 0)
		r = blob_read(sv->s, img->id, CONFIG_MAX, &raw, err);
	digest_from_hex(digest, img->id);
	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", TYPE_OCI_MANIFEST);
	json_set(o, "config", json_desc(TYPE_OCI_CONFIG, digest, raw.len));
	json_set(o, "layers", layers);
	if (r == 0)
		diff_ids = json_strv(json_obj(config, "rootfs"), "diff_ids");
	for (char **id = diff_ids; r == 0 && id && *id; id++)
		r = stand_in_layer(sv, *id, layers, err);
	if (r == 0)
		*ret = take_ptr(o);
	return r;
}

static const char *layer_digest(struct json_object *manifest, size_t i)
{
	struct json_object *layers = json_arr(manifest, "layers");

	if (!layers || i >= json_object_array_length(layers))
		return NULL;
	return json_str(json_object_array_get_idx(layers, i), "digest");
}

static bool is_complete(struct save *sv, struct json_object *manifest)
{
	const char *digest;

	for (size_t i = 0; (digest = layer_digest(manifest, i)); i++)
		if (!blob_exists(sv->s, digest_hex(digest)))
			return false;
	return true;
}

/*
 * The manifest: byte for byte the one that the image came with, OCI's or
 * docker's, both are legal in a layout.  Where a layer was here already when
 * the image came, its blob was not fetched a second time: then a manifest
 * over the blobs that are here.
 */
static int oci_manifest(struct save *sv, const struct image *img,
			struct json_object **ret, struct sb *text,
			char digest[DIGEST_MAX], struct err *err)
{
	autojson struct json_object *m = NULL;
	int r = image_manifest(sv->s, img, &m, err);

	if (r == 0 && is_complete(sv, m)) {
		memcpy(digest, img->digest, strlen(img->digest) + 1);
		r = blob_read(sv->s, digest_hex(digest), MANIFEST_MAX, text,
			      err);
	} else if (r == 0) {
		json_object_put(take_ptr(m));
		r = stand_in(sv, img, &m, err);
		if (r == 0) {
			sb_add(text, json_text(m));
			r = digest_of(text->buf, text->len, digest, err);
		}
	}
	if (r == 0)
		*ret = take_ptr(m);
	return r;
}

static void oci_index(struct json_object *index, const struct saved *one,
		      struct json_object *manifest, const char *digest,
		      uint64_t size)
{
	const char *type = json_str(manifest, "mediaType");
	char *const *name = one->names;

	do {
		struct json_object *o =
			json_desc(type ? type : TYPE_OCI_MANIFEST, digest,
				  size);

		if (name) {
			struct json_object *a = json_object_new_object();

			json_set_str(a, "org.opencontainers.image.ref.name",
				     *name);
			json_set(o, "annotations", a);
		}
		json_object_array_add(index, o);
	} while (name && *++name);
}

static int oci_image(struct save *sv, const struct saved *one,
		     struct json_object *index, struct err *err)
{
	autojson struct json_object *manifest = NULL;
	autosb struct sb text = SB_INIT;
	autofree char *name = NULL;
	char digest[DIGEST_MAX];
	char config[DIGEST_MAX];
	const char *layer;
	int r = oci_manifest(sv, one->img, &manifest, &text, digest, err);

	for (size_t i = 0; r == 0 && (layer = layer_digest(manifest, i)); i++)
		r = oci_blob(sv, layer, "Copying blob ", err);
	digest_from_hex(config, one->img->id);
	if (r == 0)
		r = oci_blob(sv, config, "Copying config ", err);
	if (r < 0)
		return r;
	oci_index(index, one, manifest, digest, text.len);
	if (!first_time(sv, digest))
		return 0;
	name = xasprintf("blobs/sha256/%s", digest_hex(digest));
	return tar_file(&sv->w, name, text.buf, text.len, err);
}

static int save_oci(struct save *sv, struct err *err)
{
	static const char layout[] = "{\"imageLayoutVersion\": \"1.0.0\"}";
	autojson struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();
	const char *text;
	int r = tar_dir(&sv->w, "blobs/", err);

	json_set_i64(o, "schemaVersion", 2);
	json_set(o, "manifests", list);
	if (r == 0)
		r = tar_dir(&sv->w, "blobs/sha256/", err);
	for (size_t i = 0; r == 0 && i < sv->n; i++)
		r = oci_image(sv, &sv->v[i], list, err);
	if (r < 0)
		return r;
	tell(sv, "Writing manifest to image destination", "");
	text = json_text(o);
	r = tar_file(&sv->w, "index.json", text, strlen(text), err);
	if (r == 0)
		r = tar_file(&sv->w, "oci-layout", layout, strlen(layout),
			     err);
	return r;
}

int image_save(struct store *s, char *const *names, const char *format, int fd,
	       const struct progress *p, struct err *err)
{
	cleanup(save_done) struct save sv = { .s = s, .p = p };
	bool oci = streq(format, "oci-archive");
	int r = 0;

	TRACE("store", "save");
	sv.w.fd = fd;
	if (!oci && format && !streq(format, "docker-archive"))
		return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
			       "unknown format \"%s\": docker-archive and "
			       "oci-archive are supported", format);
	for (; r == 0 && names && *names; names++)
		r = want_one(&sv, *names, err);
	if (r == 0)
		r = hold(&sv, err);
	if (r == 0)
		r = oci ? save_oci(&sv, err) : save_docker(&sv, err);
	return r < 0 ? r : tar_finish(&sv.w, err);
}
