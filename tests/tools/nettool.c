/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nettool - what Debian's busybox cannot do in a container
 *
 *	nettool udp PORT	answer each datagram with "from ADDRESS: TEXT"
 *	nettool ping ADDRESS	one echo request through an unprivileged socket
 *
 * Static, so that it runs in any image.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int udp(const char *port)
{
	struct sockaddr_in6 own = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	own.sin6_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0) {
		perror("nettool: bind");
		return 1;
	}
	for (;;) {
		char in[2048], out[4096], host[INET6_ADDRSTRLEN];
		struct sockaddr_in6 peer;
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(fd, in, sizeof(in) - 1, 0,
				     (struct sockaddr *)&peer, &len);
		int size;

		if (n < 0)
			continue;
		in[n] = '\0';
		inet_ntop(AF_INET6, &peer.sin6_addr, host, sizeof(host));
		size = snprintf(out, sizeof(out), "from %s: %s", host, in);
		sendto(fd, out, (size_t)size, 0, (struct sockaddr *)&peer, len);
	}
}

static int ping(const char *host)
{
	struct icmphdr echo = { .type = ICMP_ECHO };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct timeval limit = { .tv_sec = 2 };
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

	if (fd < 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    sendto(fd, &echo, sizeof(echo), 0, (struct sockaddr *)&to,
		   sizeof(to)) < 0 ||
	    recv(fd, &echo, sizeof(echo), 0) < 0) {
		perror("nettool: ping");
		return 1;
	}
	return echo.type != ICMP_ECHOREPLY;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "udp") == 0)
		return udp(argv[2]);
	if (argc == 3 && strcmp(argv[1], "ping") == 0)
		return ping(argv[2]);
	fprintf(stderr, "usage: nettool udp PORT | ping ADDRESS\n");
	return 2;
}
