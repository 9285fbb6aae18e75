/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One health check, from its start to what follows from it.
 *
 * Theory of operation.  Callers: `bryo healthcheck run` and, by the monitor's
 * timer, `bryo __health`.  Both may run at once: the command runs unlocked,
 * the record ("health.json", in the container's directory) is read, changed
 * and replaced under a lock file beside it.
 *
 *   startup command, if there is one, until it has passed often enough;
 *     it never makes a container unhealthy; --health-startup-retries
 *     failures in a row restart the container
 *   then the regular one: 0 is healthy at once; a failure in the start period
 *     does not count while nothing has passed yet; --health-retries failures
 *     in a row are unhealthy, and --health-on-failure is done, again after
 *     each further failure
 *
 * A record is of one start of the container (start_n): that of an earlier one
 * counts for nothing, so nothing has to be reset.  The file is not synced: a
 * reboot ends what it tells of.  Age is measured on the boot clock against the
 * start time of init, which a jump of the clock does not touch.
 *
 * "restart" cannot be done here: the monitor that started us is the one who
 * does it.  A mark is left for it (health-restart, with start_n in it), then
 * the container is stopped like by `stop`, but not as the user's wish.
 */
#include "libpod/core/health/health.h"

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/core/health/health_priv.h"
#include "libpod/core/plan/notify.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/log.h"
#include "util/proc.h"
#include "util/str.h"

#define RECORD "health.json"
#define RECORD_LOCK "health.lock"
#define RECORD_MAX (64 << 20)
#define RESTART_MARK "health-restart"

/* ---- the record -------------------------------------------------------- */

/**
 * struct record - health.json
 * @log:  array of {Start, End, ExitCode, Output}; owned
 * @done: the startup command has passed often enough
 * @ok, @bad: of the startup command, in a row
 */
struct record {
	enum health_status status;
	int64_t streak;
	struct json_object *log;
	bool done;
	int64_t ok, bad;
};

static void record_done(struct record *r)
{
	json_object_put(r->log);
}

static enum health_status status_parse(const char *name)
{
	if (streq(name, "healthy"))
		return HEALTH_HEALTHY;
	if (streq(name, "unhealthy"))
		return HEALTH_UNHEALTHY;
	return HEALTH_STARTING;
}

static void record_load(int dir, uint32_t start_n, struct record *ret)
{
	autosb struct sb text = SB_INIT;
	autojson struct json_object *o = NULL;

	*ret = (struct record){ .status = HEALTH_STARTING };
	if (file_read_at(dir, RECORD, RECORD_MAX, &text) == 0)
		o = json_parse(text.buf, text.len, NULL);
	if (o && json_i64(o, "Start", -1) == start_n) {
		const char *status = json_str(o, "Status");

		ret->status = status_parse(status ? status : "");
		ret->streak = json_i64(o, "FailingStreak", 0);
		ret->log = json_object_get(json_arr(o, "Log"));
		ret->done = json_flag(o, "StartupDone", false);
		ret->ok = json_i64(o, "StartupOk", 0);
		ret->bad = json_i64(o, "StartupBad", 0);
	}
	if (!ret->log)
		ret->log = json_object_new_array();
}

static struct json_object *record_json(const struct record *r)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "Status", health_status_name(r->status));
	json_set_i64(o, "FailingStreak", r->streak);
	json_set(o, "Log", json_object_get(r->log));
	return o;
}

static int record_save(int dir, uint32_t start_n, const struct record *r,
		       struct err *err)
{
	autojson struct json_object *o = record_json(r);
	const char *text;

	json_set_i64(o, "Start", start_n);
	json_set_bool(o, "StartupDone", r->done);
	json_set_i64(o, "StartupOk", r->ok);
	json_set_i64(o, "StartupBad", r->bad);
	text = json_text(o);
	return file_write_at(dir, RECORD, text, strlen(text), 0600, false,
			     err);
}

/* ---- one check --------------------------------------------------------- */

/**
 * struct check - one run of a command
 * @startup: it was the startup command
 */
struct check {
	struct runtime *rt;
	struct ctr *c;
	const struct health_conf *conf;
	bool startup;
	int64_t begin_ns, end_ns;
	int code;
	struct sb output;
};

static struct json_object *log_entry(const struct check *k)
{
	struct json_object *o = json_object_new_object();
	char buf[TIME_TEXT_MAX];

	json_set_str(o, "Start", time_rfc3339(k->begin_ns, buf));
	json_set_str(o, "End", time_rfc3339(k->end_ns, buf));
	json_set_i64(o, "ExitCode", k->code);
	json_set_str(o, "Output", k->output.buf);
	return o;
}

