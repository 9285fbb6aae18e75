/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/manifest/manifest.h"
#include "libpod/core/runtime.h"
#include "storage/image/list.h"

struct add_args {
	bool all;
	struct reach reach;
	struct entry_args entry;
};

static const struct opt add_opts[] = {
	ENTRY_OPTS(struct add_args, entry, "Override "),
	OPT_BOOL(0, "all", struct add_args, all,
		 "Add all images of one that is a list"),
	OPT_NOT_YET(0, "artifact", NULL, "Add files as an artifact"),
	OPT_NOT_YET(0, "artifact-config", "string",
		    "Config of the artifact"),
	OPT_NOT_YET(0, "artifact-config-type", "string",
		    "Type of the artifact's config"),
	OPT_NOT_YET(0, "artifact-exclude-titles", NULL,
		    "Artifacts without the names of their files"),
	OPT_NOT_YET(0, "artifact-layer-type", "string",
		    "Type of the artifact's layers"),
	OPT_NOT_YET(0, "artifact-subject", "string",
		    "What the artifact is about"),
	OPT_NOT_YET(0, "artifact-type", "string", "Type of the artifact"),
	REACH_OPTS(struct add_args, reach),
	OPT_END,
};

static void add_defaults(void *p)
{
	((struct add_args *)p)->reach.tls_verify = -1;
}

static int add_run(struct runtime *rt, const void *p, char **argv,
		   struct err *err)
{
	const struct add_args *args = p;
	const struct list_note note = entry_note(&args->entry);
	autofree char *id = NULL;
	struct pull_opts pull;
	struct store *store;
	int r = reach_opts(&args->reach, &pull, err);

	if (r == 0)
		r = annotations_check(args->entry.annotations, err);
	if (r == 0)
		r = runtime_store(rt, &store, err);
	for (char **image = argv + 1; r == 0 && *image; image++)
		r = list_add(store, argv[0], *image, args->all, &note, &pull,
			     &id, err);
	if (r == 0)
		printf("%s\n", id);
	return r;
}

const struct cmd cmd_manifest_add = {
	.path = "manifest add",
	.usage = "[options] LIST IMAGE [IMAGE...]",
	.summary = "Add images to a manifest list",
	.text = "Adds images of the store or of registries to a manifest "
		"list. Of an image that is a list itself, the one for this "
		"machine is added, with --all every one.",
	.examples = (const char *const[]){ "manifest add mylist:v1 "
					   "docker://quay.io/me/app:arm64",
					   "manifest add --arch arm64 "
					   "--variant v8 mylist:v1 "
					   "localhost/app", NULL },
	.min_args = 2,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ add_opts, NULL },
	.args_size = sizeof(struct add_args),
	.defaults = add_defaults,
	.run = add_run,
};
