/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"

static int exists_run(struct runtime *rt, const void *p unused_attr,
		      char **argv, struct err *err)
{
	auto_image struct image *img = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_find(store, argv[0], &img, err);
	if (r < 0)
		return err->kind == ERR_NOT_FOUND ? 1 : r;
	return img->is_list ? 0 : 1;
}

const struct cmd cmd_manifest_exists = {
	.path = "manifest exists",
	.usage = "LIST",
	.summary = "Check if a manifest list exists in local storage",
	.text = "Ends with 0 when it does, with 1 when it does not; prints "
		"nothing.",
	.examples = (const char *const[]){ "manifest exists mylist:v1", NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.run = exists_run,
};
