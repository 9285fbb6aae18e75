/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"

struct kill_args {
	bool all, latest;
	char *signal;
	char **cidfiles;
};

static const struct opt kill_opts[] = {
	OPT_BOOL('a', "all", struct kill_args, all,
		 "Signal all running containers"),
	OPT_STRV(0, "cidfile", struct kill_args, cidfiles, "file",
		 "Read the container ID from the file"),
	OPT_BOOL('l', "latest", struct kill_args, latest,
		 "Act on the latest container"),
	{ 's', "signal", NULL, OPT_T_STR, offsetof(struct kill_args, signal),
	  OPT_NO_GIVEN, "signal", "KILL", "Signal to send", 0 },
	OPT_END,
};

static int kill_one(struct runtime *rt, struct ctr *c, void *data,
		    struct err *err)
{
	return ctr_kill(rt, c, *(const int *)data, err);
}

static bool is_up(const struct ctr *c)
{
	return ctr_is_up(c);
}

static int kill_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct kill_args *args = p;
	const struct select_args sel = {
		.verb = "kill",
		.all = args->all,
		.latest = args->latest,
		.cidfiles = args->cidfiles,
		.wanted = is_up,
	};
	int sig = SIGKILL;
	int r = 0;

	/* a bad signal is found before any container is looked up */
	if (args->signal)
		r = parse_stop_signal(args->signal, &sig, err);
	return r < 0 ? r : select_each(rt, &sel, argv, kill_one, &sig, err);
}

const struct cmd cmd_container_kill = {
	.path = "kill",
	.aliases = (const char *const[]){ "container kill", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Send a signal to one or more running containers",
	.text = "The main process of each container gets SIGKILL, or the "
		"signal given with --signal.",
	.examples = (const char *const[]){ "kill web", "kill -s HUP web",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ kill_opts, NULL },
	.args_size = sizeof(struct kill_args),
	.run = kill_run,
};
