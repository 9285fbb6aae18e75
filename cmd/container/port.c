/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"
#include "util/str.h"
#include "util/strv.h"

#define SHORT_ID 12

struct port_args {
	bool all;
	bool latest;
};

static const struct opt port_opts[] = {
	OPT_BOOL('a', "all", struct port_args, all,
		 "List the ports of all containers"),
	OPT_BOOL('l', "latest", struct port_args, latest,
		 "Act on the latest container"),
	OPT_END,
};

/** struct wish - PORT[/PROTO] as typed; @port 0: every port */
struct wish {
	const char *text;
	uint16_t port;
	enum port_proto proto;
};

static int parse_wish(const char *text, struct wish *ret, struct err *err)
{
	const char *slash = strchr(text, '/');
	autofree char *number = slash ? xstrndup(text, (size_t)(slash - text)) :
					xstrdup(text);
	const char *proto = slash ? slash + 1 : "tcp";
	uint32_t n;

	if (parse_u32(number, &n) < 0 || n == 0 || n > UINT16_MAX ||
	    (!streq(proto, "tcp") && !streq(proto, "udp")))
		return err_set(err, ERR_USAGE, EINVAL,
			       "port numbers are 1 through 65535, with /tcp or "
			       "/udp behind them: \"%s\"", text);
	*ret = (struct wish){ text, (uint16_t)n,
			      streq(proto, "udp") ? PORT_UDP : PORT_TCP };
	return 0;
}

/* Those of the last start, or what the next one is going to ask for. */
static const struct port_list *ports_of(const struct ctr *c)
{
	return c->ports.n ? &c->ports : &c->config.ports;
}

static void print_port(const struct ctr *c, const struct port_map *m,
		       uint32_t i, bool all, bool bare)
{
	bool v6 = strchr(m->host_ip, ':') != NULL;

	if (all)
		printf("%.*s\t", SHORT_ID, c->id);
	if (!bare)
		printf("%u/%s -> ", m->ctr_port + i,
		       m->proto == PORT_UDP ? "udp" : "tcp");
	printf("%s%s%s:%u\n", v6 ? "[" : "",
	       *m->host_ip ? m->host_ip : "0.0.0.0", v6 ? "]" : "",
	       m->host_port + i);
}

/* Return: how many lines */
static int print_ports(const struct ctr *c, const struct wish *wish, bool all)
{
	const struct port_list *list = ports_of(c);
	int n = 0;

	for (size_t k = 0; k < list->n; k++) {
		const struct port_map *m = &list->v[k];

		/* a random one that no start has chosen yet */
		if (!m->host_port)
			continue;
		for (uint32_t i = 0; i < m->range; i++) {
			if (wish->port && (m->proto != wish->proto ||
					   m->ctr_port + i != wish->port))
				continue;
			print_port(c, m, i, all, wish->port != 0);
			n++;
		}
	}
	return n;
}

static int print_all(struct runtime *rt, struct err *err)
{
	const struct wish every = { NULL, 0, PORT_TCP };
	auto_ctr_list struct ctr_list list = { 0 };
	int r = ctr_list(rt, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		print_ports(list.v[i], &every, true);
	return r;
}

static int check(const struct port_args *args, char **argv, struct err *err)
{
	if (args->all && (args->latest || argv[0]))
		return err_set(err, ERR_USAGE, EINVAL,
			       args->latest ? "--all and --latest cannot be "
					      "used together" :
					      "no arguments are needed with "
					      "--all");
	if (args->latest && strv_len(argv) > 1)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--latest and containers cannot be used "
			       "together");
	if (!args->all && !args->latest && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "you must supply a running container name or "
			       "id");
	return 0;
}

static int port_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct port_args *args = p;
	auto_ctr struct ctr *c = NULL;
	struct wish wish = { NULL, 0, PORT_TCP };
	char *name[] = { args->latest ? NULL : argv[0], NULL };
	size_t before = args->latest ? 0 : 1;
	int r = check(args, argv, err);

	if (r < 0)
		return r;
	if (args->all)
		return print_all(rt, err);
	if (strv_len(argv) > before)
		r = parse_wish(argv[before], &wish, err);
	if (r == 0)
		r = select_one(rt, "port", args->latest, name, &c, err);
	if (r < 0)
		return r;
	if (print_ports(c, &wish, false) == 0 && wish.port)
		return err_set(err, ERR_FAIL, ENOENT,
			       "failed to find published port \"%s\"",
			       wish.text);
	return 0;
}

const struct cmd cmd_container_port = {
	.path = "port",
	.aliases = (const char *const[]){ "container port", NULL },
	.usage = "[options] CONTAINER [PORT[/PROTO]]",
	.summary = "List port mappings of a container",
	.text = "Lists the published ports of a container, or the address of "
		"one of them.",
	.examples = (const char *const[]){ "port web", "port web 80/tcp",
					   "port --all", NULL },
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ port_opts, NULL },
	.args_size = sizeof(struct port_args),
	.run = port_run,
};
