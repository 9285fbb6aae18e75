/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_ARCHIVE_SAVE_H
#define STORAGE_ARCHIVE_SAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/archive/sink.h"
#include "storage/store.h"

struct json_object;
struct layer_apply;
struct layer_info;
struct plain;

/* Between the files that write archives: save.c, save_docker.c, save_oci.c,
 * save_plain.c and save_gzip.c. */

/** struct saved - one image and the names under which it was asked for */
struct saved {
	struct image *img; /* owned */
	char **names;	   /* owned */
};

/**
 * struct save - one call of image_save()
 * @done: hashes that were written; a strv, owned
 * @plain: see save_plain.c; owned
 */
struct save {
	struct store *s;
	const struct save_opts *o;
	struct sink k;
	struct saved *v;
	size_t n;
	char **done;
	struct plain *plain;
	size_t n_plain;
};

/** save_tell() - a line of progress: "Copying blob " and a hash */
void save_tell(const struct save *sv, const char *what, const char *hash);

/** save_first_time() - true when it was not asked before about @hash */
bool save_first_time(struct save *sv, const char *hash);

/** save_plain_add() - file @name is to have the tar stream of a layer
 *  @blob: digest of a blob to try first; NULL: none */
int save_plain_add(struct save *sv, const char *diff_id, const char *blob,
		   const char *name, struct err *err);

/** save_plain_write() - those that were added, in this order in the archive
 *  and several at a time */
int save_plain_write(struct save *sv, struct err *err);

void save_plain_done(struct save *sv);

/** save_missing() - the error of a layer that cannot be had */
int save_missing(const char *diff_id, struct err *err);

/**
 * save_open_blob() - a blob of the layer; that of another image will do too
 * @blob: as above
 * @ret_digest, @ret_size: its own; the digest is borrowed from the arguments
 */
int save_open_blob(const struct save *sv, const char *blob,
		   const struct layer_info *info, const char **ret_digest,
		   uint64_t *ret_size);

/** save_apply() - of a blob that is read, in the sandbox @staging */
struct layer_apply save_apply(const struct save *sv, int blob, uint64_t size,
			      int staging);

/** save_layer_gzip() - a directory gets the layer compressed, as
 *  DIR/HEX of what comes out; @ret_digest: DIGEST_MAX bytes */
int save_layer_gzip(struct save *sv, const char *diff_id, const char *blob,
		    const char *dir, char *ret_digest, uint64_t *ret_size,
		    struct err *err);

int save_docker(struct save *sv, struct err *err);
int save_oci(struct save *sv, struct err *err);
int save_dir(struct save *sv, struct err *err);

#endif
