/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_MAKE_H
#define STORAGE_IMAGE_MAKE_H

#include "storage/fetch.h"
#include "storage/layer.h"
#include "storage/store.h"

/**
 * layer_new() - a tar stream becomes a layer of the store, blob and directory
 * @input:  compressed or not; taken
 * @feeder: writes into the other end of @input: its failure is the reason of
 *          ours; NULL: none
 * @ret:    digest, size, media type (OCI's) and diff id; d.type is owned
 *
 * The caller drops the lease when an image has the layer.
 */
int layer_new(struct store *s, int input, struct layer_job *feeder,
	      struct fetch_layer *ret, struct err *err);

/** image_make() - the image of @new: layers of its base (none: NULL), then
 *  @layer; @ret_id: 64 hex */
int image_make(struct store *s, const struct image_new *new,
	       const struct image *base, const struct fetch_layer *layer,
	       char ret_id[65], struct err *err);

#endif
