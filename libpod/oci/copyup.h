/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_COPYUP_H
#define OCI_COPYUP_H

#include "util/err.h"

/**
 * copyup_tree() - copy what is in directory @from into directory @to
 *
 * Owner, mode, times and extended attributes are kept (of the two directories
 * themselves too), as are links, hard links and holes.  Works on descriptors
 * only and follows nothing; stays on the file system of @from.  Device nodes
 * and sockets are left out: nobody could use them here.
 */
int copyup_tree(int from, int to, struct err *err);

/** copyup_is_empty() - 1, 0 or -errno; a "lost+found" does not count */
int copyup_is_empty(int dir);

#endif
