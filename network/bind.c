/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Published ports are taken here, in the host's network namespace, before
 * anything else of a container is made: a port in use must fail early.  TCP
 * sockets listen at once, since two sockets with SO_REUSEADDR collide only in
 * listen(2), and since clients that come early then wait instead of being
 * refused.
 *
 * "-p 8080:80" means all addresses.  That is two sockets, 0.0.0.0 and an
 * IPV6_V6ONLY [::], never one dual-stack socket: a client is then seen with
 * an address of its own family, and a host without IPv6 just has one socket
 * less.  A random port is the kernel's choice for the first socket; should
 * the others not get the same number, all are closed and the next number is
 * tried.
 *
 * SO_KEEPALIVE and TCP_NODELAY are set on the listeners because accepted
 * sockets inherit them, which saves the proxy two calls per connection.
 */
#include "network/network.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "network/addr.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/str.h"

#define RANDOM_TRIES 64
/* what the rest of the process may need besides the listeners */
#define NOFILE_SPARE 128

static int set_on(int fd, int level, int name)
{
	int on = 1;

	return setsockopt(fd, level, name, &on, sizeof(on));
}

/* The socket for @a; -errno without a reason, which needs more context. */
static int bind_socket(const union addr *a, enum port_proto proto)
{
	int v6 = a->sa.sa_family == AF_INET6;
	int type = proto == PORT_TCP ? SOCK_STREAM : SOCK_DGRAM;
	autoclose int fd =
		socket(a->sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (v6 && set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0)
		return -errno;
	if (proto == PORT_TCP && (set_on(fd, SOL_SOCKET, SO_REUSEADDR) < 0 ||
				  set_on(fd, SOL_SOCKET, SO_KEEPALIVE) < 0 ||
				  set_on(fd, IPPROTO_TCP, TCP_NODELAY) < 0))
		return -errno;
	/* which of our addresses a datagram came to: replies leave from it */
	if (proto == PORT_UDP &&
	    (v6 ? set_on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO) :
		  set_on(fd, IPPROTO_IP, IP_PKTINFO)) < 0)
		return -errno;
	if (bind(fd, &a->sa, addr_len(a)) < 0)
		return -errno;
	if (proto == PORT_TCP && listen(fd, SOMAXCONN) < 0)
		return -errno;
	return take_fd(fd);
}

static int privileged_error(struct err *err, const char *proto,
			    const union addr *a)
{
	char text[ADDR_TEXT_MAX];

	return err_set(err, ERR_START, EACCES,
		       "cannot publish privileged port %u: listen %s %s: "
		       "permission denied (fix: sudo sysctl "
		       "net.ipv4.ip_unprivileged_port_start=%u, or choose a "
		       "port number >= 1024)",
		       addr_port(a), proto, addr_text(a, text), addr_port(a));
}

static int bind_error(struct err *err, int r, const union addr *a,
		      enum port_proto p)
{
	const char *proto = p == PORT_TCP ? "tcp" : "udp";
	char text[ADDR_TEXT_MAX];

	if (r == -EACCES && addr_port(a) < 1024)
		return privileged_error(err, proto, a);
	if (r == -EADDRINUSE)
		return err_set(err, ERR_START, EADDRINUSE,
			       "listen %s %s: bind: address already in use",
			       proto, addr_text(a, text));
	if (r == -EADDRNOTAVAIL)
		return err_set(err, ERR_START, EADDRNOTAVAIL,
			       "listen %s %s: bind: cannot assign requested "
			       "address",
			       proto, addr_text(a, text));
	r = err_code(err, r, "listen %s %s", proto, addr_text(a, text));
	return err_kind_set(err, r, ERR_START);
}

static int local_port(int fd, uint16_t *ret)
{
	union addr a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, &a.sa, &len) < 0)
		return -errno;
	*ret = addr_port(&a);
	return 0;
}

static void socks_push(struct port_socks *s, int fd, const struct port_map *m,
		       const char *ip)
{
	struct port_map *map = &s->map[s->n];

	*map = *m;
	map->range = 1;
	snprintf(map->host_ip, sizeof(map->host_ip), "%s", ip);
	s->fd[s->n++] = fd;
}

static void socks_trunc(struct port_socks *s, size_t n)
{
	while (s->n > n)
		close_fd(s->fd[--s->n]);
}

static int bind_addr(const struct port_map *m, const char *ip,
		     struct port_socks *s, struct err *err)
{
	union addr a;
	int fd;

	if (addr_parse(ip, m->host_port, &a) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot parse \"%s\" as an IP address", ip);
	fd = bind_socket(&a, m->proto);
	if (fd < 0)
		return bind_error(err, fd, &a, m->proto);
	socks_push(s, fd, m, ip);
	return 0;
}

