/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/manifest/manifest.h"
#include "libpod/core/runtime.h"
#include "storage/image/list.h"
#include "util/str.h"
#include "util/strv.h"

struct create_args {
	bool all;
	bool amend;
	char **annotations;
	struct reach reach;
};

static const struct opt create_opts[] = {
	OPT_BOOL(0, "all", struct create_args, all,
		 "Add all images of those that are lists"),
	OPT_BOOL('a', "amend", struct create_args, amend,
		 "Add to a list that is there already"),
	OPT_STRV(0, "annotation", struct create_args, annotations,
		 "KEY=VALUE", "Set an annotation of the list"),
	REACH_OPTS(struct create_args, reach),
	OPT_END,
};

static void create_defaults(void *p)
{
	((struct create_args *)p)->reach.tls_verify = -1;
}

static int annotate(struct list *l, void *arg, struct err *err unused_attr)
{
	list_note_set(l->index, arg);
	return 0;
}

/* A new list that cannot be filled is none. */
static void take_back(struct store *store, const char *id)
{
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;

	(void)image_remove(store, id, IMAGE_RM_FORCE, &untagged, &deleted,
			   NULL);
}

static int fill(struct store *store, const struct create_args *args,
		const char *id, char **images, const struct pull_opts *pull,
		struct err *err)
{
	const struct list_note none = { .arch = NULL };
	autofree char *same = NULL;
	int r = 0;

	for (; r == 0 && *images; images++)
		r = list_add(store, id, *images, args->all, &none, pull, &same,
			     err);
	if (r == 0 && args->annotations)
		r = list_update(store, id, annotate, args->annotations, &same,
				err);
	return r;
}

static int create_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct create_args *args = p;
	auto_image struct image *before = NULL;
	autofree char *id = NULL;
	struct pull_opts pull;
	struct store *store;
	int r = reach_opts(&args->reach, &pull, err);

	if (r == 0)
		r = annotations_check(args->annotations, err);
	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r < 0)
		return r;
	(void)image_find(store, argv[0], &before, NULL);
	r = list_create(store, argv[0], args->amend, &id, err);
	if (r < 0)
		return r;
	r = fill(store, args, id, argv + 1, &pull, err);
	if (r < 0 && !(before && streq(before->id, id)))
		take_back(store, id);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

const struct cmd cmd_manifest_create = {
	.path = "manifest create",
	.usage = "[options] LIST [IMAGE...]",
	.summary = "Create a manifest list",
	.text = "Makes a manifest list in local storage, empty or with images "
		"of the store or of registries.",
	.examples = (const char *const[]){ "manifest create mylist:v1",
					   "manifest create --amend mylist:v1 "
					   "docker://quay.io/me/app:arm64",
					   NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ create_opts, NULL },
	.args_size = sizeof(struct create_args),
	.defaults = create_defaults,
	.run = create_run,
};
