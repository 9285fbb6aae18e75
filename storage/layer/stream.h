/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_STREAM_H
#define STORAGE_LAYER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"
#include "util/sha256.h"

enum { STREAM_BLOCK = 256 * 1024 };

struct codec;

/**
 * struct stream - the input on its way to the tar parser
 * @input:      descriptor, borrowed
 * @resume:     descriptor of the beginning, or -EBADF; borrowed
 * @resume_len: bytes of it still to read
 * @blob:       gets a copy of @input, or -EBADF; borrowed
 * @raw_max:    bytes of input allowed, 0 = any
 * @tar_max:    bytes of output allowed
 * @progress:   called with raw_len every few megabytes; may be NULL
 * @copied:     called after each block went to @blob; may be NULL
 * @no_raw_hash: nobody asks for the digest of the input
 * @no_tar_hash: nor for that of the output
 * @raw_len, @tar_len: bytes so far
 *
 * The caller fills the first group, stream_open() the second.
 */
struct stream {
	int input;
	int resume;
	uint64_t resume_len;
	int blob;
	uint64_t raw_max;
	uint64_t tar_max;
	void (*progress)(void *arg, uint64_t raw_len);
	int (*copied)(void *arg, size_t len, struct err *err);
	void *arg;
	bool no_raw_hash;
	bool no_tar_hash;

	uint64_t raw_len;
	uint64_t tar_len;
	uint64_t told;
	struct sha256 *raw_hash;	/* owned */
	struct sha256 *tar_hash;	/* owned */
	unsigned char *buf;		/* owned */
	size_t head_len;	/* bytes read ahead to find the format */
	struct codec *codec;		/* owned */
};

/** stream_open() - read the first bytes and find out the compression */
int stream_open(struct stream *s, struct err *err);

/** stream_next() - the next block of the tar stream
 *  Return: 1 with *@ret borrowed until the next call, 0 at the end, -errno;
 *  a compressed stream that stops in the middle is -ENODATA */
int stream_next(struct stream *s, const void **ret, size_t *ret_len,
		struct err *err);

/** stream_digests() - finish both hashes, once stream_next() returned 0;
 *  "" for one that was not wanted */
void stream_digests(struct stream *s, char ret_raw[SHA256_HEX],
		    char ret_tar[SHA256_HEX]);

void stream_close(struct stream *s);

/** stream_raw() - for codecs: the next block of the input, as stream_next() */
int stream_raw(struct stream *s, const void **ret, size_t *ret_len,
	       struct err *err);

/**
 * struct codec - one decompressor
 * @name: "gzip"
 * @is_plain: it hands the input on, so both hashes are the same
 * @next: as stream_next()
 * @free: frees the codec itself too
 */
struct codec {
	const char *name;
	bool is_plain;
	int (*next)(struct codec *c, struct stream *s, const void **ret,
		    size_t *ret_len, struct err *err);
	void (*free)(struct codec *c);
};

/** codec_find() - by the first @len bytes of the input; the codec is owned by
 *  the caller */
int codec_find(const unsigned char *head, size_t len, struct codec **ret,
	       struct err *err);

#endif
