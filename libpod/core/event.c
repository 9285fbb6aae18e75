/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of events.
 *
 * Theory of operation.  A table of the state database, so that a row is there
 * exactly when what it tells of was committed, and so that a container's life
 * costs no transaction and no fsync more than without it.  What can be derived
 * is derived: row_save() and the removal ask event_life(), which compares the
 * container's row with what it is about to become.  That way a start that a
 * dead command left behind, an end that only the exit record tells of and a
 * sweep write the same rows as the ordinary path does.
 *
 * The time of a row is that of the thing, not of the writing: the death of a
 * container is taken from its exit record.  The order is that of the writing,
 * and nothing of a container comes behind its removal.
 *
 * Bounded: each EVENTS_TRIM rows the oldest beyond EVENTS_MAX go.
 *
 * Followers watch the directory of the database with inotify: every commit
 * writes to its log.  Then one look at an index says whether there is news.
 */
#include "libpod/core/event.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "libpod/core/core_priv.h"
#include "util/clock.h"
#include "util/db.h"
#include "util/json.h"
#include "util/log.h"
#include "util/str.h"
#include "util/strv.h"

#define EVENTS_MAX 10000
#define EVENTS_TRIM 128
#define LABELS_MAX 4096
#define POLL_MS 250
/* After a first change: others often follow at once. */
#define GATHER_MS 5

const char event_schema[] =
	"CREATE TABLE event("
	" seq INTEGER PRIMARY KEY,"
	" time INTEGER NOT NULL,"
	" type TEXT NOT NULL,"
	" status TEXT NOT NULL,"
	" id TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" image TEXT NOT NULL,"
	" attrs TEXT NOT NULL);";

static const char *const types[EVENT_TYPES] = {
	[EVENT_CONTAINER] = "container", [EVENT_IMAGE] = "image",
	[EVENT_VOLUME] = "volume",	 [EVENT_NETWORK] = "network",
	[EVENT_SECRET] = "secret",	 [EVENT_SYSTEM] = "system",
};

static const char *const names[EVENT_STATUSES] = {
	[EVENT_ATTACH] = "attach",
	[EVENT_BUILD] = "build",
	[EVENT_CLEANUP] = "cleanup",
	[EVENT_COMMIT] = "commit",
	[EVENT_CONNECT] = "connect",
	[EVENT_COPY] = "copy",
	[EVENT_CREATE] = "create",
	[EVENT_DIED] = "died",
	[EVENT_DISCONNECT] = "disconnect",
	[EVENT_EXEC] = "exec",
	[EVENT_EXEC_DIED] = "exec_died",
	[EVENT_EXPORT] = "export",
	[EVENT_HEALTH_STATUS] = "health_status",
	[EVENT_HELPER_RESTARTED] = "helper_restarted",
	[EVENT_IMPORT] = "import",
	[EVENT_INIT] = "init",
	[EVENT_KILL] = "kill",
	[EVENT_LOAD] = "loadfromarchive",
	[EVENT_MOUNT] = "mount",
	[EVENT_OOM] = "oom",
	[EVENT_PAUSE] = "pause",
	[EVENT_PRUNE] = "prune",
	[EVENT_PULL] = "pull",
	[EVENT_PUSH] = "push",
	[EVENT_REMOVE] = "remove",
	[EVENT_RENAME] = "rename",
	[EVENT_RESET] = "reset",
	[EVENT_RESTART] = "restart",
	[EVENT_SAVE] = "save",
	[EVENT_START] = "start",
	[EVENT_STOP] = "stop",
	[EVENT_TAG] = "tag",
	[EVENT_UNMOUNT] = "unmount",
	[EVENT_UNPAUSE] = "unpause",
	[EVENT_UNTAG] = "untag",
	[EVENT_UPDATE] = "update",
};

/* ---- writing ----------------------------------------------------------- */

static const char *text_of(const char *s)
{
	return s ? s : "";
}

/* An image may carry kilobytes of labels: the journal keeps what is small. */
static bool too_long(char *const *labels)
{
	size_t len = 0;

	for (; labels && *labels; labels++)
		len += strlen(*labels);
	return len > LABELS_MAX;
}

static char *attrs_text(const struct event *e)
{
	autojson struct json_object *o = NULL;
	autostrv char **all = NULL;

	strv_extend(&all, e->attrs);
	if (!too_long(e->labels))
		strv_extend(&all, e->labels);
	if (!all)
		return xstrdup("");
	o = json_new_env_map(all);
	return xstrdup(json_text(o));
}

