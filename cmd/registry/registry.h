/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_REGISTRY_REGISTRY_H
#define CMD_REGISTRY_REGISTRY_H

#include "util/err.h"

struct registries_conf;

/**
 * registry_argument() - the registry of login and logout
 * @typed: "quay.io", "quay.io/team", "https://quay.io/v2/"; NULL: the first of
 *         the search list
 * @ret_key:  what credentials are kept under; owned
 * @ret_host: its host; owned
 */
int registry_argument(const struct registries_conf *conf, const char *typed,
		      char **ret_key, char **ret_host, struct err *err);

#endif