static void log_add(struct record *r, const struct check *k)
{
	size_t max = health_log_count(k->conf);
	size_t n;

	json_object_array_add(r->log, log_entry(k));
	n = json_object_array_length(r->log);
	if (max && n > max)
		json_object_array_del_idx(r->log, 0, n - max);
}

static void judge_startup(struct record *r, const struct check *k)
{
	struct health_probe p = health_probe_of(k->conf, true);

	if (k->code != 0) {
		r->ok = 0;
		r->bad++;
		return;
	}
	r->bad = 0;
	r->ok++;
	r->done = r->ok >= p.success;
}

static void judge(struct record *r, const struct check *k)
{
	struct health_probe p = health_probe_of(k->conf, false);

	if (k->code == 0) {
		r->streak = 0;
		r->status = HEALTH_HEALTHY;
		return;
	}
	if (r->status == HEALTH_STARTING &&
	    proc_age_ns(&k->c->init) < k->conf->start_period_ns)
		return;
	r->streak++;
	if (r->streak >= p.retries)
		r->status = HEALTH_UNHEALTHY;
}

/* ---- telling ----------------------------------------------------------- */

struct tell {
	const struct check *check;
	enum health_status status;
};

static int tx_tell(struct runtime *rt, void *arg, struct err *err)
{
	const struct tell *t = arg;
	const struct check *k = t->check;
	autofree char *status = xasprintf("health_status=%s",
					  health_status_name(t->status));
	autofree char *log = NULL;
	char *attrs[] = { status, NULL, NULL };
	int r;

	if (streq(k->conf->log_dest, "events_logger"))
		attrs[1] = log = xasprintf("health_log=%s", k->output.buf);
	r = row_set_health(rt, k->c, t->status, err);
	return r < 0 ? r : event_ctr(rt, k->c, EVENT_HEALTH_STATUS, attrs, err);
}

static void tell(const struct check *k, enum health_status status)
{
	struct tell t = { k, status };
	struct err why = ERR_INIT;

	if (status == HEALTH_HEALTHY)
		notify_healthy(k->c);
	if (tx_run(k->rt, TX_RESERVE, tx_tell, &t, &why) < 0)
		log_debug("health of %s: %s", k->c->name, why.msg);
}

/* --health-log-destination=DIR: the record in a file that others can read */
static void write_log(const struct check *k, const struct record *r)
{
	const char *dest = k->conf->log_dest;
	autojson struct json_object *o = NULL;
	autofree char *name = NULL;
	const char *text;

	if (!dest || dest[0] != '/')
		return;
	autoclose int dir = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	o = record_json(r);
	text = json_text(o);
	name = xasprintf("%s-healthcheck.log", k->c->id);
	if (dir < 0 || file_write_at(dir, name, text, strlen(text), 0600,
				     false, NULL) < 0)
		log_debug("health of %s: %s/%s not written", k->c->name, dest,
			  name);
}

/* Read, judge, write; one caller at a time. */
static int record_check(const struct check *k, struct record *r,
			struct err *err)
{
	autoclose int dir = ctr_dir(k->rt, k->c, err);
	int e;

	if (dir < 0)
		return dir;
	autoclose int lock = openat(dir, RECORD_LOCK, O_RDWR | O_CREAT |
				    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return err_sys(err, "lock the health record of %s",
			       k->c->name);
	record_load(dir, k->c->start_n, r);
	if (k->startup)
		judge_startup(r, k);
	else
		judge(r, k);
	log_add(r, k);
	e = record_save(dir, k->c->start_n, r, err);
	write_log(k, r);
	return e;
}

/* ---- acting ------------------------------------------------------------ */

static void stop_for_restart(const struct check *k)
{
	struct ctr *c = k->c;
	char text[16];
	int sig = c->config.stop_signal ? c->config.stop_signal : SIGTERM;
	int n = snprintf(text, sizeof(text), "%u\n", c->start_n);
	uint64_t ms = c->config.stop_timeout * UINT64_C(1000);

	autoclose int dir = ctr_dir(k->rt, c, NULL);
	autoclose int pidfd = proc_open(&c->init);
	if (dir < 0 || pidfd < 0 ||
	    file_write_at(dir, RESTART_MARK, text, (size_t)n, 0600, false,
			  NULL) < 0)
		return;
	(void)pidfd_signal(pidfd, sig);
	if (pidfd_wait(pidfd, (int)MIN(ms, (uint64_t)INT32_MAX)) == 0)
		(void)pidfd_signal(pidfd, SIGKILL);
}

bool ctr_health_restart_wanted(struct runtime *rt, const struct ctr *c)
{
	autosb struct sb text = SB_INIT;
	uint32_t n;

	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);
	if (dir < 0 || file_read_at(dir, RESTART_MARK, 64, &text) < 0)
		return false;
	if (text.len)
		sb_trunc(&text, text.len - 1);
	return parse_u32(text.buf, &n) == 0 && n == c->start_n &&
	       !c->stopped_by_user;
}

