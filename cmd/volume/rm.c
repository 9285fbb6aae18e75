/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/volume/volume.h"
#include "util/strv.h"

struct rm_args {
	bool all;
	bool force;
	int64_t time;
};

static const struct opt rm_opts[] = {
	OPT_BOOL('a', "all", struct rm_args, all, "Remove all volumes"),
	OPT_BOOL('f', "force", struct rm_args, force,
		 "Remove containers that use the volume first; ignore unknown "
		 "names"),
	OPT_I64('t', "time", struct rm_args, time, "int",
		"Seconds to wait for the containers to stop"),
	OPT_END,
};

static void rm_defaults(void *args)
{
	((struct rm_args *)args)->time = 10;
}

static int remove_one(struct runtime *rt, const char *name, void *data,
		      struct err *err)
{
	const struct rm_args *args = data;
	uint32_t wait = args->time < 0 || args->time >= UINT32_MAX - 1 ?
			UINT32_MAX : (uint32_t)args->time;
	int r = volume_remove(rt, name, args->force, wait, err);

	if (r < 0 && args->force && err->kind == ERR_NOT_FOUND)
		return err_clear(err);
	if (!r)
		printf("%s\n", name);
	return r;
}

static int rm_run(struct runtime *rt, const void *p, char **argv,
		  struct err *err)
{
	struct rm_args args = *(const struct rm_args *)p;
	auto_volume_list struct volume_list list = { NULL, 0 };
	autostrv char **names = NULL;
	int r = 0;

	if (args.time != 10 && !args.force)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--force option must be specified to use the "
			       "--time option");
	if (args.all == (argv[0] != NULL))
		return err_set(err, ERR_USAGE, EINVAL,
			       "choose either one or more volumes or all");
	if (args.all)
		r = volume_list(rt, &list, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < list.n; i++)
		strv_add(&names, list.v[i]->name);
	strv_extend(&names, argv);
	return names ? each_arg(rt, names, false, remove_one, &args) : 0;
}

const struct cmd cmd_volume_rm = {
	.path = "volume rm",
	.aliases = (const char *const[]){ "volume remove", NULL },
	.usage = "[options] VOLUME [VOLUME...]",
	.summary = "Remove one or more volumes",
	.examples = (const char *const[]){ "volume rm myvol1 myvol2",
					   "volume rm --all",
					   "volume rm --force myvol", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_RM_EXIT,
	.opts = (const struct opt *const[]){ rm_opts, NULL },
	.args_size = sizeof(struct rm_args),
	.defaults = rm_defaults,
	.run = rm_run,
};
