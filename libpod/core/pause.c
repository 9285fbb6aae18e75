/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pause and unpause.
 *
 * Theory of operation.  With a cgroup the kernel freezes all that is in it, at
 * once and invisibly.  Without one every process gets SIGSTOP (members.h says
 * how none escapes); the few that were stopped by themselves before are noted
 * in RUN/containers/ID/stopped, so that unpause leaves them stopped.
 *
 * The row says paused before the first process is stopped and running after
 * the last one goes on: a command killed in between leaves a container that
 * unpause brings back, never one that stands still and is called running.
 * The operation lock keeps two of these commands apart.
 *
 * A commit holds the container the same way for as long as it reads the
 * files, without an event in the journal and with the operation lock: those
 * that need it running wait for the lock and look again.
 */
#include <fcntl.h>
#include <inttypes.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/oci/cgroup.h"
#include "libpod/oci/members.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/trace.h"

#define STOPPED "stopped"
#define STOPPED_MAX (1U << 20)

/* ---- those that were stopped before ------------------------------------- */

static int kept_write(int dir, const struct members *kept, struct err *err)
{
	autosb struct sb text = SB_INIT;

	(void)unlinkat(dir, STOPPED, 0);
	if (kept->n == 0)
		return 0;
	for (size_t i = 0; i < kept->n; i++)
		sb_addf(&text, "%d %" PRIu64 "\n", kept->v[i].id.pid,
			kept->v[i].id.start);
	return file_write_at(dir, STOPPED, text.buf, text.len, 0600, false,
			     err);
}

static void kept_read(int dir, struct members *ret)
{
	autosb struct sb text = SB_INIT;
	struct proc_id id;
	int used = 0;

	if (file_read_at(dir, STOPPED, STOPPED_MAX, &text) < 0)
		return;
	for (const char *s = text.buf;
	     sscanf(s, "%d %" SCNu64 "%n", &id.pid, &id.start, &used) == 2;
	     s += used) {
		ret->v = xreallocarray(ret->v, ret->n + 1, sizeof(*ret->v));
		ret->v[ret->n++] = (struct member){ .id = id };
	}
}

/* ---- the processes ------------------------------------------------------ */

static int stop_all(struct runtime *rt, const struct ctr *c, struct err *err)
{
	autoclose int dir = dir_make_at(rt->run_ctrs_fd, c->id, 0700, err);
	struct cgroup cg cleanup(cgroup_done) = CGROUP_INIT;
	auto_members struct members kept = { 0 };
	int r;

	if (dir < 0)
		return dir;
	cgroup_record_read(dir, &cg);
	if (cg.fd >= 0)
		return cgroup_freeze(cg.fd, true, err);
	r = members_stop(&c->init, &kept, err);
	return r < 0 ? r : kept_write(dir, &kept, err);
}

static int continue_all(struct runtime *rt, const struct ctr *c,
			struct err *err)
{
	autoclose int dir = dir_make_at(rt->run_ctrs_fd, c->id, 0700, err);
	struct cgroup cg cleanup(cgroup_done) = CGROUP_INIT;
	auto_members struct members kept = { 0 };
	int r;

	if (dir < 0)
		return dir;
	cgroup_record_read(dir, &cg);
	if (cg.fd >= 0)
		return cgroup_freeze(cg.fd, false, err);
	kept_read(dir, &kept);
	r = members_continue(&c->init, &kept, err);
	(void)unlinkat(dir, STOPPED, 0);
	return r;
}

/* ---- the row ------------------------------------------------------------ */

struct change {
	struct ctr *c;
	enum ctr_state from, to;
};

/* It may have ended, or be told to stop, meanwhile. */
static int tx_change(struct runtime *rt, void *arg, struct err *err)
{
	const struct change *ch = arg;
	int r = row_reload(rt, ch->c, err);

	if (r < 0)
		return r;
	ctr_normalise(rt, ch->c);
	if (ch->c->state != ch->from)
		return 0;
	ch->c->state = ch->to;
	return row_save(rt, ch->c, err);
}

static int change(struct runtime *rt, struct ctr *c, enum ctr_state from,
		  enum ctr_state to, struct err *err)
{
	return tx_run(rt, TX_RESERVE, tx_change,
		      &(struct change){ c, from, to }, err);
}

