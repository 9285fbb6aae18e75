/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"

struct stop_args {
	bool all, ignore, latest;
	char *time, *signal;
	char **cidfiles, **filters;
};

static const struct opt stop_opts[] = {
	OPT_BOOL('a', "all", struct stop_args, all,
		 "Stop all running containers"),
	OPT_STRV(0, "cidfile", struct stop_args, cidfiles, "file",
		 "Read the container ID from the file"),
	OPT_STRV('f', "filter", struct stop_args, filters, "filter",
		 "Stop the containers that match"),
	OPT_BOOL('i', "ignore", struct stop_args, ignore,
		 "Ignore unknown containers"),
	OPT_BOOL('l', "latest", struct stop_args, latest,
		 "Act on the latest container"),
	OPT_STR('s', "signal", struct stop_args, signal, "signal",
		"Signal to send instead of the container's stop signal"),
	{ 't', "time", "timeout", OPT_T_STR, offsetof(struct stop_args, time),
	  OPT_NO_GIVEN, "int", "10",
	  "Seconds to wait before the container is killed; -1 for ever",
	  OPT_IS_INT },
	OPT_END,
};

struct stop_how {
	uint32_t timeout_s;
	int signal;
};

static int stop_one(struct runtime *rt, struct ctr *c, void *data,
		    struct err *err)
{
	const struct stop_how *how = data;
	int r = ctr_config_load(rt, c, err);

	if (r == 0 && how->signal)
		c->config.stop_signal = how->signal;
	if (r == 0)
		r = ctr_stop(rt, c, how->timeout_s, err);
	if (r == 0)
		ctr_await_removal(rt, c);
	return r;
}

static bool is_up(const struct ctr *c)
{
	return ctr_is_live(c);
}

static int stop_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct stop_args *args = p;
	const struct select_args sel = {
		.verb = "stop",
		.all = args->all,
		.latest = args->latest,
		.cidfiles = args->cidfiles,
		.filters = args->filters,
		.ignore = args->ignore,
		.wanted = is_up,
	};
	struct stop_how how = { CTR_TIMEOUT_CONFIG, 0 };
	int r = 0;

	if (args->time)
		r = seconds_arg(args->time, &how.timeout_s, err);
	if (r == 0 && args->signal)
		r = parse_stop_signal(args->signal, &how.signal, err);
	return r < 0 ? r : select_each(rt, &sel, argv, stop_one, &how, err);
}

const struct cmd cmd_container_stop = {
	.path = "stop",
	.aliases = (const char *const[]){ "container stop", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Stop one or more containers",
	.text = "Sends the stop signal (usually SIGTERM) and, when the "
		"container has not ended in time, SIGKILL.",
	.examples = (const char *const[]){ "stop web", "stop -t 2 web db",
					   "stop --all", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ stop_opts, NULL },
	.args_size = sizeof(struct stop_args),
	.run = stop_run,
};
