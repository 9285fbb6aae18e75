/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `update`: limits, health checks, restart policy and environment of
 * containers that exist.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/create_opts.h"
#include "cmd/container/opt_health.h"
#include "cmd/container/opt_limits.h"
#include "cmd/container/select.h"
#include "util/strv.h"

struct update_args {
	struct limit_args limits;
	struct health_args health;
	bool latest;
	char *restart;
	char **env, **unsetenv, **ulimit;
};

static const struct opt update_opts[] = {
	LIMIT_OPTS(struct update_args),
	HEALTH_OPTS(struct update_args, health),
	OPT_STRV('e', "env", struct update_args, env, "strings",
		 "Set environment variables, from the next start on"),
	OPT_BOOL('l', "latest", struct update_args, latest,
		 "Act on the latest container"),
	OPT_STR(0, "restart", struct update_args, restart, "string",
		"Restart policy: no, on-failure[:max], always, "
		"unless-stopped"),
	OPT_STRV(0, "ulimit", struct update_args, ulimit, "strings",
		 "Ulimit options, from the next start on"),
	OPT_LIST(0, "unsetenv", struct update_args, unsetenv, "strings",
		 "Unset environment variables, from the next start on"),
	OPT_END,
};

static bool any_limit(const struct limit_args *a)
{
	return a->memory || a->memory_swap || a->memory_reservation ||
	       a->memory_swappiness || a->cpu_shares || a->cpus ||
	       a->cpu_period || a->cpu_quota || a->cpu_rt_period ||
	       a->cpu_rt_runtime || a->cpuset_cpus || a->cpuset_mems ||
	       a->pids_limit || a->blkio_weight || a->blkio_weight_device ||
	       a->device_read_bps || a->device_write_bps ||
	       a->device_read_iops || a->device_write_iops ||
	       a->cgroup_conf;
}

/* With a new --memory the old pair of memory and swap means nothing. */
static void forget_swap(const struct limit_args *a, struct oci_limits *l)
{
	if (a->memory && !a->memory_swap && l->memory_swap > 0)
		l->memory_swap = 0;
}

static int change(struct ctr_config *c, void *arg, struct err *err)
{
	const struct update_args *a = arg;
	autostrv char **env = NULL;
	int r;

	forget_swap(&a->limits, &c->limits);
	r = limits_parse(&a->limits, &c->limits, err);
	if (r == 0 && health_args_any(&a->health))
		r = health_apply(&a->health, &c->health, err);
	if (r == 0 && a->restart)
		r = restart_parse(a->restart, c, err);
	if (r == 0)
		r = env_collect(NULL, a->env, &env, err);
	if (r == 0)
		r = ulimits_check(a->ulimit, err);
	if (r < 0)
		return r;
	for (char **v = env; v && *v; v++)
		strv_env_put(&c->env, *v);
	for (char **v = a->unsetenv; v && *v; v++)
		strv_env_unset(c->env, *v);
	if (a->ulimit) {
		strv_free(c->ulimits);
		c->ulimits = strv_copy(a->ulimit);
	}
	return 0;
}

static int update_one(struct runtime *rt, struct ctr *c, void *data,
		      struct err *err)
{
	struct update_args *a = data;
	int r = ctr_update(rt, c, any_limit(&a->limits), change, a, err);

	if (r == 0 && health_args_any(&a->health))
		r = ctr_health_changed(rt, c, err);
	return r;
}

static int update_run(struct runtime *rt, const void *p, char **argv,
		      struct err *err)
{
	const struct update_args *args = p;
	struct update_args copy = *args;
	const struct select_args sel = {
		.verb = "update",
		.latest = args->latest,
	};

	return select_each(rt, &sel, argv, update_one, &copy, err);
}

const struct cmd cmd_container_update = {
	.path = "update",
	.aliases = (const char *const[]){ "container update", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Change the limits and the restart policy of containers",
	.text = "Limits and health checks of a running container change at "
		"once, the rest with its next start.",
	.examples = (const char *const[]){ "update -m 512m web",
					   "update --cpus 1.5 web db",
					   "update --restart always web",
					   NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ update_opts, NULL },
	.args_size = sizeof(struct update_args),
	.run = update_run,
};
