/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What a pull and a load have in common.  incoming_resolve() goes from a
 * reference to the bytes of manifest and config: index entry by platform, at
 * most INDEX_DEPTH_MAX indexes, every digest verified before the document is
 * parsed.  incoming_store() writes a lease for all hashes, has the layers
 * fetched, writes the two small blobs, syncs, and commits the image's rows in
 * one durable transaction.  Before that commit nobody sees an image; after it
 * everything that it names is on the disk.
 */
#include "storage/image/commit.h"

#include "storage/blob.h"
#include "storage/compression.h"
#include "storage/image/desc.h"
#include "storage/image/implied.h"
#include "storage/image/names.h"
#include "storage/image/platform.h"
#include "storage/layers.h"
#include "storage/source.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

void incoming_done(struct incoming *in)
{
	sb_done(&in->manifest);
	sb_done(&in->raw);
	image_conf_done(&in->conf);
	for (size_t i = 0; i < in->n; i++) {
		free(in->layers[i].d.type);
		free(in->layers[i].d.name);
	}
	free(in->layers);
	in->names = strv_free(in->names);
	in->layers = NULL;
	in->n = 0;
}

/* ---- from a reference to bytes ------------------------------------------ */

int incoming_config(struct incoming *in, size_t n, struct err *err)
{
	char digest[DIGEST_MAX];
	int r = digest_of(in->raw.buf, in->raw.len, digest, err);

	if (r == 0)
		r = image_conf_parse(in->raw.buf, in->raw.len, &in->conf, err);
	if (r < 0)
		return r;
	memcpy(in->id, digest_hex(digest), sizeof(in->id));
	if (in->conf.n != n)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid image: the config has %zu layers, the "
			       "manifest %zu", in->conf.n, n);
	in->layers = xcalloc(n ? n : 1, sizeof(*in->layers));
	in->n = n;
	for (size_t i = 0; i < n; i++)
		memcpy(in->layers[i].diff_id, in->conf.diff_ids[i],
		       DIGEST_MAX);
	return 0;
}

static int fetch_config(struct incoming *in, struct source *src,
			const struct manifest *m, struct err *err)
{
	int r;

	sb_limit(&in->raw, CONFIG_MAX + 4096);
	r = src->ops->small(src, &m->config, &in->raw, err);
	if (r < 0)
		return r;
	if (in->raw.len != m->config.size)
		return err_set(err, ERR_INVALID, EBADMSG,
			       "config %s has %zu bytes, the manifest says %"
			       PRIu64, m->config.digest, in->raw.len,
			       m->config.size);
	r = digest_verify(in->raw.buf, in->raw.len, m->config.digest, "config",
			  err);
	if (r == 0)
		r = incoming_config(in, m->n, err);
	for (size_t i = 0; r == 0 && i < m->n; i++) {
		struct desc *d = &in->layers[i].d;

		memcpy(d->digest, m->v[i].digest, DIGEST_MAX);
		d->size = m->v[i].size;
		d->type = xstrdup(m->v[i].type);
	}
	return r;
}

/* One document: its digest is known when @d is, from the index or the user */
static int fetch_manifest(struct source *src, const char *ref,
			  const struct desc *d, struct sb *body,
			  struct manifest *ret, struct err *err)
{
	autofree char *type = NULL;
	const char *digest = d ? d->digest : ref;
	int r;

	sb_limit(body, MANIFEST_MAX + 4096);
	r = src->ops->manifest(src, ref, body, &type, err);
	if (r < 0)
		return r;
	if (d && d->size != body->len)
		return err_set(err, ERR_INVALID, EBADMSG,
			       "manifest %s has %zu bytes, the index says %"
			       PRIu64, digest, body->len, d->size);
	if (digest_is_valid(digest)) {
		r = digest_verify(body->buf, body->len, digest, "manifest",
				  err);
		if (r < 0)
			return r;
	}
	if (d && *d->type && type && *type && !streq(d->type, type))
		return err_set(err, ERR_INVALID, EINVAL,
			       "manifest %s came with another media type than "
			       "the index says", digest);
	return manifest_parse(body->buf, body->len,
			      d && *d->type ? d->type : type, ret, err);
}

static void desc_take(struct desc *dst, const struct desc *d)
{
	memcpy(dst->digest, d->digest, DIGEST_MAX);
	dst->size = d->size;
	str_set(&dst->type, d->type);
}

/* One step from @ref or @next towards an image: 0 in->manifest is one, 1 it is
 * an index and @next what this machine wants of it. */
static int resolve_step(struct incoming *in, struct source *src,
			const char *ref, const struct platform *want,
			struct desc *next, struct err *err)
{
	auto_manifest struct manifest m = { 0 };
	const struct desc *child;
	bool top = !next->type;
	int r;