static int trim(struct runtime *rt, struct err *err)
{
	int64_t last = db_last_id(rt->db);
	int r;

	if (last % EVENTS_TRIM != 0)
		return 0;
	r = db_exec(rt->db, err, "DELETE FROM event WHERE seq <= ?", "i",
		    last - EVENTS_MAX);
	return r < 0 ? r : 0;
}

static int insert(struct runtime *rt, const struct event *e, struct err *err)
{
	autofree char *attrs = NULL;
	int r;

	if (rt->opts.no_events)
		return 0;
	attrs = attrs_text(e);
	r = db_exec(rt->db, err,
		    "INSERT INTO event(time, type, status, id, name,"
		    " image, attrs) VALUES(?, ?, ?, ?, ?, ?, ?)", "issssss",
		    e->time_ns ? e->time_ns : clock_now_ns(), types[e->type],
		    names[e->status], text_of(e->id), text_of(e->name),
		    text_of(e->image), attrs);
	return r < 0 ? r : trim(rt, err);
}

static int tx_insert(struct runtime *rt, void *arg, struct err *err)
{
	const struct event *e = arg;

	/* a removal that was faster has the last word */
	if (e->type == EVENT_CONTAINER && e->id && !row_exists(rt, e->id))
		return 1;
	return insert(rt, e, err);
}

int event_add(struct runtime *rt, const struct event *e, struct err *err)
{
	struct err why = ERR_INIT;
	struct event copy = *e;

	if (rt->opts.no_events)
		return 0;
	if (db_in_tx(rt->db))
		return insert(rt, e, err);
	if (tx_run(rt, 0, tx_insert, &copy, &why) < 0)
		log_debug("event %s %s: %s", types[e->type], names[e->status],
			  why.msg);
	return 0;
}

static struct event ctr_event(const struct ctr *c, enum event_status s)
{
	return (struct event){ .type = EVENT_CONTAINER,
			       .status = s,
			       .id = c->id,
			       .name = c->name,
			       .image = c->config.image_name,
			       .labels = c->config.labels };
}

int event_ctr(struct runtime *rt, const struct ctr *c, enum event_status s,
	      char *const *attrs, struct err *err)
{
	struct event e = ctr_event(c, s);

	e.attrs = attrs;
	return event_add(rt, &e, err);
}

int event_image(struct runtime *rt, enum event_status s, const char *id,
		const char *name, struct err *err)
{
	const struct event e = {
		.type = EVENT_IMAGE, .status = s, .id = id, .name = name
	};

	return event_add(rt, &e, err);
}

int event_named(struct runtime *rt, enum event_type t, enum event_status s,
		const char *name, struct err *err)
{
	const struct event e = { .type = t, .status = s, .name = name };

	return event_add(rt, &e, err);
}

/* ---- the life of a container ------------------------------------------- */

static bool is_up(enum ctr_state s)
{
	return s == CTR_RUNNING || s == CTR_STOPPING || s == CTR_PAUSED;
}

/* What the row says before the change; 1 there is one, 0 none. */
static int row_before(struct runtime *rt, const char *id, struct ctr *ret,
		      struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT state, start_n, restarts FROM container"
			" WHERE id = ?", "s", id);
	int r;

	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r == 1) {
		ret->state = (enum ctr_state)db_i64(st, 0);
		ret->start_n = (uint32_t)db_i64(st, 1);
		ret->restarts = (uint32_t)db_i64(st, 2);
	}
	return r;
}

/* A start that rolls back takes its number back, too. */
static bool has_started(const struct ctr *was, const struct ctr *c)
{
	if (is_up(was->state))
		return false;
	if (is_up(c->state))
		return true;
	return c->state == CTR_EXITED && c->start_n == was->start_n &&
	       (was->state == CTR_STARTING || was->state == CTR_CREATING ||
		was->state == CTR_INITIALIZED);
}

static int add_start(struct runtime *rt, const struct ctr *c,
		     const struct ctr *was, struct err *err)
{
	struct event e = ctr_event(c, EVENT_INIT);
	int r = 0;

	e.time_ns = c->started_ns;
	if (c->restarts > was->restarts) {
		e.status = EVENT_RESTART;
		r = insert(rt, &e, err);
		e.status = EVENT_INIT;
	}
	if (r == 0 && was->state != CTR_INITIALIZED)
		r = insert(rt, &e, err);
	e.status = EVENT_START;
	return r < 0 ? r : insert(rt, &e, err);
}

