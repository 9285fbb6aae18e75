/* SPDX-License-Identifier: Apache-2.0 */
#include "network/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

int addr_parse(const char *text, uint16_t port, union addr *ret)
{
	union addr a = { 0 };

	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1)
		a.sa.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) == 1)
		a.sa.sa_family = AF_INET6;
	else
		return -EINVAL;

	addr_set_port(&a, port);
	*ret = a;
	return 0;
}

socklen_t addr_len(const union addr *a)
{
	return a->sa.sa_family == AF_INET ? sizeof(a->in) : sizeof(a->in6);
}

uint16_t addr_port(const union addr *a)
{
	return ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port :
						  a->in6.sin6_port);
}

void addr_set_port(union addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons(port);
	else
		a->in6.sin6_port = htons(port);
}

const void *addr_host(const union addr *a, unsigned *ret_len)
{
	if (a->sa.sa_family == AF_INET) {
		*ret_len = sizeof(a->in.sin_addr);
		return &a->in.sin_addr;
	}
	*ret_len = sizeof(a->in6.sin6_addr);
	return &a->in6.sin6_addr;
}

bool addr_eq_host(const union addr *a, const union addr *b)
{
	unsigned la, lb;
	const void *ha = addr_host(a, &la);
	const void *hb = addr_host(b, &lb);

	return la == lb && memcmp(ha, hb, la) == 0;
}

bool addr_eq(const union addr *a, const union addr *b)
{
	return addr_eq_host(a, b) && addr_port(a) == addr_port(b);
}

bool addr_in(const union addr *a, const union addr *net, unsigned prefix)
{
	unsigned la, ln, bits = prefix % 8;
	const uint8_t *ha = addr_host(a, &la);
	const uint8_t *hn = addr_host(net, &ln);

	if (la != ln || prefix > la * 8 || memcmp(ha, hn, prefix / 8) != 0)
		return false;
	return !bits || ((ha[prefix / 8] ^ hn[prefix / 8]) >> (8 - bits)) == 0;
}

bool addr_is_loopback(const union addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

bool addr_is_link_local(const union addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return ntohl(a->in.sin_addr.s_addr) >> 16 == 0xa9fe;
	return IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr);
}

const char *addr_text(const union addr *a, char buf[ADDR_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN];
	unsigned len;

	if (!inet_ntop(a->sa.sa_family, addr_host(a, &len), host, sizeof(host)))
		return "?";
	snprintf(buf, ADDR_TEXT_MAX,
		 a->sa.sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		 addr_port(a));
	return buf;
}
