/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NETWORK_NETWORK_H
#define NETWORK_NETWORK_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/err.h"

/* ---- published ports ------------------------------------------------- */

enum port_proto { PORT_TCP, PORT_UDP };

/**
 * struct port_map - one published port or a range of equal length
 * @host_ip:   textual address, "" = all (0.0.0.0 and ::)
 * @host_port: 0 = random, filled in by ports_bind()
 * @range:     number of ports, at least 1; both sides stay below 65536
 */
struct port_map {
	char host_ip[INET6_ADDRSTRLEN];
	uint16_t host_port;
	uint16_t ctr_port;
	uint16_t range;
	enum port_proto proto;
};

struct port_list {
	struct port_map *v;	/* owned */
	size_t n;
};

/* A list holds at most every port of both protocols. */
#define PORT_LIST_MAX (2 * 65536)

/**
 * port_parse() - "[[ip:][hport]:]cport[/proto]", ranges, [v6] in brackets
 *
 * Appends to @list.  A range without host ports becomes single ports, each
 * random for itself; what is in the list already is not added twice.  sctp:
 * ERR_UNSUPPORTED.  -EINVAL or -E2BIG (ERR_LIMIT), @list unchanged.
 */
int port_parse(const char *text, struct port_list *list, struct err *err);

/** port_parse_expose() - "80", "80/udp", "1000-1010/tcp" (EXPOSE): random
 *  host ports, single ports as above */
int port_parse_expose(const char *text, struct port_list *list,
		      struct err *err);
void port_list_done(struct port_list *list);

/**
 * struct port_socks - bound and listening sockets
 * @fd:     owned; one tcp or udp socket per address family and port
 * @map:    owned; what @fd[i] serves: its own address, range 1
 * @nofile: RLIMIT_NOFILE before it had to be raised, 0 = it was not
 */
struct port_socks {
	int *fd;
	struct port_map *map;
	size_t n;
	uint64_t nofile;
};

/**
 * ports_bind() - bind every listener in the caller's (host) network namespace
 * @list: random ports are filled in (the same number for v4 and v6)
 * @ret:  owned by the caller; also the port is taken from here on, clients
 *        wait in the backlog until the proxy runs
 *
 * Kind ERR_START: an address in use ("... address already in use"), a
 * privileged port (names net.ipv4.ip_unprivileged_port_start), an address
 * that the host does not have, more sockets than RLIMIT_NOFILE allows.
 */
int ports_bind(struct port_list *list, struct port_socks *ret,
	       struct err *err);

/** port_socks_done() - close them all: the port is free again when its last
 *  copy is closed */
void port_socks_done(struct port_socks *s);

/* ---- private network: a tap of ours, slirp4netns behind it ------------ */

#define NET_SLIRP_ADDR "10.0.2.100"
#define NET_SLIRP_PREFIX 24
#define NET_SLIRP_GATEWAY "10.0.2.2"
#define NET_SLIRP_DNS "10.0.2.3"
#define NET_SLIRP_ADDR6 "fd00::100"
#define NET_SLIRP_PREFIX6 64
#define NET_SLIRP_GATEWAY6 "fd00::2"
#define NET_SLIRP_MTU 65520

/** net_lo_up() - bring lo up in the calling process's network namespace */
int net_lo_up(struct err *err);

struct net_tap {
	bool ipv6;
	uint32_t mtu;		/* 0 = NET_SLIRP_MTU */
};

/**
 * net_tap_setup() - persistent tap0, addresses, routes, v6 static
 * @arg: a const struct net_tap *
 *
 * Runs inside the container's network namespace (struct oci_init_hook) while
 * the host's /dev/net/tun is visible.
 */
int net_tap_setup(void *arg, struct err *err);

/**
 * leash_make() - what ends the processes beside a container
 *
 * The write end of a pipe that nothing is written to.  Whoever has a read end
 * of it (slirp4netns, the proxy) ends when the last copy is closed, however
 * its owner dies.  One descriptor is enough for all of them and for those that
 * are started later.
 * Return: descriptor or -errno
 */
int leash_make(struct err *err);

/** leash_end() - a read end of @leash, O_CLOEXEC; or -errno */
int leash_end(int leash, struct err *err);

/**
 * struct slirp - a running slirp4netns
 * @pid:      our child
 * @pidfd:    owned
 * @ready_fd: owned; readable once slirp forwards
 * @log_fd:   owned; what it prints until it is ready
 */
struct slirp {
	pid_t pid;
	int pidfd;
	int ready_fd;
	int log_fd;
};

#define SLIRP_INIT { 0, -EBADF, -EBADF, -EBADF }

