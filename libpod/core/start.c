/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a container: from row and config to a running monitor.
 *
 * Theory of operation.  Two callers: a command (ctr_start) forks the monitor
 * and waits for its report; `bryo __monitor` (ended.c) is the monitor and
 * starts the next round in place.  Both gather a struct plan first.
 *
 *   command                                  witnesses (see state.c)
 *   --------------------------------------   ---------------------------
 *   operation lock, row: starting, start_n   row
 *   monitor lock                             lock held (by us)
 *   plan, listeners bound
 *   launch_spawn(), our copy of the lock     lock held (by M)
 *   is closed
 *   launch_created()
 *   launch_go()                              started; the payload runs
 *   row: running
 *
 * What follows launch_go() is not waited for by anybody: config.json and pid
 * files are written while M works, the row while the payload already runs.
 * Each failure before "go" is undone by M; the row goes back to what it was.
 *
 * The monitor of the last start may still hold its lock: it is about to end,
 * or waits before a restart of its own.  It is woken once the row has the
 * number of this start, sees that it is nobody's monitor any more, and goes.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/log/log.h"
#include "libpod/core/plan/notify.h"
#include "libpod/core/plan/plan.h"
#include "libpod/core/resume.h"
#include "libpod/core/start.h"
#include "libpod/monitor/launch.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define LOCK_WAIT_MS 10000
/* ---- what is written while M works ------------------------------------- */

static int write_pid(const char *path, pid_t pid, struct err *err)
{
	char text[16];
	int n;

	if (!path)
		return 0;
	n = snprintf(text, sizeof(text), "%d", pid);
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				0644);

	if (fd < 0 || fd_write_full(fd, text, (size_t)n) < 0)
		return err_sys(err, "write pid file %s", path);
	return 0;
}

/* Wishes that could not be granted: one warning each. */
static void warn_each(const char *lines)
{
	autostrv char **v = strv_split(lines, '\n');

	for (char **l = v; l && *l; l++)
		if (**l)
			log_warn("%s", *l);
}

/* ---- rows -------------------------------------------------------------- */

struct starting {
	struct ctr *c;
	const struct ctr_mark *mark;
};

static int tx_starting(struct runtime *rt, void *arg, struct err *err)
{
	const struct starting *s = arg;
	struct ctr *c = s->c;

	if (!row_mark_holds(rt, c->id, s->mark))
		return 1;
	c->state = CTR_STARTING;
	c->owner = proc_self();
	(void)snprintf(c->owner_boot, sizeof(c->owner_boot), "%s", boot_id());
	(void)snprintf(c->boot, sizeof(c->boot), "%s", boot_id());
	c->start_n++;
	/* the policy's, since somebody wanted it */
	c->restarts = c->resumed ? c->restarts + 1 : 0;
	c->stopped_by_user = false;
	str_set(&c->error, NULL);
	return row_save(rt, c, err);
}

/* 1: the row is not any more what @mark says. */
static int mark_starting(struct runtime *rt, struct ctr *c,
			 const struct ctr_mark *mark, struct err *err)
{
	int r;

	if (c->state == CTR_CREATING)
		return 0;	/* `run`: the row is ours since its creation */
	r = tx_run(rt, 0, tx_starting, &(struct starting){ c, mark }, err);
	if (r == 0 && ctr_comes_back(&c->config))
		ctr_wake_monitor(rt, c);
	return r;
}

static int tx_running(struct runtime *rt, void *arg, struct err *err)
{
	const struct plan *p = arg;
	struct ctr *c = p->c;
	auto_ctr struct ctr *now = xcalloc(1, sizeof(*now));
	struct err why = ERR_INIT;
	int r;

	now->op_fd = -EBADF;
	memcpy(now->id, c->id, sizeof(now->id));
	r = row_reload(rt, now, &why);
	if (r == -ENOENT)
		return 0;	/* --rm: it ended and is gone */
	if (r == 0 && now->state == CTR_STOPPING) {
		c->state = CTR_STOPPING;
		c->owner = now->owner;
		memcpy(c->owner_boot, now->owner_boot, sizeof(c->owner_boot));
		c->stopped_by_user = true;
	}
	if (r == 0 && p->attached)
		r = event_ctr(rt, c, EVENT_ATTACH, NULL, &why);
	/* a short one may have ended, and its monitor have said so */
	if (r == 0 && now->start_n == c->start_n && now->state != CTR_EXITED)
		r = row_save(rt, c, &why);
	for (char **v = p->filled; r == 0 && v && *v; v++)
		r = volume_filled(rt, *v, &why);
	return r < 0 ? err_set(err, why.kind, -r, "%s", why.msg) : 0;
}

