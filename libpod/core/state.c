/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What state is a container in?  The row is a cache, the truth is elsewhere.
 *
 * Theory of operation.  Any process may be killed at any instant, so no
 * single one of them is believed.  The witnesses of one start (number
 * start_n, written into the row before the monitor is forked) are, in the
 * container's directory:
 *
 *   lock     flock'ed by the monitor for life, inherited from the command
 *            that forked it; only closing releases it, so it is free exactly
 *            when no monitor lives.  Never unlinked while the row exists.
 *   started  written by the monitor before the payload may run: pids, start
 *            times, boot id.  No payload ever ran without it.
 *   exit     the exit record, written (durably) before anybody is told
 *
 * and the process table: (pid, start time, boot id) of init.
 *
 *   row says          witnesses                       it is
 *   ----------------  ------------------------------  -----------------------
 *   running, paused,
 *   stopping          exit record of start_n          exited, that code
 *                     else lock held                  running
 *                     else init alive                 running, orphaned
 *                     else                            exited -1, reason
 *   creating,         owner alive, or lock held and   in progress: as the row
 *   starting          no "started" of start_n         says
 *                     "started" of start_n            as if the row said
 *                                                     running (with its pids)
 *                     else                            rolled back: creating
 *                                                     -> gone, starting ->
 *                                                     what it was before
 *   initialized       "started" of start_n            as if it said running
 *                     lock held                       as the row says
 *                     else                            rolled back
 *   stopping          owner dead, still running       running
 *   removing          owner dead                      erased
 *
 * Why nothing is lost: a command killed before the fork leaves a free lock
 * and no "started": rolled back.  Killed after the fork but before "go": the
 * monitor sees the socket hang up, kills init, releases the lock: rolled
 * back.  Killed after "go": "started" is there: adopted.  The monitor killed:
 * the lock is free; init alive is an orphan that pidfd and row still name,
 * init dead leaves the exit record or an unknown code.  wait(1) watches
 * exactly these witnesses, so it ends when the last of them does.
 *
 * The monitor of an initialized container needs no owner: it waits for "go"
 * from whatever command, and "started" is what tells the two sides apart.
 *
 * The exit record is looked at before the lock, and once more after the lock
 * was found free: the monitor writes it while it holds the lock.
 *
 * Commands exclude each other (start, rm, rename) by a flock on the
 * container's directory itself; a lock on a directory that was moved to the
 * trash meanwhile is useless, so the row is read again after it was taken.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "libpod/monitor/monitor.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/lock.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/trace.h"

#define LOCK "lock"

/* Whoever removes it moves the directory first and commits then: a look
 * inside a transaction comes after that. */
static int tx_exists(struct runtime *rt, void *arg, struct err *err)
{
	(void)err;
	return row_exists(rt, arg) ? 0 : 1;
}

int ctr_err_gone(struct runtime *rt, const char *id, int r, struct err *err)
{
	if (r != -ENOENT || tx_run(rt, 0, tx_exists, (void *)id, NULL) != 1)
		return r;
	err_clear(err);
	return ctr_err_not_found(err, id);
}

static int no_dir(struct runtime *rt, const char *id, int r, struct err *err)
{
	struct err why = ERR_INIT;

	(void)err_code(&why, r, "open the directory of container %.12s", id);
	(void)ctr_err_gone(rt, id, r, &why);
	return err_set(err, why.kind, why.code, "%s", why.msg);
}

int ctr_dir(struct runtime *rt, const struct ctr *c, struct err *err)
{
	int fd = dir_open_at(rt->ctrs_fd, c->id);

	return fd < 0 ? no_dir(rt, c->id, fd, err) : fd;
}

/* ---- locks ------------------------------------------------------------- */

/* flock waits for ever, so a bounded wait has to ask again and again. */
static int flock_timeout(int fd, int timeout_ms)
{
	uint64_t end = clock_mono_ns() + (uint64_t)timeout_ms * 1000000;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (clock_mono_ns() >= end)
			return -EWOULDBLOCK;
		(void)poll(NULL, 0, 1);
	}
	return 0;
}

int ctr_lock_take(int dir, const char *name, int timeout_ms, struct err *err)
{
	autoclose int fd = openat(dir, LOCK,
				  O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
				  0600);
	int r;

	if (fd < 0)
		return err_sys(err, "open the lock of %s", name);
	r = flock_timeout(fd, timeout_ms);
	if (r == -EWOULDBLOCK)
		return err_set(err, ERR_STATE, EBUSY,
			       "the monitor of %s is still busy", name);
	if (r < 0)
		return err_code(err, r, "lock %s", name);
	if (!fd_is_at(fd, dir, LOCK))
		return err_set(err, ERR_STATE, ESTALE,
			       "%s was replaced meanwhile", name);
	return take_fd(fd);
}

