/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_FILES_CP_H
#define CORE_FILES_CP_H

#include <stdbool.h>

#include "util/err.h"

struct ctr;
struct runtime;

/**
 * struct cp_end - one side of a copy
 * @ctr:   borrowed; NULL: the host
 * @name:  of the container as it was typed
 * @path:  as typed; on the host "-" is stdin or stdout, a tar
 */
struct cp_end {
	struct ctr *ctr;
	const char *name;
	const char *path;
};

struct cp_opts {
	bool archive;	/* files belong to the container's user */
	bool overwrite; /* a file may replace a directory and the reverse */
};

/**
 * ctr_cp() - copy as `docker cp` does
 *
 * At least one end is a container.  SOURCE/. means what is in the directory; an
 * existing directory takes the source under its name, otherwise the
 * destination is the new name.  Symbolic links in a container's path mean what
 * they mean inside; those within a copied tree are copied.
 */
int ctr_cp(struct runtime *rt, const struct cp_end *from,
	   const struct cp_end *to, const struct cp_opts *opts,
	   struct err *err);

#endif
