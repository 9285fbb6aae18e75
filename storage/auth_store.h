/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_AUTH_STORE_H
#define STORAGE_AUTH_STORE_H

#include <stdbool.h>

#include "util/cleanup.h"
#include "util/err.h"

/* Writing credentials, for login and logout; reading is storage/auth.h. */

/**
 * struct auth_target - the file that login writes
 * @path:   owned
 * @docker: docker's config.json: its name for docker.io, no namespaces
 * @env:    of credential helpers; borrowed
 * @helpers: strv `credential-helpers` of registries.conf or NULL; borrowed
 */
struct auth_target {
	char *path;
	bool docker;
	char *const *env;
	char *const *helpers;
};

/**
 * auth_target_find() - which file that is
 * @authfile: --authfile, or NULL
 * @compat:   --compat-auth-file, or NULL
 *
 * Else REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json,
 * $XDG_RUNTIME_DIR/containers/auth.json, and without a run directory the
 * user's configuration directory.
 */
int auth_target_find(char *const *env, const char *authfile,
		     const char *compat, struct auth_target *ret,
		     struct err *err);
void auth_target_done(struct auth_target *t);

#define auto_auth_target cleanup(auth_target_done)

/**
 * auth_store() - keep user and password for @key
 * @key: host[/namespace], as auth_host_of() makes it
 *
 * In the helper that the file or registries.conf puts in charge, else in the
 * file: 0600, replaced atomically under a lock, everything else in it stays.
 */
int auth_store(const struct auth_target *t, const char *key, const char *user,
	       const char *password, struct err *err);

/** auth_erase() - 1 there was something, 0 there was nothing, -errno */
int auth_erase(const struct auth_target *t, const char *key, struct err *err);

/** auth_erase_all() - every entry of the file */
int auth_erase_all(const struct auth_target *t, struct err *err);

#endif
