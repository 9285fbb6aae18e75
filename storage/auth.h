/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_AUTH_H
#define STORAGE_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

struct json_object;

/*
 * Credentials where podman and docker keep them: containers-auth.json(5),
 * ~/.docker/config.json, ~/.dockercfg and docker-credential-* programs.
 * Secrets never appear in an error text.
 */

/**
 * struct auth_cred - what to show a registry; wiped by auth_cred_done()
 * @user, @password: owned; NULL together when nothing was found
 * @identity:        refresh token in place of both; owned
 */
struct auth_cred {
	char *user;
	char *password;
	char *identity;
};

static inline bool auth_cred_is_set(const struct auth_cred *cred)
{
	return cred->user || cred->identity;
}

void auth_cred_done(struct auth_cred *cred);

#define auto_auth_cred cleanup(auth_cred_done)

/**
 * struct auth_query - whose credentials
 * @env:      KEY=VALUE list: HOME, XDG_RUNTIME_DIR, XDG_CONFIG_HOME,
 *            REGISTRY_AUTH_FILE, DOCKER_CONFIG; PATH for helpers, which get
 *            all of it as their environment
 * @authfile: --authfile; must exist, and then is the only file; may be NULL
 * @helpers:  strv `credential-helpers` of registries.conf; NULL: files only
 * @host:     "quay.io", "localhost:5000", "docker.io"
 * @repo:     "ns/name"
 */
struct auth_query {
	char *const *env;
	const char *authfile;
	char *const *helpers;
	const char *host;
	const char *repo;
};

/**
 * auth_find() - look the credentials up
 * @ret: all NULL when there are none; auth_cred_done()
 *
 * The first file that knows the most specific key wins: host/ns/repo, then
 * host/ns, then host.  May run a credential helper, for at most a minute.  A
 * helper that is configured for the host but does not exist is an error, not
 * "none" (CVE-2021-41092).
 */
int auth_find(const struct auth_query *q, struct auth_cred *ret,
	      struct err *err);

/**
 * auth_lookup() - the part of auth_find() that reads one parsed file
 * @legacy:     ~/.dockercfg, whose top level is what "auths" is elsewhere
 * @ret_helper: suffix of the credential helper that is in charge, owned; the
 *              rest of the file counts only when it knows nothing
 *
 * Return: 1 found, 0 not there (*ret_helper may be set), -EINVAL
 */
int auth_lookup(struct json_object *file, bool legacy, const char *host,
		const char *repo, struct auth_cred *ret, char **ret_helper,
		struct err *err);

/** auth_host_of() - the host[/namespace] that a key of "auths" is for: docker
 *  writes URLs ("https://quay.io/v2/"), podman hosts; owned by the caller */
char *auth_host_of(const char *key);

/** What docker's files and helpers call docker.io */
#define DOCKER_HOST "docker.io"
#define DOCKER_KEY "https://index.docker.io/v1/"

/** auth_parse_pair() - "user:password" of --creds */
int auth_parse_pair(const char *text, struct auth_cred *ret, struct err *err);

/** auth_parse_helper() - what a credential helper printed; 0 or -EINVAL */
int auth_parse_helper(const char *text, size_t len, struct auth_cred *ret,
		      struct err *err);

#endif
