/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_XATTR_H
#define STORAGE_LAYER_XATTR_H

#include <stdbool.h>

#define XATTR_OPAQUE "user.overlay.opaque"
#define XATTR_OPAQUE_FUSE "user.fuseoverlayfs.opaque"
#define XATTR_OWNER "user.containers.override_stat"	/* "uid:gid:mode" */
#define XATTR_CAPS "security.capability"
#define XATTR_TAR "SCHILY.xattr."	/* before the name in a pax header */

/** xattr_is_kept() - does a layer carry this attribute?  user.*, but none
 *  that the drivers or bryo interpret, and file capabilities. */
bool xattr_is_kept(const char *name);

#endif
