/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_FILES_VISIT_H
#define CORE_FILES_VISIT_H

#include "util/err.h"

struct ctr;
struct runtime;

typedef int (*visit_fn)(void *arg, struct err *err);

/**
 * ctr_visit() - call @fn in a child process that sees the container's files
 *
 * Its "/" is the root of the container, volumes and binds included, its ids
 * are those inside (it is root there); of the host it has the descriptors of
 * the caller and nothing else.  It is not dumpable and in none of the
 * container's other namespaces.  A running container is joined; the tree of a
 * stopped one is put together in a mount namespace of the child's own, without
 * what a run only has in memory.
 *
 * What @fn changes in memory is lost; -errno of it comes back with @err.
 */
int ctr_visit(struct runtime *rt, struct ctr *c, visit_fn fn, void *arg,
	      struct err *err);

/**
 * ctr_visit_root() - mount the container's root file system on @path, without
 * what is mounted below it
 *
 * In the caller's mount namespace, where the caller is root.  It holds the
 * operation lock and has normalised @c.  A fuse-overlayfs that is needed ends
 * with the mount.  -EACCES: only the container itself can read it.
 */
int ctr_visit_root(struct runtime *rt, struct ctr *c, const char *path,
		   struct err *err);

#endif
