/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_FILES_COMMIT_H
#define CORE_FILES_COMMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

struct ctr;
struct progress;
struct runtime;

/* What a container wrote: as a list, a tar, an image. */

/** ctr_changes() - call @fn for each change against the image, by path
 *  @kind: 'A', 'C', 'D'; @path begins with "/" */
int ctr_changes(struct runtime *rt, struct ctr *c,
		void (*fn)(char kind, const char *path, void *arg), void *arg,
		struct err *err);

/** ctr_export() - the container's file system as a flat tar, sorted */
int ctr_export(struct runtime *rt, struct ctr *c, int out, struct err *err);

/**
 * struct ctr_commit_opts - all borrowed
 * @name:    of the image, or NULL
 * @config:  merged over the config before @changes (change_merge()), or NULL
 * @changes: instructions of a Dockerfile, a strv
 * @docker:  docker's format, not OCI's
 * @pause:   processes stand still meanwhile
 * @volumes: its volumes become VOLUMEs of the image
 * @progress: may be NULL
 */
struct ctr_commit_opts {
	const char *name;
	struct json_object *config;
	char *const *changes;
	const char *author;
	const char *message;
	bool docker;
	bool pause;
	bool squash;
	bool volumes;
	const struct progress *progress;
};

/** ctr_commit() - an image of what the container is now; @ret_id: 64 hex */
int ctr_commit(struct runtime *rt, struct ctr *c,
	       const struct ctr_commit_opts *opts, char ret_id[65],
	       struct err *err);

#endif
