/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"

static int tag_one(struct runtime *rt, struct store *store,
		   const struct image *img, const char *name, struct err *err)
{
	int r = image_tag(store, img, name, err);

	return r < 0 ? r : event_image(rt, EVENT_TAG, img->id, name, err);
}

static int tag_run(struct runtime *rt, const void *p unused_attr, char **argv,
		   struct err *err)
{
	auto_image struct image *img = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_find(store, argv[0], &img, err);
	for (char **name = argv + 1; r == 0 && *name; name++)
		r = tag_one(rt, store, img, *name, err);
	return r;
}

const struct cmd cmd_image_tag = {
	.path = "tag",
	.aliases = (const char *const[]){ "image tag", NULL },
	.usage = "IMAGE TARGET_NAME [TARGET_NAME...]",
	.summary = "Add an additional name to a local image",
	.text = "Adds one or more names to an image of the store. A name "
		"without a registry begins with localhost/.",
	.examples = (const char *const[]){ "tag 0e3bbc2 fedora:latest",
					   "tag httpd myregistry.example:5000/"
					   "httpd:v2", NULL },
	.min_args = 2,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.run = tag_run,
};
