/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_PUSH_H
#define STORAGE_PUSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/image/digest.h"
#include "util/cleanup.h"
#include "util/err.h"

struct image;
struct progress;
struct store;

/**
 * struct push_opts - how to push; strings borrowed
 * @tls_verify:  -1 default, 0 off, 1 on
 * @retry:       tries after the first, -1 default
 * @delay_ms:    between tries, 0 default
 * @format:      "oci", "v2s2" or NULL: as the image came
 * @compression: "gzip", "zstd" or NULL: as the layers are
 * @level:       0 default
 * @force:       layers of another compression are converted even when the
 *               destination has them as they are
 * @platform:    the image has to be for it; NULL: any
 */
struct push_opts {
	const char *authfile;
	const char *creds;
	const char *cert_dir;
	int tls_verify;
	int retry;
	int64_t delay_ms;
	const char *format;
	const char *compression;
	unsigned int level;
	bool force;
	const char *platform;
	const struct progress *progress;
};

/** struct pushed - the manifest as it is at the destination now
 *  @type: its media type, a literal */
struct pushed {
	char digest[DIGEST_MAX];
	uint64_t size;
	const char *type;
};

/**
 * image_push() - one image to one destination
 * @name: as typed
 * @dest: "docker://host/repo:tag" or without the transport; NULL: the full
 *        name that @name stands for
 *
 * Blobs go as they are in the store, so that digests stay those of the pull;
 * what the destination has already is not sent.  A layer without its blob is
 * packed and compressed anew, which only works where that gives the diff id
 * of the image's config (layers that were made here).
 */
int image_push(struct store *s, const char *name, const char *dest,
	       const struct push_opts *opts, struct pushed *ret,
	       struct err *err);

/* ---- several images to one place (manifest lists) ----------------------- */

struct push;

int push_open(struct store *s, const char *dest, const struct push_opts *opts,
	      struct push **ret, struct err *err);

/** push_image() - blobs and manifest of one image
 *  @by_digest: the manifest is stored under its digest only, as a list needs
 *  it; else under the name of the destination */
int push_image(struct push *p, const struct image *img, bool by_digest,
	       struct pushed *ret, struct err *err);

/** push_manifest() - of a list, under the name of the destination, when all
 *  its members are there */
int push_manifest(struct push *p, const char *type, const void *data,
		  size_t len, struct pushed *ret, struct err *err);

void push_close(struct push *p);

static inline void cleanup_push(struct push **p)
{
	push_close(*p);
	*p = NULL;
}

#define auto_push cleanup(cleanup_push)

#endif
