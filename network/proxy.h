/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETWORK_PROXY_H
#define NETWORK_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network/netlink.h"
#include "network/network.h"
#include "network/stream.h"
#include "network/upstream.h"
#include "util/err.h"
#include "util/loop.h"

/* Inside of the port proxy: proxy.c, tcp.c, udp.c share these. */

/*
 * Routing tables of the container's namespace, looked up before the main one
 * for packets that leave from a published port (spawn.c makes the rules).
 */
#define PROXY_TABLE_TCP 100
#define PROXY_TABLE_UDP 101
#define PROXY_RULE_PRIO 100

struct proxy;

/**
 * struct listener - one published socket
 * @fd:   of the host's network namespace
 * @port: of the server in the container
 * @src:  NULL while it is paused
 * @checked_ns, @v4_only: udp.c: when it looked whom the server listens to
 */
struct listener {
	struct proxy *p;
	int fd;
	enum port_proto proto;
	uint16_t port;
	bool v4_only;
	uint64_t checked_ns;
	struct loop_source *src;
};

struct conn;
struct udp_flow;

#define UDP_BUCKETS 256

/**
 * struct udp - all flows of datagrams
 * @bucket: by client and listener
 * @newest, @oldest: by last use
 * @nl:     in the container's namespace, opened with the first flow
 */
struct udp {
	struct udp_flow *bucket[UDP_BUCKETS];
	struct udp_flow *newest;
	struct udp_flow *oldest;
	size_t n;
	struct loop_source *sweep;
	struct nl nl;
};

struct proxy {
	struct loop *loop;		/* owned */
	int exit_fd;			/* owned */
	struct upstream up;
	struct listener *listeners;	/* owned */
	size_t n_listeners;
	struct conn *conns;		/* owned, all of them */
	size_t n_conns;
	size_t max_conns;
	bool paused;			/* some listener is */
	struct udp udp;
	struct stream_env env;
};

/**
 * proxy_serve() - until the last copy of @p->exit_fd's other end is closed
 * @p: exit_fd, up and listeners (fd, proto, port) filled in; taken
 *
 * Return: 0 or -errno
 */
int proxy_serve(struct proxy *p, struct err *err);

/** proxy_conf_save() - what proxy_main() needs, into an empty memfd */
int proxy_conf_save(int conf_fd, const struct upstream *up,
		    const struct port_socks *socks, int exit_fd,
		    struct err *err);

/** proxy_conf_parse() - the text of it; every field is checked */
int proxy_conf_parse(const char *text, struct proxy *p, struct err *err);

/** proxy_pause() - stop accepting for now: no descriptors or no memory */
void proxy_pause(struct proxy *p, struct listener *l);

/** proxy_resume() - after a connection ended: listen again */
void proxy_resume(struct proxy *p);

/** tcp_accept() - loop callback of a TCP listener */
int tcp_accept(struct loop *loop, struct loop_source *src, uint32_t events,
	       void *arg);
void tcp_close_all(struct proxy *p);

/** udp_receive() - loop callback of a UDP listener */
int udp_receive(struct loop *loop, struct loop_source *src, uint32_t events,
		void *arg);
void udp_close_all(struct proxy *p);

#endif
