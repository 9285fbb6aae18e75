/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"
#include "libpod/core/runtime.h"

struct init_args {
	bool all, latest;
};

static const struct opt init_opts[] = {
	OPT_BOOL('a', "all", struct init_args, all,
		 "Initialize all containers that do not run"),
	OPT_BOOL('l', "latest", struct init_args, latest,
		 "Act on the latest container"),
	OPT_END,
};

static int init_one(struct runtime *rt, struct ctr *c, void *data unused_attr,
		    struct err *err)
{
	int r = ctr_init(rt, c, err);

	/* 126 and 127 speak for a payload, and none was started */
	return r < 0 ? err_kind_set(err, r, ERR_FAIL) : 0;
}

static bool is_down(const struct ctr *c)
{
	return c->state == CTR_CREATED || c->state == CTR_EXITED;
}

static int init_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct init_args *args = p;
	const struct select_args sel = {
		.verb = "init",
		.all = args->all,
		.latest = args->latest,
		.wanted = is_down,
	};
	int r = userns_prepare(rt, err);

	return r < 0 ? r : select_each(rt, &sel, argv, init_one, NULL, err);
}

const struct cmd cmd_container_init = {
	.path = "init",
	.aliases = (const char *const[]){ "container init", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Make containers ready without running their command",
	.text = "Makes namespaces, mounts, network and limits of containers; "
		"the command runs with `start`. `stop` and `rm` take all of it "
		"back, and so does the death of the waiting monitor. One that "
		"is initialized already is left alone.",
	.examples = (const char *const[]){ "init web", "init --all", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ init_opts, NULL },
	.args_size = sizeof(struct init_args),
	.run = init_run,
};
