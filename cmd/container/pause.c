/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"

struct pause_args {
	bool all, latest;
	char **filters, **cidfiles;
};

#define PAUSE_OPTS(what)                                                   \
	OPT_BOOL('a', "all", struct pause_args, all,                       \
		 what " all that can be"),                                 \
	OPT_STRV(0, "cidfile", struct pause_args, cidfiles, "file",        \
		 "Read the container ID from the file"),                   \
	OPT_STRV('f', "filter", struct pause_args, filters, "filter",      \
		 what " only the containers that match"),                  \
	OPT_BOOL('l', "latest", struct pause_args, latest,                 \
		 "Act on the latest container"),                           \
	OPT_END

static const struct opt pause_opts[] = { PAUSE_OPTS("Pause") };
static const struct opt unpause_opts[] = { PAUSE_OPTS("Unpause") };

static int pause_one(struct runtime *rt, struct ctr *c, void *data unused_attr,
		     struct err *err)
{
	return ctr_pause(rt, c, err);
}

static int unpause_one(struct runtime *rt, struct ctr *c,
		       void *data unused_attr, struct err *err)
{
	return ctr_unpause(rt, c, err);
}

static bool is_running(const struct ctr *c)
{
	return c->state == CTR_RUNNING;
}

static bool is_paused(const struct ctr *c)
{
	return c->state == CTR_PAUSED;
}

static int pause_run(struct runtime *rt, const void *p, char **argv,
		     struct err *err)
{
	const struct pause_args *args = p;
	const struct select_args sel = {
		.verb = "pause",
		.all = args->all,
		.latest = args->latest,
		.cidfiles = args->cidfiles,
		.filters = args->filters,
		.wanted = is_running,
	};

	return select_each(rt, &sel, argv, pause_one, NULL, err);
}

static int unpause_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct pause_args *args = p;
	const struct select_args sel = {
		.verb = "unpause",
		.all = args->all,
		.latest = args->latest,
		.cidfiles = args->cidfiles,
		.filters = args->filters,
		.wanted = is_paused,
	};

	return select_each(rt, &sel, argv, unpause_one, NULL, err);
}

const struct cmd cmd_container_pause = {
	.path = "pause",
	.aliases = (const char *const[]){ "container pause", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Pause all the processes in one or more containers",
	.text = "By the freezer of the container's cgroup; where there is "
		"none, every process\n  is stopped by SIGSTOP.",
	.examples = (const char *const[]){ "pause web", "pause --all", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ pause_opts, NULL },
	.args_size = sizeof(struct pause_args),
	.run = pause_run,
};

const struct cmd cmd_container_unpause = {
	.path = "unpause",
	.aliases = (const char *const[]){ "container unpause", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Unpause the processes in one or more containers",
	.examples = (const char *const[]){ "unpause web", "unpause --all",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ unpause_opts, NULL },
	.args_size = sizeof(struct pause_args),
	.run = unpause_run,
};