static int lock_probe_at(int dir)
{
	autoclose int fd = openat(dir, LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* shared: two commands that probe at once do not see each other */
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : -errno;
}

int ctr_lock_probe(struct runtime *rt, const char *id)
{
	autoclose int dir = dir_open_at(rt->ctrs_fd, id);

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	return lock_probe_at(dir);
}

int ctr_op_lock(struct runtime *rt, const char *id, struct err *err)
{
	autoclose int fd = dir_open_at(rt->ctrs_fd, id);
	char what[32];
	int r;

	if (fd < 0)
		return no_dir(rt, id, fd, err);
	(void)snprintf(what, sizeof(what), "container %.12s", id);
	r = lock_flock(fd, LOCK_EX, what, err);
	if (r < 0)
		return r;
	if (!fd_is_at(fd, rt->ctrs_fd, id))
		return ctr_err_not_found(err, id);
	return take_fd(fd);
}

/* ---- the truth --------------------------------------------------------- */

static void set_exited(struct ctr *c, int code, int oom, int64_t finished,
		       const char *error)
{
	c->state = CTR_EXITED;
	c->exit_code = code;
	c->oom = oom;
	c->finished_ns = finished;
	str_set(&c->error, error);
	c->orphaned = false;
	c->owner = (struct proc_id){ 0 };
}

bool ctr_fold_exit(int dir, struct ctr *c)
{
	struct exit_record r;

	if (exit_record_read(dir, &r, NULL) < 0 || r.start_n != c->start_n)
		return false;
	set_exited(c, r.code, r.oom, r.finished_ns,
		   r.code < 0 ? "the exit code could not be learnt" : NULL);
	return true;
}

static void set_lost(struct ctr *c)
{
	bool reboot = !streq(c->boot, boot_id());

	set_exited(c, -1, -1, c->started_ns,
		   reboot ? "the machine was restarted: exit code unknown" :
			    "the monitor died: exit code unknown");
}

static bool fold_started(int dir, struct ctr *c)
{
	struct start_record r;
	struct stat st;

	if (start_record_read(dir, &r, NULL) < 0 || r.start_n != c->start_n)
		return false;
	c->state = CTR_RUNNING;
	c->init = r.init;
	c->monitor = r.monitor;
	(void)snprintf(c->boot, sizeof(c->boot), "%s", r.boot_id);
	c->owner = (struct proc_id){ 0 };
	if (fstatat(dir, "started", &st, AT_SYMLINK_NOFOLLOW) == 0)
		c->started_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 +
				st.st_mtim.tv_nsec;
	return true;
}

/* A helper of a running container died: its monitor says which. */
static void fold_degraded(int dir, struct ctr *c)
{
	autosb struct sb text = SB_INIT;

	if (file_read_at(dir, DEGRADED_NAME, 256, &text) == 0)
		str_set(&c->error, str_trim(text.buf));
}

static void normalise_running(int dir, struct ctr *c)
{
	bool boot;

	/* an automatic restart leaves the pids to the start record */
	if (dir >= 0 && c->init.pid == 0)
		(void)fold_started(dir, c);
	boot = streq(c->boot, boot_id());
	if (dir >= 0 && ctr_fold_exit(dir, c))
		return;
	if (boot && dir >= 0 && lock_probe_at(dir) != 0) {
		fold_degraded(dir, c);
		return;
	}
	/* it may have been written between the two looks */
	if (dir >= 0 && ctr_fold_exit(dir, c))
		return;
	if (boot && proc_is_alive(&c->init))
		c->orphaned = true;
	else
		set_lost(c);
}

/* Nothing ever ran: without its monitor it is what it was before. */
static void normalise_initialized(int dir, struct ctr *c)
{
	bool started = dir >= 0 && fold_started(dir, c);

	if (!started && dir >= 0 && streq(c->boot, boot_id()) &&
	    lock_probe_at(dir) != 0)
		return;
	/* it may have been written between the two looks */
	if (started || (dir >= 0 && fold_started(dir, c)))
		normalise_running(dir, c);
	else
		ctr_roll_back(c);
}

void ctr_normalise(struct runtime *rt, struct ctr *c)
{
	bool starting = c->state == CTR_STARTING || c->state == CTR_CREATING;
	bool running = ctr_is_up(c);

	if (starting && owner_is_alive(&c->owner, c->owner_boot))
		return;
	if (!starting && !running && c->state != CTR_INITIALIZED)
		return;
	/* whoever was stopping it died over it */
	if (c->state == CTR_STOPPING &&
	    !owner_is_alive(&c->owner, c->owner_boot)) {
		c->state = CTR_RUNNING;
		c->owner = (struct proc_id){ 0 };
	}
	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);

	if (c->state == CTR_INITIALIZED) {
		normalise_initialized(dir, c);
		return;
	}
	if (starting && (dir < 0 || !fold_started(dir, c)))
		return;
	normalise_running(dir, c);
}

