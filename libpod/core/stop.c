/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals, stop and wait.
 *
 * Theory of operation.  Signals go to the verified pidfd of init, never to a
 * number.  `stop` says so in the row first (stopping, stopped by the user:
 * that is what cancels a restart policy), without the operation lock: ps,
 * inspect and kill are not held up by its ten seconds.  The end is seen at
 * init's pidfd; afterwards the monitor needs a moment for the exit record,
 * which is waited for by looking: whoever is killed in between, the witnesses
 * of state.c settle it.
 *
 * An initialized one has run nothing: its monitor is told by SIGTERM to undo
 * what was made, and it is what it was before.
 *
 * A container in the back-off of its restart policy does not run, but its
 * monitor waits: it is told by SIGTERM to look at the row at once.
 */
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/resume.h"
#include "libpod/monitor/monitor.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/trace.h"

/* How long a monitor may take from init's end to the exit record. */
#define SETTLE_MS 10000
#define LOOK_NS 200000

static int err_not_running(struct err *err, const struct ctr *c,
			   const char *verb)
{
	return err_set(err, ERR_STATE, ESRCH,
		       "can only %s running containers. %s is in state %s: "
		       "container state improper", verb, c->id,
		       ctr_state_name(c->state));
}

/* ---- between two rounds of a restart policy ---------------------------- */

/* It does not run, but its monitor waits before the next round, or did when it
 * was killed. */
static bool backs_off(struct runtime *rt, const struct ctr *c)
{
	return c->state == CTR_EXITED && ctr_comes_back(&c->config) &&
	       (ctr_lock_probe(rt, c->id) == 1 || resume_is_due(rt, c));
}

bool ctr_is_restarting(struct runtime *rt, const struct ctr *c)
{
	return !c->stopped_by_user && backs_off(rt, c);
}

void ctr_wake_monitor(struct runtime *rt, const struct ctr *c)
{
	autoclose int fd = proc_open(&c->monitor);

	if (fd >= 0 && ctr_lock_probe(rt, c->id) == 1)
		(void)pidfd_signal(fd, SIGTERM);
}

/* The row says that the next round has begun, its init is not there yet. */
static void wait_for_init(struct runtime *rt, struct ctr *c)
{
	const struct timespec ts = { .tv_nsec = LOOK_NS };
	uint64_t end = clock_mono_ns() + SETTLE_MS * UINT64_C(1000000);
	enum ctr_state was = c->state;

	while (ctr_is_up(c) && c->init.pid == 0 && clock_mono_ns() < end) {
		c->state = was;
		(void)nanosleep(&ts, NULL);
		ctr_normalise(rt, c);
	}
	if (ctr_is_up(c))
		c->state = was;
}

/* ---- signals ----------------------------------------------------------- */

int ctr_signal(struct runtime *rt, struct ctr *c, int sig, struct err *err)
{
	int r;

	r = row_reload(rt, c, err);
	if (r < 0)
		return r;
	ctr_normalise(rt, c);
	wait_for_init(rt, c);
	if (!ctr_is_up(c))
		return err_not_running(err, c, "kill");
	autoclose int fd = proc_open(&c->init);

	r = fd < 0 ? fd : pidfd_signal(fd, sig);
	if (r == -ESRCH) {	/* its monitor is about to say so */
		c->state = CTR_EXITED;
		return err_not_running(err, c, "kill");
	}
	if (r < 0)
		return err_code(err, r, "send signal %d to %s", sig, c->name);
	return 0;
}

/* What ends nearly every program; a user who sends it wants no restart. */
static bool is_fatal(int sig)
{
	return sig == SIGKILL || sig == SIGTERM || sig == SIGINT ||
	       sig == SIGQUIT;
}

static int tx_user_stop(struct runtime *rt, void *arg, struct err *err)
{
	const struct ctr *c = arg;
	int r = db_exec(rt->db, err,
			"UPDATE container SET user_stop = 1 WHERE id = ?", "s",
			c->id);

	return r < 0 ? r : 0;
}

