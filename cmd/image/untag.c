/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"

static int untag_one(struct runtime *rt, struct store *store,
		     const struct image *img, const char *name,
		     struct err *err)
{
	int r = image_untag(store, img, name, err);

	return r < 0 ? r : event_image(rt, EVENT_UNTAG, img->id, name, err);
}

static int untag_all(struct runtime *rt, struct store *store,
		     const struct image *img, struct err *err)
{
	int r = image_untag_all(store, img, err);

	for (char **name = img->names; r == 0 && name && *name; name++)
		r = event_image(rt, EVENT_UNTAG, img->id, *name, err);
	return r;
}

static int untag_run(struct runtime *rt, const void *p unused_attr,
		     char **argv, struct err *err)
{
	auto_image struct image *img = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_find(store, argv[0], &img, err);
	if (r == 0 && !argv[1])
		r = untag_all(rt, store, img, err);
	for (char **name = argv + 1; r == 0 && *name; name++)
		r = untag_one(rt, store, img, *name, err);
	return r;
}

const struct cmd cmd_image_untag = {
	.path = "untag",
	.aliases = (const char *const[]){ "image untag", NULL },
	.usage = "IMAGE [IMAGE...]",
	.summary = "Remove a name from a local image",
	.text = "Removes the names that follow the image, or all of its "
		"names; the image itself stays.",
	.examples = (const char *const[]){ "untag 0e3bbc2",
					   "untag imageID:latest "
					   "otherImageName:latest", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.run = untag_run,
};