/* The lock, and the row as it is now. */
static int take(struct runtime *rt, struct ctr *c, struct err *err)
{
	int r;

	c->op_fd = ctr_op_lock(rt, c->id, err);
	if (c->op_fd < 0)
		return c->op_fd;
	r = row_reload(rt, c, err);
	if (r == 0)
		ctr_normalise(rt, c);
	return r;
}

static int stand_still(struct runtime *rt, struct ctr *c, struct err *err)
{
	int r = change(rt, c, CTR_RUNNING, CTR_PAUSED, err);

	if (r < 0)
		return r;
	if (FAULT("pause.stop") < 0)
		r = err_sys(err, "pause %s", c->name);
	else
		r = stop_all(rt, c, err);
	if (r < 0)
		(void)change(rt, c, CTR_PAUSED, CTR_RUNNING, NULL);
	return r < 0 ? err_wrap(err, r, "pause %s", c->name) : 0;
}

static int go_on(struct runtime *rt, struct ctr *c, struct err *err)
{
	int r = continue_all(rt, c, err);

	if (r < 0)
		return err_wrap(err, r, "unpause %s", c->name);
	if (FAULT("unpause.running") < 0)
		return err_sys(err, "unpause %s", c->name);
	return change(rt, c, CTR_PAUSED, CTR_RUNNING, err);
}

static int pause_locked(struct runtime *rt, struct ctr *c, struct err *err)
{
	if (c->state == CTR_PAUSED)
		return err_set(err, ERR_STATE, EALREADY,
			       "\"%s\" is already paused: container state "
			       "improper", c->id);
	if (c->state != CTR_RUNNING)
		return err_set(err, ERR_STATE, ESRCH,
			       "\"%s\" is not running, can't pause: container "
			       "state improper", ctr_state_name(c->state));
	return stand_still(rt, c, err);
}

static int unpause_locked(struct runtime *rt, struct ctr *c, struct err *err)
{
	if (c->state != CTR_PAUSED)
		return err_set(err, ERR_STATE, EINVAL,
			       "\"%s\" is not paused, can't unpause: container "
			       "state improper", c->id);
	return go_on(rt, c, err);
}

static int change_locked(struct runtime *rt, struct ctr *c,
			 int (*fn)(struct runtime *rt, struct ctr *c,
				   struct err *err),
			 struct err *err)
{
	int r = take(rt, c, err);

	if (r == 0)
		r = fn(rt, c, err);
	close_fd(c->op_fd);
	return r;
}

int ctr_pause(struct runtime *rt, struct ctr *c, struct err *err)
{
	TRACE("core", "pause");
	int r = change_locked(rt, c, pause_locked, err);

	if (r == 0)
		(void)event_ctr(rt, c, EVENT_PAUSE, NULL, NULL);
	return r;
}

int ctr_unpause(struct runtime *rt, struct ctr *c, struct err *err)
{
	TRACE("core", "unpause");
	int r = change_locked(rt, c, unpause_locked, err);

	if (r == 0)
		(void)event_ctr(rt, c, EVENT_UNPAUSE, NULL, NULL);
	return r;
}

/* ---- for a while -------------------------------------------------------- */

int ctr_hold(struct runtime *rt, struct ctr *c, struct ctr_hold *ret,
	     struct err *err)
{
	TRACE("core", "hold");
	struct err why = ERR_INIT;
	int r = take(rt, c, err);

	if (r == 0 && c->state == CTR_RUNNING) {
		*ret = (struct ctr_hold){ rt, c };
		r = stand_still(rt, c, &why);
		if (r == -ESRCH)
			r = 0;	/* it has ended: nothing of it moves */
		if (r < 0)
			err_set(err, why.kind, why.code, "%s", why.msg);
	}
	if (!ret->c)
		close_fd(c->op_fd);
	return r;
}

void ctr_release(struct ctr_hold *h)
{
	struct ctr *c = h->c;

	if (!c)
		return;
	if (row_reload(h->rt, c, NULL) == 0) {
		ctr_normalise(h->rt, c);
		if (c->state == CTR_PAUSED)
			(void)go_on(h->rt, c, NULL);
	}
	close_fd(c->op_fd);
	*h = CTR_HOLD_INIT;
}

int ctr_wait_hold(struct runtime *rt, struct ctr *c, struct err *err)
{
	int r;

	if (c->state != CTR_PAUSED)
		return 0;
	r = take(rt, c, err);
	close_fd(c->op_fd);
	return r;
}
