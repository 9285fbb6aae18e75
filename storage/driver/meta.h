/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_DRIVER_META_H
#define STORAGE_DRIVER_META_H

#include <stdbool.h>

#include "util/err.h"

/* What a file is besides its name and content; all by O_PATH descriptors. */

enum meta_kind {
	META_FILE,
	META_DIR,
	META_LINK, /* a symlink has neither mode nor user xattrs */
};

/** meta_is_opaque() - a directory that hides those below it, in the native
 *  or in fuse-overlayfs' form */
bool meta_is_opaque(int fd);

/**
 * meta_copy() - owner, mode, extended attributes, times
 *
 * Not the attributes that give a directory a meaning for overlayfs.  Runs as
 * root of U; owners that a single-id namespace lacks stay as they are.
 */
int meta_copy(int from, int to, enum meta_kind kind, struct err *err);

#endif
