/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_MOUNT_H
#define STORAGE_IMAGE_MOUNT_H

#include <stdbool.h>

#include "util/err.h"

struct image;
struct store;

/*
 * Images as read-only trees in the mount namespace of the caller, who is root
 * in it (`unshare`, or root): below image-mounts/ID of the data directory.
 */

/** image_mount() - @ret: absolute path, owned; the same when it is mounted
 *  already */
int image_mount(struct store *s, const struct image *img, char **ret,
		struct err *err);

/** image_mounted() - its path, owned; NULL: not in this namespace */
char *image_mounted(struct store *s, const char *image_id);

/** image_unmount() - 1 it was mounted, 0 not, -errno
 *  @force: also while somebody works in it */
int image_unmount(struct store *s, const char *image_id, bool force,
		  struct err *err);

#endif
