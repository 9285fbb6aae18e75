/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_ARCHIVE_DOCKER_H
#define STORAGE_ARCHIVE_DOCKER_H

#include <stddef.h>

#include "util/cleanup.h"
#include "util/err.h"

/* manifest.json of a docker-archive: what `docker save` writes. */

#define DOCKER_INDEX_MAX ((size_t)4 << 20)

/**
 * struct docker_entry - one image
 * @config: member, owned
 * @tags:   full names, a strv, owned; may be NULL
 * @layers: members, base first, a strv, owned
 */
struct docker_entry {
	char *config;
	char **tags;
	char **layers;
};

struct docker_index {
	struct docker_entry *v;
	size_t n;
};

/** docker_index_parse() - untrusted text; members are relative and free of
 *  ".." components.  -EINVAL/ERR_INVALID, -E2BIG/ERR_LIMIT */
int docker_index_parse(const char *text, size_t len, struct docker_index *ret,
		       struct err *err);
void docker_index_done(struct docker_index *index);

#define auto_docker_index cleanup(docker_index_done)

#endif
