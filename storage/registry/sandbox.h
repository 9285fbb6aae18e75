/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_SANDBOX_H
#define REGISTRY_SANDBOX_H

#include <stdbool.h>

#include "util/err.h"

/** sandbox_early() - before anything is read: no descriptors but 0, 1, 2 and
 *  @sock, not dumpable, no core file */
int sandbox_early(int sock, struct err *err);

/**
 * sandbox_enter() - from here on: network, and reading what TLS and the
 * resolver need
 * @paths:   strv, more files and directories to read (missing ones are fine)
 * @sockets: allow sockets in the file system, see resolver.h
 */
int sandbox_enter(char *const *paths, bool sockets, struct err *err);

#endif
