/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The syntax of --publish, --expose and EXPOSE.  EXPOSE comes from images, so
 * everything here is bounded: a list never holds more than PORT_LIST_MAX
 * ports, however many ranges an image names.  Texts of errors are those that
 * podman users know.
 *
 * port_parse() works on a private copy of the text that it cuts into fields,
 * outermost first: protocol behind '/', address in brackets, then ':'.
 */
#include "network/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "network/addr.h"
#include "util/cleanup.h"
#include "util/str.h"

/* The fields of "ip:hport:cport/proto", NULL where absent. */
struct fields {
	const char *ip;
	const char *host;
	const char *ctr;
	const char *proto;
};

struct range {
	uint16_t first;
	uint16_t n;
};

static int fail(struct err *err, const char *why)
{
	return err_set(err, ERR_USAGE, EINVAL, "%s", why);
}

static int number_parse(const char *text, const char *side, uint16_t *ret,
			struct err *err)
{
	uint64_t n;
	int r = parse_u64(text, &n);

	if (r == -EINVAL)
		return err_set(err, ERR_USAGE, EINVAL,
			       "parsing %s port: invalid port number: '%s'",
			       side, text);
	if (r < 0 || n < 1 || n > 65535)
		return err_set(err, ERR_USAGE, EINVAL,
			       "parsing %s port: port numbers must be between "
			       "1 and 65535 (inclusive), got %s",
			       side, text);
	*ret = (uint16_t)n;
	return 0;
}

/* "80" or "80-90"; cuts @text at the dash. */
static int range_parse(char *text, const char *side, struct range *ret,
		       struct err *err)
{
	char *dash = strchr(text, '-');
	uint16_t first, last;
	int r;

	if (dash)
		*dash = '\0';
	r = number_parse(text, side, &first, err);
	if (r < 0)
		return r;
	last = first;
	if (dash) {
		r = number_parse(dash + 1, side, &last, err);
		if (r < 0)
			return r;
	}
	if (dash && last <= first)
		return err_set(err, ERR_USAGE, EINVAL,
			       "parsing %s port: the end port of a range must "
			       "be higher than the start port - %u is not "
			       "higher than %u",
			       side, last, first);
	ret->first = first;
	ret->n = (uint16_t)(last - first + 1);
	return 0;
}

static int proto_parse(const char *text, enum port_proto *ret, struct err *err)
{
	if (!text || strcasecmp(text, "tcp") == 0)
		*ret = PORT_TCP;
	else if (strcasecmp(text, "udp") == 0)
		*ret = PORT_UDP;
	else if (strcasecmp(text, "sctp") == 0)
		return err_set(err, ERR_UNSUPPORTED, EPROTONOSUPPORT,
			       "publishing sctp ports is not supported yet");
	else
		return err_set(err, ERR_USAGE, EINVAL,
			       "unrecognized protocol "
			       "\"%s\" in port mapping",
			       text);
	return 0;
}

/* Cut "rest/proto"; *ret is NULL without a slash. */
static int proto_cut(char *text, const char **ret, struct err *err)
{
	char *slash = strchr(text, '/');

	*ret = NULL;
	if (!slash)
		return 0;
	*slash = '\0';
	*ret = slash + 1;
	if (strchr(slash + 1, '/'))
		return fail(err, "invalid port format - protocol can only be "
				 "specified once");
	return 0;
}

/* "[v6]:rest" -> the address; *text moves on to the rest. */
static int bracket_cut(char **text, const char **ret, struct err *err)
{
	char *close = strchr(*text, ']');

	if (!close && !strchr(*text, '['))
		return 0;
	if (!close || **text != '[')
		return fail(err, "invalid port format - IPv6 addresses must "
				 "be enclosed by []");
	if (strchr(close + 1, ']'))
		return fail(err, "invalid port format - at most one IPv6 "
				 "address can be specified in a --publish");
	if (close[1] != ':')
		return fail(err, "invalid port format - IPv6 address must be "
				 "followed by a colon (':')");
	*close = '\0';
	*ret = *text + 1;
	*text = close + 2;
	return 0;
}

/* Cut the whole text into its fields. */
static int fields_cut(char *text, struct fields *f, struct err *err)
{
	char *a, *b;
	int r;

	r = proto_cut(text, &f->proto, err);
	if (r < 0)
		return r;
	r = bracket_cut(&text, &f->ip, err);
	if (r < 0)
		return r;

	a = strchr(text, ':');
	if (!a && f->ip)
		return fail(err, "invalid port format - must provide host and "
				 "destination port if specifying an IP");
	f->ctr = text;
	if (!a)
		return 0;

	*a++ = '\0';
	b = strchr(a, ':');
	f->host = text;
	f->ctr = a;
	if (!b)
		return 0;

	if (f->ip)
		return fail(err, "invalid port format - when v6 address "
				 "specified, must be [ipv6]:hostPort:ctrPort");
	*b++ = '\0';
	f->ip = text;
	f->host = a;
	f->ctr = b;
	if (strchr(b, ':'))
		return fail(err, "invalid port format - format is "
				 "[[hostIP:]hostPort:]containerPort");
	return 0;
}

