/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_ARCHIVE_DEST_LAYOUT_H
#define STORAGE_ARCHIVE_DEST_LAYOUT_H

#include "util/err.h"

struct dest;

enum dest_layout { DEST_OCI, DEST_OCI_ARCHIVE, DEST_DIR };

/**
 * dest_layout_open() - a destination that is a file or a directory
 * @name: as typed, for messages; copied
 * @ref:  name of the image in there, or NULL; copied
 *
 * An OCI layout that is there already gets one image more, a dir: another
 * image; an archive has to be new (or a pipe).
 */
int dest_layout_open(const char *name, enum dest_layout kind,
		     const char *path, const char *ref, struct dest **ret,
		     struct err *err);

#endif
