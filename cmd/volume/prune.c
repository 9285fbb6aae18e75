/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/prompt.h"
#include "cmd/prune.h"
#include "cmd/volume/volume.h"
#include "util/strv.h"

struct prune_args {
	bool all;
	bool dry_run;
	char **filters;
	bool force;
};

static const struct opt prune_opts[] = {
	OPT_BOOL('a', "all", struct prune_args, all,
		 "Remove unused volumes that have a name too"),
	OPT_BOOL(0, "dry-run", struct prune_args, dry_run,
		 "Only print what would be removed"),
	OPT_LIST(0, "filter", struct prune_args, filters, "KEY=VALUE",
		 "Remove only volumes that match"),
	OPT_BOOL('f', "force", struct prune_args, force,
		 "Do not ask for confirmation"),
	OPT_END,
};

static int candidates(struct runtime *rt, const struct prune *p, char ***ret,
		      struct err *err)
{
	auto_volume_list struct volume_list all = { NULL, 0 };
	auto_filters struct filters filters = FILTERS_INIT;
	int r = volume_filters_parse(p->filters, &filters, err);

	if (!r)
		r = volume_list(rt, &all, err);
	for (size_t i = 0; !r && i < all.n; i++) {
		const struct volume *v = all.v[i];

		if (!strv_len(v->users) && (p->all || v->anonymous) &&
		    volume_matches(v, &filters))
			strv_add(ret, v->name);
	}
	return r;
}

/* 1, 0, -errno: as prompt_confirm() */
static int confirmed(const struct prune_args *args, char *const *names,
		     struct err *err)
{
	const char *kind = args->all ? "" : " anonymous";

	if (args->force || args->dry_run)
		return 1;
	if (!strv_len(names)) {
		printf("No dangling%s volumes found\n", kind);
		return 0;
	}
	printf("WARNING! This will remove all%s volumes not used by at least "
	       "one container. The following volumes will be removed:\n",
	       kind);
	for (; *names; names++)
		printf("%s\n", *names);
	return prompt_confirm(err);
}

static int remove_one(struct runtime *rt, const char *name, void *data,
		      struct err *err)
{
	struct prune *p = data;
	int r = p->dry_run ? 0 : volume_remove(rt, name, false, 0, err);

	/* Somebody else was faster: it is not there, or in use again. */
	if (r < 0 && (err->kind == ERR_NOT_FOUND || err->kind == ERR_IN_USE))
		return err_clear(err);
	if (!r)
		prune_print(p, name);
	return r;
}

static int remove_all(struct runtime *rt, struct prune *p, char **names)
{
	return names ? each_arg(rt, names, false, remove_one, p) : 0;
}

int prune_volumes(struct runtime *rt, struct prune *p, struct err *err)
{
	autostrv char **names = NULL;
	int r = candidates(rt, p, &names, err);

	return r < 0 ? r : remove_all(rt, p, names);
}

static int prune_run(struct runtime *rt, const void *p,
		     char **argv unused_attr, struct err *err)
{
	const struct prune_args *args = p;
	struct prune prune = { .filters = args->filters, .all = args->all,
			       .dry_run = args->dry_run };
	autostrv char **names = NULL;
	int r = candidates(rt, &prune, &names, err);

	if (r == 0)
		r = confirmed(args, names, err);
	return r <= 0 ? r : remove_all(rt, &prune, names);
}

const struct cmd cmd_volume_prune = {
	.path = "volume prune",
	.usage = "[options]",
	.summary = "Remove unused volumes",
	.text = "Removes anonymous volumes that no container uses; with --all "
		"those with a name too.",
	.examples = (const char *const[]){ "volume prune",
					   "volume prune --all --force",
					   NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ prune_opts, NULL },
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
