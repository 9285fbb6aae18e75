/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETWORK_UPSTREAM_H
#define NETWORK_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "network/addr.h"

/**
 * struct upstream - where the container's servers are
 * @v4, @v6:     the container's addresses; family AF_UNSPEC = it has none
 * @transparent: routes and rules are there, so that a connection may carry
 *               the client's own address (spawn.c)
 */
struct upstream {
	union addr v4;
	union addr v6;
	bool transparent;
};

/* The ways to reach a server, best first. */
enum via {
	VIA_CLIENT,	/* from the client's address and port */
	VIA_PLAIN,	/* from the container's own address */
	VIA_PLAIN_V4,	/* the same over IPv4, for an IPv6 client */
	VIA_NONE,
};

/** upstream_first() - the way to start with for @client */
enum via upstream_first(const struct upstream *up, const union addr *client);

/** upstream_next() - what to try after @via failed with errno @error */
enum via upstream_next(const struct upstream *up, const union addr *client,
		       enum via via, int error);

/**
 * upstream_open() - a non-blocking socket, connected or connecting
 * @type: SOCK_STREAM or SOCK_DGRAM
 * @port: of the server
 *
 * Return: the descriptor or -errno; ask upstream_next() then
 */
int upstream_open(const struct upstream *up, enum via via, int type,
		  const union addr *client, uint16_t port);

#endif
