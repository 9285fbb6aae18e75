/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/container.h"

struct exists_args {
	bool external;
};

static const struct opt exists_opts[] = {
	OPT_BOOL(0, "external", struct exists_args, external,
		 "Look for containers of other tools too: nobody else writes "
		 "to the store, so there are none"),
	OPT_END,
};

static int exists_run(struct runtime *rt, const void *p unused_attr,
		      char **argv, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int r = ctr_find(rt, argv[0], &c, err);

	return r < 0 && err->kind == ERR_NOT_FOUND ? 1 : r;
}

const struct cmd cmd_container_exists = {
	.path = "container exists",
	.usage = "[options] CONTAINER",
	.summary = "Check if a container exists",
	.text = "Ends with 0 when it does, with 1 when it does not; prints "
		"nothing.",
	.examples = (const char *const[]){ "container exists myctr", NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ exists_opts, NULL },
	.args_size = sizeof(struct exists_args),
	.run = exists_run,
};
