/* SPDX-License-Identifier: Apache-2.0 */
#include <archive.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "storage/layer/stream.h"
#include "util/safe.h"
#include "util/str.h"

/*
 * Decompressors, found by magic, never by media type.  Exactly one is applied:
 * what comes out of it is tar or an error (no recursive filters).  A stream
 * that stops in the middle is an error in every format.
 */

enum {
	/* 64 MiB: more is written only on request (zstd --long, --ultra -22),
	   and the window is what decompression needs as memory */
	ZSTD_WINDOW_LOG_MAX = 26,
};

static int truncated(const char *name, struct err *err)
{
	return err_set(err, ERR_INVALID, ENODATA, "%s stream is truncated",
		       name);
}

/* ---- none ---------------------------------------------------------------- */

static int plain_next(struct codec *c unused_attr, struct stream *s,
		      const void **ret, size_t *ret_len, struct err *err)
{
	return stream_raw(s, ret, ret_len, err);
}

static void plain_free(struct codec *c)
{
	free(c);
}

static int codec_plain_new(struct codec **ret)
{
	struct codec *c = xmalloc(sizeof(*c));

	*c = (struct codec){ "tar", true, plain_next, plain_free };
	*ret = c;
	return 0;
}

/* ---- gzip ---------------------------------------------------------------- */

struct gzip {
	struct codec codec;
	struct inflate_state state;
	bool in_member;		/* one has begun and is not complete */
	bool padding;		/* zeros follow the last member */
	bool any;		/* at least one member was seen */
	unsigned char out[STREAM_BLOCK];
};

static int gzip_error(int code, struct err *err)
{
	const char *why = "is damaged";

	if (code == ISAL_INCORRECT_CHECKSUM)
		why = "has a wrong checksum";
	else if (code == ISAL_INVALID_WRAPPER)
		why = "has a malformed header";
	else if (code == ISAL_UNSUPPORTED_METHOD)
		why = "uses an unknown method";
	return err_set(err, ERR_INVALID, EBADMSG, "gzip stream %s", why);
}

/* Between members: another one, zeros up to the end, or damage. */
static int gzip_between(struct gzip *g, struct err *err)
{
	if (!g->state.avail_in)
		return 0;
	if (g->any && *g->state.next_in == 0)
		g->padding = true;
	if (!g->padding) {
		isal_inflate_reset(&g->state);
		g->state.crc_flag = ISAL_GZIP;
		g->in_member = true;
		g->any = true;
		return 0;
	}
	for (; g->state.avail_in; g->state.avail_in--)
		if (*g->state.next_in++ != 0)
			return err_set(err, ERR_INVALID, EBADMSG,
				       "garbage after the gzip stream");
	return 0;
}

/* 1 a full or last block is in @g->out, 0 more input is needed, -errno */
static int gzip_step(struct gzip *g, struct err *err)
{
	int code;

	if (!g->in_member)
		return gzip_between(g, err);
	code = isal_inflate(&g->state);
	if (code < 0 || code == ISAL_NEED_DICT)
		return gzip_error(code, err);
	if (g->state.block_state == ISAL_BLOCK_FINISH)
		g->in_member = false;
	return g->state.avail_out == 0;
}

static int gzip_next(struct codec *c, struct stream *s, const void **ret,
		     size_t *ret_len, struct err *err)
{
	struct gzip *g = (struct gzip *)c;
	const void *in;
	size_t in_len;
	int r = 1;

	g->state.next_out = g->out;
	g->state.avail_out = sizeof(g->out);
	while (r > 0) {
		bool was_in = g->in_member;
		int full = gzip_step(g, err);

		if (full < 0)
			return full;
		if (full)
			break;
		if (g->state.avail_in || (!was_in && g->in_member))
			continue;
		r = stream_raw(s, &in, &in_len, err);
		if (r < 0)
			return r;
		if (r == 0 && g->in_member)
			return truncated("gzip", err);
		if (r > 0) {
			g->state.next_in = (uint8_t *)(uintptr_t)in;
			g->state.avail_in = (uint32_t)in_len;
		}
	}
	*ret = g->out;
	*ret_len = sizeof(g->out) - g->state.avail_out;
	return *ret_len > 0;
}

static int gzip_new(struct codec **ret, struct err *err unused_attr)
{
	struct gzip *g = xcalloc(1, sizeof(*g));

	g->codec = (struct codec){ "gzip", false, gzip_next, plain_free };
	isal_inflate_init(&g->state);
	*ret = &g->codec;
	return 0;
}

/* ---- zstd ---------------------------------------------------------------- */

struct zstd {
	struct codec codec;
	ZSTD_DStream *ds;	/* owned */
	ZSTD_inBuffer in;
	bool in_frame;
	unsigned char out[STREAM_BLOCK];
};

static int zstd_error(size_t code, struct err *err)
{
	if (ZSTD_getErrorCode(code) == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "zstd stream needs a window of more than %d MiB",
			       1 << (ZSTD_WINDOW_LOG_MAX - 20));
	return err_set(err, ERR_INVALID, EBADMSG, "zstd stream is damaged: %s",
		       ZSTD_getErrorName(code));
}

