/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * /etc/resolv.conf and /etc/hosts of a container are texts made from the
 * host's, once, when it starts.  resolv_conf_make() and hosts_make() are pure;
 * the two net_ functions around them read the host.
 *
 * The resolver stops at the first line with a name, so the order in hosts is
 * the precedence: what the user added, the host's own file, then the names
 * that we define.  Those are taken out of the host's lines before: in a
 * container in a container the outer engine's lines are there too and would
 * win.
 */
#include "network/files.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "network/addr.h"
#include "network/network.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

#define RESOLV_CONF_MAX 65536
#define HOSTS_MAX (1024 * 1024)
#define HOST_NAMES "host.containers.internal host.docker.internal"
#define BLANKS " \t\r"

/* The next line, without its newline; NULL at the end.  Owned. */
static char *next_line(const char **text)
{
	size_t len = strcspn(*text, "\n");
	char *line;

	if (!**text)
		return NULL;
	line = xstrndup(*text, len);
	*text += len + ((*text)[len] == '\n');
	return line;
}

/* The next word up to a blank; NULL at the end or at a comment.  Owned. */
static char *next_word(const char **text, const char *comment)
{
	const char *p = *text + strspn(*text, BLANKS);
	size_t len = strcspn(p, BLANKS);

	*text = p + len;
	if (!len || strchr(comment, *p))
		return NULL;
	return xstrndup(p, len);
}

/* ---- resolv.conf ----------------------------------------------------- */

/* Reachable from a namespace of its own: not loopback, not "fe80::1%eth0" */
static bool server_is_usable(const char *ip)
{
	union addr a;

	return addr_parse(ip, 0, &a) == 0 && !addr_is_loopback(&a) &&
	       !addr_is_link_local(&a);
}

/* What the host's file says; search and options as word lists. */
struct resolv {
	char **server;	/* owned */
	char **search;	/* owned */
	char **options; /* owned */
};

static void resolv_line(struct resolv *rc, const char *line)
{
	const char *p = line;
	autofree char *key = next_word(&p, "#;");
	char *word;

	if (streq(key, "nameserver")) {
		word = next_word(&p, "#;");
		if (word)
			strv_push(&rc->server, word);
		return;
	}
	if (streq(key, "search") || streq(key, "domain"))
		rc->search = strv_free(rc->search); /* the last one counts */
	else if (!streq(key, "options"))
		return;
	while ((word = next_word(&p, "#;")))
		strv_push(key[0] == 'o' ? &rc->options : &rc->search, word);
}

static void add_words(struct sb *out, const char *key, char *const *words)
{
	if (!words || !*words)
		return;
	sb_add(out, key);
	for (; *words; words++)
		sb_addf(out, " %s", *words);
	sb_addch(out, '\n');
}

static void add_servers(struct sb *out, bool private_net, char *const *dns,
			char *const *servers)
{
	const bool own = strv_len(dns) > 0;

	if (private_net && !own)
		sb_add(out, "nameserver " NET_SLIRP_DNS "\n");
	for (char *const *s = own ? dns : servers; s && *s; s++)
		if (own || !private_net || server_is_usable(*s))
			sb_addf(out, "nameserver %s\n", *s);
}

void resolv_conf_make(const char *base, bool private_net, char *const *dns,
		      char *const *search, char *const *options, struct sb *out)
{
	struct resolv rc = { 0 };
	char *text;

	while ((text = next_line(&base))) {
		autofree char *line = text;

		resolv_line(&rc, line);
	}

	if (!strv_len(search))
		search = rc.search;
	if (!(strv_len(search) == 1 && streq(search[0], ".")))
		add_words(out, "search", search);

	add_servers(out, private_net, dns, rc.server);
	add_words(out, "options", strv_len(options) ? options : rc.options);

	strv_free(rc.server);
	strv_free(rc.search);
	strv_free(rc.options);
}

/* A file of the host's, links followed; "" when it is missing or too large. */
static void host_file(const char *path, size_t max, struct sb *out)
{
	autoclose int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fd_read_all(fd, max, out) < 0)
		sb_trunc(out, 0);
}

void net_resolv_conf(bool private_net, char *const *dns, char *const *search,
		     char *const *options, struct sb *out)
{
	autosb struct sb base = SB_INIT;

	host_file("/etc/resolv.conf", RESOLV_CONF_MAX, &base);
	resolv_conf_make(base.buf, private_net, dns, search, options, out);
}

/* ---- hosts ----------------------------------------------------------- */

/* "name[;name]:ip" */
static void hosts_added(const struct hosts *h, const char *entry,
			struct sb *out)
{
	const char *colon = strchr(entry, ':');
	const char *ip = colon ? colon + 1 : NULL;

	if (streq(ip, "host-gateway"))
		ip = h->gateway;
	if (!ip)
		return;

	autofree char *names = xstrndup(entry, (size_t)(colon - entry));

	for (char *p = names; *p; p++)
		if (*p == ';')
			*p = ' ';
	sb_addf(out, "%s\t%s\n", ip, names);
}

static bool name_is_ours(const struct hosts *h, const char *name)
{
	return streq(name, "host.containers.internal") ||
	       streq(name, "host.docker.internal") ||
	       (h->ip && !streq(name, "localhost") &&
		(streq(name, h->hostname) || streq(name, h->name)));
}

