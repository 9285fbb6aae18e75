/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The few rtnetlink requests that a private network needs: link up, address,
 * route, rule.  Each is built on the stack, sent with one write and answered
 * with one acknowledgement, about 5 us.  Extended acknowledgements are on, so
 * that an error carries the kernel's sentence and not only "Invalid argument".
 *
 * There is no library here on purpose: this file is part of the static
 * bryo-monitor too, whose proxy adds a route per UDP client, and Debian ships
 * libmnl without a static archive.
 */
#include "network/netlink.h"

#include <assert.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "network/network.h"
#include "util/cleanup.h"
#include "util/compiler.h"

/* The largest request here is a route: about 120 bytes. */
struct request {
	struct nlmsghdr h;
	char body[256 - sizeof(struct nlmsghdr)];
};

static void *request_init(struct request *req, uint16_t type, uint16_t flags,
			  size_t header_len)
{
	memset(req, 0, sizeof(*req));
	req->h.nlmsg_len = (uint32_t)NLMSG_LENGTH(header_len);
	req->h.nlmsg_type = type;
	req->h.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	return NLMSG_DATA(&req->h);
}

static void request_add(struct request *req, uint16_t type, const void *data,
			size_t len)
{
	size_t at = NLMSG_ALIGN(req->h.nlmsg_len);
	struct rtattr a = { (uint16_t)RTA_LENGTH(len), type };

	assert(at + RTA_SPACE(len) <= sizeof(*req));
	memcpy((char *)req + at, &a, sizeof(a));
	memcpy((char *)req + at + RTA_LENGTH(0), data, len);
	req->h.nlmsg_len = (uint32_t)(at + RTA_SPACE(len));
}

static void request_add_u32(struct request *req, uint16_t type, uint32_t v)
{
	request_add(req, type, &v, sizeof(v));
}

static void request_add_host(struct request *req, uint16_t type,
			     const union addr *a)
{
	unsigned len;
	const void *host = addr_host(a, &len);

	request_add(req, type, host, len);
}

int nl_open(struct nl *ret, struct err *err)
{
	int on = 1;
	autoclose int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return err_sys(err, "open a netlink socket");

	/* KERNEL(4.12): error texts; without them only the errno is known */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	/* our own request does not come back: replies are short */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));

	ret->fd = take_fd(fd);
	ret->seq = 0;
	return 0;
}

void nl_done(struct nl *nl)
{
	close_fd(nl->fd);
}

/* The sentence that the kernel may append to an error message. */
static void ack_text(const char *buf, size_t len, size_t echoed,
		     char text[NL_TEXT_MAX])
{
	size_t at = NLMSG_HDRLEN + sizeof(struct nlmsgerr) + echoed;
	struct nlattr a;

	while (at + sizeof(a) <= len) {
		memcpy(&a, buf + at, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > len - at)
			return;
		if ((a.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG) {
			size_t n = MIN(a.nla_len - sizeof(a),
				       (size_t)NL_TEXT_MAX - 1);

			memcpy(text, buf + at + sizeof(a), n);
			text[n] = '\0';
			return;
		}
		at += NLA_ALIGN(a.nla_len);
	}
}

static int ack_parse(const char *buf, const struct nlmsghdr *h,
		     char text[NL_TEXT_MAX])
{
	struct nlmsgerr e;
	size_t echoed = 0;

	if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(e))
		return -EBADMSG;
	memcpy(&e, buf + NLMSG_HDRLEN, sizeof(e));
	if (e.error == 0)
		return 1;
	if (e.error > 0 || e.error < -4095)
		return -EBADMSG;

	/* without NETLINK_CAP_ACK the whole request stands before the text */
	if (!(h->nlmsg_flags & NLM_F_CAPPED)) {
		if (e.msg.nlmsg_len < NLMSG_HDRLEN ||
		    e.msg.nlmsg_len > h->nlmsg_len)
			return -EBADMSG;
		echoed = NLMSG_ALIGN(e.msg.nlmsg_len) - NLMSG_HDRLEN;
	}
	if (h->nlmsg_flags & NLM_F_ACK_TLVS)
		ack_text(buf, h->nlmsg_len, echoed, text);
	return e.error;
}

int nl_reply_parse(const void *buf, size_t len, uint32_t seq,
		   char text[NL_TEXT_MAX])
{
	const char *p = buf;
	struct nlmsghdr h;

	text[0] = '\0';
	while (len >= sizeof(h)) {
		memcpy(&h, p, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len)
			return -EBADMSG;
		if (h.nlmsg_seq == seq && h.nlmsg_type == NLMSG_ERROR)
			return ack_parse(p, &h, text);

		size_t step = NLMSG_ALIGN(h.nlmsg_len);

		if (step > len)
			break;
		p += step;
		len -= step;
	}
	return 0;
}

