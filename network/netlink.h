/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETWORK_NETLINK_H
#define NETWORK_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/addr.h"
#include "util/err.h"

/**
 * struct nl - an rtnetlink socket
 *
 * It belongs to the network namespace in which nl_open() was called, for as
 * long as it is open.  Requests are synchronous: one message, one reply.
 */
struct nl {
	int fd;
	uint32_t seq;
};

#define NL_INIT { -EBADF, 0 }

int nl_open(struct nl *ret, struct err *err);
void nl_done(struct nl *nl);
#define autonl cleanup(nl_done)

/** nl_link_up() - set the device up; @mtu 0 = leave it */
int nl_link_up(struct nl *nl, int ifindex, uint32_t mtu, struct err *err);

/** nl_addr_add() - @nodad: usable at once (IPv6 only) */
int nl_addr_add(struct nl *nl, int ifindex, const union addr *a,
		unsigned prefix, bool nodad, struct err *err);

/**
 * struct nl_route - one route; pointers are borrowed
 * @family:  AF_INET or AF_INET6
 * @dst:     NULL: default; the port is ignored
 * @prefix:  of @dst
 * @gateway: NULL: none
 * @prefsrc: NULL: the kernel chooses
 * @oif:     interface index
 * @table:   0: main
 * @local:   deliver here (RTN_LOCAL) instead of forwarding
 */
struct nl_route {
	int family;
	const union addr *dst;
	unsigned prefix;
	const union addr *gateway;
	const union addr *prefsrc;
	int oif;
	uint32_t table;
	bool local;
};

int nl_route_add(struct nl *nl, const struct nl_route *r, struct err *err);
int nl_route_del(struct nl *nl, const struct nl_route *r, struct err *err);

/**
 * nl_rule_sport() - packets that leave from these ports look up @table first
 * @ipproto: IPPROTO_TCP or IPPROTO_UDP
 *
 * KERNEL(4.17): the first that matches ports in rules.
 */
int nl_rule_sport(struct nl *nl, int family, int ipproto, uint16_t first,
		  uint16_t last, uint32_t table, uint32_t prio,
		  struct err *err);

/**
 * nl_reply_parse() - look for the answer to request @seq in one datagram
 * @text: on failure the kernel's own explanation, bounded copy; may be ""
 *
 * Return: 1 answered with success, 0 not in this datagram, -errno of the
 * kernel, -EBADMSG when the datagram is malformed
 */
#define NL_TEXT_MAX 128
int nl_reply_parse(const void *buf, size_t len, uint32_t seq,
		   char text[NL_TEXT_MAX]);

#endif