/* Objects are durable, run state is not: a `run` makes both. */
static int mark_running(struct runtime *rt, struct plan *p, struct ctr *c,
			const struct launch_report *rep, struct err *err)
{
	TRACE("core", "row running");
	bool durable = c->state == CTR_CREATING && !c->config.auto_remove;

	c->state = CTR_RUNNING;
	c->init = rep->init;
	c->monitor = rep->monitor;
	c->owner = (struct proc_id){ 0 };
	/* not now: a short payload has ended already */
	c->started_ns = p->go_ns;
	c->orphaned = false;
	return tx_run(rt, durable ? TX_DURABLE | TX_RESERVE : TX_RESERVE,
		      tx_running, p, err);
}

static int tx_held(struct runtime *rt, void *arg, struct err *err)
{
	const struct plan *p = arg;
	int r = row_save(rt, p->c, err);

	for (char **v = p->filled; r == 0 && v && *v; v++)
		r = volume_filled(rt, *v, err);
	return r;
}

/* Before M is told: should we die in between, it takes everything back. */
static int mark_held(struct plan *p, const struct launch_report *rep,
		     struct err *err)
{
	struct ctr *c = p->c;

	c->state = CTR_INITIALIZED;
	c->init = rep->init;
	c->monitor = rep->monitor;
	c->owner = (struct proc_id){ 0 };
	if (FAULT("init.row") < 0)
		return err_sys(err, "initialize container %.12s", c->id);
	return tx_run(p->rt, TX_RESERVE, tx_held, p, err);
}

/*
 * What a start that failed leaves: the container as it was, with the code and
 * the times of its last real start; --rm nothing.  One that never ran has the
 * code that the command ends with.
 */
static void undo_start(struct runtime *rt, struct ctr *c, bool fresh,
		       const struct ctr *before, const struct err *why)
{
	if (fresh && c->config.auto_remove) {
		(void)ctr_erase(rt, c, NULL, true, NULL);
		return;
	}
	c->state = before->state == CTR_CREATING ? CTR_CREATED :
						   before->state;
	c->exit_code = before->exit_code;
	if (c->state == CTR_CREATED)
		c->exit_code = why->kind == ERR_CMD_NOT_FOUND ? 127 : 126;
	c->start_n = before->start_n;
	c->started_ns = before->started_ns;
	c->restarts = before->restarts;
	c->stopped_by_user = before->stopped_by_user;
	c->owner = (struct proc_id){ 0 };
	str_set(&c->error, why->msg);
	(void)tx_run(rt, fresh ? TX_DURABLE | TX_RESERVE : TX_RESERVE, tx_save,
		     c, NULL);
}

/*
 * From "go" on the container runs, and the command is to end with 0: a signal
 * that would end it in between has to wait.  It stays pending until the
 * command is through (or attach_run() takes it), the next start lets it in.
 */
static void hold_signals(bool hold)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* ---- the start --------------------------------------------------------- */

/*
 * The payload may run already, but the start failed: its monitor died or the
 * row could not be written.  End it and see the monitor go.  The records have
 * a number that the next start uses again.
 */
static int end_started(const struct plan *p, const struct launch_report *rep,
		       int *attach, struct err *err)
{
	autoclose int fd = proc_open(&rep->init);
	autoclose int lock = -EBADF;

	if (attach)
		close_fd(*attach);
	if (fd >= 0)
		(void)pidfd_signal(fd, SIGKILL);
	lock = ctr_lock_take(p->dir, p->c->name, LOCK_WAIT_MS, err);
	(void)unlinkat(p->dir, "started", 0);
	(void)unlinkat(p->dir, "exit", 0);
	return MIN(lock, 0);
}

