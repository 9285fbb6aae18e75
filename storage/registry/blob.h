/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_BLOB_H
#define REGISTRY_BLOB_H

#include <stdint.h>

#include "storage/registry/conv.h"

/** So many stream at once; more wait for their turn. */
#define BLOBS_RUNNING_MAX 6

/**
 * blob_add() - queue a blob
 * @fd: taken; made non-blocking
 */
int blob_add(struct conv *c, const char *digest, uint64_t size, uint64_t offset,
	     int fd, uint32_t key, struct err *err);

/** blobs_flush() - write what pipes would not take before */
void blobs_flush(struct conv *c);

/** blobs_wait_fds() - the pipes that are full; how many */
unsigned int blobs_wait_fds(struct conv *c, struct curl_waitfd *fds,
			    unsigned int max);

/** blobs_step() - start, resume and finish; sends events.  Not while a control
 *  exchange runs.  Return: ms until it wants to be called again */
int blobs_step(struct conv *c);

#endif
