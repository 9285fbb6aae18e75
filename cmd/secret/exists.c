/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/secret/secret.h"

static int exists_run(struct runtime *rt, const void *p unused_attr,
		      char **argv, struct err *err)
{
	auto_secret struct secret *s = NULL;
	int r = secret_find(rt, argv[0], &s, err);

	return r < 0 && err->kind == ERR_NOT_FOUND ? 1 : r;
}

const struct cmd cmd_secret_exists = {
	.path = "secret exists",
	.usage = "SECRET",
	.summary = "Check if a secret exists",
	.text = "Ends with 0 when it does, with 1 when it does not; prints "
		"nothing.",
	.examples = (const char *const[]){ "secret exists mysecret", NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.run = exists_run,
};
