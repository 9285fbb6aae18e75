/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETWORK_ADDR_H
#define NETWORK_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/** union addr - a socket address of either family, as the kernel takes it */
union addr {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/** addr_parse() - IPv4 or IPv6 text (no brackets, no scope) and a port
 *  Return: 0 or -EINVAL */
int addr_parse(const char *text, uint16_t port, union addr *ret);

/** addr_len() - what bind(2) and connect(2) want */
socklen_t addr_len(const union addr *a);

uint16_t addr_port(const union addr *a);
void addr_set_port(union addr *a, uint16_t port);

/** addr_eq() - same family, address and port */
bool addr_eq(const union addr *a, const union addr *b);

/** addr_eq_host() - same family and address, whatever the port */
bool addr_eq_host(const union addr *a, const union addr *b);

/** addr_in() - @a lies in @net/@prefix (false for another family) */
bool addr_in(const union addr *a, const union addr *net, unsigned prefix);

bool addr_is_loopback(const union addr *a);
bool addr_is_link_local(const union addr *a);

/** addr_host() - the address part: 4 or 16 bytes, borrowed from @a */
const void *addr_host(const union addr *a, unsigned *ret_len);

/** addr_text() - "1.2.3.4:80", "[::1]:80" */
#define ADDR_TEXT_MAX (INET6_ADDRSTRLEN + 8)
const char *addr_text(const union addr *a, char buf[ADDR_TEXT_MAX]);

#endif
