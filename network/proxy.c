/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The port proxy serves the published ports of one container.  It is a process
 * of its own, a child of the monitor: its listening sockets were made in the
 * host's network namespace, while it itself is in the container's, so that
 * every socket that it makes is there.  That is the whole trick; data is
 * copied between two sockets of two namespaces.
 *
 *	spawn.c		rules and routes, then starts this program
 *	proxy.c		configuration, privileges, listeners, life and death
 *	tcp.c, stream.c	connections and the bytes in them
 *	udp.c		flows of datagrams
 *	upstream.c	the way to the server, with the client's own address
 *
 * It handles bytes of strangers, so it looks at none of them, and it keeps of
 * its capabilities only what a transparent socket needs.  It ends when the
 * monitor lets go of its leash, or dies.
 *
 * The configuration comes as a memfd of lines, written and read here:
 *	exit FD | transparent 0|1 | addr IP | listen FD tcp|udp PORT
 */
#include "network/proxy.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

/* 64 bytes a line, two sockets for each port of each protocol */
#define CONF_MAX (4 * 65536 * 64)
#define RETRY_NS (100 * 1000000ull)
#define FDS_SPARE 64
#define CONNS_MAX 65536

/* ---- configuration --------------------------------------------------- */

static void conf_addr(const union addr *a, struct sb *text)
{
	char buf[ADDR_TEXT_MAX];
	union addr host = *a;

	if (a->sa.sa_family == AF_UNSPEC)
		return;
	addr_set_port(&host, 0);
	addr_text(&host, buf);
	/* "[fd00::100]:0" -> "fd00::100" */
	*strrchr(buf, ':') = '\0';
	if (a->sa.sa_family == AF_INET6)
		*strrchr(buf, ']') = '\0';
	sb_addf(text, "addr %s\n", buf + (a->sa.sa_family == AF_INET6));
}

int proxy_conf_save(int conf_fd, const struct upstream *up,
		    const struct port_socks *socks, int exit_fd,
		    struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	sb_addf(&text, "exit %d\ntransparent %d\n", exit_fd, up->transparent);
	conf_addr(&up->v4, &text);
	conf_addr(&up->v6, &text);
	for (size_t i = 0; i < socks->n; i++)
		sb_addf(&text, "listen %d %s %u\n", socks->fd[i],
			socks->map[i].proto == PORT_TCP ? "tcp" : "udp",
			socks->map[i].ctr_port);

	r = fd_write_full(conf_fd, text.buf, text.len);
	return r < 0 ? err_code(err, r, "write the proxy's configuration") : 0;
}

static int fd_parse(const char *text, int *ret)
{
	int fd;

	if (!text || parse_int(text, &fd) < 0 || fd < 3)
		return -EINVAL;
	*ret = fd;
	return 0;
}

static int listen_parse(char *const *word, struct proxy *p)
{
	struct listener l = { .p = p };
	uint32_t port;

	if (strv_len(word) != 4 || fd_parse(word[1], &l.fd) < 0 ||
	    parse_u32(word[3], &port) < 0 || port < 1 || port > 65535)
		return -EINVAL;
	if (!streq(word[2], "tcp") && !streq(word[2], "udp"))
		return -EINVAL;
	l.proto = streq(word[2], "tcp") ? PORT_TCP : PORT_UDP;
	l.port = (uint16_t)port;
	/* grows by doubling: powers of two are full */
	if (!(p->n_listeners & (p->n_listeners - 1)))
		p->listeners = xreallocarray(p->listeners,
					     2 * p->n_listeners + 1, sizeof(l));
	p->listeners[p->n_listeners++] = l;
	return 0;
}

static int line_parse(const char *line, struct proxy *p)
{
	autostrv char **word = strv_split(line, ' ');
	union addr a;

	if (strv_len(word) < 2)
		return -EINVAL;
	if (streq(word[0], "listen"))
		return listen_parse(word, p);
	if (strv_len(word) != 2)
		return -EINVAL;
	if (streq(word[0], "exit"))
		return fd_parse(word[1], &p->exit_fd);
	if (streq(word[0], "transparent"))
		return parse_bool(word[1], &p->up.transparent);
	if (!streq(word[0], "addr") || addr_parse(word[1], 0, &a) < 0)
		return -EINVAL;
	*(a.sa.sa_family == AF_INET ? &p->up.v4 : &p->up.v6) = a;
	return 0;
}

int proxy_conf_parse(const char *text, struct proxy *p, struct err *err)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		autofree char *line = xstrndup(text, len);

		if (line_parse(line, p) < 0)
			return err_set(err, ERR_INVALID, EINVAL,
				       "bad proxy configuration '%s'", line);
		text += len + (text[len] == '\n');
	}
	if (p->exit_fd < 0 || !p->n_listeners ||
	    (!p->up.v4.sa.sa_family && !p->up.v6.sa.sa_family))
		return err_set(err, ERR_INVALID, EINVAL,
			       "proxy configuration is incomplete");
	return 0;
}

char *proxy_conf_read(int conf_fd)
{
	autosb struct sb text = SB_INIT;

	/* each reader begins anew: they share the offset */
	if (lseek(conf_fd, 0, SEEK_SET) < 0 ||
	    fd_read_all(conf_fd, CONF_MAX, &text) < 0)
		return NULL;
	return sb_take(&text);
}

