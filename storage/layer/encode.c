/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * gzip comes from two libraries: isa-l, which makes 300 MB/s per core of a
 * result some percent larger, for levels 1 to 3 (and for the default, 1), and
 * zlib for 4 to 9, which somebody asked for who wants the smallest.  zstd is
 * zstd.  Everything that comes out is hashed on its way to the descriptor.
 */
#include "storage/layer/encode.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <zlib.h>
#include <zstd.h>

#include "util/fd.h"
#include "util/str.h"

enum {
	OUT_BLOCK = 256 * 1024,
	ISAL_LEVEL_MAX = 3,
	GZIP_LEVEL_MAX = 9,
	ZSTD_LEVEL_MAX = 20,
	ZSTD_LEVEL = 3,
	/* deflateInit2(): the largest window, a gzip wrapper around it */
	ZLIB_WINDOW_GZIP = 15 + 16,
	ZLIB_MEMORY = 8,
};

struct encoder {
	int out;
	int (*step)(struct encoder *e, const void *data, size_t len, bool end,
		    struct err *err);
	struct sha256 *hash;	/* owned */
	uint64_t size;
	struct isal_zstream isal;
	void *isal_work;	/* owned */
	z_stream zlib;
	bool zlib_open;
	ZSTD_CCtx *zstd;	/* owned */
	unsigned char buf[OUT_BLOCK];
};

static int put(struct encoder *e, size_t len, struct err *err)
{
	int r;

	sha256_add(e->hash, e->buf, len);
	e->size += len;
	r = fd_write_full(e->out, e->buf, len);
	return r < 0 ? err_code(err, r, "write the compressed layer") : 0;
}

/* ---- isa-l --------------------------------------------------------------- */

static int isal_step(struct encoder *e, const void *data, size_t len, bool end,
		     struct err *err)
{
	struct isal_zstream *z = &e->isal;
	int r = 0;

	z->next_in = (uint8_t *)(uintptr_t)data;
	z->avail_in = (uint32_t)len;
	z->end_of_stream = end;
	do {
		z->next_out = e->buf;
		z->avail_out = OUT_BLOCK;
		if (isal_deflate(z) != COMP_OK)
			return err_set(err, ERR_FAIL, EIO, "igzip failed");
		r = put(e, OUT_BLOCK - z->avail_out, err);
	} while (r == 0 && (z->avail_out == 0 || z->avail_in));
	return r;
}

static void isal_open(struct encoder *e, unsigned int level)
{
	static const uint32_t sizes[] = {
		ISAL_DEF_LVL0_DEFAULT, ISAL_DEF_LVL1_DEFAULT,
		ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT,
	};

	isal_deflate_init(&e->isal);
	e->isal_work = xmalloc(sizes[level]);
	e->isal.level = level;
	e->isal.level_buf = e->isal_work;
	e->isal.level_buf_size = sizes[level];
	e->isal.gzip_flag = IGZIP_GZIP;
	e->step = isal_step;
}

/* ---- zlib ---------------------------------------------------------------- */

static int zlib_step(struct encoder *e, const void *data, size_t len, bool end,
		     struct err *err)
{
	z_stream *z = &e->zlib;
	int code, r;

	z->next_in = (Bytef *)(uintptr_t)data;
	z->avail_in = (uInt)len;
	do {
		z->next_out = e->buf;
		z->avail_out = OUT_BLOCK;
		code = deflate(z, end ? Z_FINISH : Z_NO_FLUSH);
		if (code != Z_OK && code != Z_STREAM_END &&
		    code != Z_BUF_ERROR)
			return err_set(err, ERR_FAIL, EIO, "zlib failed");
		r = put(e, OUT_BLOCK - z->avail_out, err);
	} while (r == 0 && z->avail_out == 0);
	return r;
}

static void zlib_open(struct encoder *e, unsigned int level)
{
	if (deflateInit2(&e->zlib, (int)level, Z_DEFLATED, ZLIB_WINDOW_GZIP,
			 ZLIB_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		die_oom();
	e->zlib_open = true;
	e->step = zlib_step;
}

/* ---- zstd ---------------------------------------------------------------- */

static int zstd_step(struct encoder *e, const void *data, size_t len, bool end,
		     struct err *err)
{
	ZSTD_inBuffer in = { data, len, 0 };
	size_t left;
	int r;

	do {
		ZSTD_outBuffer out = { e->buf, OUT_BLOCK, 0 };

		left = ZSTD_compressStream2(e->zstd, &out, &in,
					    end ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return err_set(err, ERR_FAIL, EIO, "zstd failed: %s",
				       ZSTD_getErrorName(left));
		r = put(e, out.pos, err);
	} while (r == 0 && (end ? left != 0 : in.pos < in.size));
	return r;
}

static int zstd_open(struct encoder *e, unsigned int level, struct err *err)
{
	size_t code;

	e->zstd = ZSTD_createCCtx();
	if (!e->zstd)
		die_oom();
	code = ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel,
				      (int)level);
	if (!ZSTD_isError(code))
		code = ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_checksumFlag, 1);
	if (ZSTD_isError(code))
		return err_set(err, ERR_FAIL, EIO, "zstd: %s",
			       ZSTD_getErrorName(code));
	e->step = zstd_step;
	return 0;
}

/* ---- any ----------------------------------------------------------------- */

int encoder_new(const char *name, unsigned int level, int out,
		struct encoder **ret, struct err *err)
{
	bool gzip = streq(name, "gzip");
	struct encoder *e;
	int r = 0;

	if ((!gzip && !streq(name, "zstd")) ||
	    level > (gzip ? GZIP_LEVEL_MAX : ZSTD_LEVEL_MAX))
		return err_set(err, ERR_INVALID, EINVAL,
			       "no compression %s of level %u", name, level);
	e = xcalloc(1, sizeof(*e));
	e->out = out;
	r = sha256_new(&e->hash, err);
	if (r == 0 && !gzip)
		r = zstd_open(e, level ? level : ZSTD_LEVEL, err);
	else if (r == 0 && level <= ISAL_LEVEL_MAX)
		isal_open(e, level ? level : 1);
	else if (r == 0)
		zlib_open(e, level);
	if (r < 0) {
		encoder_free(e);
		return r;
	}
	*ret = e;
	return 0;
}

int encoder_add(struct encoder *e, const void *data, size_t len,
		struct err *err)
{
	return len ? e->step(e, data, len, false, err) : 0;
}

int encoder_end(struct encoder *e, char ret_hex[SHA256_HEX],
		uint64_t *ret_size, struct err *err)
{
	int r = e->step(e, "", 0, true, err);

	if (r < 0)
		return r;
	sha256_hex(e->hash, ret_hex);
	*ret_size = e->size;
	return 0;
}

void encoder_free(struct encoder *e)
{
	if (!e)
		return;
	sha256_free(e->hash);
	free(e->isal_work);
	if (e->zlib_open)
		deflateEnd(&e->zlib);
	ZSTD_freeCCtx(e->zstd);
	free(e);
}
