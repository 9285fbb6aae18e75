/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_TRANSPORT_H
#define STORAGE_TRANSPORT_H

#include "util/cleanup.h"

/* "oci-archive:/tmp/x.tar:name:1": where an image is, in front of its name */

enum transport_kind {
	TRANSPORT_REGISTRY,	  /* docker://, or none */
	TRANSPORT_STORE,	  /* containers-storage: */
	TRANSPORT_DOCKER_ARCHIVE, /* PATH[:REF] */
	TRANSPORT_OCI_ARCHIVE,	  /* PATH[:REF] */
	TRANSPORT_OCI,		  /* PATH[:REF] */
	TRANSPORT_DIR,		  /* PATH */
};

/**
 * struct transport - a name taken apart
 * @name: registry and store: the reference; owned
 * @path: of the others; owned
 * @ref:  behind the path, or NULL; owned
 */
struct transport {
	enum transport_kind kind;
	char *name;
	char *path;
	char *ref;
};

void transport_parse(const char *text, struct transport *ret);
void transport_done(struct transport *t);

#define auto_transport cleanup(transport_done)

#endif
