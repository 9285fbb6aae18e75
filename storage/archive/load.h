/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_ARCHIVE_LOAD_H
#define STORAGE_ARCHIVE_LOAD_H

#include "util/err.h"

struct platform;
struct progress;
struct store;

/**
 * struct load_opts - how to read an archive or a layout
 * @ref:       the one image that is wanted, a name or a tag; NULL: all
 * @want:      platform, NULL: of the host
 * @path:      where it came from: names an image that has no name of its own
 *             (oci:, dir:); NULL: such an image stays without one
 * @ret_ids, @ret_names: ids, and names or "sha256:ID", are appended; may be
 *             NULL
 */
struct load_opts {
	const char *ref;
	const struct platform *want;
	const char *path;
	const struct progress *progress;
	char ***ret_ids;
	char ***ret_names;
};

/**
 * load_fd() - images from an archive or a directory
 * @fd: a tar (compressed or not, a pipe too) or a directory; borrowed
 */
int load_fd(struct store *s, int fd, const struct load_opts *opts,
	    struct err *err);

#endif
