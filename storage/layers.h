/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYERS_H
#define STORAGE_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/image/digest.h"
#include "storage/layer.h"
#include "util/cleanup.h"
#include "util/err.h"

struct staging;
struct store;

/* layers/HEX: HEX is the diff id that bryo-layer computed. */

/**
 * struct layer_info - layers/HEX/layer.json
 * @digest, @size: of the compressed stream that it was unpacked from
 * @packed:        of what a push made of that one when it was not compressed,
 *                 or ""
 * @local:         not from a registry: made here, or of a docker-archive
 * @diff_size:     bytes of the tar stream
 * @bytes:         of file content
 * @implied:       see struct layer_result; owned
 */
struct layer_info {
	char digest[DIGEST_MAX];
	char packed[DIGEST_MAX];
	bool local;
	uint64_t size;
	uint64_t diff_size;
	uint64_t bytes;
	enum layer_format format;
	bool setid;
	char **implied;
};

bool layer_exists(struct store *s, const char *hex);

/** layer_read() - what layer.json says; the caller frees with
 *  layer_info_done().  -ENOENT when there is no such layer */
int layer_read(struct store *s, const char *hex, struct layer_info *ret,
	       struct err *err);
void layer_info_done(struct layer_info *info);

#define auto_layer_info cleanup(layer_info_done)

/** layer_open() - descriptor of layers/HEX/diff; -errno */
int layer_open(struct store *s, const char *hex);

/** layer_describe() - write layer.json into the staging directory, before it
 *  is synced; @local as above */
int layer_describe(struct staging *st, const struct layer_result *res,
		   enum layer_format format, bool local, struct err *err);

/** layer_note_packed() - @digest is the layer @hex compressed: a blob of the
 *  store, as long as it is there */
int layer_note_packed(struct store *s, const char *hex, const char *digest,
		      struct err *err);

/**
 * layer_publish() - rename a whole, synced staging directory into place
 *
 * It is taken; when another process was first, that one's layer stays.  What
 * is there and not sound goes to the trash.
 */
int layer_publish(struct store *s, struct staging *st, const char *hex,
		  struct err *err);

#endif
