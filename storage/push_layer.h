/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_PUSH_LAYER_H
#define STORAGE_PUSH_LAYER_H

#include <stdbool.h>

#include "storage/compression.h"
#include "storage/dest.h"
#include "storage/push.h"

/**
 * struct push_layer - the bytes of one layer that will be sent
 * @d:     their digest, size and media type; @d.type owned
 * @fd:    owned
 * @changed: not the blob that the image's manifest names
 */
struct push_layer {
	struct desc d;
	int fd;
	enum compression compression;
	bool changed;
};

#define PUSH_LAYER_INIT { { .size = 0 }, -EBADF, COMPRESSION_NONE, false }

/**
 * push_layer_open() - find the blob of a layer, or make one
 * @image:  id; what is made for a registry stays as long as it
 * @want:   descriptor in the image's manifest, or NULL: there is none
 * @to:     asked whether it has the blob as it is
 * @docker: the manifest that is pushed is docker's, which has no zstd
 */
int push_layer_open(struct store *s, const char *image,
		    const struct push_opts *o, struct dest *to,
		    const struct desc *want,
		    const char *diff_id, bool docker, struct push_layer *ret,
		    struct err *err);

void push_layer_done(struct push_layer *l);

#endif
