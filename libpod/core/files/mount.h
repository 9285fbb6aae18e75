/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_FILES_MOUNT_H
#define CORE_FILES_MOUNT_H

#include <stdbool.h>

#include "util/err.h"

struct ctr;
struct runtime;

/*
 * Root file systems of containers in the mount namespace of the caller, who is
 * root in it (`unshare`, or root): at containers/ID/merged of the data
 * directory.  Without volumes and the like.
 */

/** ctr_mount() - @ret: absolute path, owned; the same when it is mounted
 *  already.  What is written there is written by the container */
int ctr_mount(struct runtime *rt, struct ctr *c, char **ret, struct err *err);

/** ctr_mounted() - its path, owned; NULL: not in this namespace */
char *ctr_mounted(const struct runtime *rt, const struct ctr *c);

/** ctr_unmount() - 1 it was mounted, 0 not, -errno
 *  @force: also while somebody works in it */
int ctr_unmount(struct runtime *rt, struct ctr *c, bool force,
		struct err *err);

/**
 * ctr_mount_check() - may its tree be put together once more?
 * @dir: of the container
 *
 * Two overlays with one upper directory are undefined behaviour in the kernel:
 * -EBUSY with ERR_STATE while some namespace has it mounted.
 */
int ctr_mount_check(int dir, const struct ctr *c, struct err *err);

#endif
