/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/save.h"

#include "storage/blob.h"
#include "storage/image/digest.h"
#include "storage/layers.h"
#include "storage/store_int.h"
#include "util/str.h"

/* What both forms share, and layers that are compressed on their way out. */

int save_missing(const char *diff_id, struct err *err)
{
	return err_set(err, ERR_FAIL, ENOENT,
		       "layer %.19s: its compressed blob is not in the store "
		       "any more, pull the image again", diff_id);
}

int save_open_blob(const struct save *sv, const char *blob,
		   const struct layer_info *info, const char **ret_digest,
		   uint64_t *ret_size)
{
	const char *const digests[] = { blob, info->digest };

	for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
		int fd;

		if (!digests[i] || !*digests[i])
			continue;
		fd = blob_open(sv->s, digest_hex(digests[i]), ret_size);
		*ret_digest = digests[i];
		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

struct layer_apply save_apply(const struct save *sv, int blob, uint64_t size,
			      int staging)
{
	return (struct layer_apply){
		.input = blob,
		.staging = staging,
		.blob = -EBADF,
		.resume = -EBADF,
		.size = size,
		.max_bytes = sv->s->conf.layer_max,
		.enter_userns = sv->s->conf.enter_userns,
		.arg = sv->s->conf.arg,
	};
}

/* The file has its name when its digest is known. */
static int compress(struct save *sv, int blob, uint64_t size,
		    const char *diff_id, struct layer_result *res,
		    struct err *err)
{
	auto_staging struct staging st = STAGING_INIT;
	struct layer_apply apply;
	int r = store_userns(sv->s, err);

	if (r == 0)
		r = staging_new(sv->s, &st, err);
	if (r < 0)
		return r;
	apply = save_apply(sv, blob, size, st.fd);
	apply.diff_id = diff_id;
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
	const char *digest;
	uint64_t size = 0;
	int r = layer_read(sv->s, digest_hex(diff_id), &info, err);

	if (r < 0)
		return r;
	autoclose int fd = save_open_blob(sv, blob, &info, &digest, &size);
	if (fd < 0)
		return save_missing(diff_id, err);
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
