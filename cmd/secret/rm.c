/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/secret/secret.h"
#include "util/strv.h"

struct rm_args {
	bool all, ignore;
};

static const struct opt rm_opts[] = {
	OPT_BOOL('a', "all", struct rm_args, all, "Remove all secrets"),
	OPT_BOOL('i', "ignore", struct rm_args, ignore,
		 "Ignore names that do not exist"),
	OPT_END,
};

static int remove_one(struct runtime *rt, const char *name, void *data,
		      struct err *err)
{
	const struct rm_args *args = data;
	auto_secret struct secret *s = NULL;
	int r = secret_find(rt, name, &s, err);

	if (r == 0)
		r = secret_remove(rt, s->id, err);
	if (r == 0)
		printf("%s\n", s->id);
	if (r < 0 && args->ignore && err->kind == ERR_NOT_FOUND)
		return err_clear(err);
	return r;
}

static int rm_run(struct runtime *rt, const void *p, char **argv,
		  struct err *err)
{
	struct rm_args args = *(const struct rm_args *)p;
	auto_secret_list struct secret_list all = { NULL, 0 };
	autostrv char **ids = NULL;
	int r = 0;

	if (args.all && argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "`%s secret rm` takes no arguments with "
			       "--all", cmd_prog());
	if (!args.all && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "must specify a secret or --all");
	if (!args.all)
		return each_arg(rt, argv, false, remove_one, &args);
	r = secret_list(rt, &all, err);
	for (size_t i = 0; i < all.n; i++)
		strv_add(&ids, all.v[i]->id);
	if (r < 0 || !ids)
		return r;
	return each_arg(rt, ids, false, remove_one, &args);
}

const struct cmd cmd_secret_rm = {
	.path = "secret rm",
	.aliases = (const char *const[]){ "secret remove", NULL },
	.usage = "[options] SECRET [SECRET...]",
	.summary = "Remove one or more secrets",
	.text = "Prints the IDs of those that were removed. Containers keep "
		"the copy that they were made with.",
	.examples = (const char *const[]){ "secret rm mysecret1 mysecret2",
					   "secret rm --all", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_RM_EXIT,
	.opts = (const struct opt *const[]){ rm_opts, NULL },
	.args_size = sizeof(struct rm_args),
	.run = rm_run,
};
