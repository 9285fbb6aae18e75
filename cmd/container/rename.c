/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/container.h"

static int rename_run(struct runtime *rt, const void *p unused_attr,
		      char **argv, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	int r = ctr_find(rt, argv[0], &c, err);

	return r < 0 ? r : ctr_rename(rt, c, argv[1], err);
}

const struct cmd cmd_container_rename = {
	.path = "rename",
	.aliases = (const char *const[]){ "container rename", NULL },
	.usage = "CONTAINER NAME",
	.summary = "Rename an existing container",
	.examples = (const char *const[]){ "rename web oldweb", NULL },
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.run = rename_run,
};