static void act(const struct check *k, const struct record *r)
{
	struct health_probe startup = health_probe_of(k->conf, true);
	struct err why = ERR_INIT;
	int e = 0;

	if (k->startup && startup.retries > 0 && r->bad >= startup.retries) {
		stop_for_restart(k);
		return;
	}
	if (r->status != HEALTH_UNHEALTHY || k->code == 0)
		return;
	switch (k->conf->action) {
	case HEALTH_ACTION_NONE:
		break;
	case HEALTH_ACTION_KILL:
		e = ctr_signal(k->rt, k->c, SIGKILL, &why);
		break;
	case HEALTH_ACTION_RESTART:
		stop_for_restart(k);
		break;
	case HEALTH_ACTION_STOP:
		e = ctr_stop(k->rt, k->c, CTR_TIMEOUT_CONFIG, &why);
		break;
	}
	if (e < 0)
		log_debug("unhealthy %s: %s", k->c->name, why.msg);
}

/* ---- the whole --------------------------------------------------------- */

/* Still the same start, still running: else the check says nothing. */
static bool runs_on(struct runtime *rt, struct ctr *c, uint32_t start_n)
{
	if (row_reload(rt, c, NULL) < 0)
		return false;
	ctr_normalise(rt, c);
	return c->start_n == start_n && (c->state == CTR_RUNNING ||
					 c->state == CTR_STOPPING);
}

static int not_running(const struct ctr *c, struct err *err)
{
	return err_set(err, ERR_STATE, ESRCH, "container %s is not running",
		       c->id);
}

static bool startup_due(struct runtime *rt, const struct ctr *c)
{
	struct record r;
	bool due;

	if (!c->config.health->startup.test)
		return false;
	autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);
	record_load(dir, c->start_n, &r);
	due = !r.done;
	record_done(&r);
	return due;
}

static int run(struct check *k, struct err *err)
{
	struct health_probe p = health_probe_of(k->conf, k->startup);
	uint32_t start_n = k->c->start_n;
	int r;

	k->begin_ns = clock_now_ns();
	r = health_exec(k->c, p.test, p.timeout_ns, health_log_size(k->conf),
			&k->output, &k->code, err);
	k->end_ns = clock_now_ns();
	if (!runs_on(k->rt, k->c, start_n)) {
		err_clear(err);
		return not_running(k->c, err);
	}
	return r;
}

int ctr_health_check(struct runtime *rt, struct ctr *c,
		     struct health_result *ret, struct err *err)
{
	struct check k = { .rt = rt, .c = c, .output = SB_INIT };
	struct record rec = { .log = NULL };
	int r = ctr_config_load(rt, c, err);

	if (r < 0)
		return r;
	if (!health_is_on(c->config.health))
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "container %s has no defined healthcheck",
			       c->id);
	if (!runs_on(rt, c, c->start_n))
		return not_running(c, err);
	k.conf = c->config.health;
	k.startup = startup_due(rt, c);
	r = run(&k, err);
	if (FAULT("health.ran") < 0)
		r = err_sys(err, "health check of %s", c->name);
	if (r == 0)
		r = record_check(&k, &rec, err);
	if (r == 0) {
		tell(&k, rec.status);
		ret->passed = k.code == 0;
		ret->status = rec.status;
		ret->next_ms = health_ms(health_interval(
			k.conf, k.conf->startup.test && !rec.done,
			rec.status == HEALTH_STARTING));
		act(&k, &rec);
	}
	record_done(&rec);
	sb_done(&k.output);
	return r;
}

static int tx_changed(struct runtime *rt, void *arg, struct err *err)
{
	struct ctr *c = arg;

	if (!health_is_on(c->config.health))
		c->health = HEALTH_NONE;
	else if (c->health == HEALTH_NONE)
		c->health = HEALTH_STARTING;
	return row_set_health(rt, c, c->health, err);
}

int ctr_health_changed(struct runtime *rt, struct ctr *c, struct err *err)
{
	int r = tx_run(rt, 0, tx_changed, c, err);

	autoclose int monitor = c->orphaned || c->state != CTR_RUNNING ?
				-EBADF : proc_open(&c->monitor);
	if (r == 0 && monitor >= 0)
		(void)pidfd_signal(monitor, SIGUSR1);
	return r;
}

struct json_object *ctr_health_json(struct runtime *rt, const struct ctr *c)
{
	struct record r = { .status = HEALTH_NONE };
	struct json_object *o;

	if (health_is_on(c->config.health)) {
		autoclose int dir = dir_open_at(rt->ctrs_fd, c->id);

		record_load(dir, c->start_n, &r);
	} else {
		r.log = json_object_new_array();
	}
	o = record_json(&r);
	record_done(&r);
	return o;
}
