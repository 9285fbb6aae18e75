/* SPDX-License-Identifier: Apache-2.0 */
/* `healthcheck run`, and `__health`, the same for the monitor's timer */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/container.h"

struct healthcheck_args {
	bool ignore_result;
};

static const struct opt healthcheck_opts[] = {
	OPT_BOOL(0, "ignore-result", struct healthcheck_args, ignore_result,
		 "End with 0 although the check failed"),
	OPT_END,
};

static int healthcheck_run(struct runtime *rt, const void *p, char **argv,
			   struct err *err)
{
	const struct healthcheck_args *args = p;
	auto_ctr struct ctr *c = NULL;
	struct health_result res = { 0 };
	int r = ctr_find(rt, argv[0], &c, err);

	if (r == 0)
		r = ctr_health_check(rt, c, &res, err);
	if (r < 0 || res.passed)
		return r;
	puts(health_status_name(res.status == HEALTH_STARTING ?
				HEALTH_STARTING : HEALTH_UNHEALTHY));
	return args->ignore_result ? 0 : 1;
}

const struct cmd cmd_healthcheck_run = {
	.path = "healthcheck run",
	.usage = "[options] CONTAINER",
	.summary = "Run the health check of a container now",
	.text = "The result counts as one of the timer's would.  Ends with 0 "
		"when the check passes, prints the status and ends with 1 "
		"when it does not.",
	.examples = (const char *const[]){ "healthcheck run web", NULL },
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ healthcheck_opts, NULL },
	.args_size = sizeof(struct healthcheck_args),
	.run = healthcheck_run,
};

/* Tells the monitor on stdout in how many milliseconds the next one is due. */
static int timer_run(struct runtime *rt, const void *p unused_attr,
		     char **argv, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	struct health_result res = { 0 };
	int r = ctr_find(rt, argv[0], &c, err);

	if (r == 0)
		r = ctr_health_check(rt, c, &res, err);
	if (r == 0 || (c && err->kind == ERR_NOT_FOUND))
		printf("%u\n", res.next_ms);
	return r;
}

const struct cmd cmd_healthcheck_timer = {
	.path = "__health",
	.usage = "ID",
	.summary = "Make the health check that is due",
	.min_args = 1,
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME | CMD_HIDDEN,
	.run = timer_run,
};
