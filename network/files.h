/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETWORK_FILES_H
#define NETWORK_FILES_H

#include <stdbool.h>

#include "util/sb.h"

/* The texts of net_resolv_conf() and net_hosts(), without reading the host */

/** resolv_conf_make() - @base: text of the host's file */
void resolv_conf_make(const char *base, bool private_net, char *const *dns,
		      char *const *search, char *const *options,
		      struct sb *out);

/**
 * struct hosts - what goes into /etc/hosts
 * @base:    text of the host's file
 * @add:     see net_hosts()
 * @gateway: address of the host as seen from the container, or NULL
 * @ip, @hostname, @name: of the container, or NULL
 */
struct hosts {
	const char *base;
	char *const *add;
	const char *gateway;
	const char *ip;
	const char *hostname;
	const char *name;
};

void hosts_make(const struct hosts *h, struct sb *out);

#endif
