/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_IMAGE_CHOOSE_H
#define CMD_IMAGE_CHOOSE_H

#include "util/err.h"

struct image;
struct store;

/**
 * image_choose() - the image @name, of which --platform says more
 * @platform: NULL: image_find().  Of a manifest list the image for it; any
 *            other image has to be for it.
 * @ret:      owned
 *
 * -ENOENT/ERR_NOT_FOUND when the image for @platform is not here.
 */
int image_choose(struct store *s, const char *name, const char *platform,
		 struct image **ret, struct err *err);

#endif
