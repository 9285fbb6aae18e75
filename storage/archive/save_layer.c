/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Layers in another form than the store's blob.  Where there is no blob at
 * all a layer is packed again from its directory; that gives the same content
 * but hardly the same bytes, so it is an error unless the digest comes out
 * right.
 */
#include "storage/archive/save.h"

#include "storage/blob.h"
#include "storage/image/digest.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/fd.h"
#include "util/str.h"

static int missing_blob(const char *diff_id, struct err *err)
{
	return err_set(err, ERR_FAIL, ENOENT,
		       "layer %.19s: its compressed blob is not in the store "
		       "any more, pull the image again", diff_id);
}

/* A blob of the layer; that of another image will do as well. */
static int open_blob(const struct save *sv, const char *blob,
		     const struct layer_info *info, uint64_t *ret_size)
{
	int fd = blob ? blob_open(sv->s, digest_hex(blob), ret_size) : -ENOENT;

	if (fd < 0 && *info->digest)
		fd = blob_open(sv->s, digest_hex(info->digest), ret_size);
	return fd;
}

/* The tar stream of a layer whose blob is there but compressed. */
static int inflate(struct save *sv, int blob, uint64_t size,
		   const char *diff_id, uint64_t *ret_size, struct err *err)
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
	r = layer_inflate(&apply, sv->k.fd, &res, err);
	*ret_size = res.diff_size;
	return r < 0 ? err_wrap(err, r, "layer %.19s", diff_id) : 0;
}

static int pack(struct save *sv, const struct layer_info *info,
		const char *diff_id, uint64_t *ret_size, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	int r = store_userns(sv->s, err);

	if (r < 0)
		return r;
	autoclose int dir = layer_open(sv->s, digest_hex(diff_id));
	if (dir < 0)
		return err_code(err, dir, "open layer %.19s", diff_id);
	r = layer_diff_stream(dir, info->format, sv->k.fd,
			      sv->s->conf.enter_userns, sv->s->conf.arg, &res,
			      err);
	if (r < 0)
		return err_wrap(err, r, "layer %.19s", diff_id);
	*ret_size = res.diff_size;
	if (!streq(res.diff_id, diff_id))
		return missing_blob(diff_id, err);
	return 0;
}

int save_layer_plain(struct save *sv, const char *diff_id, const char *blob,
		     const char *name, struct err *err)
{
	auto_layer_info struct layer_info info = { 0 };
	const char *hex = digest_hex(diff_id);
	uint64_t size = 0;
	int r = layer_read(sv->s, hex, &info, err);

	if (r < 0)
		return r;
	autoclose int fd = open_blob(sv, blob, &info, &size);
	if (fd >= 0 && size == info.diff_size)
		return sink_copy(&sv->k, name, fd, size, err);
	r = sink_begin(&sv->k, name, info.diff_size, err);
	if (r == 0)
		r = fd >= 0 ? inflate(sv, fd, size, diff_id, &size, err) :
			      pack(sv, &info, diff_id, &size, err);
	return r < 0 ? r : sink_end(&sv->k, name, size, err);
}

/* The file has its name when its digest is known. */
static int compress(struct save *sv, int blob, uint64_t size,
		    const char *diff_id, struct layer_result *res,
		    struct err *err)
{
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
	r = layer_compress(&apply, sv->k.fd, "gzip", 0, res, err);
	return r < 0 ? err_wrap(err, r, "layer %.19s", diff_id) : 0;
}

int save_layer_gzip(struct save *sv, const char *diff_id, const char *blob,
		    const char *dir, char *ret_digest, uint64_t *ret_size,
		    struct err *err)
{
	auto_layer_info struct layer_info info = { 0 };
	auto_layer_result struct layer_result res = { 0 };
	autofree char *name = NULL;
	uint64_t size = 0;
	int r = layer_read(sv->s, digest_hex(diff_id), &info, err);

	if (r < 0)
		return r;
	autoclose int fd = open_blob(sv, blob, &info, &size);
	if (fd < 0)
		return missing_blob(diff_id, err);
	r = sink_begin(&sv->k, diff_id, 0, err);
	if (r == 0)
		r = compress(sv, fd, size, diff_id, &res, err);
	if (r < 0)
		return r;
	memcpy(ret_digest, res.digest, DIGEST_MAX);
	*ret_size = res.size;
	name = xasprintf("%s%s%s", dir, *dir ? "/" : "",
			 digest_hex(res.digest));
	return sink_end(&sv->k, name, res.size, err);
}
