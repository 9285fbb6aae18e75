/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_DAEMON_JSON_H
#define STORAGE_DAEMON_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

/**
 * struct daemon_json - what docker's daemon.json says about registries
 * @insecure: "host[:port]" or "address/bits"; owned strv
 * @mirrors:  of docker.io: "http[s]://host[:port][/path]", checked; owned strv
 */
struct daemon_json {
	char **insecure;
	char **mirrors;
};

/** daemon_json_load() - the user's ~/.config/docker/daemon.json and the
 *  system's /etc/docker/daemon.json, both; missing ones are fine */
int daemon_json_load(char *const *env, struct daemon_json *ret,
		     struct err *err);

/** daemon_json_parse() - add one document to @ret */
int daemon_json_parse(const char *text, size_t len, struct daemon_json *ret,
		      struct err *err);

void daemon_json_done(struct daemon_json *d);

/** daemon_json_insecure() - is @host ("host:5000", "10.0.0.7") listed?  A range
 *  of addresses is for hosts that are written as an address: no lookup. */
bool daemon_json_insecure(const struct daemon_json *d, const char *host);

#endif
