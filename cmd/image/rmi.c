/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/container.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/strv.h"

struct rmi_args {
	bool all;
	bool dry_run;
	bool force;
	bool ignore;
	bool no_prune;
};

static const struct opt rmi_opts[] = {
	OPT_BOOL('a', "all", struct rmi_args, all, "Remove all images"),
	OPT_BOOL(0, "dry-run", struct rmi_args, dry_run,
		 "Only print what would be removed"),
	OPT_BOOL('f', "force", struct rmi_args, force,
		 "Remove containers that use the image first"),
	OPT_BOOL('i', "ignore", struct rmi_args, ignore,
		 "Ignore names that are unknown"),
	OPT_BOOL(0, "no-prune", struct rmi_args, no_prune,
		 "Keep untagged parents"),
	OPT_NOT_YET(0, "platform", "string", "Remove one platform only"),
	OPT_END,
};

struct rmi_job {
	struct store *store;
	const struct rmi_args *args;
};

/* Containers that use the image, running ones too. */
static int remove_users(struct runtime *rt, struct store *store,
			const char *name, struct err *err)
{
	const struct ctr_rm_opts opts = { .force = true, .volumes = true };
	auto_image struct image *img = NULL;
	autostrv char **users = NULL;
	int r = image_find(store, name, &img, err);

	if (r == 0)
		r = image_users(store, img->id, &users, err);
	for (char **id = users; r == 0 && id && *id; id++) {
		auto_ctr struct ctr *c = NULL;

		r = ctr_find(rt, *id, &c, err);
		if (r == 0)
			r = ctr_remove(rt, c, &opts, err);
	}
	return r;
}

/* --all names images by id: several names are no obstacle then, and a parent
 * may have gone with its child */
static unsigned int flags_of(const struct rmi_args *args)
{
	bool as_unused = args->dry_run && args->force;

	return (args->force || args->all ? IMAGE_RM_FORCE : 0) |
	       (args->dry_run ? IMAGE_RM_DRY_RUN : 0) |
	       (as_unused ? IMAGE_RM_AS_UNUSED : 0) |
	       (args->no_prune ? IMAGE_RM_KEEP_PARENTS : 0);
}

static int remove_image(struct runtime *rt, const struct rmi_job *job,
			const char *name, char ***untagged, char ***deleted,
			struct err *err)
{
	unsigned int flags = flags_of(job->args);
	int r = image_remove(job->store, name, flags, untagged, deleted, err);

	if (r == 0 || err->kind != ERR_IN_USE || !job->args->force ||
	    job->args->dry_run)
		return r;
	err_clear(err);
	r = remove_users(rt, job->store, name, err);
	if (r == 0)
		r = image_remove(job->store, name, flags, untagged, deleted,
				 err);
	return r;
}

static int remove_one(struct runtime *rt, const char *name, void *data,
		      struct err *err)
{
	const struct rmi_job *job = data;
	const struct rmi_args *args = job->args;
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	int r = remove_image(rt, job, name, &untagged, &deleted, err);

	if (r < 0 && err->kind == ERR_NOT_FOUND &&
	    (args->force || args->ignore || args->all))
		return err_clear(err);
	for (char **v = untagged; v && *v; v++) {
		printf("Untagged: %s\n", *v);
		if (!args->dry_run)
			(void)event_image(rt, EVENT_UNTAG, NULL, *v, NULL);
	}
	for (char **v = deleted; v && *v; v++) {
		printf("Deleted: %s\n", *v);
		if (!args->dry_run)
			(void)event_image(rt, EVENT_REMOVE, *v, name, NULL);
	}
	return r;
}

static int all_images(struct store *store, char ***ret, struct err *err)
{
	auto_image_list struct image_list list = { 0 };
	int r = image_list(store, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		strv_add(ret, list.v[i]->id);
	return r;
}

static int rmi_run(struct runtime *rt, const void *p, char **argv,
		   struct err *err)
{
	struct rmi_job job = { NULL, p };
	autostrv char **names = NULL;
	int r;

	if (job.args->all && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "when using the --all switch, you may not pass "
			       "any images names or IDs");
	if (!job.args->all && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "image name or ID must be specified");
	r = runtime_store(rt, &job.store, err);
	if (r == 0 && job.args->all)
		r = all_images(job.store, &names, err);
	if (r < 0)
		return r;
	strv_extend(&names, argv);
	return names ? each_arg(rt, names, false, remove_one, &job) : 0;
}

const struct cmd cmd_image_rm = {
	.path = "rmi",
	.aliases = (const char *const[]){ "image rm", "image remove", NULL },
	.usage = "[options] [IMAGE...]",
	.summary = "Remove one or more images from the store",
	.text = "Removes a name, and the image with its last name. With it "
		"go images without a name that it was made from.",
	.examples = (const char *const[]){ "rmi imageID",
					   "rmi --force alpine",
					   "rmi --all", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_RM_EXIT,
	.opts = (const struct opt *const[]){ rmi_opts, NULL },
	.args_size = sizeof(struct rmi_args),
	.run = rmi_run,
};