/* The address in the form that the kernel would print. */
static int ip_parse(const char *text, char ret[INET6_ADDRSTRLEN],
		    struct err *err)
{
	union addr a;
	unsigned len;

	if (!*text)
		return fail(err, "must provide a non-empty container host IP "
				 "to publish");
	if (addr_parse(text, 0, &a) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot parse \"%s\" as an IP address", text);
	if (!inet_ntop(a.sa.sa_family, addr_host(&a, &len), ret,
		       INET6_ADDRSTRLEN))
		return err_sys(err, "print address \"%s\"", text);
	return 0;
}

static int fields_parse(const struct fields *f, struct port_map *ret,
			struct err *err)
{
	autofree char *ctr_text = xstrdup(f->ctr);
	autofree char *host_text = xstrdup(f->host);
	struct port_map m = { 0 };
	struct range ctr, host;
	int r;

	r = proto_parse(f->proto, &m.proto, err);
	if (r < 0)
		return r;
	if (f->ip) {
		r = ip_parse(f->ip, m.host_ip, err);
		if (r < 0)
			return r;
	}
	if (!*f->ctr)
		return fail(err, "must provide a non-empty container port to "
				 "publish");
	r = range_parse(ctr_text, "container", &ctr, err);
	if (r < 0)
		return r;
	m.ctr_port = ctr.first;
	m.range = ctr.n;
	/* 0 is docker's other word for a random one */
	if (!str_is_empty(f->host) && !streq(f->host, "0")) {
		r = range_parse(host_text, "host", &host, err);
		if (r < 0)
			return r;
		if (host.n != ctr.n)
			return err_set(err, ERR_USAGE, EINVAL,
				       "host and container port ranges have "
				       "different lengths: %u vs %u",
				       host.n, ctr.n);
		m.host_port = host.first;
	}
	*ret = m;
	return 0;
}

static bool list_has(const struct port_list *list, const struct port_map *m)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct port_map *o = &list->v[i];

		if (o->proto == m->proto && o->ctr_port == m->ctr_port &&
		    o->host_port == m->host_port && o->range == m->range &&
		    streq(o->host_ip, m->host_ip))
			return true;
	}
	return false;
}

static size_t list_total(const struct port_list *list)
{
	size_t total = 0;

	for (size_t i = 0; i < list->n; i++)
		total += list->v[i].range;
	return total;
}

static void list_push(struct port_list *list, const struct port_map *m,
		      size_t n)
{
	list->v = xreallocarray(list->v, list->n + n, sizeof(*list->v));
	for (size_t i = 0; i < n; i++)
		list->v[list->n++] = m[i];
}

static int list_add(struct port_list *list, const struct port_map *m,
		    struct err *err)
{
	if (list_total(list) + m->range > PORT_LIST_MAX)
		return err_set(err, ERR_LIMIT, E2BIG, "more than %d ports",
			       PORT_LIST_MAX);
	if (m->host_port) {
		if (!list_has(list, m))
			list_push(list, m, 1);
		return 0;
	}

	/* random: each port of a range finds its own */
	autofree struct port_map *single = xcalloc(m->range, sizeof(*single));

	for (uint16_t i = 0; i < m->range; i++) {
		single[i] = *m;
		single[i].range = 1;
		single[i].ctr_port = (uint16_t)(m->ctr_port + i);
	}
	if (m->range > 1 || !list_has(list, single))
		list_push(list, single, m->range);
	return 0;
}

int port_parse(const char *text, struct port_list *list, struct err *err)
{
	autofree char *copy = xstrdup(text);
	struct fields f = { 0 };
	struct port_map m;
	int r;

	r = fields_cut(copy, &f, err);
	if (r < 0)
		return r;
	r = fields_parse(&f, &m, err);
	if (r < 0)
		return r;
	return list_add(list, &m, err);
}

int port_parse_expose(const char *text, struct port_list *list, struct err *err)
{
	autofree char *copy = xstrdup(text);
	struct fields f = { .ctr = copy };
	struct port_map m;
	int r;

	r = proto_cut(copy, &f.proto, err);
	if (r < 0)
		return r;
	r = fields_parse(&f, &m, err);
	if (r < 0)
		return err_wrap(err, r, "invalid range format for --expose: %s",
				text);
	return list_add(list, &m, err);
}

void port_list_done(struct port_list *list)
{
	free(list->v);
	*list = (struct port_list){ 0 };
}
