/* SPDX-License-Identifier: Apache-2.0 */
/* --network, -p, -P, --expose, --dns and --add-host */
#include <arpa/inet.h>
#include <stdio.h>

#include "cmd/container/create_opts.h"
#include "network/network.h"
#include "util/str.h"
#include "util/strv.h"

static int set_network(const char *mode, struct ctr_config *c,
		       struct err *err)
{
	if (str_is_empty(mode) || streq(mode, "private"))
		mode = "slirp4netns";
	if (streq(mode, "slirp4netns") || streq(mode, "none") ||
	    streq(mode, "host") ||
	    (str_starts(mode, "container:") && mode[10]) ||
	    (str_starts(mode, "ns:") && mode[3])) {
		str_set(&c->network, mode);
		return 0;
	}
	if (str_starts(mode, "slirp4netns:") || str_starts(mode, "pasta") ||
	    streq(mode, "default") || streq(mode, "bridge") ||
	    str_starts(mode, "bridge:"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "--network %s is not supported yet", mode);
	return err_set(err, ERR_NOT_FOUND, ENOENT,
		       "unable to find network with name or ID %s: network "
		       "not found", mode);
}

/* name[;name...]:ip, ip may be "host-gateway" */
static int check_host(const char *text, struct err *err)
{
	unsigned char addr[sizeof(struct in6_addr)];
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid host format \"%s\": want name:ip",
			       text);
	if (!streq(colon + 1, "host-gateway") &&
	    inet_pton(AF_INET, colon + 1, addr) != 1 &&
	    inet_pton(AF_INET6, colon + 1, addr) != 1)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid IP address \"%s\" in add-host: \"%s\"",
			       colon + 1, text);
	for (const char *p = text; p < colon; p++)
		if ((unsigned char)*p <= ' ' || *p == '#')
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid host name in add-host: \"%s\"",
				       text);
	return 0;
}

static int check_text(const char *flag, char *const *values, struct err *err)
{
	for (; values && *values; values++)
		for (const char *p = *values; *p; p++)
			if ((unsigned char)*p < ' ')
				return err_set(err, ERR_INVALID, EINVAL,
					       "--%s: control character in "
					       "the value", flag);
	return 0;
}

static int check_dns(char *const *servers, struct err *err)
{
	unsigned char addr[sizeof(struct in6_addr)];

	for (; servers && *servers; servers++)
		if (inet_pton(AF_INET, *servers, addr) != 1 &&
		    inet_pton(AF_INET6, *servers, addr) != 1)
			return err_set(err, ERR_INVALID, EINVAL,
				       "%s is not an ip address", *servers);
	return 0;
}

static int add_ports(const struct create_args *a, struct ctr_config *c,
		     struct err *err)
{
	int r = 0;

	for (char **p = a->publish; r == 0 && p && *p; p++)
		r = port_parse(*p, &c->ports, err);
	for (char **e = a->expose; r == 0 && e && *e; e++) {
		struct port_list list = { 0 };

		r = port_parse_expose(*e, &list, err);
		port_list_done(&list);
		if (r == 0 && strchr(*e, '/'))
			strv_add(&c->expose, *e);
		else if (r == 0)
			strv_addf(&c->expose, "%s/tcp", *e);
	}
	c->publish_all = a->publish_all;
	return r;
}

/* Only a private network has ports to publish. */
static void discard_ports(struct ctr_config *c)
{
	size_t n = strcspn(c->network, ":");

	if (streq(c->network, "slirp4netns") ||
	    (c->ports.n == 0 && !c->publish_all))
		return;
	/* a plain line: scripts match it from its beginning */
	fprintf(stderr,
		"Port mappings have been discarded because \"%.*s\" network "
		"namespace mode does not support them\n",
		(int)n, c->network);
	port_list_done(&c->ports);
	c->ports = (struct port_list){ 0 };
	c->publish_all = false;
}

int network_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err)
{
	int r;

	r = set_network(a->network, c, err);
	if (r == 0 && a->no_hosts && a->add_host)
		r = err_set(err, ERR_USAGE, EINVAL,
			    "--no-hosts and --add-host cannot be set "
			    "together");
	for (char **h = a->add_host; r == 0 && h && *h; h++)
		r = check_host(*h, err);
	if (r == 0)
		r = check_dns(a->dns, err);
	if (r == 0)
		r = check_text("dns-search", a->dns_search, err);
	if (r == 0)
		r = check_text("dns-option", a->dns_option, err);
	if (r == 0)
		r = add_ports(a, c, err);
	if (r < 0)
		return r;
	strv_extend(&c->add_host, a->add_host);
	strv_extend(&c->dns, a->dns);
	strv_extend(&c->dns_search, a->dns_search);
	strv_extend(&c->dns_option, a->dns_option);
	c->no_hosts = a->no_hosts;
	discard_ports(c);
	return 0;
}