	sb_done(&in->manifest);
	r = fetch_manifest(src, top ? ref : next->digest, top ? NULL : next,
			   &in->manifest, &m, err);
	if (r < 0)
		return r;
	if (!m.is_index)
		return fetch_config(in, src, &m, err);
	if (top)
		r = digest_of(in->manifest.buf, in->manifest.len, in->list,
			      err);
	if (r == 0)
		r = manifest_choose(&m, want, &child, err);
	if (r < 0)
		return r;
	desc_take(next, child);
	return 1;
}

int incoming_resolve(struct incoming *in, struct source *src, const char *ref,
		     const struct platform *want, struct err *err)
{
	struct desc next = { .type = NULL };
	struct platform host;
	int r = 1;

	TRACE("store", "manifest");
	platform_host(&host);
	for (int depth = 0; r == 1 && depth <= INDEX_DEPTH_MAX; depth++)
		r = resolve_step(in, src, ref, want ? want : &host, &next, err);
	free(next.type);
	if (r == 1)
		return err_set(err, ERR_LIMIT, ELOOP,
			       "invalid manifest: indexes are nested more than "
			       "%d deep", INDEX_DEPTH_MAX);
	if (r == 0)
		r = digest_of(in->manifest.buf, in->manifest.len, in->digest,
			      err);
	return r;
}

/* ---- into the store ----------------------------------------------------- */

static int lease_all(struct store *s, const struct incoming *in,
		     struct err *err)
{
	autostrv char **hashes = NULL;

	strv_add(&hashes, in->id);
	if (*in->digest)
		strv_add(&hashes, digest_hex(in->digest));
	for (size_t i = 0; i < in->n; i++) {
		strv_add(&hashes, digest_hex(in->layers[i].diff_id));
		if (*in->layers[i].d.digest)
			strv_add(&hashes, digest_hex(in->layers[i].d.digest));
	}
	return lease_add(s, hashes, err);
}

/* A docker-archive has no manifest: one that fits its config and layers. */
static int make_manifest(struct incoming *in, struct err *err)
{
	autojson struct json_object *o = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	char id[DIGEST_MAX];

	digest_from_hex(id, in->id);
	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", TYPE_DOCKER_MANIFEST);
	json_set(o, "config",
		 desc_json_docker(TYPE_DOCKER_CONFIG, id, in->raw.len));
	for (size_t i = 0; i < in->n; i++) {
		const struct fetch_layer *l = &in->layers[i];
		const char *type = compression_layer_type(
			streq(l->d.digest, l->diff_id) ? COMPRESSION_NONE :
							 COMPRESSION_GZIP,
			true);

		json_object_array_add(layers,
				      desc_json_docker(type, l->d.digest,
						       l->d.size));
	}
	json_set(o, "layers", layers);
	sb_add(&in->manifest, json_text(o));
	return digest_of(in->manifest.buf, in->manifest.len, in->digest, err);
}

static int put_blobs(struct store *s, struct incoming *in, struct err *err)
{
	int r = 0;

	if (!in->manifest.len)
		r = make_manifest(in, err);
	if (r == 0)
		r = lease_all(s, in, err);
	if (r == 0)
		r = blob_put(s, in->id, in->raw.buf, in->raw.len, err);
	if (r == 0)
		r = blob_put(s, digest_hex(in->digest), in->manifest.buf,
			     in->manifest.len, err);
	if (r == 0 && FAULT("pull.blobs") < 0)
		r = err_sys(err, "write image %.12s", in->id);
	return r < 0 ? r : blob_sync(s, err);
}

/**
 * struct rows - what the image's row says beyond the config
 */
struct rows {
	uint64_t size;
	uint64_t *bytes; /* of each layer; owned */
	char (*blobs)[DIGEST_MAX]; /* they were unpacked from; owned */
	uint32_t root_mode;
	char *implied; /* owned */
};

static void rows_done(struct rows *rows)
{
	free(rows->bytes);
	free(rows->blobs);
	free(rows->implied);
}

static bool is_first(const struct incoming *in, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (streq(in->layers[j].diff_id, in->layers[i].diff_id))
			return false;
	return true;
}

static int rows_make(struct store *s, const struct incoming *in,
		     struct rows *rows, struct err *err)
{
	autostrv char **top_first = NULL;

	rows->bytes = xcalloc(in->n ? in->n : 1, sizeof(*rows->bytes));
	rows->blobs = xcalloc(in->n ? in->n : 1, sizeof(*rows->blobs));
	for (size_t i = in->n; i-- > 0;) {
		auto_layer_info struct layer_info info = { 0 };
		const char *hex = digest_hex(in->layers[i].diff_id);
		int r = layer_read(s, hex, &info, err);

		if (r < 0)
			return r;
		rows->bytes[i] = info.bytes;
		memcpy(rows->blobs[i], info.digest, DIGEST_MAX);
		if (is_first(in, i))
			rows->size += info.bytes;
		if (!strv_contains(top_first, hex))
			strv_add(&top_first, hex);
	}
	return implied_find(s, top_first, &rows->root_mode, &rows->implied,
			    err);
}

