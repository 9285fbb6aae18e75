/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_NAMES_H
#define STORAGE_IMAGE_NAMES_H

#include <stdbool.h>

#include "util/err.h"

struct store;

/* Between the files that read and write image rows. */

/**
 * image_resolve() - which image @typed means
 * @ret_name: the full name when it was found by one, else NULL; may be NULL;
 *            both results are owned by the caller
 *
 * Return: 0, -ENOENT/ERR_NOT_FOUND
 */
int image_resolve(struct store *s, const char *typed, char **ret_id,
		  char **ret_name, struct err *err);

/** image_layers() - diff ids (64 hex), top first, each once; appended */
int image_layers(struct store *s, const char *image_id, char ***ret,
		 struct err *err);

/**
 * image_name_set() - inside a transaction: @full means @image_id from now on
 * @digest: of the manifest
 * @list:   digest of the index that @full stands for in its registry; "" none
 *
 * -ENOENT/ERR_NOT_FOUND when there is no such image.
 */
int image_name_set(struct store *s, const char *full, const char *image_id,
		   const char *digest, const char *list, struct err *err);

/** image_name_drop() - inside a transaction: the name leaves the image that
 *  has it now, into that one's history; rows changed, -errno */
int image_name_drop(struct store *s, const char *full, struct err *err);

/** image_all_names() - with those that hold a digest, newest first; a strv,
 *  appended */
int image_all_names(struct store *s, const char *image_id, char ***ret,
		    struct err *err);

#endif
