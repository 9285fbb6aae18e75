/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * UDP has no connections, so the proxy makes flows: one connected upstream
 * socket per client address and published port, which brings the answers back
 * to that client.  A flow ends when nothing passed for FLOW_IDLE_NS, or, when
 * FLOWS_MAX are there, when it is the least recently used: memory and
 * descriptors are bounded and new clients are always served.
 *
 * An answer leaves from the address that the client sent to, which on a host
 * with several addresses the kernel would not choose by itself (IP_PKTINFO).
 *
 * The source address is kept as for TCP (upstream.c), but with one local route
 * per client that has a flow instead of one for everybody: a UDP server also
 * sends on its own account from its port (WireGuard, a resolver), and those
 * datagrams must reach the outside.
 */
#include "network/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/sb.h"

#define FLOWS_MAX 2048
#define FLOW_IDLE_NS (90 * 1000000000ull)
#define SWEEP_NS (15 * 1000000000ull)
/* datagrams per event, so that one sender does not starve the others */
#define BATCH 32
#define LOOPBACK_IFINDEX 1
#define CHECK_NS 1000000000ull
#define PROC_NET_MAX (1024 * 1024)

/* Room for one IP_PKTINFO or IPV6_PKTINFO. */
union control {
	struct cmsghdr align;
	char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/*
 * @local:  the host's address that the client used; AF_UNSPEC: not known
 * @routed: counts on the local route of its client
 */
struct udp_flow {
	struct listener *l;
	struct udp_flow *chain;
	struct udp_flow *newer;
	struct udp_flow *older;
	union addr client;
	union addr local;
	int fd;
	struct loop_source *src;
	uint64_t used_ns;
	enum via via;
	bool routed;
};

/* ---- the set of flows ------------------------------------------------ */

static struct udp_flow **bucket_of(struct listener *l, const union addr *client)
{
	unsigned len;
	const uint8_t *host = addr_host(client, &len);
	uint32_t h = 2166136261u ^ (uint32_t)l->fd;

	for (unsigned i = 0; i < len; i++)
		h = (h ^ host[i]) * 16777619u;
	h = (h ^ addr_port(client)) * 16777619u;
	return &l->p->udp.bucket[(h ^ h >> 16) % UDP_BUCKETS];
}

static struct udp_flow *flow_find(struct listener *l, const union addr *client)
{
	struct udp_flow *f = *bucket_of(l, client);

