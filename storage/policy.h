/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_POLICY_H
#define STORAGE_POLICY_H

#include <stddef.h>

#include "util/cleanup.h"
#include "util/err.h"

/*
 * containers-policy.json(5): which images may come in.  Signatures cannot be
 * verified here, so a scope that demands one refuses its images: never is an
 * image accepted unverified where somebody asked for verification.
 */
struct policy;

/** policy_parse() - from memory; @path for messages */
int policy_parse(const char *text, size_t len, const char *path,
		 struct policy **ret, struct err *err);

void policy_free(struct policy *p);

/**
 * policy_allows() - may this image come in?
 * @transport: "docker", "docker-archive", "oci-archive", "oci", "dir"
 * @name: of docker: "host/path:tag" or "host/path@digest"; else the path of
 *        the file or directory, or NULL (a pipe)
 *
 * The most specific scope decides: the name itself, the repository, its
 * parents, the host, "*." of its parent domains, the transport, the default.
 * Return: 0, -EPERM
 */
int policy_allows(const struct policy *p, const char *transport,
		  const char *name, struct err *err);

/** policy_check() - policy_allows() by the user's policy.json, else the
 *  system's; without either everything is accepted */
int policy_check(const char *transport, const char *name, struct err *err);

static inline void cleanup_policy(struct policy **p)
{
	policy_free(*p);
	*p = NULL;
}

#define auto_policy cleanup(cleanup_policy)

#endif