/**
 * slirp_spawn() - slirp4netns for @init's network namespace
 * @init:  our unreaped child, whose tap0 exists
 * @leash: of leash_make(); borrowed
 * @ret:   SLIRP_INIT before, or of one that has ended and was reaped
 *
 * The caller's own network namespace is the one that slirp connects from.
 * Always --disable-host-loopback --enable-sandbox --enable-seccomp, no -c.
 * -ENOENT, ERR_START: slirp4netns is not installed.
 * Return: 0 or -errno
 */
int slirp_spawn(pid_t init, int leash, struct slirp *ret, struct err *err);

/** slirp_wait() - until ready, @timeout_ms at most; closes ready_fd and
 *  log_fd.  A slirp that ended: its own last words are in @err (ERR_START) */
int slirp_wait(struct slirp *s, int timeout_ms, struct err *err);

/** slirp_done() - close the descriptors; ending (by its leash) and reaping it
 *  is up to the caller */
void slirp_done(struct slirp *s);

/**
 * struct proxy_proc - a running proxy
 * @pid:     our child
 * @conf_fd: owned; a memfd that names the proxy's descriptors: the listeners
 *           and the leash, which have the same numbers there and here
 */
struct proxy_proc {
	pid_t pid;
	int conf_fd;
};

#define PROXY_PROC_INIT { 0, -EBADF }

/**
 * proxy_spawn() - the port proxy: a child of ours in @init's network
 * namespace that serves the listeners of @socks
 * @init:       its network namespace holds the tap of net_tap_setup(); the
 *              caller has CAP_SYS_ADMIN and CAP_NET_ADMIN over it
 * @socks:      borrowed; a caller that closes its copies afterwards cannot
 *              use proxy_respawn()
 * @leash:      of leash_make(); borrowed, its number is the proxy's as well
 * @monitor_fd: descriptor of the bryo-monitor binary, started as
 *              {"bryo-monitor", "proxy", "<conf fd>"}; or -EBADF to stay in
 *              the forked process
 * @ret:        PROXY_PROC_INIT before; proxy_proc_done() it
 *
 * Return: 0 or -errno
 */
int proxy_spawn(pid_t init, const struct port_socks *socks, int leash,
		int monitor_fd, struct proxy_proc *ret, struct err *err);

/** proxy_conf_read() - the text in @conf_fd; owned, NULL when there is none */
char *proxy_conf_read(int conf_fd);

/**
 * proxy_respawn() - another one in place of one that has ended
 * @conf: of proxy_conf_read(); all descriptors that it names are still open.
 *        Rules and routes are in the namespace since the first one.
 *
 * Return: pid (our child) or -errno
 */
pid_t proxy_respawn(pid_t init, const char *conf, int monitor_fd,
		    struct err *err);

/** proxy_proc_done() - close the configuration; ending and reaping the proxy
 *  is up to the caller */
void proxy_proc_done(struct proxy_proc *p);

/** proxy_fds() - the descriptors that @conf (NULL: none) names: the leash
 *  first, then the listeners; owned array, NULL (and *ret_n 0) when it is no
 *  good */
int *proxy_fds(const char *conf, size_t *ret_n);

/** proxy_main() - the proxy process; descriptors as proxy_spawn() left them.
 *  Return: the process exit code */
int proxy_main(int conf_fd);

/* ---- files ------------------------------------------------------------ */

struct sb;

/**
 * net_resolv_conf() - text of /etc/resolv.conf for a container
 * @private_net: slirp4netns: its server first, then the host's servers but
 *               those on a loopback address; else the host's, all of them
 * @dns, @search, @options: NULL or empty = the host's; @search {"."} = none
 *
 * Reads the host's file; one that is missing or larger than 64 kB counts as
 * empty.
 */
void net_resolv_conf(bool private_net, char *const *dns, char *const *search,
		     char *const *options, struct sb *out);

/**
 * struct net_hosts - what /etc/hosts of a container is made of
 * @host_net: the container is in the host's network namespace
 * @base_file: NULL: the host's /etc/hosts; "none"; a path
 * @host_ip:  of host.containers.internal; NULL: found out; "none": no such line
 * @add:      "name[;name]:ip" entries of --add-host, first in the file (ip
 *            "host-gateway": the host's address); checked by the caller
 * @ip:       the container's own address, or NULL
 * @hostname, @name: get @ip; may be NULL
 *
 * All borrowed.
 */
struct net_hosts {
	bool host_net;
	const char *base_file;
	const char *host_ip;
	char *const *add;
	const char *ip;
	const char *hostname;
	const char *name;
};

/** net_hosts() - the text; reads the base file (at most 1 MB) and finds the
 *  host's own address */
void net_hosts(const struct net_hosts *want, struct sb *out);

/** net_host_addr() - the address under which containers reach this host: that
 *  of the default route, else the first that is not loopback; false: none */
bool net_host_addr(char ret[INET6_ADDRSTRLEN]);

#endif
