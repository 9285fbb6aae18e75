/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `image prune`: images without a name, with --all every image that no
 * container uses.  An untagged image from which another was made goes with
 * that one (image_remove() sees to it) or stays.  Each removal is one
 * transaction that checks again, so an image that got a name or a container
 * meanwhile just stays.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/image/filter.h"
#include "cmd/prompt.h"
#include "cmd/prune.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/image/lineage.h"
#include "storage/store.h"
#include "util/strv.h"

struct prune_args {
	bool all;
	bool build_cache;
	bool dry_run;
	bool external;
	char **filters;
	bool force;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('a', "all", struct prune_args, all,
		 "Remove images that no container uses, not only those "
		 "without a name"),
	OPT_BOOL(0, "build-cache", struct prune_args, build_cache,
		 "Remove what builds keep to be faster, too"),
	OPT_BOOL(0, "dry-run", struct prune_args, dry_run,
		 "Only print what would be removed"),
	OPT_BOOL(0, "external", struct prune_args, external,
		 "Remove what interrupted builds and pulls left, too"),
	OPT_LIST(0, "filter", struct prune_args, filters, "KEY=VALUE",
		 "Remove only images that match"),
	OPT_BOOL('f', "force", struct prune_args, force,
		 "Do not ask for confirmation"),
	OPT_END,
};

/**
 * struct job - one call
 * @gone: ids that were printed; a strv, owned
 */
struct job {
	struct prune *p;
	struct store *store;
	char **gone;
};

static int is_wanted(const struct job *job, const struct lineage *l,
		     const struct image *img, struct err *err)
{
	autostrv char **users = NULL;
	int r = image_users(job->store, img->id, &users, err);

	if (r < 0 || users)
		return r;
	if (job->p->all)
		return 1;
	return image_is_dangling(img) && !lineage_is_parent(l, img->id, NULL);
}

static int candidates(const struct job *job, char ***ret, struct err *err)
{
	auto_image_filters struct image_filters filters = { .hide = false };
	auto_lineage struct lineage *l = NULL;
	const struct image_list *list;
	int r = image_filters_parse(job->store, job->p->filters, &filters,
				    err);

	if (r == 0)
		r = lineage_load(job->store, &l, err);
	if (r < 0)
		return r;
	list = lineage_images(l);
	for (size_t i = 0; i < list->n; i++) {
		r = is_wanted(job, l, list->v[i], err);
		if (r > 0)
			r = image_matches(&filters, list->v[i], err);
		if (r < 0)
			return r;
		if (r > 0)
			strv_add(ret, list->v[i]->id);
	}
	return 0;
}

static int remove_one(struct runtime *rt, const char *id, void *data,
		      struct err *err)
{
	struct job *job = data;
	unsigned int flags = (job->p->all ? IMAGE_RM_FORCE : 0) |
			     (job->p->dry_run ? IMAGE_RM_DRY_RUN : 0);
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	int r = image_remove(job->store, id, flags, &untagged, &deleted, err);

	/* Somebody else was faster: it is gone, in use or has names again */
	if (r == -ENOENT || r == -EBUSY)
		return err_clear(err);
	for (char **one = deleted; one && *one; one++) {
		if (strv_contains(job->gone, *one))
			continue;
		prune_print(job->p, *one);
		strv_add(&job->gone, *one);
		if (!job->p->dry_run)
			(void)event_image(rt, EVENT_REMOVE, *one, *one, NULL);
	}
	return r;
}

/* 1, 0, -errno: as prompt_confirm() */
static int confirmed(const struct prune_args *args, struct err *err)
{
	if (args->force || args->dry_run)
		return 1;
	printf("WARNING! This command removes all %s.\n",
	       args->all ? "images without at least one container associated "
			   "with them" :
			   "dangling images");
	return prompt_confirm(err);
}

int prune_images(struct runtime *rt, struct prune *p, struct err *err)
{
	struct job job = { .p = p };
	autostrv char **ids = NULL;
	int r = runtime_store(rt, &job.store, err);

	if (r == 0)
		r = candidates(&job, &ids, err);
	if (r < 0 || !ids)
		return r;
	r = each_arg(rt, ids, false, remove_one, &job);
	strv_free(job.gone);
	return r;
}

/* Layers without an image are what builds keep, and what they leave when they
 * are interrupted; there are no containers of other tools in this store. */
static int prune_leftovers(struct runtime *rt, const struct prune_args *args,
			   struct prune *prune, struct err *err)
{
	struct store *store;
	int r;

	if (!args->external && !args->build_cache)
		return 0;
	r = runtime_store(rt, &store, err);
	return r < 0 ? r : prune_orphans(store, prune, err);
}

static int prune_run(struct runtime *rt, const void *p,
		     char **argv unused_attr, struct err *err)
{
	const struct prune_args *args = p;
	struct prune prune = { .filters = args->filters, .all = args->all,
			       .dry_run = args->dry_run };
	int worst;
	int r;

	r = confirmed(args, err);
	if (r <= 0)
		return r;
	worst = prune_images(rt, &prune, err);
	if (worst < 0)
		return worst;
	r = prune_leftovers(rt, args, &prune, err);
	return r < 0 ? r : worst;
}

const struct cmd cmd_image_prune = {
	.path = "image prune",
	.usage = "[options]",
	.summary = "Remove unused images",
	.text = "Removes images without a name, with --all those that no "
		"container uses, and prints their ids.",
	.examples = (const char *const[]){ "image prune",
					   "image prune --all --force "
					   "--filter until=24h", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ prune_opts, NULL },
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