/* Init waits in its namespaces: who asked for its pid gets it before the
 * payload can do anything. */
static int wait_created(struct plan *p, struct launch_proc *proc,
			struct launch_report *rep, struct err *err)
{
	TRACE("core", "wait created");
	const struct ctr_config *config = &p->c->config;
	int r = launch_created(proc, rep, err);

	if (r < 0)
		return r;
	if (rep->warnings[0])
		warn_each(rep->warnings);
	r = write_pid(config->pidfile, rep->init.pid, err);
	if (r == 0)
		r = write_pid(config->conmon_pidfile, rep->monitor.pid, err);
	if (r == 0 && FAULT("start.created") < 0)
		r = err_sys(err, "start container %.12s", p->c->id);
	if (r == 0 && p->hold)
		r = mark_held(p, rep, err);
	return r;
}

/* Talks to M; all of the plan lives until it is done. */
static int launch(struct plan *p, struct launch *l, int *lock,
		  struct launch_report *rep, struct err *err)
{
	struct launch_proc proc = LAUNCH_PROC_INIT;
	int r;

	if (FAULT("start.spawn") < 0)
		return err_sys(err, "start container %.12s", p->c->id);
	/* hooks may read it; else it is written while M works */
	if (p->spec.hooks)
		start_bundle(p);
	{
		TRACE("core", "spawn");
		r = launch_spawn(l, &proc, err);
	}
	close_fd(*lock);	/* M has its own copy */
	if (r < 0)
		return r;
	/* M's copy of the client end must be the only one */
	close_fd(l->conf->client_fd);
	close_fd(l->conf->listen_fd);
	if (!p->spec.hooks)
		start_bundle(p);
	if (FAULT("start.spawned") < 0)
		r = err_sys(err, "start container %.12s", p->c->id);
	if (r == 0)
		r = wait_created(p, &proc, rep, err);
	if (r == 0) {
		TRACE("core", "go");
		hold_signals(true);
		p->go_ns = clock_now_ns();
		r = launch_go(&proc, err);
		if (r < 0)
			(void)end_started(p, rep, NULL, NULL);
	}
	launch_proc_done(&proc);
	return r;
}

static int join_u(void *arg, struct err *err)
{
	const struct plan *p = arg;

	return p->userns < 0 ? 0 : userns_join(p->userns, err);
}

static int run_plan(struct plan *p, int lock, int *attach,
		    struct launch_report *rep, struct err *err)
{
	struct monitor_conf conf;
	struct port_socks socks = { 0 };
	struct cgroup_want want;
	struct launch l = {
		.spec = &p->spec,
		.cgroup = &want,
		.conf = &conf,
		.want_stdin = p->c->config.stdin_open,
		.net = p->slirp ? LAUNCH_NET_SLIRP : LAUNCH_NET_OTHER,
		.join_userns = join_u,
		.arg = p,
		.sibling = !p->hold && notify_names_monitor(p->c),
		.hold = p->hold,
	};
	int sp[2] = { -EBADF, -EBADF };
	int r;

	monitor_conf_init(&conf);
	plan_cgroup(p, attach != NULL, &want);
	r = start_ports(p, &socks, err);
	if (r == 0) {
		start_conf(&conf, p, lock, MONITOR_BACKOFF_MIN_MS);
		r = plan_log(p, &conf, err);
	}
	if (r == 0) {
		conf.listen_fd = start_listen(p->run_dir, err);
		r = conf.listen_fd < 0 ? conf.listen_fd : 0;
	}
	if (r == 0 && attach &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sp) < 0)
		r = err_sys(err, "socketpair");
	l.monitor_fd = start_program();
	l.socks = &socks;
	conf.client_fd = sp[1];
	if (r == 0)
		r = launch(p, &l, &lock, rep, err);
	close_fd(conf.client_fd);
	close_fd(conf.listen_fd);
	close_fd(l.monitor_fd);
	close_fd(lock);
	port_socks_done(&socks);
	monitor_conf_done(&conf);
	if (r == 0 && attach)
		*attach = take_fd(sp[0]);
	close_fd(sp[0]);
	return r;
}

