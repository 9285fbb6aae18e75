/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image/mount.h"

#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

struct mount_args {
	bool all;
	bool force;
	char *format;
};

static const struct opt mount_opts[] = {
	OPT_BOOL('a', "all", struct mount_args, all, "Mount all images"),
	OPT_STR(0, "format", struct mount_args, format, "string",
		"Print as json"),
	OPT_END,
};

static const struct opt unmount_opts[] = {
	OPT_BOOL('a', "all", struct mount_args, all, "Unmount all images"),
	OPT_BOOL('f', "force", struct mount_args, force,
		 "Unmount also what is in use"),
	OPT_END,
};

/* Layers belong to subuids, and a mount wants a namespace to be in. */
static int check(const struct runtime *rt, const struct mount_args *args,
		 char **argv, const char *verb, struct err *err)
{
	if (args->all && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all takes no images");
	if (args->format && !streq(args->format, "json"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "unknown --format argument: %s", args->format);
	if (rt->ids.is_root)
		return 0;
	return err_set(err, ERR_FAIL, EPERM,
		       "cannot run command \"%s image %s\" in rootless mode, "
		       "must execute `%s unshare` first", cmd_prog(), verb,
		       cmd_prog());
}

static struct json_object *entry(const struct image *img, const char *path)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "id", img->id);
	json_set_strv(o, "Repositories", img->names);
	json_set_str(o, "mountpoint", path);
	return o;
}

/* ---- mount -------------------------------------------------------------- */

static int mount_all(struct store *store, const struct image_list *list,
		     struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->n; i++) {
		autofree char *path = NULL;

		if (!list->v[i]->is_list)
			r = image_mount(store, list->v[i], &path, err);
	}
	return r;
}

/* What is mounted: one line each, or an array. */
static int show(struct store *store, const struct image_list *list, bool json)
{
	autojson struct json_object *out = json_object_new_array();
	autosb struct sb text = SB_INIT;

	for (size_t i = 0; i < list->n; i++) {
		const struct image *img = list->v[i];
		autofree char *path = image_mounted(store, img->id);

		if (!path)
			continue;
		if (json)
			json_object_array_add(out, entry(img, path));
		else
			sb_addf(&text, "%s  %s\n",
				img->names ? *img->names : img->id, path);
	}
	if (json) {
		json_pretty(out, 1, &text);
		sb_addch(&text, '\n');
	}
	print_text(text.buf, text.len);
	return 0;
}

static int mount_one(struct runtime *rt, const char *name, void *data,
		     struct err *err)
{
	auto_image struct image *img = NULL;
	autofree char *path = NULL;
	struct store *store = data;
	int r = image_find(store, name, &img, err);

	if (r == 0)
		r = image_mount(store, img, &path, err);
	if (r < 0)
		return r;
	printf("%s\n", path);
	return event_image(rt, EVENT_MOUNT, img->id, name, err);
}

static int mount_run(struct runtime *rt, const void *p, char **argv,
		     struct err *err)
{
	const struct mount_args *args = p;
	auto_image_list struct image_list list = { 0 };
	struct store *store;
	int r = check(rt, args, argv, "mount", err);

	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r < 0)
		return r;
	if (argv[0])
		return each_arg(rt, argv, false, mount_one, store);
	r = image_list(store, &list, err);
	if (r == 0 && args->all)
		r = mount_all(store, &list, err);
	return r < 0 ? r : show(store, &list, args->format != NULL);
}

/* ---- unmount ------------------------------------------------------------ */

/**
 * struct unmounting - one call
 * @quiet: those that are not mounted are no failure
 */
struct unmounting {
	struct store *store;
	bool force;
	bool quiet;
};

static int unmount_one(struct runtime *rt, const char *name, void *data,
		       struct err *err)
{
	const struct unmounting *u = data;
	auto_image struct image *img = NULL;
	int r = image_find(u->store, name, &img, err);

	if (r == 0)
		r = image_unmount(u->store, img->id, u->force, err);
	if (r < 0)
		return r;
	if (r == 0 && u->quiet)
		return 0;
	if (r == 0)
		return err_set(err, ERR_STATE, EINVAL,
			       "image %s is not mounted", name);
	printf("%s\n", img->id);
	return event_image(rt, EVENT_UNMOUNT, img->id, name, err);
}

static int unmount_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct mount_args *args = p;
	struct unmounting u = { NULL, args->force, args->all };
	auto_image_list struct image_list list = { 0 };
	autostrv char **ids = NULL;
	int r = check(rt, args, argv, "unmount", err);

	if (r == 0 && !args->all && !argv[0])
		r = err_set(err, ERR_USAGE, EINVAL,
			    "image name or ID must be specified");
	if (r == 0)
		r = runtime_store(rt, &u.store, err);
	if (r == 0 && args->all)
		r = image_list(u.store, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		strv_add(&ids, list.v[i]->id);
	strv_extend(&ids, argv);
	return ids ? each_arg(rt, ids, false, unmount_one, &u) : 0;
}

const struct cmd cmd_image_mount = {
	.path = "image mount",
	.usage = "[options] [IMAGE...]",
	.summary = "Mount images as read-only trees",
	.text = "Mounts images and prints where; without an image lists those "
		"that are mounted. Works inside the user namespace only.",
	.examples = (const char *const[]){ "unshare bryo image mount alpine",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ mount_opts, NULL },
	.args_size = sizeof(struct mount_args),
	.run = mount_run,
};

const struct cmd cmd_image_unmount = {
	.path = "image unmount",
	.aliases = (const char *const[]){ "image umount", NULL },
	.usage = "[options] [IMAGE...]",
	.summary = "Unmount images",
	.text = "Ends what `image mount` did. Works inside the user namespace "
		"only.",
	.examples = (const char *const[]){ "unshare bryo image unmount --all",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ unmount_opts, NULL },
	.args_size = sizeof(struct mount_args),
	.run = unmount_run,
};
