/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port syntax: the first byte chooses --publish or EXPOSE.  What is accepted
 * is printed and parsed again, and must come out the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "network/network.h"
#include "util/cleanup.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct port_map *m)
{
	struct port_list again = { 0 };
	bool v6 = strchr(m->host_ip, ':');
	uint32_t more = m->range - 1u;
	const char *proto = m->proto == PORT_TCP ? "tcp" : "udp";
	char text[160], host[16] = "", ip[INET6_ADDRSTRLEN + 4] = "";

	if (m->range < 1 || m->ctr_port < 1 || m->ctr_port + more > 65535 ||
	    (m->host_port && m->host_port + more > 65535) ||
	    (!m->host_port && m->range != 1))
		abort();
	if (m->host_ip[0])
		snprintf(ip, sizeof(ip), v6 ? "[%s]:" : "%s:", m->host_ip);
	if (m->host_port && more)
		snprintf(host, sizeof(host), "%u-%u", m->host_port,
			 m->host_port + more);
	else if (m->host_port)
		snprintf(host, sizeof(host), "%u", m->host_port);
	if (more)
		snprintf(text, sizeof(text), "%s%s:%u-%u/%s", ip, host,
			 m->ctr_port, m->ctr_port + more, proto);
	else
		snprintf(text, sizeof(text), "%s%s:%u/%s", ip, host,
			 m->ctr_port, proto);

	if (port_parse(text, &again, NULL) < 0 || again.n != 1 ||
	    !streq(again.v[0].host_ip, m->host_ip) ||
	    again.v[0].host_port != m->host_port ||
	    again.v[0].ctr_port != m->ctr_port ||
	    again.v[0].range != m->range || again.v[0].proto != m->proto)
		abort();
	port_list_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct port_list list = { 0 };
	struct err err = ERR_INIT;
	int r;

	if (size < 1 || size > 256)
		return 0;
	autofree char *text = xstrndup((const char *)data + 1, size - 1);

	r = data[0] & 1 ? port_parse_expose(text, &list, &err) :
			  port_parse(text, &list, &err);
	if ((r < 0) != (err.code != 0) || (r < 0 && (list.v || !err.msg[0])))
		abort();
	/* a split range may be long: its ends say enough */
	for (size_t i = 0; i < list.n; i += MAX((size_t)1, list.n - 1))
		check(&list.v[i]);
	port_list_done(&list);
	return 0;
}
