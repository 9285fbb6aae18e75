/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_DOWNLOAD_H
#define REGISTRY_DOWNLOAD_H

#include "storage/registry/conv.h"

/** download_prepare() - make the conversation one about @url: its host is the
 *  only endpoint, without credentials and without a client certificate */
int download_prepare(struct conv *c, const char *url, struct err *err);

/**
 * download_run() - write what @c's URL holds into @fd, wait for its end
 * @max: a body of more bytes is ERR_LIMIT
 * @fd:  a pipe, borrowed; nothing else moves while it is full
 *
 * Tried again like any other request as long as nothing was written; a
 * connection that breaks later is a failure.
 */
int download_run(struct conv *c, uint64_t max, int fd, struct err *err);

#endif