static int zstd_next(struct codec *c, struct stream *s, const void **ret,
		     size_t *ret_len, struct err *err)
{
	struct zstd *z = (struct zstd *)c;
	ZSTD_outBuffer out = { z->out, sizeof(z->out), 0 };
	size_t left;
	int r;

	while (out.pos < out.size) {
		size_t in_before = z->in.pos;
		size_t out_before = out.pos;

		/* also without input: the decoder may hold output back */
		left = ZSTD_decompressStream(z->ds, &out, &z->in);
		if (ZSTD_isError(left))
			return zstd_error(left, err);
		if (z->in.pos != in_before || out.pos != out_before)
			z->in_frame = left != 0;
		if (z->in.pos < z->in.size || out.pos == out.size)
			continue;
		r = stream_raw(s, &z->in.src, &z->in.size, err);
		if (r < 0)
			return r;
		if (r == 0 && z->in_frame)
			return truncated("zstd", err);
		z->in.pos = 0;
		if (r == 0) {
			z->in.size = 0;
			break;
		}
	}
	*ret = z->out;
	*ret_len = out.pos;
	return out.pos > 0;
}

static void zstd_free(struct codec *c)
{
	struct zstd *z = (struct zstd *)c;

	ZSTD_freeDStream(z->ds);
	free(z);
}

static int zstd_new(struct codec **ret, struct err *err)
{
	struct zstd *z = xcalloc(1, sizeof(*z));

	z->codec = (struct codec){ "zstd", false, zstd_next, zstd_free };
	z->ds = ZSTD_createDStream();
	if (!z->ds)
		die_oom();
	size_t r = ZSTD_DCtx_setParameter(z->ds, ZSTD_d_windowLogMax,
					  ZSTD_WINDOW_LOG_MAX);
	if (ZSTD_isError(r)) {
		zstd_free(&z->codec);
		return zstd_error(r, err);
	}
	*ret = &z->codec;
	return 0;
}

/* ---- xz, bzip2 ----------------------------------------------------------- */

struct other {
	struct codec codec;
	struct archive *a;	/* owned */
	struct stream *s;	/* borrowed while next runs */
	struct err *err;	/* likewise */
	bool open;
};

static la_ssize_t other_read(struct archive *a, void *arg, const void **buf)
{
	struct other *o = arg;
	size_t len;
	int r = stream_raw(o->s, buf, &len, o->err);

	if (r < 0)
		archive_set_error(a, -r, "input failed");
	return r < 0 ? ARCHIVE_FATAL : r == 0 ? 0 : (la_ssize_t)len;
}

static int other_error(struct other *o, struct err *err)
{
	const char *text = archive_error_string(o->a);

	if (err_is_set(err))
		return -err->code;

	autofree char *safe = safe_line(text ? text : "unknown error");
	return err_set(err, ERR_INVALID, EBADMSG, "%s stream is damaged: %s",
		       o->codec.name, safe);
}

static int other_open(struct other *o, struct err *err)
{
	struct archive_entry *entry;

	if (archive_read_open(o->a, o, NULL, other_read, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(o->a, &entry) != ARCHIVE_OK)
		return other_error(o, err);
	o->open = true;
	return 0;
}

static int other_next(struct codec *c, struct stream *s, const void **ret,
		      size_t *ret_len, struct err *err)
{
	struct other *o = (struct other *)c;
	la_int64_t offset;
	int r;

	o->s = s;
	o->err = err;
	if (!o->open && other_open(o, err) < 0)
		return -err->code;
	r = archive_read_data_block(o->a, ret, ret_len, &offset);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK)
		return other_error(o, err);
	return *ret_len > 0;
}

static void other_free(struct codec *c)
{
	struct other *o = (struct other *)c;

	archive_read_free(o->a);
	free(o);
}

/* xz and bzip2, through libarchive's filters */
static int other_new(int filter, const char *name, struct codec **ret,
		     struct err *err)
{
	struct other *o = xcalloc(1, sizeof(*o));

	o->codec = (struct codec){ name, false, other_next, other_free };
	o->a = archive_read_new();
	if (!o->a)
		die_oom();
	/* append, not support: applied once, without asking its output */
	if (archive_read_append_filter(o->a, filter) != ARCHIVE_OK ||
	    archive_read_support_format_raw(o->a) != ARCHIVE_OK) {
		other_free(&o->codec);
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "no decompressor for %s", name);
	}
	*ret = &o->codec;
	return 0;
}

/* ---- detection ----------------------------------------------------------- */

static uint32_t le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

int codec_find(const unsigned char *head, size_t len, struct codec **ret,
	       struct err *err)
{
	if (len >= 2 && head[0] == 0x1f && head[1] == 0x8b)
		return gzip_new(ret, err);
	if (len >= 4 && (le32(head) == ZSTD_MAGICNUMBER ||
			 (le32(head) & ZSTD_MAGIC_SKIPPABLE_MASK) ==
				 ZSTD_MAGIC_SKIPPABLE_START))
		return zstd_new(ret, err);
	if (len >= 6 && memcmp(head, "\xfd" "7zXZ", 6) == 0)
		return other_new(ARCHIVE_FILTER_XZ, "xz", ret, err);
	if (len >= 4 && memcmp(head, "BZh", 3) == 0)
		return other_new(ARCHIVE_FILTER_BZIP2, "bzip2", ret, err);
	return codec_plain_new(ret);
}
