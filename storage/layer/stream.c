/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/layer/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/str.h"

/*
 * Theory of operation
 *
 *   resume, input --> sha256, blob --> codec --> sha256 --> stream_next()
 *
 * All in one pass and by pulling: the parser asks for a block of tar, the
 * codec for as much input as that takes.  Every byte is hashed before anybody
 * looks at it, on both sides of the codec; whether the hashes are the right
 * ones is known at the end only, so nothing that comes out may be used before
 * (the caller discards the staging directory).
 */

enum { PROGRESS_STEP = 1024 * 1024 };

static ssize_t read_some(int fd, void *buf, size_t len)
{
	ssize_t n;

	do {
		n = read(fd, buf, len);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* At least one byte from the two inputs in turn; 0 at the end of both. */
static ssize_t read_input(struct stream *s, unsigned char *buf, size_t len,
			  struct err *err)
{
	ssize_t n;

	if (s->resume_len) {
		n = read_some(s->resume, buf, MIN(len, s->resume_len));
		if (n < 0)
			return err_sys(err, "read the partial download");
		if (n == 0)
			return err_set(err, ERR_FAIL, EIO,
				       "partial download is shorter than "
				       "expected");
		s->resume_len -= (uint64_t)n;
		return n;
	}
	n = read_some(s->input, buf, len);
	if (n < 0)
		return err_sys(err, "read the layer");
	if (n > 0 && s->blob >= 0) {
		if (fd_write_full(s->blob, buf, (size_t)n) < 0)
			return err_sys(err, "write the blob");
		if (s->copied && s->copied(s->arg, (size_t)n, err) < 0)
			return -err->code;
	}
	return n;
}

static ssize_t fill(struct stream *s, size_t at, struct err *err)
{
	ssize_t n = read_input(s, s->buf + at, STREAM_BLOCK - at, err);

	if (n <= 0)
		return n;
	if (!s->no_raw_hash)
		sha256_add(s->raw_hash, s->buf + at, (size_t)n);
	s->raw_len += (uint64_t)n;
	if (s->raw_max && s->raw_len > s->raw_max)
		return err_set(err, ERR_INVALID, EFBIG,
			       "layer is longer than the %" PRIu64
			       " bytes its descriptor says", s->raw_max);
	if (s->progress && s->raw_len - s->told >= PROGRESS_STEP) {
		s->progress(s->arg, s->raw_len);
		s->told = s->raw_len;
	}
	return n;
}

int stream_raw(struct stream *s, const void **ret, size_t *ret_len,
	       struct err *err)
{
	ssize_t n = (ssize_t)s->head_len;

	s->head_len = 0;
	if (!n)
		n = fill(s, 0, err);
	if (n <= 0)
		return (int)n;
	*ret = s->buf;
	*ret_len = (size_t)n;
	return 1;
}

int stream_open(struct stream *s, struct err *err)
{
	enum { HEAD = 8 };
	int r;

	s->buf = xmalloc(STREAM_BLOCK);
	r = sha256_new(&s->raw_hash, err);
	if (r == 0)
		r = sha256_new(&s->tar_hash, err);
	if (r < 0)
		return r;
	while (s->head_len < HEAD) {
		ssize_t n = fill(s, s->head_len, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		s->head_len += (size_t)n;
	}
	return codec_find(s->buf, s->head_len, &s->codec, err);
}

/* Bytes that are handed on have one digest, not two. */
static bool hashes_tar(const struct stream *s)
{
	return !s->no_tar_hash && (s->no_raw_hash || !s->codec->is_plain);
}

int stream_next(struct stream *s, const void **ret, size_t *ret_len,
		struct err *err)
{
	int r = s->codec->next(s->codec, s, ret, ret_len, err);

	if (r <= 0)
		return r;
	if (hashes_tar(s))
		sha256_add(s->tar_hash, *ret, *ret_len);
	s->tar_len += *ret_len;
	if (s->tar_len > s->tar_max)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "unpacked layer is longer than %" PRIu64
			       " bytes (--max-layer-size)", s->tar_max);
	return 1;
}

void stream_digests(struct stream *s, char ret_raw[SHA256_HEX],
		    char ret_tar[SHA256_HEX])
{
	*ret_raw = '\0';
	*ret_tar = '\0';
	if (!s->no_raw_hash)
		sha256_hex(s->raw_hash, ret_raw);
	if (hashes_tar(s))
		sha256_hex(s->tar_hash, ret_tar);
	else if (s->codec->is_plain)
		memcpy(ret_tar, ret_raw, SHA256_HEX);
}

void stream_close(struct stream *s)
{
	if (s->codec)
		s->codec->free(s->codec);
	s->codec = NULL;
	sha256_free(s->raw_hash);
	sha256_free(s->tar_hash);
	s->raw_hash = NULL;
	s->tar_hash = NULL;
	free(s->buf);
	s->buf = NULL;
}
