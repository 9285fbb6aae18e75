/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/ps.h"
#include "cmd/prompt.h"
#include "cmd/prune.h"
#include "util/strv.h"

struct prune_args {
	bool dry_run;
	char **filters;
	bool force;
};

static const struct opt prune_opts[] = {
	OPT_BOOL(0, "dry-run", struct prune_args, dry_run,
		 "Only print what would be removed"),
	OPT_LIST(0, "filter", struct prune_args, filters, "KEY=VALUE",
		 "Remove only containers that match"),
	OPT_BOOL('f', "force", struct prune_args, force,
		 "Do not ask for confirmation"),
	OPT_END,
};

static int candidates(struct runtime *rt, const struct prune *p, char ***ret,
		      struct err *err)
{
	auto_ps_filters struct ps_filters filters = PS_FILTERS_INIT;
	auto_ctr_list struct ctr_list list = { NULL, 0 };
	int r = ps_filters_parse(rt, p->filters, &filters, err);

	if (!r)
		r = ctr_list(rt, &list, err);
	for (size_t i = 0; !r && i < list.n; i++) {
		const struct ctr *c = list.v[i];

		if ((c->state == CTR_CREATED || c->state == CTR_EXITED ||
		     c->state == CTR_INITIALIZED) &&
		    ps_matches(c, &filters))
			strv_add(ret, c->id);
	}
	return r;
}

static int remove_one(struct runtime *rt, const char *id, void *data,
		      struct err *err)
{
	const struct ctr_rm_opts opts = { .force = false };
	auto_ctr struct ctr *c = NULL;
	struct prune *p = data;
	int r = ctr_find(rt, id, &c, err);

	if (!r && !p->dry_run)
		r = ctr_remove(rt, c, &opts, err);
	/* Somebody else was faster: it is gone, or it runs again. */
	if (r < 0 && (err->kind == ERR_NOT_FOUND || err->kind == ERR_STATE))
		return err_clear(err);
	if (!r)
		prune_print(p, id);
	return r;
}

int prune_containers(struct runtime *rt, struct prune *p, struct err *err)
{
	autostrv char **ids = NULL;
	int r = candidates(rt, p, &ids, err);

	if (r < 0 || !ids)
		return r;
	return each_arg(rt, ids, false, remove_one, p);
}

static int prune_run(struct runtime *rt, const void *p,
		     char **argv unused_attr, struct err *err)
{
	const struct prune_args *args = p;
	struct prune prune = { .filters = args->filters,
			       .dry_run = args->dry_run };

	int r = 1;

	if (!args->force && !args->dry_run) {
		printf("WARNING! This will remove all non running "
		       "containers.\n");
		r = prompt_confirm(err);
	}
	return r <= 0 ? r : prune_containers(rt, &prune, err);
}

const struct cmd cmd_container_prune = {
	.path = "container prune",
	.usage = "[options]",
	.summary = "Remove all non running containers",
	.text = "Removes containers that were created or have ended, and "
		"prints their ids.",
	.examples = (const char *const[]){ "container prune",
					   "container prune --force "
					   "--filter until=24h", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ prune_opts, NULL },
	.args_size = sizeof(struct prune_args),
	.run = prune_run,
};