static int put_image(struct store *s, const struct incoming *in,
		     const struct rows *rows, struct err *err)
{
	struct db *db = s->conf.db;
	int r;

	/* It may be here already, with another manifest */
	r = db_exec(db, err, "INSERT OR IGNORE INTO store_doomed"
		    " SELECT digest FROM image_blob WHERE image = ?", "s",
		    in->id);
	if (r >= 0)
		r = db_exec(db, err, "DELETE FROM image_blob WHERE image = ?",
			    "s", in->id);
	if (r >= 0)
		r = db_exec(db, err, "DELETE FROM image_layer WHERE image = ?",
			    "s", in->id);
	if (r >= 0)
		r = db_exec(db, err, "INSERT OR REPLACE INTO image (id,"
			    " digest, arch, os, variant, created, size,"
			    " layers, root_mode, implied) VALUES"
			    " (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", "sssssiiiis",
			    in->id, in->digest, in->conf.arch, in->conf.os,
			    in->conf.variant, in->conf.created_ns,
			    (int64_t)rows->size, (int64_t)in->n,
			    (int64_t)rows->root_mode, rows->implied);
	return r < 0 ? r : 0;
}

static int put_blob(struct store *s, const struct incoming *in,
		    const char *hex, struct err *err)
{
	int r = db_exec(s->conf.db, err,
			"INSERT OR IGNORE INTO image_blob VALUES (?, ?)", "ss",
			in->id, hex);

	if (r >= 0)
		r = db_exec(s->conf.db, err,
			    "DELETE FROM store_doomed WHERE hash = ?", "s",
			    hex);
	return r < 0 ? r : 0;
}

/* The layer's blob; where the layer was here before and its blob was not
 * fetched again, the one that it was unpacked from.  Nothing that is not
 * there: a row without its file would be damage. */
static int put_layer_blob(struct store *s, const struct incoming *in,
			  const struct rows *rows, size_t i, struct err *err)
{
	const char *const digests[] = { in->layers[i].d.digest,
					rows->blobs[i] };

	for (size_t k = 0; k < ARRAY_LEN(digests); k++)
		if (*digests[k] && blob_exists(s, digest_hex(digests[k])))
			return put_blob(s, in, digest_hex(digests[k]), err);
	return 0;
}

static int put_layers(struct store *s, const struct incoming *in,
		      const struct rows *rows, struct err *err)
{
	int r = put_blob(s, in, in->id, err);

	if (r == 0)
		r = put_blob(s, in, digest_hex(in->digest), err);
	for (size_t i = 0; r >= 0 && i < in->n; i++) {
		r = db_exec(s->conf.db, err,
			    "INSERT INTO image_layer VALUES (?, ?, ?, ?)",
			    "sisi", in->id, (int64_t)i,
			    digest_hex(in->layers[i].diff_id),
			    (int64_t)rows->bytes[i]);
		if (r >= 0)
			r = put_layer_blob(s, in, rows, i, err);
	}
	return r < 0 ? r : 0;
}

static int put_rows(struct store *s, const struct incoming *in,
		    const struct rows *rows, struct err *err)
{
	int r = put_image(s, in, rows, err);

	if (r == 0)
		r = put_layers(s, in, rows, err);
	for (char **name = in->names; r == 0 && name && *name; name++)
		r = image_name_set(s, *name, in->id, in->digest, in->list,
				   err);
	return r;
}

static int commit(struct store *s, struct incoming *in, struct err *err)
{
	cleanup(rows_done) struct rows rows = { 0 };
	int r = rows_make(s, in, &rows, err);

	if (r == 0)
		r = db_begin(s->conf.db, true, err);
	if (r < 0)
		return r;
	r = put_rows(s, in, &rows, err);
	if (r == 0 && FAULT("pull.rows") < 0)
		r = err_sys(err, "store image %.12s", in->id);
	if (r == 0)
		r = db_commit(s->conf.db, err);
	if (r < 0)
		db_rollback(s->conf.db);
	return r;
}

static void tell_line(const struct progress *p, const char *text)
{
	if (p && p->line)
		p->line(p->arg, text);
}

int incoming_store(struct store *s, struct incoming *in, struct source *src,
		   const struct progress *p, struct err *err)
{
	autofree char *text = xasprintf("Copying config %s", in->id);
	int r = lease_all(s, in, err);

	if (r == 0)
		r = fetch_layers(s, src, in->layers, in->n, p, err);
	if (r == 0) {
		tell_line(p, text);
		tell_line(p, "Writing manifest to image destination");
		r = put_blobs(s, in, err);
	}
	if (r == 0)
		r = commit(s, in, err);
	lease_end(s, r);
	if (r == 0) {
		(void)FAULT("pull.committed");
		reserve_make(s);
		gc_run(s, NULL);
	}
	return r;
}
