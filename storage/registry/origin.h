/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_ORIGIN_H
#define REGISTRY_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

#define ORIGIN_HOST_MAX 256
#define URL_MAX 8192

/**
 * struct origin - scheme, host and port: what credentials belong to
 * @host: lower case; an IPv6 literal keeps its brackets
 */
struct origin {
	bool https;
	uint16_t port;
	char host[ORIGIN_HOST_MAX];
};

/** origin_parse() - of an absolute http or https URL without user info;
 *  -EINVAL for any other */
int origin_parse(const char *url, struct origin *ret, struct err *err);

bool origin_equal(const struct origin *a, const struct origin *b);

/** host_is_loopback() - "localhost", 127/8, "[::1]"; by text, no lookup */
bool host_is_loopback(const char *host);

/** host_is_here() - is this how one could name this very machine?  What
 *  host_is_loopback() says yes to, and other ways to write it */
bool host_is_here(const char *host);

/** host_is_same_site() - may a token server at @realm see the credentials
 *  for a registry at @registry?  Equal hosts, or a common parent domain that
 *  is not a public suffix by its looks, or a pair known to belong together. */
bool host_is_same_site(const char *registry, const char *realm);

/** url_resolve() - @location as seen from @base; owned by the caller.  Other
 *  schemes than http(s), and user info, are refused. */
int url_resolve(const char *base, const char *location, char **ret,
		struct err *err);

/** url_add_query() - append name=value, escaped */
int url_add_query(char **url, const char *name, const char *value,
		  struct err *err);

/** host_port() - "localhost:5000", "quay.io" (the default port is left out);
 *  owned by the caller */
char *host_port(const struct origin *o);

#endif