int tx_fold(struct runtime *rt, void *arg, struct err *err)
{
	struct ctr *c = arg;
	int r = row_reload(rt, c, err);

	if (r < 0)
		return r;
	ctr_normalise(rt, c);
	return row_save(rt, c, err);
}

/* A process may have stood ready for long before it was started: younger than
 * its process is fine, older is a clock that was put forward. */
int64_t ctr_up_ns(const struct ctr *c, int64_t now_ns)
{
	int64_t up = now_ns - c->started_ns;
	int64_t age = c->init.pid > 0 ? proc_age_ns(&c->init) : up;

	return MAX(up < 0 || up > age ? age : up, (int64_t)0);
}

/* ---- rolling forward and back ------------------------------------------ */

/* What "starting" comes from: a first start from created, others from exited
 * (of the last start that really was one). */
void ctr_roll_back(struct ctr *c)
{
	c->state = c->started_ns ? CTR_EXITED : CTR_CREATED;
	c->owner = (struct proc_id){ 0 };
	if (c->start_n > 0)
		c->start_n--;
}

struct save_if {
	const struct ctr *c;
	const struct ctr_mark *mark;
};

static int tx_save_if(struct runtime *rt, void *arg, struct err *err)
{
	const struct save_if *s = arg;

	if (!row_mark_holds(rt, s->c->id, s->mark))
		return 0;	/* somebody was faster */
	return row_save(rt, s->c, err);
}

int ctr_recover(struct runtime *rt, struct ctr *c, struct err *err)
{
	const struct ctr_mark mark = ctr_mark_of(c);
	int held;

	if (owner_is_alive(&c->owner, c->owner_boot))
		return 0;
	log_debug("container %.12s: recover from a dead command, state %s",
		  c->id, ctr_state_name(c->state));
	if (FAULT("recover") < 0)
		return err_sys(err, "recover container %.12s", c->id);
	if (c->state == CTR_REMOVING)
		return ctr_erase(rt, c, &mark, c->config.auto_remove, err);
	held = ctr_lock_probe(rt, c->id);
	ctr_normalise(rt, c);
	if (c->state == CTR_CREATING || c->state == CTR_STARTING) {
		if (held != 0)
			return 0;	/* its monitor is about to undo it */
		if (c->state == CTR_CREATING)
			return ctr_erase(rt, c, &mark, true, err);
		ctr_roll_back(c);
	}
	if (c->config.auto_remove && c->state == CTR_EXITED && held == 0)
		return ctr_erase(rt, c, &mark, true, err);
	return tx_run(rt, TX_RESERVE, tx_save_if,
		      &(struct save_if){ c, &mark }, err);
}

bool ctr_reap(struct runtime *rt, struct ctr *c)
{
	struct ctr_mark mark;

	if (row_reload(rt, c, NULL) < 0)
		return true;
	/* what the row says, before the witnesses correct it */
	mark = ctr_mark_of(c);
	ctr_normalise(rt, c);
	if (!c->config.auto_remove || c->state != CTR_EXITED ||
	    ctr_lock_probe(rt, c->id) != 0)
		return false;
	return ctr_erase(rt, c, &mark, true, NULL) == 0;
}

void ctr_sweep(struct runtime *rt)
{
	TRACE("core", "sweep");
	auto_ctr_list struct ctr_list list = { 0 };
	struct err err = ERR_INIT;

	if (row_pending(rt, &list, &err) < 0) {
		log_debug("sweep: %s", err.msg);
		return;
	}
	for (size_t i = 0; i < list.n; i++) {
		err_clear(&err);
		if (ctr_recover(rt, list.v[i], &err) < 0)
			log_debug("sweep: %s", err.msg);
	}
}
