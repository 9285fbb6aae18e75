/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_PULL_H
#define STORAGE_PULL_H

#include "util/err.h"

struct pull_opts;
struct ref;
struct source;

/* Parts of a pull that others need: which registries a name means, and how to
 * reach one. */

/** pull_candidates() - full names that @name stands for, in the order in which
 *  they are tried; a strv, appended */
int pull_candidates(const char *name, char ***ret, struct err *err);

/** pull_open() - the registry of a full reference */
int pull_open(const struct ref *ref, const struct pull_opts *opts,
	      struct source **ret, struct err *err);

#endif