static int add_died(struct runtime *rt, const struct ctr *c, struct err *err)
{
	bool known = c->state == CTR_EXITED || c->state == CTR_STARTING;
	autofree char *code =
		xasprintf("exitCode=%d", known ? c->exit_code : -1);
	char *attrs[] = { code, NULL };
	struct event e = ctr_event(c, EVENT_DIED);
	int r = 0;

	e.time_ns = known && c->exit_code >= 0 ? c->finished_ns : 0;
	if (known && c->oom == 1) {
		e.status = EVENT_OOM;
		r = insert(rt, &e, err);
		e.status = EVENT_DIED;
	}
	e.attrs = attrs;
	if (r == 0)
		r = insert(rt, &e, err);
	return r < 0 ? r : event_ctr(rt, c, EVENT_CLEANUP, NULL, err);
}

int event_life(struct runtime *rt, const struct ctr *c, bool gone,
	       struct err *err)
{
	struct ctr was = { .state = CTR_CREATED };
	bool started, next, ended;
	int r;

	r = row_before(rt, c->id, &was, err);
	if (r <= 0)
		return r;
	r = 0;
	started = has_started(&was, c);
	/* a start that came before the monitor saved the last end */
	next = is_up(was.state) && c->state == CTR_STARTING;
	if (started)
		r = add_start(rt, c, &was, err);
	else if (was.state != CTR_INITIALIZED && c->state == CTR_INITIALIZED)
		r = event_ctr(rt, c, EVENT_INIT, NULL, err);
	else if (was.state == CTR_INITIALIZED && c->state != CTR_INITIALIZED)
		r = event_ctr(rt, c, EVENT_CLEANUP, NULL, err);
	ended = (started || is_up(was.state)) &&
		(gone || next || c->state == CTR_EXITED);
	if (r == 0 && ended)
		r = add_died(rt, c, err);
	if (r == 0 && ended && was.state == CTR_STOPPING)
		r = event_ctr(rt, c, EVENT_STOP, NULL, err);
	if (r == 0 && gone)
		r = event_ctr(rt, c, EVENT_REMOVE, NULL, err);
	return r;
}

/* ---- reading ----------------------------------------------------------- */

int event_last(struct runtime *rt, int64_t *ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st = db_prep(
		rt->db, err, "SELECT max(seq) FROM event", "");
	int r = st ? db_step(st, err) : -EIO;

	if (r < 0)
		return r;
	*ret = db_i64(st, 0);
	return 0;
}

static int call(struct db_stmt *st, event_fn fn, void *arg, struct err *err)
{
	autojson struct json_object *attrs = NULL;
	const char *text = db_str(st, 7);
	struct event_row e = {
		.seq = db_i64(st, 0),
		.time_ns = db_i64(st, 1),
		.type = db_str(st, 2),
		.status = db_str(st, 3),
		.id = db_str(st, 4),
		.name = db_str(st, 5),
		.image = db_str(st, 6),
	};

	if (!str_is_empty(text))
		attrs = json_parse(text, strlen(text), NULL);
	if (!attrs)
		attrs = json_object_new_object();
	e.attrs = attrs;
	return fn(&e, arg, err);
}

int event_each(struct runtime *rt, int64_t *seq, event_fn fn, void *arg,
	       struct err *err)
{
	auto_db_stmt struct db_stmt *st = db_prep(
		rt->db, err,
		"SELECT seq, time, type, status, id, name, image, attrs"
		" FROM event WHERE seq > ? ORDER BY seq", "i", *seq);
	int r;

	if (!st)
		return -EIO;
	while ((r = db_step(st, err)) == 1) {
		*seq = db_i64(st, 0);
		r = call(st, fn, arg, err);
		if (r != 0)
			return r;
	}
	return r;
}

int event_watch(struct runtime *rt)
{
	autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[32];

	if (fd < 0)
		return -EBADF;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", rt->data_fd);
	if (inotify_add_watch(fd, path, IN_MODIFY | IN_ONLYDIR) < 0)
		return -EBADF;
	return take_fd(fd);
}

int event_wait(int watch_fd, int timeout_ms)
{
	struct pollfd p = { .fd = watch_fd, .events = POLLIN };
	char buf[4096];

	if (watch_fd < 0) {
		bool last = timeout_ms >= 0 && timeout_ms <= POLL_MS;

		(void)poll(NULL, 0, last ? timeout_ms : POLL_MS);
		return last ? 0 : 1;
	}
	if (poll(&p, 1, timeout_ms) == 0)
		return 0;
	(void)poll(NULL, 0, GATHER_MS);
	while (read(watch_fd, buf, sizeof(buf)) > 0)
		continue;
	return 1;
}
