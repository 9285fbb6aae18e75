/* SPDX-License-Identifier: Apache-2.0 */
/* --network, -p, -P, --expose, --dns and --add-host */
#include "cmd/container/create_opts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "network/network.h"
#include "util/str.h"
#include "util/strv.h"

#define A struct create_args

const struct opt create_opts_network[] = {
	OPT_STRV(0, "add-host", A, add_host, "strings",
		 "Add a host-to-IP mapping (name[;name]:ip or name=ip)"),
	OPT_LIST(0, "dns", A, dns, "strings", "Set DNS servers"),
	{ 0, "dns-option", "dns-opt", OPT_T_STRV, offsetof(A, dns_option),
	  OPT_NO_GIVEN, "strings", NULL, "Set DNS options", OPT_SPLIT },
	OPT_LIST(0, "dns-search", A, dns_search, "strings",
		 "Set DNS search domains"),
	OPT_LIST(0, "expose", A, expose, "strings",
		 "Expose a port or a range of ports"),
	OPT_STR(0, "hosts-file", A, hosts_file, "string",
		"Base of /etc/hosts: a file of the host, or none"),
	{ 0, "network", "net", OPT_T_STRV, offsetof(A, networks), OPT_NO_GIVEN,
	  "string", NULL, "Connect the container to a network", 0 },
	OPT_TRI(0, "no-hosts", A, no_hosts,
		"Do not create /etc/hosts, use the image's"),
	OPT_LIST('p', "publish", A, publish, "strings",
		 "Publish a port or a range of ports to the host"),
	OPT_BOOL('P', "publish-all", A, publish_all,
		 "Publish all exposed ports to random ports of the host"),
	OPT_END,
};

#undef A

static int set_network(const struct create_args *a, struct ctr_config *c,
		       struct err *err)
{
	const char *mode = a->network;
	int r = ns_ref_check(mode, "network", err);

	if (r < 0)
		return r;
	if (strv_len(a->networks) > 1)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot set multiple networks without bridge "
			       "network mode, selected mode %s: invalid "
			       "argument", a->networks[0]);
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

/* "[::1]" is "::1"; taken from @text */
static char *host_address(const char *text)
{
	size_t n = strlen(text);

	if (n > 2 && text[0] == '[' && text[n - 1] == ']')
		return xstrndup(text + 1, n - 2);
	return xstrdup(text);
}

static bool is_address(const char *text)
{
	unsigned char addr[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, addr) == 1 ||
	       inet_pton(AF_INET6, text, addr) == 1;
}

/* name[;name...]:ip or name=ip, ip may be "host-gateway"; kept as name:ip */
static int add_host(const char *text, struct ctr_config *c, struct err *err)
{
	size_t n = strcspn(text, strchr(text, '=') ? "=" : ":");
	autofree char *ip = text[n] ? host_address(text + n + 1) : NULL;

	if (!ip || n == 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid host format \"%s\": want name:ip",
			       text);
	if (!streq(ip, "host-gateway") && !is_address(ip))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid IP address \"%s\" in add-host: \"%s\"",
			       ip, text);
	for (const char *p = text; p < text + n; p++)
		if ((unsigned char)*p <= ' ' || *p == '#')
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid host name in add-host: \"%s\"",
				       text);
	strv_addf(&c->add_host, "%.*s:%s", (int)n, text, ip);
	return 0;
}

/* --hosts-file and host_containers_internal_ip, as the start wants them */
static int set_hosts(const struct create_args *a, struct ctr_config *c,
		     struct err *err)
{
	const char *file = a->hosts_file;
	const char *ip = a->conf.internal_ip;

