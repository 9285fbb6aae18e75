/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `system prune` is container, image and volume prune in this order, so that
 * what one removal sets free goes with the next.  The space that it tells is
 * the difference of what du would have counted before and afterwards: layers
 * that two images share count when the last one goes.
 *
 * --external: what belongs to nothing: layers, blobs and unfinished downloads
 * without an image.  That is what an interrupted build or pull leaves, so
 * --build removes the same besides the rest.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/prompt.h"
#include "cmd/prune.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/clock.h"

struct prune_args {
	bool all;
	bool build;
	bool dry_run;
	bool external;
	char **filters;
	bool force;
	bool volumes;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('a', "all", struct prune_args, all,
		 "Remove images that no container uses, not only those "
		 "without a name"),
	OPT_BOOL(0, "build", struct prune_args, build,
		 "Remove what interrupted builds and pulls left, too"),
	OPT_BOOL(0, "dry-run", struct prune_args, dry_run,
		 "Only print what would be removed"),
	OPT_BOOL(0, "external", struct prune_args, external,
		 "Remove only layers, blobs and downloads that no image has"),
	OPT_LIST(0, "filter", struct prune_args, filters, "KEY=VALUE",
		 "Remove only what matches"),
	OPT_BOOL('f', "force", struct prune_args, force,
		 "Do not ask for confirmation"),
	OPT_BOOL(0, "volumes", struct prune_args, volumes,
		 "Remove volumes that no container uses, too"),
	OPT_END,
};

/* 1, 0, -errno: as prompt_confirm() */
static int confirmed(const struct prune_args *args, struct err *err)
{
	if (args->force || args->dry_run)
		return 1;
	printf("WARNING! This command removes:\n");
	if (args->external) {
		printf("\t- all layers, blobs and downloads that no image "
		       "has\n\n");
		return prompt_confirm(err);
	}
	printf("\t- all stopped containers\n");
	if (args->volumes)
		printf("\t- all volumes not used by at least one container\n");
	printf("\t- all %s\n", args->all ?
	       "images without at least one container associated with them" :
	       "dangling images");
	printf(args->build ? "\t- all that interrupted builds left\n\n" : "\n");
	return prompt_confirm(err);
}

/* What the data directory holds but for the database: images, containers and
 * volumes. */
static int occupied(struct runtime *rt, struct store *store, uint64_t *ret,
		    struct err *err)
{
	struct store_usage u[] = {
		{ .dirfd = rt->data_fd, .name = "blobs" },
		{ .dirfd = rt->data_fd, .name = "layers" },
		{ .dirfd = rt->data_fd, .name = "partial" },
		{ .dirfd = rt->data_fd, .name = "containers" },
		{ .dirfd = rt->volumes_fd, .name = "." },
	};
	struct store_usage *v[ARRAY_LEN(u)];
	int r;

	for (size_t i = 0; i < ARRAY_LEN(u); i++)
		v[i] = &u[i];
	r = store_usage(store, v, ARRAY_LEN(u), err);
	*ret = 0;
	for (size_t i = 0; i < ARRAY_LEN(u); i++)
		*ret += u[i].disk;
	return r;
}

static int prune_all(struct runtime *rt, const struct prune_args *args,
		     struct err *err)
{
	struct {
		int (*fn)(struct runtime *rt, struct prune *p,
			  struct err *err);
		struct prune p;
		bool skip;
	} parts[] = {
		{ prune_containers, { .title = "Containers" }, false },
		{ prune_volumes, { .title = "Volumes", .all = true },
		  !args->volumes },
		{ prune_images, { .title = "Images",
				  .all = args->all }, false },
	};
	int worst = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct prune *p = &parts[i].p;
		int r;

		if (parts[i].skip)
			continue;
		p->filters = args->filters;
		p->dry_run = args->dry_run;
		r = parts[i].fn(rt, p, err);
		if (r < 0)
			return r;
		worst = exit_worse(worst, r);
	}
	return worst;
}

static int prune_external(struct store *store, const struct prune_args *args,
			  struct err *err)
{
	struct prune p = { .title = "External",
			   .dry_run = args->dry_run };

	return prune_orphans(store, &p, err);
}

static int prune_parts(struct runtime *rt, struct store *store,
		       const struct prune_args *args, struct err *err)
{
	int worst = args->external ? 0 : prune_all(rt, args, err);
	int r = 0;

	if (worst >= 0 && (args->external || args->build))
		r = prune_external(store, args, err);
	return r < 0 ? r : worst;
}

static int prune_run(struct runtime *rt, const void *data,
		     char **argv unused_attr, struct err *err)
{
	const struct prune_args *args = data;
	uint64_t before = 0, after = 0;
	char size[SIZE_TEXT_MAX];
	struct store *store;
	int worst;
	int r;

	if (args->external && (args->all || args->build || args->volumes ||
			       args->filters))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--external cannot be combined with other "
			       "options");
	r = confirmed(args, err);
	if (r <= 0)
		return r;
	r = runtime_store(rt, &store, err);
	if (r == 0)
		r = occupied(rt, store, &before, err);
	if (r < 0)
		return r;
	worst = prune_parts(rt, store, args, err);
	if (worst < 0 || args->dry_run)
		return worst;
	r = occupied(rt, store, &after, err);
	if (r < 0)
		return r;
	size_human(before > after ? before - after : 0, false, size);
	printf("Total reclaimed space: %s\n", size);
	(void)event_named(rt, EVENT_SYSTEM, EVENT_PRUNE, "", NULL);
	return worst;
}

const struct cmd cmd_system_prune = {
	.path = "system prune",
	.usage = "[options]",
	.summary = "Remove what nobody uses",
	.text = "Removes stopped containers and images without a name; with "
		"--all every image that no container uses, with --volumes "
		"volumes that no container uses.",
	.examples = (const char *const[]){ "system prune",
					   "system prune --all --volumes "
					   "--force", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ prune_opts, NULL },
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
