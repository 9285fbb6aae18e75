/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"

struct rm_args {
	bool all, depend, force, ignore, latest, volumes;
	char *time;
	char **cidfiles, **filters;
};

static const struct opt rm_opts[] = {
	OPT_BOOL('a', "all", struct rm_args, all, "Remove all containers"),
	OPT_STRV(0, "cidfile", struct rm_args, cidfiles, "file",
		 "Read the container ID from the file"),
	OPT_BOOL(0, "depend", struct rm_args, depend,
		 "Remove containers that depend on it too"),
	OPT_STRV(0, "filter", struct rm_args, filters, "filter",
		 "Remove the containers that match"),
	OPT_BOOL('f', "force", struct rm_args, force,
		 "Stop running containers first; ignore unknown ones"),
	OPT_BOOL('i', "ignore", struct rm_args, ignore,
		 "Ignore unknown containers"),
	OPT_BOOL('l', "latest", struct rm_args, latest,
		 "Act on the latest container"),
	OPT_NOT_YET(0, "link", NULL, "Remove a link"),
	{ 't', "time", NULL, OPT_T_STR, offsetof(struct rm_args, time),
	  OPT_NO_GIVEN, "int", "10",
	  "With --force: seconds to wait before killing", OPT_IS_INT },
	OPT_BOOL('v', "volumes", struct rm_args, volumes,
		 "Remove its anonymous volumes too"),
	OPT_END,
};

/* --depend: its own line is printed by select_each() */
static void print_dependent(const struct ctr *c)
{
	printf("%s\n", c->id);
}

static int rm_one(struct runtime *rt, struct ctr *c, void *data,
		  struct err *err)
{
	return ctr_remove(rt, c, data, err);
}

static int rm_run(struct runtime *rt, const void *p, char **argv,
		  struct err *err)
{
	const struct rm_args *args = p;
	const struct select_args sel = {
		.verb = "rm",
		.all = args->all,
		.latest = args->latest,
		.cidfiles = args->cidfiles,
		.filters = args->filters,
		.rm_exit = true,
		.ignore = args->ignore || args->force,
	};
	struct ctr_rm_opts opts = {
		.force = args->force,
		.volumes = args->volumes,
		/* with --all the order must not matter */
		.depend = args->depend || args->all,
		.removed = print_dependent,
		.timeout_s = CTR_TIMEOUT_CONFIG,
	};
	int r = 0;

	if (args->time && !args->force)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--force option must be specified to use the "
			       "--time option");
	if (args->time)
		r = seconds_arg(args->time, &opts.timeout_s, err);
	return r < 0 ? r : select_each(rt, &sel, argv, rm_one, &opts, err);
}

const struct cmd cmd_container_rm = {
	.path = "rm",
	.aliases = (const char *const[]){ "container rm",
					  "container remove", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Remove one or more containers",
	.text = "Removes containers; images stay. A running container is "
		"removed with --force only.",
	.examples = (const char *const[]){ "rm web", "rm -f -v web",
					   "rm --all", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_RM_EXIT,
	.opts = (const struct opt *const[]){ rm_opts, NULL },
	.args_size = sizeof(struct rm_args),
	.run = rm_run,
};
