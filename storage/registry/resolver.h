/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REGISTRY_RESOLVER_H
#define REGISTRY_RESOLVER_H

#include <stdbool.h>

/*
 * Names of hosts are asked of DNS servers.  Other sources of the C library
 * (nss-mdns, nss-resolve, nscd) are daemons behind sockets in the file system,
 * which the sandbox keeps shut where DNS does as well: the session's bus is
 * such a socket, too, and starts programs for whoever reaches it.
 */

/**
 * resolver_needs_sockets() - is DNS alone not enough?
 * @nsswitch:    content of nsswitch.conf(5), "" without one
 * @resolv_conf: content of resolv.conf(5), "" without one
 * @names:       strv of hosts, with or without port, or proxy URLs
 *
 * Return: true for names below .local (multicast), for a configuration
 * without the source "dns", and where systemd-resolved is asked directly and
 * resolv.conf does not lead to it.
 */
bool resolver_needs_sockets(const char *nsswitch, const char *resolv_conf,
			    char *const *names);

#endif