	if (!str_is_empty(ip) && !streq(ip, "none") && !is_address(ip))
		return err_set(err, ERR_INVALID, EINVAL,
			       "host_containers_internal_ip: %s is not an ip "
			       "address", ip);
	str_set(&c->host_ip, str_is_empty(ip) ? NULL : ip);
	if (str_is_empty(file) || streq(file, "none")) {
		str_set(&c->hosts_file, file && *file ? "none" : NULL);
		return 0;
	}
	if (streq(file, "image"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "base hosts file \"image\" is not supported "
			       "yet: want a path or none");
	if (access(file, R_OK) < 0)
		return err_sys(err, "base hosts file %s", file);
	free(c->hosts_file);
	c->hosts_file = realpath(file, NULL);
	return c->hosts_file ? 0 : err_sys(err, "base hosts file %s", file);
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
	if (strv_contains(servers, "none"))
		return strv_len(servers) == 1 ? 0 :
		       err_set(err, ERR_INVALID, EINVAL,
			       "none is not allowed to be specified with other "
			       "DNS ip addresses");
	for (; servers && *servers; servers++)
		if (!is_address(*servers))
			return err_set(err, ERR_INVALID, EINVAL,
				       "%s is not an ip address", *servers);
	return 0;
}

/* A port of all addresses becomes one of each that is configured. */
static int use_host_ips(char *const *ips, struct port_list *list,
			struct err *err)
{
	size_t n = list->n;

	for (char *const *ip = ips; ip && *ip; ip++)
		if (!is_address(*ip))
			return err_set(err, ERR_INVALID, EINVAL,
				       "containers.conf: "
				       "network.default_host_ips: %s is not an "
				       "ip address", *ip);
	for (size_t i = 0; ips && i < n; i++) {
		const struct port_map all = list->v[i];

		if (all.host_ip[0])
			continue;
		for (size_t k = 0; ips[k]; k++) {
			struct port_map *m = &list->v[i];

			if (k > 0) {
				list->v = xreallocarray(list->v, list->n + 1,
							sizeof(*list->v));
				m = &list->v[list->n++];
				*m = all;
			}
			(void)snprintf(m->host_ip, sizeof(m->host_ip), "%s",
				       ips[k]);
		}
	}
	return 0;
}

static int add_ports(const struct create_args *a, struct ctr_config *c,
		     struct err *err)
{
	int r = 0;

	for (char **p = a->publish; r == 0 && p && *p; p++)
		r = port_parse(*p, &c->ports, err);
	if (r == 0 && strv_len(a->conf.host_ips))
		r = use_host_ips(a->conf.host_ips, &c->ports, err);
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

/* Name service is that of the other container. */
static int check_joined(const struct create_args *a,
			const struct ctr_config *c, struct err *err)
{
	const char *flag = a->dns ? "dns" :
			   a->dns_search ? "dns-search" :
			   a->dns_option ? "dns-option" : NULL;

	if (!str_starts(c->network ? c->network : "", "container:"))
		return 0;
	if (flag)
		return err_set(err, ERR_USAGE, EINVAL,
			       "conflicting options: %s and the network mode: "
			       "container", flag);
	if (a->add_host)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot set extra host entries when the "
			       "container is joined to another containers "
			       "network namespace: invalid configuration");
	return 0;
}

int network_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err)
{
	int r;

	r = set_network(a, c, err);
	if (r == 0 && a->no_hosts > 0 && a->add_host)
		r = err_set(err, ERR_USAGE, EINVAL,
			    "--no-hosts and --add-host cannot be set "
			    "together");
	if (r == 0)
		r = check_joined(a, c, err);
	for (char **h = a->add_host; r == 0 && h && *h; h++)
		r = add_host(*h, c, err);
	if (r == 0)
		r = check_dns(a->dns, err);
	if (r == 0)
		r = check_text("dns-search", a->dns_search, err);
	if (r == 0)
		r = check_text("dns-option", a->dns_option, err);
	if (r == 0)
		r = add_ports(a, c, err);
	if (r == 0)
		r = set_hosts(a, c, err);
	if (r < 0)
		return r;
	strv_extend(&c->dns, a->dns);
	strv_extend(&c->dns_search, a->dns_search);
	strv_extend(&c->dns_option, a->dns_option);
	c->no_hosts = a->no_hosts > 0;
	discard_ports(c);
	return 0;
}