/* Send, wait for the acknowledgement; @what names the request in errors. */
static int request_run(struct nl *nl, struct request *req, const char *what,
		       struct err *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char text[NL_TEXT_MAX] = "";
	char buf[2048];
	ssize_t n;
	int r = 0;

	req->h.nlmsg_seq = ++nl->seq;
	do
		n = sendto(nl->fd, req, req->h.nlmsg_len, 0,
			   (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(err, "%s: send to netlink", what);

	while (r == 0) {
		n = recv(nl->fd, buf, sizeof(buf), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s: read from netlink", what);
		if (n == 0)
			return err_code(err, EPIPE, "%s: netlink", what);
		r = nl_reply_parse(buf, (size_t)n, nl->seq, text);
	}
	if (r < 0 && text[0])
		return err_code(err, r, "%s: %s", what, text);
	if (r < 0)
		return err_code(err, r, "%s", what);
	return 0;
}

int nl_link_up(struct nl *nl, int ifindex, uint32_t mtu, struct err *err)
{
	struct request req;
	struct ifinfomsg *m = request_init(&req, RTM_NEWLINK, 0, sizeof(*m));

	m->ifi_family = AF_UNSPEC;
	m->ifi_index = ifindex;
	m->ifi_flags = IFF_UP;
	m->ifi_change = IFF_UP;
	if (mtu)
		request_add_u32(&req, IFLA_MTU, mtu);
	return request_run(nl, &req, "set link up", err);
}

int nl_addr_add(struct nl *nl, int ifindex, const union addr *a,
		unsigned prefix, bool nodad, struct err *err)
{
	struct request req;
	struct ifaddrmsg *m = request_init(
		&req, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*m));
	char text[ADDR_TEXT_MAX];
	int r;

	m->ifa_family = (uint8_t)a->sa.sa_family;
	m->ifa_prefixlen = (uint8_t)prefix;
	m->ifa_index = (uint32_t)ifindex;
	m->ifa_scope = RT_SCOPE_UNIVERSE;
	if (nodad)
		m->ifa_flags = IFA_F_NODAD;
	request_add_host(&req, IFA_LOCAL, a);
	request_add_host(&req, IFA_ADDRESS, a);

	r = request_run(nl, &req, "add address", err);
	return r < 0 ? err_wrap(err, r, "%s", addr_text(a, text)) : 0;
}

static void route_fill(struct request *req, struct rtmsg *m,
		       const struct nl_route *r)
{
	m->rtm_family = (uint8_t)r->family;
	m->rtm_table = RT_TABLE_UNSPEC;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_type = r->local ? RTN_LOCAL : RTN_UNICAST;
	m->rtm_scope = r->local ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;

	request_add_u32(req, RTA_TABLE, r->table ? r->table : RT_TABLE_MAIN);
	request_add_u32(req, RTA_OIF, (uint32_t)r->oif);
	if (r->dst) {
		m->rtm_dst_len = (uint8_t)r->prefix;
		request_add_host(req, RTA_DST, r->dst);
	}
	if (r->gateway)
		request_add_host(req, RTA_GATEWAY, r->gateway);
	if (r->prefsrc)
		request_add_host(req, RTA_PREFSRC, r->prefsrc);
}

int nl_route_add(struct nl *nl, const struct nl_route *r, struct err *err)
{
	struct request req;
	struct rtmsg *m = request_init(
		&req, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*m));

	route_fill(&req, m, r);
	return request_run(nl, &req, "add route", err);
}

int nl_route_del(struct nl *nl, const struct nl_route *r, struct err *err)
{
	struct request req;
	struct rtmsg *m = request_init(&req, RTM_DELROUTE, 0, sizeof(*m));

	route_fill(&req, m, r);
	return request_run(nl, &req, "delete route", err);
}

int nl_rule_sport(struct nl *nl, int family, int ipproto, uint16_t first,
		  uint16_t last, uint32_t table, uint32_t prio, struct err *err)
{
	struct fib_rule_port_range range = { first, last };
	uint8_t proto = (uint8_t)ipproto;
	struct request req;
	struct fib_rule_hdr *m = request_init(
		&req, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof(*m));

	m->family = (uint8_t)family;
	m->action = FR_ACT_TO_TBL;
	m->table = RT_TABLE_UNSPEC;
	request_add_u32(&req, FRA_TABLE, table);
	request_add_u32(&req, FRA_PRIORITY, prio);
	request_add(&req, FRA_IP_PROTO, &proto, sizeof(proto));
	request_add(&req, FRA_SPORT_RANGE, &range, sizeof(range));
	return request_run(nl, &req, "add rule", err);
}

int net_lo_up(struct err *err)
{
	autonl struct nl nl = NL_INIT;
	unsigned lo = if_nametoindex("lo");
	int r;

	if (!lo)
		return err_sys(err, "find device lo");
	r = nl_open(&nl, err);
	if (r < 0)
		return r;
	r = nl_link_up(&nl, (int)lo, 0, err);
	return r < 0 ? err_wrap(err, r, "lo") : 0;
}
