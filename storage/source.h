/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_SOURCE_H
#define STORAGE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/image/manifest.h"
#include "util/err.h"
#include "util/sb.h"

struct registry_conf;
struct store;

/**
 * struct source - where an image comes from: a registry or a directory
 *
 * Bytes that it gives are unverified.
 *
 * @gives: its files are ours and may be moved into the store
 */
struct source {
	const struct source_ops *ops;
	bool gives;
};

/**
 * struct source_event - about a stream that open() started
 * @ended: no event for @key will follow; @err.code is 0 when all came
 */
struct source_event {
	uint32_t key;
	uint64_t done;
	bool ended;
	struct err err;
};

/**
 * struct source_ops
 * @manifest: raw bytes and type of what @ref (tag, digest, NULL) names
 * @small:    a config blob
 * @open:     descriptor from which a layer is read, beginning at @offset;
 *            owned by the caller
 * @fd:       poll it for event(); -EBADF: there are never any
 * @event:    1 an event, 0 none, -errno
 * @give:     rename the file that open() read to DIRFD/NAME; -EXDEV when it
 *            has to be copied.  Only of a source that gives
 */
struct source_ops {
	int (*manifest)(struct source *src, const char *ref, struct sb *body,
			char **type, struct err *err);
	int (*small)(struct source *src, const struct desc *d, struct sb *body,
		     struct err *err);
	int (*open)(struct source *src, const struct desc *d, uint64_t offset,
		    uint32_t key, struct err *err);
	int (*fd)(struct source *src);
	int (*event)(struct source *src, struct source_event *ret,
		     struct err *err);
	int (*give)(struct source *src, const struct desc *d, int dirfd,
		    const char *name);
	void (*close)(struct source *src);
};

/** source_registry() - see registry_open(); the name of the repository stays
 *  with the caller */
int source_registry(const struct registry_conf *conf, struct source **ret,
		    struct err *err);

/** source_registry_tags() - a strv, owned */
int source_registry_tags(struct source *src, char ***ret, struct err *err);

enum source_layout {
	LAYOUT_OCI,    /* blobs/sha256/HEX */
	LAYOUT_DIR,    /* HEX */
	LAYOUT_DOCKER, /* desc.name is the member's path */
};

/**
 * source_dir() - files beneath @root
 * @root: taken
 * @ours: nobody else uses it and it may be emptied
 */
struct source *source_dir(int root, enum source_layout layout, bool ours);

/** source_dir_read() - a small file of the directory; -ENOENT without @err */
int source_dir_read(struct source *src, const char *path, size_t max,
		    struct sb *out, struct err *err);

void source_close(struct source *src);

static inline void cleanup_source(struct source **src)
{
	source_close(*src);
	*src = NULL;
}

#define auto_source cleanup(cleanup_source)

#endif