struct seen {
	bool v4_localhost;
	bool v6_localhost;
};

/* A line of the host's file, without the names that are ours. */
static void hosts_line(const struct hosts *h, const char *line,
		       struct seen *seen, struct sb *out)
{
	const char *p = line;
	autofree char *ip = next_word(&p, "#");
	autosb struct sb names = SB_INIT;
	bool changed = false;
	char *text;

	if (!ip) {
		sb_addf(out, "%s\n", line);
		return;
	}
	while ((text = next_word(&p, "#"))) {
		autofree char *name = text;

		if (name_is_ours(h, name)) {
			changed = true;
			continue;
		}
		if (streq(name, "localhost")) {
			seen->v4_localhost |= streq(ip, "127.0.0.1");
			seen->v6_localhost |= streq(ip, "::1");
		}
		sb_addf(&names, "%s%s", names.len ? " " : "", name);
	}
	if (!changed)
		sb_addf(out, "%s\n", line);
	else if (names.len)
		sb_addf(out, "%s\t%s\n", ip, names.buf);
}

void hosts_make(const struct hosts *h, struct sb *out)
{
	const char *base = h->base;
	struct seen seen = { 0 };
	char *text;

	for (size_t i = 0; i < strv_len(h->add); i++)
		hosts_added(h, h->add[i], out);

	while ((text = next_line(&base))) {
		autofree char *line = text;

		hosts_line(h, line, &seen, out);
	}
	if (!seen.v4_localhost)
		sb_add(out, "127.0.0.1\tlocalhost\n");
	if (!seen.v6_localhost)
		sb_add(out, "::1\tlocalhost\n");
	if (h->gateway)
		sb_addf(out, "%s\t" HOST_NAMES "\n", h->gateway);
	if (!h->ip || (!h->hostname && !h->name))
		return;

	sb_add(out, h->ip);
	if (h->hostname)
		sb_addf(out, "\t%s", h->hostname);
	if (h->name && !streq(h->name, h->hostname))
		sb_addf(out, "%s%s", h->hostname ? " " : "\t", h->name);
	sb_addch(out, '\n');
}

/* The address of the host as the container sees it; NULL: none */
static const char *gateway_of(const struct net_hosts *want,
			      char found[INET6_ADDRSTRLEN])
{
	union addr a;

	if (want->host_ip)
		return streq(want->host_ip, "none") ? NULL : want->host_ip;
	if (want->host_net)
		return "127.0.0.1";
	if (want->ip && addr_parse(want->ip, 0, &a) == 0 &&
	    addr_is_loopback(&a))
		return NULL;
	return net_host_addr(found) ? found : NULL;
}

void net_hosts(const struct net_hosts *want, struct sb *out)
{
	autosb struct sb base = SB_INIT;
	char gateway[INET6_ADDRSTRLEN];
	struct hosts h = {
		.add = want->add,
		.ip = want->ip,
		.hostname = want->hostname,
		.name = want->name,
		.gateway = gateway_of(want, gateway),
	};

	if (!streq(want->base_file, "none"))
		host_file(want->base_file ? want->base_file : "/etc/hosts",
			  HOSTS_MAX, &base);
	h.base = base.buf;
	hosts_make(&h, out);
}

/* ---- the host's own address ------------------------------------------ */

/* The source address towards @target; connecting a UDP socket sends nothing. */
static bool source_towards(const char *target, char ret[INET6_ADDRSTRLEN])
{
	union addr a;
	socklen_t len = sizeof(a);
	unsigned n;

	if (addr_parse(target, 9, &a) < 0)
		return false;

	autoclose int fd = socket(a.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, &a.sa, addr_len(&a)) == 0 &&
	       getsockname(fd, &a.sa, &len) == 0 && !addr_is_loopback(&a) &&
	       inet_ntop(a.sa.sa_family, addr_host(&a, &n), ret,
			 INET6_ADDRSTRLEN);
}

static bool first_address(int family, char ret[INET6_ADDRSTRLEN])
{
	struct ifaddrs *list, *i;
	bool found = false;

	if (getifaddrs(&list) < 0)
		return false;
	for (i = list; i && !found; i = i->ifa_next) {
		union addr a = { 0 };
		unsigned n;

		if (!i->ifa_addr || i->ifa_addr->sa_family != family ||
		    !(i->ifa_flags & IFF_UP))
			continue;
		memcpy(&a, i->ifa_addr,
		       family == AF_INET ? sizeof(a.in) : sizeof(a.in6));
		found = !addr_is_loopback(&a) && !addr_is_link_local(&a) &&
			inet_ntop(family, addr_host(&a, &n), ret,
				  INET6_ADDRSTRLEN);
	}
	freeifaddrs(list);
	return found;
}

bool net_host_addr(char ret[INET6_ADDRSTRLEN])
{
	/* addresses reserved for documentation: only the route is asked for */
	return source_towards("192.0.2.1", ret) ||
	       first_address(AF_INET, ret) ||
	       source_towards("2001:db8::1", ret) ||
	       first_address(AF_INET6, ret);
}
