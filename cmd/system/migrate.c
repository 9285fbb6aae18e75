/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/select.h"
#include "libpod/core/runtime.h"
#include "util/str.h"

struct migrate_args {
	bool database;
	char *runtime;
};

static const struct opt migrate_opts[] = {
	OPT_BOOL(0, "migrate-db", struct migrate_args, database,
		 "Bring the database to the present format, which every "
		 "command does"),
	OPT_STR(0, "new-runtime", struct migrate_args, runtime, "string",
		"Change the OCI runtime of all containers; there is only bryo"),
	OPT_END,
};

static bool is_live(const struct ctr *c)
{
	return ctr_is_live(c);
}

static int stop_one(struct runtime *rt, struct ctr *c, void *data unused_attr,
		    struct err *err)
{
	int r = ctr_config_load(rt, c, err);

	if (r == 0 && c->state == CTR_PAUSED)
		r = ctr_unpause(rt, c, err);

	return r < 0 ? r : ctr_stop(rt, c, CTR_TIMEOUT_CONFIG, err);
}

static int migrate_run(struct runtime *rt, const void *p, char **argv,
		       struct err *err)
{
	const struct migrate_args *args = p;
	const struct select_args sel = {
		.verb = "stop",
		.all = true,
		.wanted = is_live,
	};
	int code;
	int r;

	if (args->runtime && !streq(args->runtime, "bryo"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "no OCI runtime \"%s\": containers run with the "
			       "runtime inside bryo, the only one there is",
			       args->runtime);
	code = select_each(rt, &sel, argv, stop_one, NULL, err);
	if (code != 0)
		return code;
	r = userns_forget(rt, err);
	return r < 0 ? r : 0;
}

const struct cmd cmd_system_migrate = {
	.path = "system migrate",
	.usage = "[options]",
	.summary = "Stop all containers and use /etc/subuid anew",
	.text = "Stops all containers and lets their user namespace go, so "
		"that the next command uses what /etc/subuid and /etc/subgid "
		"say now. Nothing else ever needs it.",
	.examples = (const char *const[]){ "system migrate", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ migrate_opts, NULL },
	.args_size = sizeof(struct migrate_args),
	.run = migrate_run,
};
