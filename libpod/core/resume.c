/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a monitor that was killed has left to do.
 *
 * Theory of operation.  From the start on two empty files say what is to be
 * done at the end (monitor.h); a monitor that does it removes them.  Commands
 * that look at a container (ps, inspect, logs, ...) do the rest when they find
 * it without its monitor:
 *
 *   it has ended, and its policy wants another round: `bryo __resume` starts
 *   it.  That one gets the operation lock from us, so whoever wants to stop or
 *   remove the container waits until it is started.
 *
 *   its payload runs on: `bryo __resume --watch` waits for its end and does
 *   the same then.  Who watches has the flock of the file "policy", so there
 *   is one of them.
 *
 * Nobody waits for either: the command says how things are now.
 *
 * The hooks are run by whoever cleans up: stop, start and rm.
 */
#include "libpod/core/resume.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/log/log.h"
#include "libpod/core/start.h"
#include "libpod/monitor/monitor.h"
#include "libpod/oci/hooks.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

/* ---- the restart policy ------------------------------------------------ */

/* The file "policy" of this boot: owned descriptor, or -errno */
static int policy_open(struct runtime *rt, const struct ctr *c)
{
	autoclose int dir = streq(c->boot, boot_id()) ?
				    dir_open_at(rt->run_ctrs_fd, c->id) :
				    -ESRCH;
	int fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, POLICY_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

bool resume_is_due(struct runtime *rt, const struct ctr *c)
{
	if (!start_is_due(c) || log_is_passthrough(&c->config))
		return false;
	autoclose int fd = policy_open(rt, c);

	return fd >= 0 && ctr_lock_probe(rt, c->id) == 0;
}

void resume_forget(struct runtime *rt, const char *id)
{
	autoclose int dir = dir_open_at(rt->run_ctrs_fd, id);

	if (dir >= 0)
		(void)unlinkat(dir, POLICY_NAME, 0);
}

/* The row as it is now, with all of its config. */
static bool is_due_now(struct runtime *rt, struct ctr *c)
{
	if (row_reload(rt, c, NULL) < 0 || ctr_config_load(rt, c, NULL) < 0)
		return false;
	ctr_normalise(rt, c);
	return resume_is_due(rt, c);
}

/* Another bryo does it, which gets our lock. */
static void hand_over(struct runtime *rt, const struct ctr *c,
		      const char *option, int fd)
{
	autostrv char **argv = start_argv(rt);
	const int fds[] = { -1, -1, -1, fd };
	struct proc_spawn s = {
		.path = self_path(),
		.env = environ,
		.fds = fds,
		.n_fds = ARRAY_LEN(fds),
	};
	struct err why = ERR_INIT;

	strv_add(&argv, "__resume");
	strv_addf(&argv, "--%s=3", option);
	strv_add(&argv, c->id);
	s.argv = argv;
	if (proc_spawn(&s, NULL, &why) < 0)
		log_debug("resume the restart policy of %s: %s", c->name,
			  why.msg);
}

static void start_later(struct runtime *rt, const char *id)
{
	auto_ctr struct ctr *c = NULL;
	autoclose int op = dir_open_at(rt->ctrs_fd, id);

	/* somebody who works on it will not need us */
	if (op < 0 || flock(op, LOCK_EX | LOCK_NB) < 0 ||
	    row_load(rt, id, &c, NULL) < 0 || !is_due_now(rt, c))
		return;
	hand_over(rt, c, "lock-fd", op);
}

static void watch(struct runtime *rt, const struct ctr *c)
{
	autoclose int fd = policy_open(rt, c);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		hand_over(rt, c, "watch-fd", fd);
}

void ctr_notice(struct runtime *rt, const struct ctr *c)
{
	if (c->config.restart == RESTART_NO || c->stopped_by_user)
		return;
	if (c->state == CTR_EXITED)
		start_later(rt, c->id);
	else if (c->orphaned && ctr_is_up(c))
		watch(rt, c);
}

int ctr_look(struct runtime *rt, const char *name, struct ctr **ret,
	     struct err *err)
{
	int r = ctr_find(rt, name, ret, err);

	if (r == 0)
		ctr_notice(rt, *ret);
	return r;
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

int ctr_watch(struct runtime *rt, struct ctr *c, struct err *err)
{
	autoclose int init = proc_open(&c->init);
	int op;

	if (init >= 0)
		(void)pidfd_wait(init, -1);
	op = ctr_op_lock(rt, c->id, err);
	return op < 0 ? op : ctr_resume(rt, c, op, err);
}

/* ---- hooks ------------------------------------------------------------- */

static int run_hooks(void *arg, struct err *err)
{
	struct hooks hooks cleanup(hooks_done) = { .n = 0 };
	const int *dir = arg;
	int r = hooks_load(*dir, &hooks, err);

	return r < 0 ? r : hooks_run(&hooks, HOOK_POSTSTOP, 0, *dir, err);
}

void resume_poststop(struct runtime *rt, const struct ctr *c)
{
	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);
	struct err why = ERR_INIT;

	if (dir < 0 || unlinkat(dir, POSTSTOP_NAME, 0) < 0)
		return;
	/* where the monitor would have run them */
	if (userns_run(rt, run_hooks, &dir, &why) < 0)
		log_debug("%s: %s", c->name, why.msg);
}
