/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_COMPRESSION_H
#define STORAGE_COMPRESSION_H

#include <stdbool.h>

/* How the blob of a layer is compressed. */
enum compression {
	COMPRESSION_NONE,	/* a plain tar */
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_OTHER,	/* xz or bzip2: no registry may be given it */
};

/** compression_of() - by what the file begins with, never by media type */
enum compression compression_of(int blob);

/** compression_named() - "gzip" or "zstd", as users and bryo-layer say */
enum compression compression_named(const char *name);

/** compression_layer_type() - media type of a layer; a literal
 *  @docker: docker's, else OCI's; neither has one for COMPRESSION_OTHER */
const char *compression_layer_type(enum compression c, bool docker);

#endif
