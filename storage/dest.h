/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_DEST_H
#define STORAGE_DEST_H

#include <stdbool.h>
#include <stdint.h>

#include "storage/image/manifest.h"
#include "util/err.h"

struct push_opts;

/**
 * struct dest - where an image is pushed to; the reverse of struct source
 *
 * storage/dest_registry.c is one, others (archives, directories) may be
 * added: dest_open() chooses by the transport in front of the name.
 *
 * @name: "docker://quay.io/me/app:1", for messages; owned
 * @host: of a registry, for cross-repository mounts; NULL elsewhere; owned
 * @repo: likewise
 * @format: "oci" when it takes manifests of that form only; a literal
 */
struct dest {
	const struct dest_ops *ops;
	char *name;
	char *host;
	char *repo;
	const char *format;
};

/**
 * struct dest_event - about a blob
 * @ended: no event for @key will follow; @err.code is 0 when it is there
 * @how:   then "sent", "exists" or "mounted"
 */
struct dest_event {
	uint32_t key;
	uint64_t done;
	bool ended;
	char how[8];
	struct err err;
};

/**
 * struct dest_ops
 * @has:      1 the blob is there, 0 not, -errno
 * @blob:     begin to write a blob.  @fd: a regular file of @b->size bytes
 *            that nobody changes, borrowed; @from: repository that may have
 *            it, or NULL.  An event tells the end, also when it is over at
 *            once.
 * @fd:       poll it for event(); -EBADF: event() never has to be waited for
 * @event:    1 an event, 0 none, -errno
 * @manifest: after all blobs that it names.  @ref: NULL = under the name of
 *            the destination (or none that it has), else a tag or a digest
 * @close:    frees @d too; an archive that got no manifest is incomplete
 */
struct dest_ops {
	int (*has)(struct dest *d, const char *digest, struct err *err);
	int (*blob)(struct dest *d, const struct desc *b, const char *from,
		    int fd, uint32_t key, struct err *err);
	int (*fd)(struct dest *d);
	int (*event)(struct dest *d, struct dest_event *ret, struct err *err);
	int (*manifest)(struct dest *d, const char *ref, const char *type,
			const void *data, size_t len, struct err *err);
	void (*close)(struct dest *d);
};

/** dest_open() - @name as typed: "docker://..." or a plain reference */
int dest_open(const char *name, const struct push_opts *opts,
	      struct dest **ret, struct err *err);

/** dest_registry() - @full: "host/path:tag" */
int dest_registry(const char *full, const struct push_opts *opts,
		  struct dest **ret, struct err *err);

void dest_close(struct dest *d);

static inline void cleanup_dest(struct dest **d)
{
	dest_close(*d);
	*d = NULL;
}

#define auto_dest cleanup(cleanup_dest)

#endif
