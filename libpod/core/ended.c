/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a container, and the start that follows from it.
 *
 * Theory of operation.  The monitor has written the exit record and, with a
 * restart policy, waited.  Then one of two folds the record into the row: the
 * command that is attached (ctr_settled), or `bryo __monitor`, which the
 * monitor has become in place, with the container's lock (ctr_ended).  The
 * latter also restarts, in this very process:
 *
 *   row: exited                 by tx_fold()
 *   plan, listeners bound
 *   row: running, start_n + 1   unless somebody else has changed it meanwhile
 *   launch_here()               bryo-monitor again, with twice the back-off
 *
 * The operation lock is not taken: a command that holds it may be waiting for
 * us.  Instead each change of the row first looks whether it still is what we
 * left: stopped by the user, started by a command or removed, it is not ours.
 *
 * A restart that fails (the source of a bind mount is gone, a port is taken)
 * counts as one that has ended at once: the next try follows after the
 * back-off, as long as the policy wants it.  Waiting is cut short by SIGTERM,
 * like that of bryo-monitor.
 */
#include <signal.h>
#include <time.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/resume.h"
#include "libpod/core/start.h"
#include "libpod/monitor/launch.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/trace.h"

#define BACKOFF_MAX_MS 60000

/* ---- the next round ---------------------------------------------------- */

/* Docker's back-off: doubled each time, anew after 10 s of good work.  Its
 * length is a matter of the boot clock, whatever the time of day did. */
static uint32_t next_delay(const struct ctr *c, uint32_t delay_ms)
{
	int64_t waited = clock_now_ns() - c->finished_ns;

	waited = MAX(waited, (int64_t)0);
	if (proc_age_ns(&c->init) - waited > MONITOR_GOOD_WORK_NS)
		return MONITOR_BACKOFF_MIN_MS;
	return MIN(delay_ms * 2, (uint32_t)BACKOFF_MAX_MS);
}

/* 1: it is not ours any more. */
static int tx_restarting(struct runtime *rt, void *arg, struct err *err)
{
	struct ctr *c = arg;
	struct ctr_mark mark = ctr_mark_of(c);
	autosb struct sb ports = SB_INIT;
	int r;

	/* by us, for this start */
	ports_pack(&c->ports, &ports);
	if (!row_mark_holds(rt, c->id, &mark))
		return 1;
	r = row_reload(rt, c, err);
	if (r < 0)
		return r;
	if (c->stopped_by_user)
		return 1;
	port_list_done(&c->ports);
	r = ports_unpack(ports.buf, &c->ports);
	if (r < 0)
		return err_code(err, r, "ports of %s", c->name);
	c->state = CTR_RUNNING;
	c->restarts++;
	c->start_n++;
	c->init = (struct proc_id){ 0 };	/* the start record has them */
	c->monitor = proc_self();
	c->started_ns = clock_now_ns();
	str_set(&c->error, NULL);
	(void)snprintf(c->boot, sizeof(c->boot), "%s", boot_id());
	return row_save(rt, c, err);
}

/* Returns only when it failed, or 1: it is not ours any more. */
static int restart_here(struct runtime *rt, struct ctr *c, int lock_fd,
			uint32_t delay_ms, struct err *err)
{
	struct monitor_conf conf;
	struct port_socks socks = { 0 };
	struct cgroup_want want;
	struct plan p;
	struct launch l = {
		.spec = &p.spec,
		.cgroup = &want,
		.conf = &conf,
		.want_stdin = c->config.stdin_open,
		.socks = &socks,
	};
	int r;

	plan_init(&p, rt, c);
	p.restart = true;
	monitor_conf_init(&conf);
	r = start_plan(&p, err);
	plan_cgroup(&p, false, &want);
	l.net = p.slirp ? LAUNCH_NET_SLIRP : LAUNCH_NET_OTHER;
	if (r == 0)
		r = start_ports(&p, &socks, err);
	if (r == 0 && FAULT("restart.planned") < 0)
		r = err_sys(err, "restart container %.12s", c->id);
	if (r == 0)
		r = tx_run(rt, 0, tx_restarting, c, err);
	if (r == 0 && FAULT("restart.marked") < 0)
		r = err_sys(err, "restart container %.12s", c->id);
	if (r == 0) {
		start_conf(&conf, &p, lock_fd, delay_ms);
		r = plan_log(&p, &conf, err);
	}
	if (r == 0) {
		conf.listen_fd = start_listen(p.run_dir, err);
		r = conf.listen_fd < 0 ? conf.listen_fd : 0;
	}
	if (r == 0) {
		start_bundle(&p);
		l.monitor_fd = start_program();
		r = launch_here(&l, err);
		close_fd(l.monitor_fd);
	}
	close_fd(conf.listen_fd);
	port_socks_done(&socks);
	monitor_conf_done(&conf);
	plan_done(&p);
	return r;
}

/* ---- the end ------------------------------------------------------------ */

bool start_is_due(const struct ctr *c)
{
	return c->state == CTR_EXITED && start_again(c) &&
	       (c->config.restart != RESTART_ON_FAILURE || c->exit_code != 0);
}

static bool wants_restart(struct runtime *rt, const struct ctr *c)
{
	return c->state == CTR_EXITED &&
	       (ctr_health_restart_wanted(rt, c) || start_is_due(c));
}

struct failure {
	struct ctr *c;
	uint32_t start_n;
	const struct err *why;
};

