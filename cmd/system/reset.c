/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * `system reset` removes every container, volume, image and secret in the ways
 * that rm, volume rm, rmi and secret rm do, with force: running containers are
 * stopped first (ten seconds, then killed), and other commands that run at the
 * same time see each removal whole.  Commands that start meanwhile wait (see
 * libpod/core/reset.h); what those make that had started before stays.  Killed
 * in the middle, it leaves objects that are whole, and the next one goes on.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/prompt.h"
#include "libpod/core/container.h"
#include "libpod/core/event.h"
#include "libpod/core/reset.h"
#include "libpod/core/runtime.h"
#include "libpod/core/secret/secret.h"
#include "libpod/core/volume/volume.h"
#include "storage/check.h"
#include "storage/store.h"
#include "util/fault.h"
#include "util/strv.h"

#define STOP_S 10
#define TRASH_WAIT_MS 60000
#define TRASH_STEP_MS 50

struct reset_args {
	bool force;
};

static const struct opt reset_opts[] = {
	OPT_BOOL('f', "force", struct reset_args, force,
		 "Do not ask for confirmation"),
	OPT_END,
};

/* 1, 0, -errno: as prompt_confirm() */
static int confirmed(struct runtime *rt, struct err *err)
{
	printf("WARNING! This will remove:\n"
	       "\t- all containers\n"
	       "\t- all images\n"
	       "\t- all volumes\n"
	       "\t- all secrets\n"
	       "The directory is: %s\n", rt->data_path);
	return prompt_confirm(err);
}

static int remove_ctr(struct runtime *rt, const char *id,
		      void *data unused_attr, struct err *err)
{
	const struct ctr_rm_opts opts = { .force = true, .volumes = true,
					  .depend = true,
					  .timeout_s = STOP_S };
	auto_ctr struct ctr *c = NULL;
	int r = ctr_find(rt, id, &c, err);

	if (r == 0)
		r = ctr_remove(rt, c, &opts, err);
	if (r == -ENOENT)
		return err_clear(err);
	return r;
}

static int remove_volume(struct runtime *rt, const char *name,
			 void *data unused_attr, struct err *err)
{
	int r = volume_remove(rt, name, true, STOP_S, err);

	return r == -ENOENT ? err_clear(err) : r;
}

static int remove_image(struct runtime *rt, const char *id,
			void *data unused_attr, struct err *err)
{
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_remove(store, id, IMAGE_RM_FORCE, &untagged,
				 &deleted, err);

	return r == -ENOENT ? err_clear(err) : r;
}

static int remove_secret(struct runtime *rt, const char *id,
			 void *data unused_attr, struct err *err)
{
	int r = secret_remove(rt, id, err);

	return r == -ENOENT ? err_clear(err) : r;
}

static int all_ctrs(struct runtime *rt, char ***ret, struct err *err)
{
	auto_ctr_list struct ctr_list list = { NULL, 0 };
	int r = ctr_list(rt, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		strv_add(ret, list.v[i]->id);
	return r;
}

static int all_volumes(struct runtime *rt, char ***ret, struct err *err)
{
	cleanup(volume_list_done) struct volume_list list = { NULL, 0 };
	int r = volume_list(rt, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		strv_add(ret, list.v[i]->name);
	return r;
}

static int all_secrets(struct runtime *rt, char ***ret, struct err *err)
{
	auto_secret_list struct secret_list list = { NULL, 0 };
	int r = secret_list(rt, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++)
		strv_add(ret, list.v[i]->id);
	return r;
}

static int all_images(struct runtime *rt, char ***ret, struct err *err)
{
	auto_image_list struct image_list list = { 0 };
	struct store *store;
	int r = runtime_store(rt, &store, err);

	if (r == 0)
		r = image_list(store, &list, err);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		strv_add(ret, list.v[i]->id);
	return r;
}

static void ignore(const char *what unused_attr, const char *hash unused_attr,
		   void *arg unused_attr)
{
}

/* The space is free when this command has ended, not some time later. */
static void wait_for_trash(struct runtime *rt)
{
	for (int ms = 0; ms < TRASH_WAIT_MS; ms += TRASH_STEP_MS) {
		if (!store_has_litter(rt->data_fd))
			return;
		usleep(TRASH_STEP_MS * 1000);
	}
}

/* In this order: what uses comes before what is used. */
static const struct {
	int (*all)(struct runtime *rt, char ***ret, struct err *err);
	int (*remove)(struct runtime *rt, const char *id, void *data,
		      struct err *err);
} kinds[] = {
	{ all_ctrs, remove_ctr },
	{ all_volumes, remove_volume },
	{ all_images, remove_image },
	{ all_secrets, remove_secret },
};

/* An exit code (errors are printed already), or -errno */
static int remove_all(struct runtime *rt, struct err *err)
{
	int worst = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		autostrv char **ids = NULL;
		int r = kinds[i].all(rt, &ids, err);

		if (r < 0)
			return r;
		if (FAULT("reset.listed") < 0)
			return err_sys(err, "reset");
		if (ids)
			worst = exit_worse(worst, each_arg(rt, ids, false,
							   kinds[i].remove,
							   NULL));
	}
	return worst;
}

static int remove_locked(struct runtime *rt, struct err *err)
{
	struct store *store;
	int worst;
	int r = runtime_store(rt, &store, err);

	if (r < 0)
		return r;
	worst = remove_all(rt, err);
	if (worst < 0)
		return worst;
	r = store_prune_orphans(store, false, ignore, NULL, err);
	return r < 0 ? r : worst;
}

static int reset_run(struct runtime *rt, const void *p,
		     char **argv unused_attr, struct err *err)
{
	const struct reset_args *args = p;
	int worst;
	int lock;
	int r = args->force ? 1 : confirmed(rt, err);

	if (r <= 0)
		return r;
	r = reset_begin(rt, &lock, err);
	if (r < 0)
		return r;
	worst = remove_locked(rt, err);
	(void)FAULT("reset.removed");
	reset_end(rt, lock);
	if (worst < 0)
		return worst;
	wait_for_trash(rt);
	(void)event_named(rt, EVENT_SYSTEM, EVENT_RESET, "", NULL);
	return worst;
}

const struct cmd cmd_system_reset = {
	.path = "system reset",
	.usage = "[options]",
	.summary = "Remove all containers, images, volumes and secrets",
	.text = "Containers that run are stopped first. The database and "
		"configuration files stay.",
	.examples = (const char *const[]){ "system reset",
					   "system reset --force", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ reset_opts, NULL },
	.args_size = sizeof(struct reset_args),
	.run = reset_run,
};
