/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Starts the port proxy (proxy.c).  The monitor forks; the child enters the
 * container's network namespace, prepares it and becomes bryo-monitor in its
 * proxy mode.  Listeners, the leash and the configuration are inherited,
 * everything else is closed.
 *
 * The configuration is a memfd that the first child fills.  The monitor keeps
 * its text, the listeners and the leash, under the numbers that it names:
 * should the proxy end, the next one needs nothing but a fork, and clients have
 * waited in the backlog meanwhile.  The leash is a pipe of which the monitor
 * has the write end; the child puts a read end in its place.
 *
 * Preparation is what makes answers of a server find their way to a socket
 * that carries a foreign address (upstream.c):
 *
 *	ip rule ipproto tcp sport PORT lookup 100
 *	ip route local default dev lo table 100 src CONTAINER
 *
 * so what leaves from a published TCP port stays here.  Outgoing connections
 * of the container are not concerned, as long as they do not use a published
 * port as their own: ip_local_reserved_ports keeps the kernel from choosing
 * one.  UDP has table 101, which udp.c fills client by client.  No firewall
 * rules and no connection tracking are involved.
 *
 * Should any of that be refused, the ports are served all the same, but the
 * server sees the container's address as the client.
 */
#include "network/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"

#define LOOPBACK_IFINDEX 1
/* what one write to a sysctl takes */
#define SYSCTL_MAX 4000

/**
 * struct child - of the fork
 * @socks:   the first proxy: rules, routes and configuration are to be made;
 *           NULL: they are there
 * @leash:   number of it
 * @end_fd:  its read end
 */
struct child {
	const struct port_socks *socks;
	int pidfd;
	int monitor_fd;
	int leash;
	int end_fd;
	int conf_fd;
	int sync_fd;
};

/* ---- the container's namespace --------------------------------------- */

static int port_cmp(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* The container's ports of one protocol, sorted, each once; owned. */
static uint16_t *ports_of(const struct port_socks *s, enum port_proto proto,
			  size_t *ret_n)
{
	uint16_t *port = xcalloc(s->n + 1, sizeof(*port));
	size_t n = 0, unique = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->map[i].proto == proto)
			port[n++] = s->map[i].ctr_port;
	qsort(port, n, sizeof(*port), port_cmp);
	for (size_t i = 0; i < n; i++)
		if (!i || port[i] != port[i - 1])
			port[unique++] = port[i];
	*ret_n = unique;
	return port;
}

/* How many consecutive numbers @port starts with. */
static size_t run_length(const uint16_t *port, size_t n)
{
	size_t i = 1;

	while (i < n && port[i] == port[i - 1] + 1)
		i++;
	return i;
}

static int rules_add(struct nl *nl, int family, const struct port_socks *socks,
		     enum port_proto proto, struct err *err)
{
	bool tcp = proto == PORT_TCP;
	size_t n, len;
	autofree uint16_t *port = ports_of(socks, proto, &n);

