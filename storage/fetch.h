/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_FETCH_H
#define STORAGE_FETCH_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/image/manifest.h"
#include "util/err.h"

struct progress;
struct source;
struct store;

/**
 * struct fetch_layer - one layer that an image needs
 * @d:       of the blob; its digest is "" and its size 0 while unknown
 *           (docker-archive): filled in when the layer is there
 * @diff_id: of the image's config
 * @made:    by the caller, just now: for the user nothing is skipped
 */
struct fetch_layer {
	struct desc d;
	char diff_id[DIGEST_MAX];
	bool made;
};

/**
 * fetch_layers() - have all of them in layers/, verified and synced
 *
 * The caller holds a lease on every hash that it knows.  What is there is
 * used; the rest is fetched, unpacked and checked in parallel.  When it
 * fails, layers that were finished stay for the next try.
 */
int fetch_layers(struct store *s, struct source *src, struct fetch_layer *v,
		 size_t n, const struct progress *p, struct err *err);

#endif
