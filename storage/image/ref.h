/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_IMAGE_REF_H
#define STORAGE_IMAGE_REF_H

#include <stdbool.h>

#include "util/cleanup.h"
#include "util/err.h"

/**
 * struct ref - an image reference, [host[:port]/]path[:tag][@digest]
 * @host:   owned; NULL when none was typed (a short name)
 * @path:   owned; "library/nginx"
 * @tag:    owned or NULL
 * @digest: owned or NULL; "sha256:HEX"
 */
struct ref {
	char *host;
	char *path;
	char *tag;
	char *digest;
};

#define REF_INIT { NULL, NULL, NULL, NULL }

/**
 * ref_parse() - as typed, nothing added
 *
 * Return: 0, -EINVAL/ERR_INVALID ("invalid reference format ...")
 */
int ref_parse(const char *s, struct ref *ret, struct err *err);

/**
 * ref_complete() - make a parsed name a full one
 * @host: for a short name ("docker.io", "localhost")
 *
 * index.docker.io is docker.io, docker.io/x is docker.io/library/x, a missing
 * tag is "latest"; with a digest the tag is dropped: the digest wins.
 */
void ref_complete(struct ref *ref, const char *host);

/** ref_text() - "host/path:tag" or "host/path@digest"; owned by the caller */
char *ref_text(const struct ref *ref);

/** ref_repo() - "host/path"; owned by the caller */
char *ref_repo(const struct ref *ref);

/** ref_full() - ref_parse() + ref_complete() + ref_text()
 *  Return: 0 and *ret (owned), -EINVAL */
int ref_full(const char *s, const char *host, char **ret, struct err *err);

/** ref_repo_of() - the part before the tag or digest of a full name; owned */
char *ref_repo_of(const char *full);

void ref_done(struct ref *ref);

#define auto_ref cleanup(ref_done)

#endif