static int start_locked(struct runtime *rt, struct ctr *c, int *attach,
			bool hold, struct err *err)
{
	struct launch_report rep = { 0 };
	struct plan plan;
	int lock;
	int r;

	plan_init(&plan, rt, c);
	plan.attached = attach != NULL;
	plan.hold = hold;
	/* before the hooks of this start take their place */
	if (c->start_n > 1)
		resume_poststop(rt, c);
	r = c->image ? 0 : ctr_dirs_make(rt, c, err);
	if (r == 0)
		r = start_plan(&plan, err);
	lock = r == 0 ? ctr_lock_take(plan.dir, c->name, LOCK_WAIT_MS, err) :
			-EBADF;
	if (r == 0 && lock < 0)
		r = lock;
	if (r == 0)
		r = run_plan(&plan, lock, attach, &rep, err);
	if (r == 0 && !hold) {
		if (FAULT("start.started") < 0)
			r = err_sys(err, "start container %.12s", c->id);
		else
			r = mark_running(rt, &plan, c, &rep, err);
		if (r < 0)
			(void)end_started(&plan, &rep, attach, NULL);
	}
	plan_done(&plan);
	return r;
}

/* What a start finds; -errno: it is in somebody else's hands. */
enum claim {
	CLAIM_FREE,
	CLAIM_RUNS,
	CLAIM_WAITS,	/* initialized */
};

/* Return: enum claim.  @ret: what the row says */
static int check_startable(struct runtime *rt, struct ctr *c,
			   struct ctr_mark *ret, struct err *err)
{
	int r = row_reload(rt, c, err);

	if (r < 0)
		return r;
	*ret = ctr_mark_of(c);
	ctr_normalise(rt, c);
	if (c->state == CTR_RUNNING || c->state == CTR_STOPPING)
		return CLAIM_RUNS;
	if (c->state == CTR_INITIALIZED)
		return CLAIM_WAITS;
	if (c->state == CTR_PAUSED)
		return err_set(err, ERR_STATE, EBUSY,
			       "container %s must be in Created or Stopped "
			       "state to be started, it is paused: container "
			       "state improper", c->id);
	if (c->state == CTR_CREATED || c->state == CTR_EXITED)
		return CLAIM_FREE;
	return err_set(err, ERR_STATE, EBUSY,
		       "container %s is in state %s: container state improper",
		       c->name, ctr_state_name(c->state));
}

/* Make the row ours.  The operation lock keeps commands off, but not the
 * monitor of the last start, which settles or restarts it: then look again.
 * Return: enum claim.  @before: only its numbers are used */
static int claim(struct runtime *rt, struct ctr *c, struct ctr *before,
		 struct err *err)
{
	bool run = c->state == CTR_CREATING;	/* see take_turn() */
	struct ctr_mark mark = { 0 };
	int r;

	do {
		r = run ? CLAIM_FREE : check_startable(rt, c, &mark, err);
		if (r != CLAIM_FREE)
			return r;
		*before = *c;
		r = mark_starting(rt, c, &mark, err);
	} while (r > 0);
	return r;
}

static int err_already(struct err *err, const struct ctr *c)
{
	return err_set(err, ERR_STATE, EALREADY,
		       "container %s has already been created in runtime: "
		       "container state improper", c->id);
}

/* The payload of an initialized container is to run.  1: its monitor was told
 * meanwhile to take everything back, and has done so.  @before: what a failure
 * makes of it */
static int resume_locked(struct runtime *rt, struct ctr *c, int *attach,
			 struct ctr *before, struct err *err)
{
	const struct launch_report rep = { c->init, c->monitor, "" };
	autoclose int sock = -EBADF;
	struct plan plan;
	int r;

