/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * OCI layouts (a tar or a directory) and dir:.  The manifest is byte for byte
 * the one that the image came with as long as it has the form that is written
 * (OCI's or docker's) and every layer is written as it has it.  Where that is
 * not so (a blob came with another image, another compression is wanted) a
 * manifest is made over what was written; it is the same each time.
 *
 * A directory that is an OCI layout already keeps its other images; dir:
 * holds one image, and replaces the one that was there.
 */
#include "storage/archive/save.h"

#include <unistd.h>

#include "storage/archive/layout.h"
#include "storage/blob.h"
#include "storage/compression.h"
#include "storage/image/desc.h"
#include "storage/image/digest.h"
#include "storage/image/manifest.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/**
 * struct part - one layer as it will be written
 * @how: a blob of the store, or made of it
 * @digest, @size: of what is written; known after write_part() at the latest
 */
struct part {
	enum { AS_BLOB, AS_PLAIN, AS_GZIP } how;
	const char *diff_id; /* borrowed from the config */
	const char *blob;    /* borrowed from the manifest, NULL: none */
	char digest[DIGEST_MAX];
	uint64_t size;
	enum compression compression;
};

/**
 * struct plan - one image
 * @docker:  the manifest has to be in docker's form
 * @changed: the manifest it came with will not do
 */
struct plan {
	const struct image *img;
	struct json_object *manifest;
	struct json_object *config;
	char **diff_ids;
	struct part *v;
	size_t n;
	bool docker;
	bool changed;
};

static void plan_done(struct plan *pl)
{
	json_object_put(pl->manifest);
	json_object_put(pl->config);
	strv_free(pl->diff_ids);
	free(pl->v);
}

/* ---- what to write ------------------------------------------------------ */

static const char *layer_digest(struct json_object *manifest, size_t i)
{
	struct json_object *layers = json_arr(manifest, "layers");
	const char *digest;

	if (!layers || i >= json_object_array_length(layers))
		return NULL;
	digest = json_str(json_object_array_get_idx(layers, i), "digest");
	return digest_is_valid(digest) ? digest : NULL;
}

static void part_set(struct part *p, const char *digest, uint64_t size,
		     enum compression compression)
{
	memcpy(p->digest, digest, strlen(digest) + 1);
	p->size = size;
	p->compression = compression;
}

/* Its own blob; else the one that the layer was unpacked from, which came
 * with another image; else none, and it is packed again. */
static int part_plan(struct save *sv, struct plan *pl, size_t i,
		     struct err *err)
{
	auto_layer_info struct layer_info info = { 0 };
	struct part *p = &pl->v[i];
	uint64_t size = 0;
	int r;

	p->diff_id = pl->diff_ids[i];
	p->blob = layer_digest(pl->manifest, i);
	r = layer_read(sv->s, digest_hex(p->diff_id), &info, err);
	if (r < 0)
		return r;
	autoclose int fd = p->blob ?
		blob_open(sv->s, digest_hex(p->blob), &size) : -ENOENT;
	if (fd >= 0) {
		part_set(p, p->blob, size, compression_of(fd));
	} else {
		fd = *info.digest ? blob_open(sv->s, digest_hex(info.digest),
					      &size) : -ENOENT;
		pl->changed = true;
		if (fd >= 0)
			part_set(p, info.digest, size, compression_of(fd));
	}
	if (fd < 0 || (sv->o->plain && p->compression != COMPRESSION_NONE)) {
		p->how = AS_PLAIN;
		part_set(p, p->diff_id, info.diff_size, COMPRESSION_NONE);
	} else if (p->compression == COMPRESSION_OTHER ||
		   (sv->o->gzip && p->compression == COMPRESSION_NONE)) {
		p->how = AS_GZIP;
	}
	pl->changed |= p->how != AS_BLOB;
	return 0;
}

static int plan_make(struct save *sv, const struct image *img, bool docker,
		     struct plan *pl, struct err *err)
{
	const char *type;
	int r = image_config(sv->s, img, &pl->config, err);

	if (r == 0)
		r = image_manifest(sv->s, img, &pl->manifest, err);
	if (r < 0)
		return r;
	pl->img = img;
	pl->docker = docker;
	/* skopeo finds no name in an OCI layout whose manifest is docker's */
	type = json_str(pl->manifest, "mediaType");
	pl->changed = docker != streq(type, TYPE_DOCKER_MANIFEST);
	pl->diff_ids = json_strv(json_obj(pl->config, "rootfs"), "diff_ids");
	pl->n = strv_len(pl->diff_ids);
	pl->v = xcalloc(pl->n ? pl->n : 1, sizeof(*pl->v));
	for (size_t i = 0; r == 0 && i < pl->n; i++)
		r = part_plan(sv, pl, i, err);
	return r;
}

/* ---- blobs -------------------------------------------------------------- */

static char *member_of(const char *dir, const char *digest)
{
	return xasprintf("%s%s%s", dir, *dir ? "/" : "", digest_hex(digest));
}

static int copy_blob(struct save *sv, const char *dir, const char *digest,
		     const char *what, struct err *err)
{
	autofree char *name = member_of(dir, digest);
	uint64_t size = 0;

	if (!save_first_time(sv, digest))
		return 0;
	autoclose int fd = blob_open(sv->s, digest_hex(digest), &size);
	if (fd < 0)
		return err_set(err, ERR_FAIL, ENOENT,
			       "blob %.19s is not in the store any more, pull "
			       "the image again", digest);
	save_tell(sv, what, digest);
	if (sink_has(&sv->k, name, &size))
		return 0;
	return sink_copy(&sv->k, name, fd, size, err);
}

