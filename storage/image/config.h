/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_CONFIG_H
#define STORAGE_IMAGE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "storage/image/digest.h"
#include "util/cleanup.h"
#include "util/err.h"

/**
 * struct image_conf - what the store reads from an image's config blob
 * @os, @arch, @variant: owned, never NULL
 * @created_ns: 0 when absent or senseless
 * @diff_ids:   owned, base first
 */
struct image_conf {
	char *os;
	char *arch;
	char *variant;
	int64_t created_ns;
	char (*diff_ids)[DIGEST_MAX];
	size_t n;
};

/** image_conf_parse() - verified bytes of a config blob
 *  Return: 0, -EINVAL/ERR_INVALID, -E2BIG or -EFBIG/ERR_LIMIT */
int image_conf_parse(const char *text, size_t len, struct image_conf *ret,
		     struct err *err);
void image_conf_done(struct image_conf *c);

#define auto_image_conf cleanup(image_conf_done)

#endif
