/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The bytes of a layer as they will be sent, from the first of these that
 * will do:
 *
 *   the blob that the image's manifest names, as it came
 *   that one as an earlier push compressed it
 *   the blob of another image that has the same layer
 *   the layer's directory, packed again; only when the tar has the diff id
 *   that the image's config promises, which is so for layers made here
 *
 * and, when another compression is wanted than it has, what bryo-layer makes
 * of it.  Nobody pulls a plain tar over a network: a registry gets gzip of a
 * layer that was made here.  That is done once, the result becomes a blob of
 * the image.  Other new bytes live in a nameless file beside the staging
 * directories; they are gone with its descriptor.
 */
#include "storage/push_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "storage/blob.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/db.h"
#include "util/str.h"

void push_layer_done(struct push_layer *l)
{
	close_fd(l->fd);
	free(l->d.type);
	l->d.type = NULL;
}

static int missing(const char *diff_id, struct err *err)
{
	return err_set(err, ERR_FAIL, ENOENT,
		       "layer %.19s: its archive is not in the store any "
		       "more, pull the image again", diff_id);
}

/* ---- finding ------------------------------------------------------------- */

static int open_blob(struct store *s, const char *digest,
		     struct push_layer *l)
{
	l->fd = blob_open(s, digest_hex(digest), &l->d.size);
	if (l->fd < 0) {
		l->fd = -EBADF;
		return 0;
	}
	memcpy(l->d.digest, digest, strlen(digest) + 1);
	l->compression = compression_of(l->fd);
	return 1;
}

static int pack(struct store *s, const struct layer_info *info,
		const char *diff_id, struct push_layer *l, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	int r = store_userns(s, err);

	if (r < 0)
		return r;
	autoclose int dir = layer_open(s, digest_hex(diff_id));
	if (dir < 0)
		return err_code(err, dir, "open layer %.19s", diff_id);
	l->fd = store_scratch(s, NULL, err);
	if (l->fd < 0)
		return l->fd;
	r = layer_diff_stream(dir, info->format, l->fd, s->conf.enter_userns,
			      s->conf.arg, &res, err);
	if (r < 0)
		return err_wrap(err, r, "layer %.19s", diff_id);
	if (!streq(res.diff_id, diff_id))
		return missing(diff_id, err);
	memcpy(l->d.digest, diff_id, strlen(diff_id) + 1);
	l->d.size = res.diff_size;
	l->compression = COMPRESSION_NONE;
	return 0;
}

/* The plain blob is there; is it there compressed, too? */
static void prefer_packed(struct store *s, const char *diff_id,
			  struct push_layer *l)
{
	auto_layer_info struct layer_info info = { 0 };
	struct push_layer other = PUSH_LAYER_INIT;

	if (layer_read(s, digest_hex(diff_id), &info, NULL) < 0 ||
	    !*info.packed || !open_blob(s, info.packed, &other))
		return;
	push_layer_done(l);
	*l = other;
	l->changed = true;
}

/* @ret_packed: the bytes were made just now */
static int find(struct store *s, const struct desc *want, const char *diff_id,
		struct push_layer *l, bool *ret_packed, struct err *err)
{
	auto_layer_info struct layer_info info = { 0 };
	int r;

	if (want && open_blob(s, want->digest, l))
		return 0;
	l->changed = true;
	r = layer_read(s, digest_hex(diff_id), &info, err);
	if (r < 0)
		return r;
	if (*info.packed && open_blob(s, info.packed, l))
		return 0;
	if (*info.digest && open_blob(s, info.digest, l))
		return 0;
	*ret_packed = true;
	return pack(s, &info, diff_id, l, err);
}

/* ---- converting ---------------------------------------------------------- */

/* 1 @ret_codec ("gzip", "zstd") is wanted, 0 it stays as it is, -errno */
static int wants(const struct push_opts *o, struct dest *to,
		 const struct push_layer *l, bool packed, bool docker,
		 const char **ret_codec, struct err *err)
{
	int r;

	*ret_codec = o->compression;
	if (packed || (docker && l->compression == COMPRESSION_ZSTD &&
		       !o->compression)) {
		if (!o->compression)
			*ret_codec = "gzip";
		return 1;
	}
	if (!o->compression)
		return 0;
	if (compression_named(o->compression) == l->compression)
		return o->force && o->level;
	if (o->force)
		return 1;
	r = to->ops->has(to, l->d.digest, err);
	return r < 0 ? r : !r;
}

