/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_SEARCH_H
#define REGISTRY_SEARCH_H

#include "storage/registry/conv.h"

struct json_object;

/**
 * search_run() - repositories whose name or description has @term
 * @fd:    gets {"results":[{"name","description","stars","official",
 *         "automated"}]}
 * @limit: of results
 *
 * The search of version 1 of the protocol where there is one (docker.io has
 * it at index.docker.io), else the list of all repositories (_catalog).
 */
int search_run(struct conv *c, const char *term, unsigned int limit, int fd,
	       struct json_object *reply, struct err *err);

#endif