static int note_kill(struct runtime *rt, const struct ctr *c, int sig,
		     struct err *err)
{
	autofree char *signal = xasprintf("signal=%d", sig);
	char *attrs[] = { signal, NULL };

	return event_ctr(rt, c, EVENT_KILL, attrs, err);
}

int ctr_kill(struct runtime *rt, struct ctr *c, int sig, struct err *err)
{
	int r = ctr_config_load(rt, c, err);
	bool ends = r == 0 && is_fatal(sig) && ctr_comes_back(&c->config);
	bool waits = ends && backs_off(rt, c);

	if (ends && (waits || ctr_is_up(c)))
		r = tx_run(rt, TX_RESERVE, tx_user_stop, c, err);
	if (r == 0 && waits)
		ctr_wake_monitor(rt, c);
	if (r == 0 && !waits)
		r = ctr_signal(rt, c, sig, err);
	return r < 0 ? r : note_kill(rt, c, sig, err);
}

/* ---- waiting ----------------------------------------------------------- */

/* Look until the container does not run any more; 1 it ended, 0 timeout. */
static int look_settled(struct runtime *rt, struct ctr *c, int timeout_ms)
{
	const struct timespec ts = { .tv_nsec = LOOK_NS };
	uint64_t end = clock_mono_ns() + (uint64_t)timeout_ms * 1000000;

	for (;;) {
		enum ctr_state was = c->state;

		ctr_normalise(rt, c);
		if (!ctr_is_live(c))
			return 1;
		if (clock_mono_ns() >= end)
			return 0;
		c->state = was;
		(void)nanosleep(&ts, NULL);
	}
}

/* The code from the monitor's own mouth: it is right even when a --rm
 * container disappears at once.  1 told, 0 lost contact. */