static int write_part(struct save *sv, const char *dir, struct part *p,
		      struct err *err)
{
	autofree char *name = NULL;
	int r;

	if (p->how == AS_BLOB)
		return copy_blob(sv, dir, p->digest, "Copying blob ", err);
	if (p->how == AS_GZIP) {
		save_tell(sv, "Copying blob ", p->diff_id);
		r = save_layer_gzip(sv, p->diff_id, p->blob, dir, p->digest,
				    &p->size, err);
		p->compression = COMPRESSION_GZIP;
		return r;
	}
	if (!save_first_time(sv, p->diff_id))
		return 0;
	name = member_of(dir, p->diff_id);
	return save_plain_add(sv, p->diff_id, p->blob, name, err);
}

/* ---- the manifest ------------------------------------------------------- */

static int make_manifest(struct save *sv, const struct plan *pl,
			 struct sb *text, struct err *err)
{
	autojson struct json_object *o = json_object_new_object();
	struct json_object *notes = json_obj(pl->manifest, "annotations");
	struct json_object *layers = json_object_new_array();
	autosb struct sb raw = SB_INIT;
	char digest[DIGEST_MAX];
	int r = blob_read(sv->s, pl->img->id, CONFIG_MAX, &raw, err);

	if (r < 0)
		return r;
	digest_from_hex(digest, pl->img->id);
	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType",
		     pl->docker ? TYPE_DOCKER_MANIFEST : TYPE_OCI_MANIFEST);
	json_set(o, "config",
		 desc_json(pl->docker ? TYPE_DOCKER_CONFIG : TYPE_OCI_CONFIG,
			   digest, raw.len));
	for (size_t i = 0; i < pl->n; i++) {
		const struct part *p = &pl->v[i];
		const char *type = compression_layer_type(p->compression,
							  pl->docker);

		json_object_array_add(layers,
				      desc_json(type, p->digest, p->size));
	}
	json_set(o, "layers", layers);
	if (notes && !pl->docker)
		json_set(o, "annotations", json_object_get(notes));
	sb_add(text, json_text(o));
	return 0;
}

/* Layers and config into @dir, the manifest into @text. */
static int write_image(struct save *sv, struct plan *pl, const char *dir,
		       struct sb *text, struct err *err)
{
	char config[DIGEST_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < pl->n; i++)
		r = write_part(sv, dir, &pl->v[i], err);
	if (r == 0)
		r = save_plain_write(sv, err);
	digest_from_hex(config, pl->img->id);
	if (r == 0)
		r = copy_blob(sv, dir, config, "Copying config ", err);
	if (r < 0)
		return r;
	if (pl->changed)
		return make_manifest(sv, pl, text, err);
	return blob_read(sv->s, digest_hex(pl->img->digest), MANIFEST_MAX,
			 text, err);
}

/* ---- OCI layout --------------------------------------------------------- */

static int oci_image(struct save *sv, const struct saved *one,
		     struct json_object *index, struct err *err)
{
	cleanup(plan_done) struct plan pl = { .manifest = NULL };
	autosb struct sb text = SB_INIT;
	char *const *name = one->names;
	autofree char *member = NULL;
	char digest[DIGEST_MAX];
	int r = plan_make(sv, one->img, false, &pl, err);

	if (r == 0)
		r = write_image(sv, &pl, LAYOUT_BLOBS, &text, err);
	if (r == 0)
		r = digest_of(text.buf, text.len, digest, err);
	if (r < 0)
		return r;
	do {
		layout_index_add(index, TYPE_OCI_MANIFEST, digest, text.len,
				 name ? *name : NULL, NULL);
	} while (name && *++name);
	if (!save_first_time(sv, digest))
		return 0;
	member = member_of(LAYOUT_BLOBS, digest);
	return sink_file(&sv->k, member, text.buf, text.len, err);
}

int save_oci(struct save *sv, struct err *err)
{
	autojson struct json_object *index = NULL;
	int r = layout_begin(&sv->k, &index, err);

	for (size_t i = 0; r == 0 && i < sv->n; i++)
		r = oci_image(sv, &sv->v[i], index, err);
	if (r < 0)
		return r;
	save_tell(sv, "Writing manifest to image destination", "");
	return layout_end(&sv->k, index, err);
}

/* ---- dir: --------------------------------------------------------------- */

int save_dir(struct save *sv, struct err *err)
{
	cleanup(plan_done) struct plan pl = { .manifest = NULL };
	autosb struct sb text = SB_INIT;
	int r;

	if (sv->n != 1)
		return err_set(err, ERR_USAGE, EINVAL,
			       "docker-dir holds one image, not %zu", sv->n);
	r = dirlayout_begin(&sv->k, err);
	if (r == 0)
		r = plan_make(sv, sv->v[0].img, true, &pl, err);
	if (r == 0)
		r = write_image(sv, &pl, "", &text, err);
	if (r < 0)
		return r;
	save_tell(sv, "Writing manifest to image destination", "");
	return dirlayout_end(&sv->k, text.buf, text.len, err);
}