static int convert(struct store *s, const char *codec, unsigned int level,
		   const char *diff_id, int scratch, struct push_layer *l,
		   struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	auto_staging struct staging st = STAGING_INIT;
	autoclose int out = scratch;
	int r = out < 0 ? out : store_userns(s, err);

	if (r == 0)
		r = staging_new(s, &st, err);
	if (r < 0)
		return r;
	if (lseek(l->fd, 0, SEEK_SET) < 0)
		return err_sys(err, "layer %.19s", diff_id);
	const struct layer_apply apply = {
		.input = l->fd,
		.staging = st.fd,
		.size = l->d.size,
		.diff_id = diff_id,
		.max_bytes = s->conf.layer_max,
		.enter_userns = s->conf.enter_userns,
		.arg = s->conf.arg,
	};

	r = layer_compress(&apply, out, codec, level, &res, err);
	if (r < 0)
		return err_wrap(err, r, "layer %.19s", diff_id);
	close_fd(l->fd);
	l->fd = take_fd(out);
	l->compression = compression_named(codec);
	l->changed = true;
	l->d.size = res.size;
	memcpy(l->d.digest, res.digest, strlen(res.digest) + 1);
	return 0;
}

/* The file @name becomes a blob that lives as long as the image */
static int keep(struct store *s, const char *image, const char *name,
		const char *diff_id, const struct push_layer *l,
		struct err *err)
{
	char hex[65];
	char *hashes[] = { hex, NULL };
	int r;

	memcpy(hex, digest_hex(l->d.digest), sizeof(hex));
	if (fsync(l->fd) < 0)
		return err_sys(err, "write blob %s", hex);
	r = lease_add(s, hashes, err);
	if (r == 0)
		r = blob_take(s, store_dir(s, STORE_STAGING, NULL), name, hex,
			      err);
	if (r == 0)
		r = blob_sync(s, err);
	if (r == 0)
		r = db_begin(s->conf.db, false, err);
	/* not of an image that somebody removed meanwhile */
	if (r == 0)
		r = db_exec(s->conf.db, err, "INSERT OR IGNORE INTO image_blob"
			    " SELECT id, ? FROM image WHERE id = ?", "ss", hex,
			    image);
	if (r >= 0)
		r = db_commit(s->conf.db, err);
	if (r < 0) {
		db_rollback(s->conf.db);
		return r;
	}
	return layer_note_packed(s, digest_hex(diff_id), l->d.digest, err);
}

/* Failing to keep it is no reason not to push it. */
static int pack_once(struct store *s, const char *image, const char *diff_id,
		     struct push_layer *l, struct err *err)
{
	char name[STORE_UNIQUE_MAX];
	int fd = store_scratch(s, name, err);
	int r = convert(s, "gzip", 0, diff_id, fd, l, err);

	if (fd >= 0 && (r < 0 || keep(s, image, name, diff_id, l, NULL) < 0))
		unlinkat(store_dir(s, STORE_STAGING, NULL), name, 0);
	return r;
}

/* What was pulled plain goes on as it came. */
static bool is_local(struct store *s, const char *diff_id)
{
	auto_layer_info struct layer_info info = { 0 };

	return layer_read(s, digest_hex(diff_id), &info, NULL) == 0 &&
	       info.local;
}

int push_layer_open(struct store *s, const char *image,
		    const struct push_opts *o, struct dest *to,
		    const struct desc *want,
		    const char *diff_id, bool docker, struct push_layer *ret,
		    struct err *err)
{
	struct push_layer l = PUSH_LAYER_INIT;
	const char *codec = NULL;
	bool packed = false;
	int r = find(s, want, diff_id, &l, &packed, err);

	if (r == 0 && to->host && !o->compression &&
	    l.compression == COMPRESSION_NONE &&
	    (packed || is_local(s, diff_id))) {
		prefer_packed(s, diff_id, &l);
		if (l.compression == COMPRESSION_NONE)
			r = pack_once(s, image, diff_id, &l, err);
		packed = false;
	}
	if (r == 0)
		r = wants(o, to, &l, packed, docker, &codec, err);
	if (r == 1)
		r = convert(s, codec, o->level, diff_id,
			    store_scratch(s, NULL, err), &l, err);
	if (r < 0) {
		push_layer_done(&l);
		return r;
	}
	l.d.type = xstrdup(compression_layer_type(l.compression, docker));
	*ret = l;
	return 0;
}
