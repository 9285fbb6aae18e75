/* SPDX-License-Identifier: Apache-2.0 */
#include "libpod/core/resume.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/log/log.h"
#include "libpod/core/start.h"
#include "libpod/monitor/monitor.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/strv.h"

bool resume_is_due(struct runtime *rt, const struct ctr *c)
{
	struct stat st;

	if (!start_is_due(c) || log_is_passthrough(&c->config))
		return false;
	autoclose int dir = dir_open_at(rt->run_ctrs_fd, c->id);

	return dir >= 0 &&
	       fstatat(dir, BACKOFF_NAME, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ctr_lock_probe(rt, c->id) == 0;
}

void resume_forget(struct runtime *rt, const char *id)
{
	autoclose int dir = dir_open_at(rt->run_ctrs_fd, id);

	if (dir >= 0)
		(void)unlinkat(dir, BACKOFF_NAME, 0);
}

/* The row as it is now, with all of its config. */
static bool is_due_now(struct runtime *rt, struct ctr *c)
{
	if (row_reload(rt, c, NULL) < 0 || ctr_config_load(rt, c, NULL) < 0)
		return false;
	ctr_normalise(rt, c);
	return resume_is_due(rt, c);
}

/* Another bryo does it, which gets our operation lock: whoever wants to stop
 * or remove the container waits until it is started. */
static void hand_over(struct runtime *rt, const struct ctr *c, int op_fd)
{
	autostrv char **argv = start_argv(rt);
	const int fds[] = { -1, -1, -1, op_fd };
	struct proc_spawn s = {
		.path = self_path(),
		.env = environ,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
	};
	struct err why = ERR_INIT;

	strv_add(&argv, "__resume");
	strv_add(&argv, "--lock-fd=3");
	strv_add(&argv, c->id);
	s.argv = argv;
	if (proc_spawn(&s, NULL, &why) < 0)
		log_debug("resume the restart policy of %s: %s", c->name,
			  why.msg);
}

static void resume_one(struct runtime *rt, const char *id)
{
	auto_ctr struct ctr *c = NULL;
	autoclose int op = dir_open_at(rt->ctrs_fd, id);

	/* somebody who works on it will not need us */
	if (op < 0 || flock(op, LOCK_EX | LOCK_NB) < 0 ||
	    row_load(rt, id, &c, NULL) < 0 || !is_due_now(rt, c))
		return;
	hand_over(rt, c, op);
}

void ctr_list_resume(struct runtime *rt, const struct ctr_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct ctr *c = list->v[i];

		if (c->state == CTR_EXITED && c->config.restart != RESTART_NO &&
		    !c->stopped_by_user)
			resume_one(rt, c->id);
	}
}

int ctr_resume(struct runtime *rt, struct ctr *c, int op_fd, struct err *err)
{
	c->op_fd = op_fd;
	if (!is_due_now(rt, c))
		return 0;
	if (FAULT("resume.policy") < 0)
		return err_sys(err, "restart %s", c->name);
	c->resumed = true;
	return ctr_start(rt, c, NULL, err);
}