/* All addresses: IPv4 must work; without IPv6 the port is still published. */
static int bind_any(const struct port_map *m, bool chosen, struct port_socks *s,
		    struct err *err)
{
	struct err v6 = ERR_INIT;
	int r;

	r = bind_addr(m, "0.0.0.0", s, err);
	if (r < 0)
		return r;
	r = bind_addr(m, "::", s, &v6);
	if (r == -EADDRINUSE && chosen) {
		if (err)
			*err = v6;
		return r;
	}
	if (r < 0)
		log_debug("published on IPv4 only: %s", v6.msg);
	return 0;
}

/* One port of a map; @chosen: we picked the number, collisions matter. */
static int bind_port(const struct port_map *m, bool chosen,
		     struct port_socks *s, struct err *err)
{
	if (str_is_empty(m->host_ip))
		return bind_any(m, chosen, s, err);
	return bind_addr(m, m->host_ip, s, err);
}

static int bind_range(const struct port_map *m, bool chosen,
		      struct port_socks *s, struct err *err)
{
	size_t start = s->n;

	if (m->host_port + m->range > 65536)
		return err_set(err, ERR_START, EADDRNOTAVAIL,
			       "port range %u-%u ends above 65535",
			       m->host_port, m->host_port + m->range - 1);
	for (uint32_t i = 0; i < m->range; i++) {
		struct port_map one = *m;
		int r;

		one.host_port = (uint16_t)(m->host_port + i);
		one.ctr_port = (uint16_t)(m->ctr_port + i);
		r = bind_port(&one, chosen, s, err);
		if (r < 0) {
			socks_trunc(s, start);
			return r;
		}
	}
	return 0;
}

/* A number that is free now; it may be gone when we come to bind it. */
static int random_port(const struct port_map *m, uint16_t *ret, struct err *err)
{
	const char *ip = str_is_empty(m->host_ip) ? "0.0.0.0" : m->host_ip;
	union addr a;
	int r;

	if (addr_parse(ip, 0, &a) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot parse \"%s\" as an IP address", ip);

	autoclose int fd = bind_socket(&a, m->proto);
	if (fd < 0)
		return bind_error(err, fd, &a, m->proto);
	r = local_port(fd, ret);
	return r < 0 ? err_code(err, r, "read the port of a socket") : 0;
}

static int bind_random(struct port_map *m, struct port_socks *s,
		       struct err *err)
{
	struct err last = ERR_INIT;
	int r = -EADDRINUSE;

	for (int i = 0; i < RANDOM_TRIES; i++) {
		struct port_map try = *m;

		r = random_port(m, &try.host_port, &last);
		if (r == 0)
			r = bind_range(&try, true, s, &last);
		if (r == 0) {
			m->host_port = try.host_port;
			return 0;
		}
		if (r != -EADDRINUSE && r != -EADDRNOTAVAIL)
			break;
	}
	if (err)
		*err = last;
	return err_wrap(err, r, "find a free port");
}

/* Room for @n sockets: raise the soft limit, for now, if need be. */
static int nofile_raise(size_t n, uint64_t *ret_old, struct err *err)
{
	rlim_t want = n + NOFILE_SPARE;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return err_sys(err, "read RLIMIT_NOFILE");
	if (lim.rlim_cur >= want)
		return 0;
	if (lim.rlim_max < want)
		return err_set(err, ERR_START, EMFILE,
			       "publishing %zu sockets needs a limit of %ju "
			       "open files, the hard limit is %ju (fix: raise "
			       "it with ulimit -Hn as root)",
			       n, (uintmax_t)want, (uintmax_t)lim.rlim_max);
	*ret_old = lim.rlim_cur;
	lim.rlim_cur = want;
	if (setrlimit(RLIMIT_NOFILE, &lim) < 0)
		return err_sys(err, "raise RLIMIT_NOFILE");
	return 0;
}

int ports_bind(struct port_list *list, struct port_socks *ret, struct err *err)
{
	struct port_socks s = { 0 };
	size_t max = 0;
	int r;

	for (size_t i = 0; i < list->n; i++)
		max += (size_t)list->v[i].range *
		       (str_is_empty(list->v[i].host_ip) ? 2 : 1);
	r = nofile_raise(max, &s.nofile, err);
	if (r < 0)
		return r;
	s.fd = xcalloc(max ? max : 1, sizeof(*s.fd));
	s.map = xcalloc(max ? max : 1, sizeof(*s.map));

	for (size_t i = 0; i < list->n && r == 0; i++) {
		struct port_map *m = &list->v[i];

		r = m->host_port ? bind_range(m, false, &s, err) :
				   bind_random(m, &s, err);
	}
	if (r < 0) {
		port_socks_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void port_socks_done(struct port_socks *s)
{
	struct rlimit lim;

	socks_trunc(s, 0);
	free(s->fd);
	free(s->map);
	if (s->nofile && getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = s->nofile;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	*s = (struct port_socks){ 0 };
}
