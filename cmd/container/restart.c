/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"

struct restart_args {
	bool all, running, latest;
	char *time, *signal;
	char **cidfiles, **filters;
};

static const struct opt restart_opts[] = {
	OPT_BOOL('a', "all", struct restart_args, all,
		 "Restart all containers"),
	OPT_STRV(0, "cidfile", struct restart_args, cidfiles, "file",
		 "Read the container ID from the file"),
	OPT_STRV('f', "filter", struct restart_args, filters, "filter",
		 "Restart the containers that match"),
	OPT_BOOL('l', "latest", struct restart_args, latest,
		 "Act on the latest container"),
	OPT_BOOL(0, "running", struct restart_args, running,
		 "Restart the running containers only"),
	OPT_STR('s', "signal", struct restart_args, signal, "signal",
		"Signal to send instead of the container's stop signal"),
	{ 't', "time", "timeout", OPT_T_STR,
	  offsetof(struct restart_args, time), OPT_NO_GIVEN, "int", "10",
	  "Seconds to wait before the container is killed; -1 for ever",
	  OPT_IS_INT },
	OPT_END,
};

struct restart_how {
	uint32_t timeout_s;
	int signal;
};

static int restart_one(struct runtime *rt, struct ctr *c, void *data,
		       struct err *err)
{
	const struct restart_how *how = data;
	int r = ctr_config_load(rt, c, err);

	if (r == 0 && how->signal)
		c->config.stop_signal = how->signal;
	if (r == 0)
		r = ctr_restart(rt, c, how->timeout_s, err);
	return r;
}

static bool is_up(const struct ctr *c)
{
	return ctr_is_up(c);
}

static int restart_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct restart_args *args = p;
	const struct select_args sel = {
		.verb = "restart",
		.all = args->all || (args->running && !argv[0]),
		.latest = args->latest,
		.cidfiles = args->cidfiles,
		.filters = args->filters,
		.wanted = args->running ? is_up : NULL,
	};
	struct restart_how how = { CTR_TIMEOUT_CONFIG, 0 };
	int r = 0;

	if (args->time)
		r = seconds_arg(args->time, &how.timeout_s, err);
	if (r == 0 && args->signal)
		r = parse_stop_signal(args->signal, &how.signal, err);
	return r < 0 ? r : select_each(rt, &sel, argv, restart_one, &how, err);
}

const struct cmd cmd_container_restart = {
	.path = "restart",
	.aliases = (const char *const[]){ "container restart", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Restart one or more containers",
	.text = "Stops and starts containers; one that does not run is "
		"started.",
	.examples = (const char *const[]){ "restart web",
					   "restart --running -t 2", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ restart_opts, NULL },
	.args_size = sizeof(struct restart_args),
	.run = restart_run,
};
