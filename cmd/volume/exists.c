/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/volume/volume.h"

static int exists_run(struct runtime *rt, const void *p unused_attr,
		      char **argv, struct err *err)
{
	auto_volume struct volume *v = NULL;
	int r = volume_find(rt, argv[0], &v, err);

	return r < 0 && err->kind == ERR_NOT_FOUND ? 1 : r;
}

const struct cmd cmd_volume_exists = {
	.path = "volume exists",
	.usage = "VOLUME",
	.summary = "Check if a volume exists",
	.text = "Ends with 0 when it does, with 1 when it does not; prints "
		"nothing.",
	.examples = (const char *const[]){ "volume exists myvol", NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.run = exists_run,
};
