/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_UPLOAD_H
#define REGISTRY_UPLOAD_H

#include <stdint.h>

#include "storage/registry/conv.h"

/** So many are sent at once; more wait for their turn. */
#define UPLOADS_RUNNING_MAX 4

/**
 * upload_add() - queue a blob that the registry may have already
 * @fd:   a regular file of @size bytes; taken
 * @from: a repository of the same registry that may have it (cross-repository
 *        mount), or NULL
 */
void upload_add(struct conv *c, const char *digest, uint64_t size,
		const char *from, int fd, uint32_t key);

/** uploads_step() - as blobs_step() */
int uploads_step(struct conv *c);

#endif
