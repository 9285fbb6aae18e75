/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The proxy runs in the container's network namespace, where client addresses
 * do not exist.  IP_TRANSPARENT allows to bind to one all the same: the server
 * then sees the real client.  What it answers is addressed to that client and
 * would leave through tap0; rules and local routes of this namespace (made in
 * spawn.c and udp.c) turn packets from published ports back to the loopback
 * device, where they find the proxy's socket.
 *
 * The server is always addressed by the container's interface address, never
 * by 127.0.0.1: what listens on the container's loopback is not published
 * (CVE-2021-20199), and no remote client must look like a local one.
 *
 * The client's address cannot be kept when
 *   - it is a loopback or link-local one,
 *   - it lies in the container's own subnet: the answer would go nowhere,
 *   - the same client port already talks to the same server port (two
 *     published ports for one server),
 *   - an IPv6 client wants a server that listens on IPv4 only.
 * The server then sees the container's own address.
 *
 * A connection in TIME_WAIT is no obstacle: the kernel lets a socket that is
 * bound to its port take it over when timestamps are on.
 */
#include "network/upstream.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "network/network.h"
#include "util/cleanup.h"

static bool client_is_usable(const struct upstream *up,
			     const union addr *client)
{
	bool v6 = client->sa.sa_family == AF_INET6;

	if (addr_is_loopback(client) || addr_is_link_local(client))
		return false;
	return v6 ? !addr_in(client, &up->v6, NET_SLIRP_PREFIX6) :
		    !addr_in(client, &up->v4, NET_SLIRP_PREFIX);
}

enum via upstream_first(const struct upstream *up, const union addr *client)
{
	if (client->sa.sa_family == AF_INET6 && !up->v6.sa.sa_family)
		return VIA_PLAIN_V4;
	if (up->transparent && client_is_usable(up, client))
		return VIA_CLIENT;
	return VIA_PLAIN;
}

enum via upstream_next(const struct upstream *up, const union addr *client,
		       enum via via, int error)
{
	/* nobody listens: another source address changes nothing */
	if (via == VIA_CLIENT && error != ECONNREFUSED)
		return VIA_PLAIN;
	if (via != VIA_PLAIN_V4 && client->sa.sa_family == AF_INET6 &&
	    up->v4.sa.sa_family)
		return VIA_PLAIN_V4;
	return VIA_NONE;
}

static const union addr *addr_of(const struct upstream *up, enum via via,
				 const union addr *client)
{
	if (via == VIA_PLAIN_V4 || client->sa.sa_family == AF_INET)
		return &up->v4;
	return &up->v6;
}

/* Take on the client's address; -errno. */
static int bind_client(int fd, const union addr *client)
{
	bool v6 = client->sa.sa_family == AF_INET6;
	int on = 1;

	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on,
		       sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &client->sa, addr_len(client)) < 0)
		return -errno;
	return 0;
}

int upstream_open(const struct upstream *up, enum via via, int type,
		  const union addr *client, uint16_t port)
{
	union addr server = *addr_of(up, via, client);
	int on = 1, r;
	autoclose int fd = socket(server.sa.sa_family,
				  type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (via == VIA_CLIENT) {
		r = bind_client(fd, client);
		if (r < 0)
			return r;
	}
	addr_set_port(&server, port);
	if (connect(fd, &server.sa, addr_len(&server)) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return take_fd(fd);
}