	while (f && (f->l != l || !addr_eq(&f->client, client)))
		f = f->chain;
	return f;
}

static void age_unlink(struct udp *u, struct udp_flow *f)
{
	*(f->newer ? &f->newer->older : &u->newest) = f->older;
	*(f->older ? &f->older->newer : &u->oldest) = f->newer;
}

static void age_push(struct udp *u, struct udp_flow *f)
{
	f->newer = NULL;
	f->older = u->newest;
	*(f->older ? &f->older->newer : &u->oldest) = f;
	u->newest = f;
	f->used_ns = clock_mono_ns();
}

static void flow_touch(struct udp_flow *f)
{
	struct udp *u = &f->l->p->udp;

	age_unlink(u, f);
	age_push(u, f);
}

/* ---- the local route of a client ------------------------------------- */

static bool client_has_route(const struct udp *u, const union addr *client)
{
	const struct udp_flow *f = u->newest;

	while (f && !(f->routed && addr_eq_host(&f->client, client)))
		f = f->older;
	return f;
}

static struct nl_route client_route(const struct proxy *p,
				    const union addr *client)
{
	bool v6 = client->sa.sa_family == AF_INET6;

	return (struct nl_route){
		.family = client->sa.sa_family,
		.dst = client,
		.prefix = v6 ? 128 : 32,
		.prefsrc = v6 ? &p->up.v6 : &p->up.v4,
		.oif = LOOPBACK_IFINDEX,
		.table = PROXY_TABLE_UDP,
		.local = true,
	};
}

static int route_add(struct udp_flow *f)
{
	struct proxy *p = f->l->p;
	struct nl_route route = client_route(p, &f->client);
	int r;

	if (!client_has_route(&p->udp, &f->client)) {
		if (p->udp.nl.fd < 0 && nl_open(&p->udp.nl, NULL) < 0)
			return -errno;
		r = nl_route_add(&p->udp.nl, &route, NULL);
		if (r < 0)
			return r;
	}
	f->routed = true;
	return 0;
}

static void route_drop(struct udp_flow *f)
{
	struct proxy *p = f->l->p;
	struct nl_route route = client_route(p, &f->client);

	if (!f->routed)
		return;
	f->routed = false;
	if (!client_has_route(&p->udp, &f->client))
		nl_route_del(&p->udp.nl, &route, NULL);
}

/* ---- which family the server uses ------------------------------------ */

/* A socket on @a or on all addresses, in the form of /proc/net/udp. */
static bool has_server(const char *table, const union addr *a, uint16_t port)
{
	unsigned len;
	const void *host = addr_host(a, &len);
	uint32_t word[4] = { 0 };
	bool found = false;

	for (int any = 0; any < 2 && !found; any++) {
		autosb struct sb key = SB_INIT;

		if (!any)
			memcpy(word, host, len);
		else
			memset(word, 0, sizeof(word));
		/* behind the line number: remote addresses do not count */
		sb_add(&key, ": ");
		for (unsigned i = 0; i < len / sizeof(word[0]); i++)
			sb_addf(&key, "%08X", word[i]);
		sb_addf(&key, ":%04X ", port);
		found = strstr(table, key.buf);
	}
	return found;
}

static bool port_is_open(const char *path, const union addr *a, uint16_t port)
{
	autosb struct sb table = SB_INIT;

	return file_read_at(AT_FDCWD, path, PROC_NET_MAX, &table) == 0 &&
	       has_server(table.buf, a, port);
}

/*
 * An IPv6 client of an IPv4 server.  The kernel's own word for it, ICMP port
 * unreachable, goes to the client's address and so not to us; the tables say
 * it too, and are read at most once a second for each listener.
 */
static bool serves_v4_only(struct listener *l)
{
	const struct upstream *up = &l->p->up;
	uint64_t now = clock_mono_ns();

	if (l->checked_ns && now - l->checked_ns < CHECK_NS)
		return l->v4_only;
	l->checked_ns = now;
	l->v4_only = !port_is_open("/proc/net/udp6", &up->v6, l->port) &&
		     port_is_open("/proc/net/udp", &up->v4, l->port);
	return l->v4_only;
}

/* ---- flows ----------------------------------------------------------- */

static int flow_reply(struct loop *loop, struct loop_source *src,
		      uint32_t events, void *arg);

static void flow_close(struct udp_flow *f)
{
	loop_del(f->l->p->loop, f->src);
	f->src = NULL;
	close_fd(f->fd);
	route_drop(f);
}

static void flow_free(struct udp_flow *f)
{
	struct udp *u = &f->l->p->udp;
	struct udp_flow **link = bucket_of(f->l, &f->client);

	flow_close(f);
	while (*link != f)
		link = &(*link)->chain;
	*link = f->chain;
	age_unlink(u, f);
	u->n--;
	free(f);
}

/* Open the best way that works, from @f->via on. */
static int flow_open(struct udp_flow *f)
{
	struct proxy *p = f->l->p;
	int r = -ECONNREFUSED;

	for (; f->via != VIA_NONE;) {
		if (f->via == VIA_CLIENT)
			r = route_add(f);
		if (f->via != VIA_CLIENT || r == 0) {
			f->fd = upstream_open(&p->up, f->via, SOCK_DGRAM,
					      &f->client, f->l->port);
			r = f->fd < 0 ? f->fd : 0;
		}
		if (r == 0)
			return loop_add(p->loop, f->fd, EPOLLIN, flow_reply, f,
					&f->src);
		route_drop(f);
		if (r == -EMFILE || r == -ENFILE)
			return r;
		f->via = upstream_next(&p->up, &f->client, f->via, -r);
	}
	return r;
}

static int sweep(struct loop *loop unused_attr,
		 struct loop_source *src unused_attr,
		 uint32_t events unused_attr, void *arg);

static void sweep_arm(struct proxy *p)
{
	if (p->udp.n && !p->udp.sweep)
		loop_timer(p->loop, clock_mono_ns() + SWEEP_NS, sweep, p,
			   &p->udp.sweep);
}

/* Timer: end the flows that nobody used for a while. */
static int sweep(struct loop *loop unused_attr,
		 struct loop_source *src unused_attr,
		 uint32_t events unused_attr, void *arg)
{
	struct proxy *p = arg;
	uint64_t now = clock_mono_ns();

	p->udp.sweep = NULL;
	while (p->udp.oldest && now - p->udp.oldest->used_ns > FLOW_IDLE_NS)
		flow_free(p->udp.oldest);
	sweep_arm(p);
	return 0;
}

static struct udp_flow *flow_new(struct listener *l, const union addr *client)
{
	struct udp *u = &l->p->udp;
	struct udp_flow **bucket = bucket_of(l, client);
	struct udp_flow *f;
	int r;