	*before = *c;
	ctr_roll_back(before);
	plan_init(&plan, rt, c);
	plan.attached = attach != NULL;
	plan.dir = ctr_dir(rt, c, err);
	r = plan.dir < 0 ? plan.dir : ctr_attach(rt, c, &sock, NULL);
	if (r < 0 && plan.dir >= 0) {
		r = end_started(&plan, &rep, NULL, err);
		r = r < 0 ? r : 1;
	}
	if (r == 0 && FAULT("resume.go") < 0)
		r = err_sys(err, "start container %.12s", c->id);
	if (r == 0) {
		hold_signals(true);
		plan.go_ns = clock_now_ns();
		r = launch_resume(sock, attach != NULL, err);
	}
	if (r == 0 && FAULT("resume.gone") < 0)
		r = err_sys(err, "start container %.12s", c->id);
	if (r == 0)
		r = mark_running(rt, &plan, c, &rep, err);
	if (r < 0 && sock >= 0)
		(void)end_started(&plan, &rep, NULL, NULL);
	if (r == 0 && attach)
		*attach = take_fd(sock);
	plan_done(&plan);
	return r;
}

static int start_or_init(struct runtime *rt, struct ctr *c, int *attach,
			 bool hold, struct err *err)
{
	bool run = c->state == CTR_CREATING;
	struct err why = ERR_INIT;
	struct ctr before = *c;
	int found;
	int r;

	do {
		found = claim(rt, c, &before, err);
		if (found < 0)
			return found;
		if (found == CLAIM_RUNS)
			return hold ? err_already(err, c) : 0;
		if (found == CLAIM_WAITS && hold)
			return 0;
		r = found == CLAIM_WAITS ?
			    resume_locked(rt, c, attach, &before, &why) :
			    start_locked(rt, c, attach, hold, &why);
	} while (r > 0);
	if (r < 0) {
		undo_start(rt, c, run || c->config.auto_remove, &before, &why);
		return err_set(err, why.kind, why.code, "%s", why.msg);
	}
	if (!hold)
		notify_started(c, c->monitor.pid);
	return 0;
}

/* --requires.  They were there when @c was created: no circles. */
static int start_required(struct runtime *rt, const struct ctr *c,
			  struct err *err)
{
	int r = 0;

	for (char **id = c->config.requires; r == 0 && id && *id; id++) {
		auto_ctr struct ctr *other = NULL;

		r = ctr_find(rt, *id, &other, err);
		if (r == 0 && !ctr_is_up(other))
			r = ctr_start(rt, other, NULL, err);
		if (r < 0)
			return err_wrap(err, r, "start %.12s, which %s "
					"requires", *id, c->name);
	}
	return r;
}

/* The operation lock, of a container that nobody is about to make: only the
 * `run` that does has the lock already, and from here on only its container
 * is "creating". */
static int take_turn(struct runtime *rt, struct ctr *c, struct err *err)
{
	int r = 0;

	while (r == 0 && c->op_fd < 0) {
		r = ctr_wait_transition(rt, c, err);
		if (r < 0)
			break;
		c->op_fd = ctr_op_lock(rt, c->id, err);
		r = c->op_fd < 0 ? c->op_fd : row_reload(rt, c, err);
		if (r == 0 && c->state == CTR_CREATING)
			close_fd(c->op_fd);
	}
	return r;
}

static int start(struct runtime *rt, struct ctr *c, int *attach, bool hold,
		 struct err *err)
{
	int r;

	hold_signals(false);
	r = ctr_config_load(rt, c, err);
	if (r == 0 && hold && log_is_passthrough(&c->config))
		return err_set(err, ERR_INVALID, EINVAL,
			       "container %s has no log driver that outlives "
			       "this command: passthrough is for start",
			       c->name);
	if (r == 0)
		r = userns_prepare(rt, err);
	if (r == 0 && c->config.requires)
		r = start_required(rt, c, err);
	if (r == 0)
		r = take_turn(rt, c, err);
	if (r == 0)
		r = start_or_init(rt, c, attach, hold, err);
	close_fd(c->op_fd);
	c->image = NULL;
	return r;
}

int ctr_start(struct runtime *rt, struct ctr *c, int *attach, struct err *err)
{
	TRACE("core", "start");

	if (attach)
		*attach = -EBADF;
	return start(rt, c, attach, false, err);
}

int ctr_init(struct runtime *rt, struct ctr *c, struct err *err)
{
	TRACE("core", "init");

	return start(rt, c, NULL, true, err);
}
