/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/files/mount.h"

#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "libpod/core/container.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

struct mount_args {
	bool all, latest, force, no_trunc;
	char *format;
};

static const struct opt mount_opts[] = {
	OPT_BOOL('a', "all", struct mount_args, all, "Mount all containers"),
	OPT_STR(0, "format", struct mount_args, format, "string",
		"Print as json"),
	OPT_BOOL('l', "latest", struct mount_args, latest,
		 "Act on the latest container"),
	{ 0, "no-trunc", "notruncate", OPT_T_BOOL,
	  OPT_CHECK_(struct mount_args, no_trunc, bool), OPT_NO_GIVEN, NULL,
	  NULL, "Print whole IDs", 0 },
	OPT_END,
};

static const struct opt unmount_opts[] = {
	OPT_BOOL('a', "all", struct mount_args, all,
		 "Unmount all containers"),
	OPT_BOOL('f', "force", struct mount_args, force,
		 "Unmount also what is in use"),
	OPT_BOOL('l', "latest", struct mount_args, latest,
		 "Act on the latest container"),
	OPT_END,
};

static int check(const struct runtime *rt, const struct mount_args *args,
		 char **argv, const char *verb, struct err *err)
{
	if (args->all && args->latest)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all and --latest cannot be used together");
	if (args->latest && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "--latest and containers cannot be used "
			       "together");
	if (args->all && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "no arguments are needed with --all");
	if (args->format && !streq(args->format, "json"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "unknown --format argument: \"%s\"",
			       args->format);
	if (rt->ids.is_root)
		return 0;
	/*
	 * a mount wants a namespace to be in, files of subuids want their ids
	 */
	return err_set(err, ERR_FAIL, EPERM,
		       "cannot run command \"%s %s\" in rootless mode, must "
		       "execute `%s unshare` first", cmd_prog(), verb,
		       cmd_prog());
}

/* The ids of those that are meant: by --all, --latest, or as typed */
static int collect(struct runtime *rt, const struct mount_args *args,
		   char **argv, char ***ret, struct err *err)
{
	auto_ctr_list struct ctr_list list = { 0 };
	auto_ctr struct ctr *latest = NULL;
	int r = 0;

	if (args->all)
		r = ctr_list(rt, &list, err);
	else if (args->latest)
		r = ctr_latest(rt, &latest, err);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		strv_add(ret, list.v[i]->id);
	if (latest)
		strv_add(ret, latest->id);
	if (r == 0)
		strv_extend(ret, argv);
	return r;
}

/* ---- mount -------------------------------------------------------------- */

static int mount_one(struct runtime *rt, const char *name,
		     void *data unused_attr, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	autofree char *path = NULL;
	int r = ctr_find(rt, name, &c, err);

	if (r == 0)
		r = ctr_mount(rt, c, &path, err);
	if (r < 0)
		return r;
	printf("%s\n", path);
	return event_ctr(rt, c, EVENT_MOUNT, NULL, err);
}

static struct json_object *entry(const struct ctr *c, const char *path)
{
	struct json_object *o = json_object_new_object();
	char *names[] = { c->name, NULL };

	json_set_str(o, "id", c->id);
	json_set_strv(o, "Names", names);
	json_set_str(o, "mountpoint", path);
	return o;
}

/* What is mounted: one line each, or an array. */
static int show(struct runtime *rt, const struct mount_args *args,
		struct err *err)
{
	auto_ctr_list struct ctr_list list = { 0 };
	autojson struct json_object *out = json_object_new_array();
	autosb struct sb text = SB_INIT;
	int r = ctr_list(rt, &list, err);

	for (size_t i = 0; r == 0 && i < list.n; i++) {
		const struct ctr *c = list.v[i];
		autofree char *path = ctr_mounted(rt, c);

		if (!path)
			continue;
		if (args->format)
			json_object_array_add(out, entry(c, path));
		else
			sb_addf(&text, "%.*s  %s\n", args->no_trunc ? 64 : 12,
				c->id, path);
	}
	if (r == 0 && args->format) {
		json_pretty(out, 1, &text);
		sb_addch(&text, '\n');
	}
	print_text(text.buf, text.len);
	return r;
}

static int mount_run(struct runtime *rt, const void *p, char **argv,
		     struct err *err)
{
	const struct mount_args *args = p;
	autostrv char **names = NULL;
	int r = check(rt, args, argv, "mount", err);

	if (r < 0)
		return r;
	if (!args->all && !args->latest && !argv[0])
		return show(rt, args, err);
	r = collect(rt, args, argv, &names, err);
	if (r < 0 || !names)
		return r;
	return each_arg(rt, names, false, mount_one, NULL);
}

/* ---- unmount ------------------------------------------------------------ */

/**
 * struct unmounting - one call
 * @quiet: only those that were mounted are named
 */
struct unmounting {
	bool force, quiet;
};

static int unmount_one(struct runtime *rt, const char *name, void *data,
		       struct err *err)
{
	const struct unmounting *u = data;
	auto_ctr struct ctr *c = NULL;
	int r = ctr_find(rt, name, &c, err);

	if (r == 0)
		r = ctr_unmount(rt, c, u->force, err);
	if (r < 0)
		return r;
	if (r > 0 || !u->quiet)
		printf("%s\n", name);
	return r > 0 ? event_ctr(rt, c, EVENT_UNMOUNT, NULL, err) : 0;
}

static int unmount_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct mount_args *args = p;
	struct unmounting u = { args->force, args->all };
	autostrv char **names = NULL;
	int r = 0;

	if (!args->all && !args->latest && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "you must provide at least one name or id");
	r = check(rt, args, argv, "unmount", err);
	if (r == 0)
		r = collect(rt, args, argv, &names, err);
	if (r < 0 || !names)
		return r;
	return each_arg(rt, names, false, unmount_one, &u);
}

const struct cmd cmd_container_mount = {
	.path = "mount",
	.aliases = (const char *const[]){ "container mount", NULL },
	.usage = "[options] [CONTAINER...]",
	.summary = "Mount the root file systems of containers",
	.text = "Mounts root file systems and prints where; without a "
		"container lists those that are mounted. Works inside the "
		"user namespace only.",
	.examples = (const char *const[]){ "unshare bryo mount web", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ mount_opts, NULL },
	.args_size = sizeof(struct mount_args),
	.run = mount_run,
};

const struct cmd cmd_container_unmount = {
	.path = "unmount",
	.aliases = (const char *const[]){ "umount", "container unmount",
					  "container umount", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Unmount the root file systems of containers",
	.text = "Ends what `mount` did. Works inside the user namespace only.",
	.examples = (const char *const[]){ "unshare bryo unmount --all",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ unmount_opts, NULL },
	.args_size = sizeof(struct mount_args),
	.run = unmount_run,
};
