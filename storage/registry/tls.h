/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_TLS_H
#define REGISTRY_TLS_H

#include <stddef.h>

#include "util/err.h"
#include "util/sb.h"

/**
 * struct tls_files - contents of a certs.d directory, PEM
 * @ca:   system bundle plus all *.crt; empty when there is no *.crt
 * @cert: the first *.cert, for the registry to know us by; may be empty
 * @key:  its *.key
 */
struct tls_files {
	struct sb ca;
	struct sb cert;
	struct sb key;
};

/**
 * tls_files_read() - what the user trusts and shows at @host
 * @env:      HOME, XDG_CONFIG_HOME, SSL_CERT_FILE
 * @cert_dir: in place of the certs.d directories, or NULL
 * @host:     "localhost:5000": name of the directory below certs.d
 */
int tls_files_read(char *const *env, const char *cert_dir, const char *host,
		   struct tls_files *ret, struct err *err);

/** tls_dirs() - the directories above, for the sandbox's list; owned strv */
char **tls_dirs(char *const *env, const char *cert_dir);

/** tls_ca_bundle() - the system's bundle, or NULL; borrowed */
const char *tls_ca_bundle(char *const *env);

#endif