	for (size_t i = 0; i < n; i += len) {
		int r;

		len = run_length(port + i, n - i);
		r = nl_rule_sport(nl, family, tcp ? IPPROTO_TCP : IPPROTO_UDP,
				  port[i], port[i + len - 1],
				  tcp ? PROXY_TABLE_TCP : PROXY_TABLE_UDP,
				  PROXY_RULE_PRIO, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Rules and the route of one family; fails where the family is missing. */
static int family_prepare(struct nl *nl, const union addr *ctr,
			  const struct port_socks *socks, struct err *err)
{
	int family = ctr->sa.sa_family;
	struct nl_route route = {
		.family = family,
		.prefsrc = ctr,
		.oif = LOOPBACK_IFINDEX,
		.table = PROXY_TABLE_TCP,
		.local = true,
	};
	int r;

	r = nl_route_add(nl, &route, err);
	if (r == 0)
		r = rules_add(nl, family, socks, PORT_TCP, err);
	if (r == 0)
		r = rules_add(nl, family, socks, PORT_UDP, err);
	return r;
}

static void sysctl_write(const char *path, const char *text, size_t len)
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd_write_full(fd, text, len);

	if (r < 0)
		log_debug("%s: %s", path, err_reason(-r));
}

/* Published ports are no candidates for the port of an outgoing connection. */
static void ports_reserve(const struct port_socks *socks)
{
	autosb struct sb text = SB_INIT;

	for (int proto = PORT_TCP; proto <= PORT_UDP; proto++) {
		size_t n, len;
		autofree uint16_t *port = ports_of(socks, proto, &n);

		for (size_t i = 0; i < n; i += len) {
			len = run_length(port + i, n - i);
			sb_addf(&text, "%s%u-%u", text.len ? "," : "", port[i],
				port[i + len - 1]);
		}
	}
	if (text.len <= SYSCTL_MAX)
		sysctl_write("/proc/sys/net/ipv4/ip_local_reserved_ports",
			     text.buf, text.len);
}

static void prepare(const struct port_socks *socks, struct upstream *up)
{
	autonl struct nl nl = NL_INIT;
	struct err err = ERR_INIT;

	addr_parse(NET_SLIRP_ADDR, 0, &up->v4);
	addr_parse(NET_SLIRP_ADDR6, 0, &up->v6);
	if (nl_open(&nl, &err) < 0 ||
	    family_prepare(&nl, &up->v4, socks, &err) < 0) {
		log_debug("published ports hide their clients: %s", err.msg);
		return;
	}
	up->transparent = true;
	/* its address is there only where IPv6 is, see tap.c */
	if (family_prepare(&nl, &up->v6, socks, &err) < 0) {
		log_debug("published ports without IPv6: %s", err.msg);
		up->v6 = (union addr){ 0 };
	}
	ports_reserve(socks);
}

/* ---- the child ------------------------------------------------------- */

/* Standard descriptors to nowhere; close all but what the proxy uses. */
static int fds_prepare(const struct child *c, struct err *err)
{
	size_t n;
	autofree char *conf = proxy_conf_read(c->conf_fd);
	autofree int *named = proxy_fds(conf, &n);
	autofree int *keep = xcalloc(n + 3, sizeof(*keep));
	int r;

	if (!named)
		return err_set(err, ERR_FAIL, EINVAL,
			       "no proxy configuration");
	r = fd_null(0, 2);
	if (r < 0)
		return err_code(err, r, "leave the standard descriptors");
	if (dup2(c->end_fd, c->leash) < 0)
		return err_sys(err, "take the read end of a pipe");
	for (size_t i = 0; i < n; i++)
		fd_cloexec(keep[i] = named[i], false);
	fd_cloexec(keep[n++] = c->conf_fd, false);
	keep[n++] = c->sync_fd;
	keep[n++] = c->monitor_fd;
	fd_close_all_but(keep, n);
	return 0;
}

static int child_run(struct child *c, struct err *err)
{
	struct upstream up = { 0 };
	char fd_text[16];
	int r = 0;

	signals_reset();
	if (setns(c->pidfd, CLONE_NEWNET) < 0)
		return err_sys(err, "enter the container's network namespace");
	if (c->socks) {
		prepare(c->socks, &up);
		r = proxy_conf_save(c->conf_fd, &up, c->socks, c->leash,
				    err);
	}
	if (r == 0 && chdir("/") < 0)
		return err_sys(err, "change to /");
	if (r == 0)
		r = fds_prepare(c, err);
	if (r < 0 || c->monitor_fd < 0)
		return r;

	snprintf(fd_text, sizeof(fd_text), "%d", c->conf_fd);
	const char *const argv[] = { "bryo-monitor", "proxy", fd_text, NULL };
	const char *const env[] = { NULL };

	execveat(c->monitor_fd, "", (char *const *)argv, (char *const *)env,
		 AT_EMPTY_PATH);
	return err_sys(err, "run bryo-monitor");
}

static void noreturn_attr child_main(struct child *c)
{
	struct err err = ERR_INIT;

	if (child_run(c, &err) < 0) {
		(void)fd_write_full(c->sync_fd, &err, sizeof(err));
		child_exit(1);
	}
	close(c->sync_fd);
	child_exit(proxy_main(c->conf_fd));
}

/* ---- the monitor ----------------------------------------------------- */

/* Until the child runs the proxy; its error otherwise. */
static int child_wait(pid_t pid, int sync, struct err *err)
{
	struct err reason = ERR_INIT;
	ssize_t n = fd_read_full(sync, &reason, sizeof(reason));

	if (n == 0)
		return 0;
	(void)proc_wait(pid);
	if (n != (ssize_t)sizeof(reason) || !reason.code)
		return err_set(err, ERR_FAIL, EPIPE, "start the port proxy");
	if (err)
		*err = reason;
	return err_wrap(err, -reason.code, "start the port proxy");
}

/* @c: all but the pidfd, the read end and the sync pipe; the pid or -errno */
static pid_t fork_proxy(pid_t init, struct child *c, struct err *err)
{
	int sync[2], r;
	pid_t pid;
	autoclose int pidfd = (int)syscall(SYS_pidfd_open, init, 0);

	if (pidfd < 0)
		return err_sys(err, "open process %d", (int)init);
	autoclose int end = leash_end(c->leash, err);
	if (end < 0)
		return end;
	if (pipe2(sync, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	autoclose int sync_r = sync[0];
	autoclose int sync_w = sync[1];

	if (FAULT("net.proxy.spawn") < 0)
		return err_sys(err, "start the port proxy");
	c->pidfd = pidfd;
	c->end_fd = end;
	c->sync_fd = sync_w;
	pid = fork();
	if (pid < 0)
		return err_fork(err, errno, "fork for the port proxy");
	if (pid == 0)
		child_main(c);
	close_fd(sync_w);
	r = child_wait(pid, sync_r, err);
	return r < 0 ? r : pid;
}

int proxy_spawn(pid_t init, const struct port_socks *socks, int leash,
		int monitor_fd, struct proxy_proc *ret, struct err *err)
{
	pid_t pid;
	autoclose int conf = fd_memory("bryo-proxy", err);

	if (conf < 0)
		return conf;
	struct child c = {
		.socks = socks,
		.monitor_fd = monitor_fd,
		.leash = leash,
		.conf_fd = conf,
	};

	pid = fork_proxy(init, &c, err);
	if (pid < 0)
		return pid;
	ret->pid = pid;
	ret->conf_fd = take_fd(conf);
	return 0;
}

pid_t proxy_respawn(pid_t init, const char *conf, int monitor_fd,
		    struct err *err)
{
	size_t n;
	autofree int *named = proxy_fds(conf, &n);
	int r;

	if (!named)
		return err_set(err, ERR_FAIL, EINVAL,
			       "no proxy configuration");
	autoclose int fd = fd_memory("bryo-proxy", err);
	if (fd < 0)
		return fd;
	r = fd_write_full(fd, conf, strlen(conf));
	if (r < 0)
		return err_code(err, r, "write the proxy's configuration");
	struct child c = {
		.monitor_fd = monitor_fd,
		.leash = named[0],
		.conf_fd = fd,
	};

	return fork_proxy(init, &c, err);
}

void proxy_proc_done(struct proxy_proc *p)
{
	close_fd(p->conf_fd);
}
