/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_DOWNLOAD_H
#define STORAGE_DOWNLOAD_H

#include "util/err.h"

struct store;

/**
 * store_download() - fetch a file from a web server
 * @ret_fd: an unnamed file on the store's disk, at its beginning; owned
 *
 * bryo-registry does it (see storage/registry/download.c): no credentials,
 * certificates are verified, proxies as the environment says.  All of the file
 * is there when this returns, or none: what a broken connection cut off could
 * still look like a whole tar.
 */
int store_download(struct store *s, const char *url, int *ret_fd,
		   struct err *err);

#endif