static int wait_told(struct runtime *rt, const struct ctr *c, int *ret_code)
{
	char msg[64] = { ATTACH_HELLO, 0 };
	autoclose int sock = -EBADF;
	ssize_t n;

	if (ctr_attach(rt, c, &sock, NULL) < 0 ||
	    sock_send(sock, msg, 2) < 0)
		return 0;
	while ((n = recv(sock, msg, sizeof(msg), 0)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		int32_t code;

		if (n != 1 + (ssize_t)sizeof(code) || msg[0] != ATTACH_EXIT)
			continue;
		memcpy(&code, msg + 1, sizeof(code));
		*ret_code = code;
		return 1;
	}
	return 0;
}

int ctr_wait_transition(struct runtime *rt, struct ctr *c, struct err *err)
{
	while (c->state == CTR_CREATING || c->state == CTR_STARTING ||
	       c->state == CTR_REMOVING) {
		int r;

		(void)poll(NULL, 0, 2);
		r = row_reload(rt, c, err);
		if (r < 0)
			return r;
		if (!owner_is_alive(&c->owner, c->owner_boot))
			(void)ctr_recover(rt, c, NULL);
		ctr_normalise(rt, c);
	}
	return 0;
}

static int wait_init(const struct ctr *c, int timeout_ms)
{
	autoclose int fd = proc_open(&c->init);

	return fd < 0 ? 1 : pidfd_wait(fd, timeout_ms);
}

int ctr_wait(struct runtime *rt, struct ctr *c, int *ret_code, struct err *err)
{
	int r;

	r = ctr_wait_transition(rt, c, err);
	if (r < 0)
		return r;
	while (ctr_is_live(c)) {
		if (!c->orphaned && wait_told(rt, c, ret_code))
			return 0;
		/* no monitor to ask, or it died: watch the witnesses */
		(void)wait_init(c, c->orphaned ? -1 : 1000);
		(void)look_settled(rt, c, 100);
	}
	*ret_code = c->exit_code;
	return 0;
}

/* ---- stop -------------------------------------------------------------- */

static int tx_stopping(struct runtime *rt, void *arg, struct err *err)
{
	struct ctr *c = arg;
	int r = row_reload(rt, c, err);

	if (r < 0)
		return r;
	ctr_normalise(rt, c);
	if (ctr_is_up(c) && c->owner.pid == 0) {
		c->state = CTR_STOPPING;
		c->owner = proc_self();
		(void)snprintf(c->owner_boot, sizeof(c->owner_boot), "%s",
			       boot_id());
	}
	c->stopped_by_user = true;
	return row_save(rt, c, err);
}

/* On a disk that has become read-only nothing can be noted, but what runs can
 * still be stopped.  Not with a policy, whose monitor would start it again. */
static int look_unwritten(struct runtime *rt, struct ctr *c, struct err *err)
{
	int r;

	if (ctr_comes_back(&c->config))
		return -EROFS;
	err_clear(err);
	r = row_reload(rt, c, err);
	if (r == 0)
		ctr_normalise(rt, c);
	return r;
}

static int stop_init(struct ctr *c, uint32_t timeout_s, struct err *err)
{
	int sig = c->config.stop_signal ? c->config.stop_signal : SIGTERM;
	autoclose int fd = proc_open(&c->init);
	int ms = timeout_s == CTR_STOP_FOREVER ? -1 :
		 (int)MIN((uint64_t)timeout_s * 1000, (uint64_t)INT32_MAX);

	if (fd < 0)
		return 0;	/* it is gone */
	if (FAULT("stop.signal") < 0)
		return err_sys(err, "stop %s", c->name);
	if (ms != 0) {
		(void)pidfd_signal(fd, sig);
		if (pidfd_wait(fd, ms) > 0)
			return 0;
		log_warn("StopSignal %s failed to stop container %s in %u "
			 "seconds, resorting to SIGKILL", signal_name(sig),
			 c->name, timeout_s);
	}
	(void)pidfd_signal(fd, SIGKILL);
	if (pidfd_wait(fd, SETTLE_MS) <= 0)
		return err_set(err, ERR_FAIL, ETIMEDOUT,
			       "container %s does not die (a process in an "
			       "uninterruptible wait?)", c->name);
	return 0;
}

static int stop_running(struct runtime *rt, struct ctr *c, uint32_t timeout_s,
			struct err *err)
{
	bool orphaned = c->orphaned;
	int r;

	wait_for_init(rt, c);
	r = stop_init(c, timeout_s, err);
	if (r < 0)
		return r;
	if (FAULT("stop.dead") < 0)
		return err_sys(err, "stop %s", c->name);
	if (look_settled(rt, c, SETTLE_MS) == 0)
		return err_set(err, ERR_FAIL, ETIMEDOUT,
			       "the monitor of %s does not finish", c->name);
	if (orphaned)
		resume_poststop(rt, c);
	/* the end and the stop, should its monitor not have said so yet */
	r = tx_run(rt, TX_RESERVE, tx_fold, c, err);
	/* -ENOENT: a removal was faster, and has told of it */
	return r == -EROFS || r == -ENOENT ? err_clear(err) : r;
}

/* A signal would only be pending.  Killing it works all the same. */
static int err_paused(struct err *err, const struct ctr *c)
{
	return err_set(err, ERR_STATE, EBUSY,
		       "can only stop created or running containers. %s is in "
		       "state paused: container state improper", c->id);
}

/* Under the operation lock.  It may be running afterwards: a start whose
 * command was killed had the last word. */
static int unhold_locked(struct runtime *rt, struct ctr *c, struct err *err)
{
	const struct timespec ts = { .tv_nsec = LOOK_NS };
	uint64_t end = clock_mono_ns() + SETTLE_MS * UINT64_C(1000000);
	int r = row_reload(rt, c, err);

	if (r < 0)
		return r;
	ctr_normalise(rt, c);
	if (c->state != CTR_INITIALIZED)
		return 0;
	autoclose int fd = proc_open(&c->monitor);
	if (FAULT("unhold.signal") < 0)
		return err_sys(err, "stop %s", c->name);
	if (fd >= 0)
		(void)pidfd_signal(fd, SIGTERM);
	while (c->state == CTR_INITIALIZED && clock_mono_ns() < end) {
		(void)nanosleep(&ts, NULL);
		ctr_normalise(rt, c);
	}
	if (c->state == CTR_INITIALIZED)
		return err_set(err, ERR_FAIL, ETIMEDOUT,
			       "the monitor of %s does not finish", c->name);
	if (FAULT("unhold.gone") < 0)
		return err_sys(err, "stop %s", c->name);
	return tx_run(rt, TX_RESERVE, tx_save, c, err);
}

static int unhold(struct runtime *rt, struct ctr *c, struct err *err)
{
	bool locked = c->op_fd >= 0;
	int r;

	if (!locked)
		c->op_fd = ctr_op_lock(rt, c->id, err);
	if (c->op_fd < 0)
		return c->op_fd;
	r = unhold_locked(rt, c, err);
	if (!locked)
		close_fd(c->op_fd);
	return r;
}

/* Until nobody else has it in hand.  One that is only initialized has no
 * payload yet: it is taken back. */
static int await_turn(struct runtime *rt, struct ctr *c, uint32_t timeout_s,
		      struct err *err)
{
	bool kill = timeout_s == CTR_TIMEOUT_KILL;
	int r = ctr_config_load(rt, c, err);

	if (r == 0)
		r = ctr_wait_transition(rt, c, err);
	if (r == 0 && !kill)
		r = ctr_wait_hold(rt, c, err);
	if (r == 0 && c->state == CTR_INITIALIZED)
		r = unhold(rt, c, err);
	if (r == 0 && c->state == CTR_PAUSED && !kill)
		r = err_paused(err, c);
	return r;
}

int ctr_stop(struct runtime *rt, struct ctr *c, uint32_t timeout_s,
	     struct err *err)
{
	TRACE("core", "stop");
	int r = await_turn(rt, c, timeout_s, err);

	if (r < 0)
		return r;
	if (timeout_s == CTR_TIMEOUT_KILL)
		timeout_s = 0;
	if (timeout_s == CTR_TIMEOUT_CONFIG)
		timeout_s = c->config.stop_timeout;
	if (!ctr_is_up(c) && !backs_off(rt, c))
		return 0;
	r = tx_run(rt, TX_RESERVE, tx_stopping, c, err);
	if (r == -EROFS)
		r = look_unwritten(rt, c, err);
	if (r == -ENOENT)	/* --rm, and it ended by itself */
		return err_clear(err);
	if (r < 0)
		return r;
	if (ctr_is_up(c))
		return stop_running(rt, c, timeout_s, err);
	ctr_wake_monitor(rt, c);
	return 0;
}

/* Its monitor does it, after the exit record that a stop waits for. */
void ctr_await_removal(struct runtime *rt, struct ctr *c)
{
	const struct timespec ts = { .tv_nsec = LOOK_NS };
	uint64_t end = clock_mono_ns() + SETTLE_MS * UINT64_C(1000000);

	if (!c->config.auto_remove)
		return;
	while (!ctr_reap(rt, c) && c->state == CTR_EXITED &&
	       clock_mono_ns() < end)
		(void)nanosleep(&ts, NULL);
}

int ctr_restart(struct runtime *rt, struct ctr *c, uint32_t timeout_s,
		struct err *err)
{
	int r = c->state == CTR_INITIALIZED ? 0 :
					      ctr_stop(rt, c, timeout_s, err);

	/* a --rm container is gone once it has stopped */
	if (r == 0)
		r = row_reload(rt, c, err);
	if (r == 0)
		r = event_ctr(rt, c, EVENT_RESTART, NULL, err);
	return r < 0 ? r : ctr_start(rt, c, NULL, err);
}
