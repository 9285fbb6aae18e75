/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/image/list.h"
#include "util/strv.h"

struct rm_args {
	bool ignore;
};

static const struct opt rm_opts[] = {
	OPT_BOOL('i', "ignore", struct rm_args, ignore,
		 "Ignore names that are unknown"),
	OPT_END,
};

static int remove_list(struct runtime *rt, const char *name, struct err *err)
{
	auto_list struct list l = LIST_INIT;
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = list_load(store, name, &l, err);
	if (r == 0)
		r = image_remove(store, name, 0, &untagged, &deleted, err);
	for (char **v = untagged; r == 0 && v && *v; v++) {
		printf("Untagged: %s\n", *v);
		(void)event_image(rt, EVENT_UNTAG, NULL, *v, NULL);
	}
	for (char **v = deleted; r == 0 && v && *v; v++) {
		printf("Deleted: %s\n", *v);
		(void)event_image(rt, EVENT_REMOVE, *v, name, NULL);
	}
	return r;
}

static int remove_one(struct runtime *rt, const char *name, void *data,
		      struct err *err)
{
	const struct rm_args *args = data;
	int r = remove_list(rt, name, err);

	if (r < 0 && err->kind == ERR_NOT_FOUND && args->ignore)
		return err_clear(err);
	return r;
}

static int rm_run(struct runtime *rt, const void *p, char **argv,
		  struct err *err unused_attr)
{
	struct rm_args args = *(const struct rm_args *)p;

	return each_arg(rt, argv, false, remove_one, &args);
}

const struct cmd cmd_manifest_rm = {
	.path = "manifest rm",
	.usage = "[options] LIST [LIST...]",
	.summary = "Remove manifest lists from local storage",
	.text = "Removes manifest lists. The images that they name stay.",
	.examples = (const char *const[]){ "manifest rm mylist:v1", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_RM_EXIT,
	.opts = (const struct opt *const[]){ rm_opts, NULL },
	.args_size = sizeof(struct rm_args),
	.run = rm_run,
};