	if (u->n >= FLOWS_MAX)
		flow_free(u->oldest);
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->l = l;
	f->fd = -EBADF;
	f->client = *client;
	f->via = upstream_first(&l->p->up, client);
	if (client->sa.sa_family == AF_INET6 && serves_v4_only(l))
		f->via = VIA_PLAIN_V4;
	f->chain = *bucket;
	*bucket = f;
	age_push(u, f);
	u->n++;

	r = flow_open(f);
	if ((r == -EMFILE || r == -ENFILE) && u->oldest != f) {
		flow_free(u->oldest);
		r = flow_open(f);
	}
	if (r < 0) {
		flow_free(f);
		return NULL;
	}
	sweep_arm(l->p);
	return f;
}

/* ---- datagrams ------------------------------------------------------- */

/* Which of our addresses the datagram came to. */
static void local_addr(struct msghdr *m, union addr *ret)
{
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	*ret = (union addr){ 0 };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&v4, CMSG_DATA(c), sizeof(v4));
			ret->in.sin_family = AF_INET;
			ret->in.sin_addr = v4.ipi_addr;
		}
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&v6, CMSG_DATA(c), sizeof(v6));
			ret->in6.sin6_family = AF_INET6;
			ret->in6.sin6_addr = v6.ipi6_addr;
		}
	}
}

/* The control message that makes a datagram leave from @local. */
static size_t from_addr(union control *ctl, const union addr *local)
{
	struct in6_pktinfo v6 = { .ipi6_addr = local->in6.sin6_addr };
	struct in_pktinfo v4 = { .ipi_spec_dst = local->in.sin_addr };
	bool is_v6 = local->sa.sa_family == AF_INET6;
	size_t len = is_v6 ? sizeof(v6) : sizeof(v4);
	struct cmsghdr *c = &ctl->align;

	if (local->sa.sa_family == AF_UNSPEC)
		return 0;
	memset(ctl, 0, sizeof(*ctl));
	c->cmsg_level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = is_v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), is_v6 ? (void *)&v6 : (void *)&v4, len);
	return CMSG_SPACE(len);
}

/* Loop callback: the server answers a client. */
static int flow_reply(struct loop *loop unused_attr,
		      struct loop_source *src unused_attr,
		      uint32_t events unused_attr, void *arg)
{
	struct udp_flow *f = arg;
	struct stream_env *env = &f->l->p->env;
	union control ctl;
	size_t ctl_len = from_addr(&ctl, &f->local);

	for (int i = 0; i < BATCH; i++) {
		ssize_t n = recv(f->fd, env->buf, sizeof(env->buf), 0);
		struct iovec iov = { env->buf, (size_t)n };
		struct msghdr m = {
			.msg_name = &f->client,
			.msg_namelen = addr_len(&f->client),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = ctl_len ? &ctl : NULL,
			.msg_controllen = ctl_len,
		};

		/* "connection refused": no server now, maybe one later */
		if (n < 0)
			break;
		/* a datagram that does not go out is a datagram lost */
		(void)!sendmsg(f->l->fd, &m, MSG_NOSIGNAL);
	}
	flow_touch(f);
	return 0;
}

static void deliver(struct listener *l, const union addr *client,
		    const union addr *local, size_t len)
{
	const char *buf = l->p->env.buf;
	struct udp_flow *f = flow_find(l, client);

	if (f)
		flow_touch(f);
	else
		f = flow_new(l, client);
	if (!f)
		return;
	f->local = *local;
	(void)!send(f->fd, buf, len, MSG_NOSIGNAL);
}

int udp_receive(struct loop *loop unused_attr,
		struct loop_source *src unused_attr,
		uint32_t events unused_attr, void *arg)
{
	struct listener *l = arg;
	struct stream_env *env = &l->p->env;

	for (int i = 0; i < BATCH; i++) {
		union addr client = { 0 }, local;
		union control ctl;
		struct iovec iov = { env->buf, sizeof(env->buf) };
		struct msghdr m = {
			.msg_name = &client,
			.msg_namelen = sizeof(client),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &ctl,
			.msg_controllen = sizeof(ctl),
		};
		ssize_t n = recvmsg(l->fd, &m, 0);

		if (n < 0)
			break;
		local_addr(&m, &local);
		deliver(l, &client, &local, (size_t)n);
	}
	return 0;
}

void udp_close_all(struct proxy *p)
{
	while (p->udp.oldest)
		flow_free(p->udp.oldest);
	loop_del(p->loop, p->udp.sweep);
	p->udp.sweep = NULL;
	nl_done(&p->udp.nl);
}
