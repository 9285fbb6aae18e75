/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_COMMIT_H
#define STORAGE_IMAGE_COMMIT_H

#include "storage/fetch.h"
#include "storage/image/config.h"
#include "util/sb.h"

struct platform;
struct source;

/**
 * struct incoming - an image on its way into the store
 * @manifest: raw bytes; empty for a docker-archive: made by the commit
 * @digest:   of the manifest
 * @raw:      bytes of the config, @id its 64 hex digits
 * @layers:   owned, @n of them, base first
 * @names:    full names it gets; owned
 * @list:     digest of the index that those names stand for at the source, and
 *            that the image was chosen from; empty when there is none
 */
struct incoming {
	struct sb manifest;
	char digest[DIGEST_MAX];
	struct sb raw;
	char id[65];
	struct image_conf conf;
	struct fetch_layer *layers;
	size_t n;
	char **names;
	char list[DIGEST_MAX];
};

#define INCOMING_INIT { SB_INIT, "", SB_INIT, "", { 0 }, NULL, 0, NULL, "" }

void incoming_done(struct incoming *in);

#define auto_incoming cleanup(incoming_done)

/**
 * incoming_resolve() - fill @in from what @ref names in @src
 * @ref:  tag, digest or NULL (the source's one manifest or index)
 * @want: chooses from an index; NULL: of the host
 *
 * Fetches manifest and config, verifies each before it parses it.
 */
int incoming_resolve(struct incoming *in, struct source *src, const char *ref,
		     const struct platform *want, struct err *err);

/** incoming_config() - @in->raw is there: parse it, make the layers' list of
 *  @n entries with their diff ids */
int incoming_config(struct incoming *in, size_t n, struct err *err);

/**
 * incoming_store() - layers, blobs and rows; the image is there or it is not
 *
 * Holds the lease, fetches the layers, commits everything in one transaction.
 */
int incoming_store(struct store *s, struct incoming *in, struct source *src,
		   const struct progress *p, struct err *err);

#endif