int *proxy_fds(const char *conf, size_t *ret_n)
{
	struct proxy p = { .exit_fd = -EBADF };
	int *fds = NULL;

	*ret_n = 0;
	if (conf && proxy_conf_parse(conf, &p, NULL) == 0) {
		fds = xcalloc(p.n_listeners + 1, sizeof(*fds));
		fds[(*ret_n)++] = p.exit_fd;
		for (size_t i = 0; i < p.n_listeners; i++)
			fds[(*ret_n)++] = p.listeners[i].fd;
	}
	free(p.listeners);
	return fds;
}

/* ---- privileges ------------------------------------------------------ */

/*
 * Keep what transparent sockets need: to take a foreign address, a client
 * port below 1024, and (UDP) a route per client.
 */
static int caps_drop(bool udp, struct err *err)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	uint32_t keep = 1u << CAP_NET_RAW | 1u << CAP_NET_BIND_SERVICE |
			(udp ? 1u << CAP_NET_ADMIN : 0);
	struct __user_cap_data_struct d[2] = { 0 };

	if (syscall(SYS_capget, &h, d) < 0)
		return err_sys(err, "read capabilities");
	d[0].effective = d[0].permitted = d[0].permitted & keep;
	d[0].inheritable = 0;
	d[1] = (struct __user_cap_data_struct){ 0 };
	if (syscall(SYS_capset, &h, d) < 0)
		return err_sys(err, "drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
		return err_sys(err, "set no_new_privs");
	return 0;
}

/* ---- listeners ------------------------------------------------------- */

static int listener_watch(struct listener *l)
{
	return loop_add(l->p->loop, l->fd, EPOLLIN,
			l->proto == PORT_TCP ? tcp_accept : udp_receive, l,
			&l->src);
}

static int retry(struct loop *loop unused_attr,
		 struct loop_source *src unused_attr,
		 uint32_t events unused_attr, void *arg)
{
	proxy_resume(arg);
	return 0;
}

void proxy_pause(struct proxy *p, struct listener *l)
{
	struct loop_source *timer;

	loop_del(p->loop, l->src);
	l->src = NULL;
	if (p->paused)
		return;
	/* descriptors may also come back without a connection of ours ending */
	if (loop_timer(p->loop, clock_mono_ns() + RETRY_NS, retry, p, &timer) ==
	    0)
		p->paused = true;
}

void proxy_resume(struct proxy *p)
{
	p->paused = false;
	for (size_t i = 0; i < p->n_listeners; i++)
		if (!p->listeners[i].src)
			listener_watch(&p->listeners[i]);
}

/* ---- the process ----------------------------------------------------- */

static int on_exit_pipe(struct loop *loop, struct loop_source *src unused_attr,
			uint32_t events unused_attr, void *arg unused_attr)
{
	loop_quit(loop, 0);
	return 0;
}

/* As many descriptors as allowed; two for each connection. */
static size_t conns_limit(const struct proxy *p)
{
	size_t used = p->n_listeners + FDS_SPARE;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return 1;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_NOFILE, &lim);
	if (getrlimit(RLIMIT_NOFILE, &lim) < 0 || lim.rlim_cur < used + 2)
		return 1;
	return MIN((size_t)(lim.rlim_cur - used) / 2, (size_t)CONNS_MAX);
}

static int run(struct proxy *p, struct err *err)
{
	struct loop_source *src;
	int r;

	r = loop_new(&p->loop, err);
	if (r < 0)
		return r;
	r = loop_add(p->loop, p->exit_fd, EPOLLIN, on_exit_pipe, p, &src);
	for (size_t i = 0; i < p->n_listeners && r == 0; i++) {
		p->listeners[i].p = p;
		fd_nonblock(p->listeners[i].fd, true);
		r = listener_watch(&p->listeners[i]);
	}
	if (r < 0)
		return err_code(err, r, "watch the published ports");

	r = loop_run(p->loop);
	return r < 0 ? err_code(err, r, "wait for clients") : 0;
}

int proxy_serve(struct proxy *p, struct err *err)
{
	int r;

	signal(SIGPIPE, SIG_IGN); /* splice(2) has no MSG_NOSIGNAL */
	p->max_conns = conns_limit(p);
	p->udp.nl = (struct nl)NL_INIT;
	r = run(p, err);

	/* connections end with the container: closed, not reset */
	p->paused = false;
	if (p->loop) {
		tcp_close_all(p);
		udp_close_all(p);
	}
	stream_env_done(&p->env);
	loop_free(p->loop);
	for (size_t i = 0; i < p->n_listeners; i++)
		close_fd(p->listeners[i].fd);
	free(p->listeners);
	close_fd(p->exit_fd);
	return r;
}

static bool serves_udp(const struct proxy *p)
{
	for (size_t i = 0; i < p->n_listeners; i++)
		if (p->listeners[i].proto == PORT_UDP)
			return true;
	return false;
}

int proxy_main(int conf_fd)
{
	/* static: its buffer stays untouched, and unpaid, until it is used */
	static struct proxy proxy = { .exit_fd = -EBADF };
	autofree char *conf = proxy_conf_read(conf_fd);
	int r;

	prctl(PR_SET_NAME, "bryo-proxy");
	close(conf_fd);
	if (!conf || proxy_conf_parse(conf, &proxy, NULL) < 0)
		return 1;
	r = caps_drop(serves_udp(&proxy), NULL);
	if (r < 0)
		return 1;
	return proxy_serve(&proxy, NULL) < 0;
}
