/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/format.h"
#include "libpod/core/check.h"
#include "libpod/core/runtime.h"
#include "util/str.h"

struct check_args {
	bool force;
	char *max_age;
	bool quick;
	bool repair;
};

static const struct opt check_opts[] = {
	OPT_BOOL('f', "force", struct check_args, force,
		 "With --repair: remove containers that cannot be repaired, "
		 "too"),
	{ 'm', "max", "max-layer-age", OPT_T_STR,
	  OPT_CHECK_(struct check_args, max_age, char *), OPT_NO_GIVEN,
	  "duration", "24h",
	  "Layers that no image has are damage when they are older", 0 },
	OPT_BOOL('q', "quick", struct check_args, quick,
		 "Look at what is there, not at what it contains"),
	OPT_BOOL('r', "repair", struct check_args, repair,
		 "Repair what can be, remove what cannot"),
	OPT_END,
};

static void tell(const char *line, void *arg unused_attr)
{
	print_text(line, strlen(line));
	putchar('\n');
	fflush(stdout);
}

static int check_run(struct runtime *rt, const void *p,
		     char **argv unused_attr, struct err *err)
{
	const struct check_args *args = p;
	struct check ck = {
		.quick = args->quick,
		.repair = args->repair,
		.force = args->force,
		.max_age_s = 24 * 3600,
		.tell = tell,
	};
	int64_t ns;
	int r;

	if (args->force && !args->repair)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--force needs --repair");
	if (args->max_age && parse_duration(args->max_age, &ns) < 0)
		return err_set(err, ERR_USAGE, EINVAL,
			       "invalid duration \"%s\" of --max",
			       args->max_age);
	if (args->max_age)
		ck.max_age_s = ns / 1000000000;
	r = runtime_check(rt, &ck, err);
	if (r < 0)
		return r;
	if (ck.found > ck.repaired)
		return err_set(err, ERR_FAIL, EIO,
			       "damage detected in local storage%s",
			       args->repair ? "" : ": try --repair");
	return 0;
}

const struct cmd cmd_system_check = {
	.path = "system check",
	.usage = "[options]",
	.summary = "Check that images, containers and volumes are whole",
	.text = "Compares every blob with its digest, every layer with what "
		"its blob unpacks to, and rows with files in both directions. "
		"A line per finding.",
	.examples = (const char *const[]){ "system check",
					   "system check --quick",
					   "system check --repair", NULL },
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ check_opts, NULL },
	.args_size = sizeof(struct check_args),
	.run = check_run,
};
