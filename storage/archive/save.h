/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_ARCHIVE_SAVE_H
#define STORAGE_ARCHIVE_SAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/archive/sink.h"
#include "storage/store.h"

struct json_object;

/* Between the files that write archives: save.c, save_docker.c, save_oci.c
 * and save_layer.c. */

/** struct saved - one image and the names under which it was asked for */
struct saved {
	struct image *img; /* owned */
	char **names;	   /* owned */
};

/**
 * struct save - one call of image_save()
 * @done: hashes that were written; a strv, owned
 */
struct save {
	struct store *s;
	const struct save_opts *o;
	struct sink k;
	struct saved *v;
	size_t n;
	char **done;
};

/** save_tell() - a line of progress: "Copying blob " and a hash */
void save_tell(const struct save *sv, const char *what, const char *hash);

/** save_first_time() - true when it was not asked before about @hash */
bool save_first_time(struct save *sv, const char *hash);

/** save_layer_plain() - file @name with the tar stream of a layer
 *  @blob: digest of a blob to try first; NULL: none */
int save_layer_plain(struct save *sv, const char *diff_id, const char *blob,
		     const char *name, struct err *err);

/** save_layer_gzip() - a directory gets the layer compressed, as
 *  DIR/HEX of what comes out; @ret_digest: DIGEST_MAX bytes */
int save_layer_gzip(struct save *sv, const char *diff_id, const char *blob,
		    const char *dir, char *ret_digest, uint64_t *ret_size,
		    struct err *err);

int save_docker(struct save *sv, struct err *err);
int save_oci(struct save *sv, struct err *err);
int save_dir(struct save *sv, struct err *err);

/** json_desc() - a descriptor; owned by the caller */
struct json_object *json_desc(const char *type, const char *digest,
			      uint64_t size);

#endif
