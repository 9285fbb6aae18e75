/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/runtime.h"
#include "storage/image/list.h"

static int change(struct list *l, void *arg, struct err *err)
{
	return list_drop(l, arg, err);
}

static int remove_run(struct runtime *rt, const void *p unused_attr,
		      char **argv, struct err *err)
{
	autofree char *id = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = list_update(store, argv[0], change, argv[1], &id, err);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

const struct cmd cmd_manifest_remove = {
	.path = "manifest remove",
	.usage = "LIST DIGEST",
	.summary = "Remove an entry from a manifest list",
	.text = "Takes the entry with that digest out of a manifest list. The "
		"image stays.",
	.examples = (const char *const[]){ "manifest remove mylist:v1 "
					   "sha256:59eec8...", NULL },
	.min_args = 2,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.run = remove_run,
};