/* A restart that failed, before it had a number of its own or with it */
static int tx_failed(struct runtime *rt, void *arg, struct err *err)
{
	const struct failure *f = arg;
	struct ctr *c = f->c;
	uint32_t start_n = c->start_n;
	bool marked = start_n != f->start_n;
	int r = row_reload(rt, c, err);

	if (r < 0)
		return r;
	if (c->start_n != start_n ||
	    (marked ? !ctr_is_up(c) : c->state != CTR_EXITED))
		return 1;
	c->restarts += !marked;
	c->state = CTR_EXITED;
	c->exit_code = f->why->kind == ERR_CMD_NOT_FOUND ? 127 : 126;
	c->finished_ns = clock_now_ns();
	str_set(&c->error, f->why->msg);
	return row_save(rt, c, err);
}

static void wait_or_term(uint32_t ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigtimedwait(&set, NULL, &ts);
}

/* The latest word on it; 1: it is not ours any more. */
static int look_again(struct runtime *rt, struct ctr *c, struct err *err)
{
	uint32_t start_n = c->start_n;
	int r;

	/* its policy may have been changed */
	ctr_config_done(&c->config);
	ctr_config_init(&c->config);
	c->config_loaded = false;
	r = row_reload(rt, c, err);
	if (r == 0)
		r = ctr_config_load(rt, c, err);
	if (r < 0)
		return r;
	return c->start_n != start_n || c->state != CTR_EXITED;
}

/* Until it runs, which does not return, or is not wanted any more. */
static int restart(struct runtime *rt, struct ctr *c, int lock_fd,
		   uint32_t delay_ms, struct err *err)
{
	struct err why = ERR_INIT;
	int r = 0;

	delay_ms = next_delay(c, delay_ms);
	while (r == 0 && wants_restart(rt, c)) {
		struct failure f = { c, c->start_n, &why };

		err_clear(&why);
		r = restart_here(rt, c, lock_fd, delay_ms, &why);
		if (r > 0)
			break;
		log_debug("restart %s: %s", c->name, why.msg);
		r = tx_run(rt, TX_RESERVE, tx_failed, &f, err);
		if (r == 0) {
			wait_or_term(delay_ms);
			delay_ms = MIN(delay_ms * 2, (uint32_t)BACKOFF_MAX_MS);
			r = look_again(rt, c, err);
		}
	}
	if (r == -ENOENT)	/* removed */
		r = err_clear(err);
	return MIN(r, 0);
}

static int end(struct runtime *rt, const char *id, uint32_t start_n,
	       int lock_fd, uint32_t delay_ms, int *ret_code, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	struct err why = ERR_INIT;
	int r;

	r = row_load(rt, id, &c, &why);
	if (r == -ENOENT) {	/* removed; we are here for the upkeep */
		struct store *store;

		db_checkpoint(rt->db, true);
		(void)runtime_store(rt, &store, NULL);	/* sweeps */
		return 0;
	}
	if (r == 0)
		r = tx_run(rt, TX_RESERVE, tx_fold, c, &why);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	if (c->start_n != start_n || c->state != CTR_EXITED)
		return 0;	/* somebody else's turn */
	*ret_code = c->exit_code;
	db_checkpoint(rt->db, false);
	if (c->config.auto_remove) {
		const struct ctr_mark mark = ctr_mark_of(c);

		if (FAULT("ended.folded") < 0)
			return err_sys(err, "remove container %.12s", c->id);
		/* not when a command has started it meanwhile */
		return ctr_erase(rt, c, &mark, true, err);
	}
	return restart(rt, c, lock_fd, delay_ms, err);
}

int ctr_ended(struct runtime *rt, const char *id, uint32_t start_n,
	      int lock_fd, uint32_t delay_ms, int *ret_code, struct err *err)
{
	int r = end(rt, id, start_n, lock_fd, delay_ms, ret_code, err);

	/* whatever was due is done, or not wanted any more */
	if (r == 0)
		resume_forget(rt, id);
	return r;
}

bool runtime_wants_upkeep(struct runtime *rt)
{
	rt->upkeep_left = db_wants_checkpoint(rt->db);
	return rt->upkeep_left;
}

/* A --rm container has ended, and nobody has started it anew. */
static int settle_removed(struct runtime *rt, struct ctr *c, int *ret_code,
			  bool *ret_trash, struct err *err)
{
	const uint32_t start_n = c->start_n;
	struct err why = ERR_INIT;
	struct ctr_mark mark;
	int r;

	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);
	if (dir >= 0 && ctr_fold_exit(dir, c))
		*ret_code = c->exit_code;
	do {
		r = row_reload(rt, c, &why);
		if (r == -ENOENT || (r == 0 && c->start_n != start_n))
			return 0;
		if (r < 0)
			return err_set(err, why.kind, why.code, "%s", why.msg);
		mark = ctr_mark_of(c);
		ctr_normalise(rt, c);
		r = ctr_erase_keep(rt, c, &mark, ret_trash, err);
	} while (r > 0);
	return r;
}

int ctr_settled(struct runtime *rt, struct ctr *c, int *ret_code,
		bool *ret_trash, struct err *err)
{
	TRACE("core", "settle");
	struct err why = ERR_INIT;
	int r;

	if (c->config.auto_remove)
		return settle_removed(rt, c, ret_code, ret_trash, err);
	r = tx_run(rt, TX_RESERVE, tx_fold, c, &why);
	if (r == -ENOENT)
		return 0;	/* removed meanwhile: the code is known */
	if (r < 0)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	if (c->state == CTR_EXITED)
		*ret_code = c->exit_code;
	return 0;
}
