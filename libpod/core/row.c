/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "libpod/core/core_priv.h"
#include "storage/store.h"
#include "util/db.h"
#include "util/json.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/*
 * The table of containers: small rows for lists, the whole config in a table
 * of its own.  owner_* is set in transitional states only, so that the sweep
 * at each open is one look at an index that is empty most of the time.
 */
const char core_schema[] =
	"CREATE TABLE container("
	" id TEXT NOT NULL UNIQUE,"
	" name TEXT NOT NULL UNIQUE,"
	" state INTEGER NOT NULL,"
	" brief TEXT NOT NULL,"
	" created INTEGER NOT NULL,"
	" started INTEGER NOT NULL DEFAULT 0,"
	" finished INTEGER NOT NULL DEFAULT 0,"
	" init_pid INTEGER NOT NULL DEFAULT 0,"
	" init_start INTEGER NOT NULL DEFAULT 0,"
	" mon_pid INTEGER NOT NULL DEFAULT 0,"
	" mon_start INTEGER NOT NULL DEFAULT 0,"
	" boot TEXT NOT NULL DEFAULT '',"
	" exit_code INTEGER NOT NULL DEFAULT 0,"
	" oom INTEGER NOT NULL DEFAULT 0,"
	" error TEXT,"
	" restarts INTEGER NOT NULL DEFAULT 0,"
	" start_n INTEGER NOT NULL DEFAULT 0,"
	" user_stop INTEGER NOT NULL DEFAULT 0,"
	" ports TEXT NOT NULL DEFAULT '',"
	" owner_pid INTEGER,"
	" owner_start INTEGER,"
	" owner_boot TEXT);"
	"CREATE INDEX container_pending ON container(owner_pid)"
	" WHERE owner_pid IS NOT NULL;"
	"CREATE TABLE container_config("
	" id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;";

const char health_schema[] =
	"ALTER TABLE container ADD COLUMN health INTEGER NOT NULL DEFAULT 0;";

#define COLUMNS                                                         \
	"id, name, state, brief, created, started, finished, init_pid," \
	" init_start, mon_pid, mon_start, boot, exit_code, oom, error," \
	" restarts, start_n, user_stop, ports, owner_pid, owner_start," \
	" owner_boot, health"

/* ---- transactions ------------------------------------------------------ */

static int tx_once(struct runtime *rt, bool durable, tx_fn fn, void *arg,
		   struct err *err)
{
	int r = db_begin(rt->db, durable, err);

	if (r < 0)
		return r;
	r = fn(rt, arg, err);
	if (r == 0)
		r = db_commit(rt->db, err);
	if (r != 0)
		db_rollback(rt->db);
	return r;
}

int tx_run(struct runtime *rt, unsigned int flags, tx_fn fn, void *arg,
	   struct err *err)
{
	struct err why = ERR_INIT;
	struct store *store;
	int r = tx_once(rt, flags & TX_DURABLE, fn, arg, &why);

	if ((flags & TX_RESERVE) && (r == -ENOSPC || r == -EDQUOT) &&
	    runtime_store(rt, &store, NULL) == 0 && store_reserve_drop(store)) {
		err_clear(&why);
		r = tx_once(rt, flags & TX_DURABLE, fn, arg, &why);
	}
	return r < 0 ? err_set(err, why.kind, -r, "%s", why.msg) : r;
}

int tx_save(struct runtime *rt, void *arg, struct err *err)
{
	return row_save(rt, arg, err);
}

bool owner_is_alive(const struct proc_id *owner, const char *boot)
{
	return owner->pid > 0 && streq(boot, boot_id()) &&
	       proc_is_alive(owner);
}

/* ---- life -------------------------------------------------------------- */

struct ctr *ctr_free(struct ctr *c)
{
	if (!c)
		return NULL;
	ctr_config_done(&c->config);
	port_list_done(&c->ports);
	strv_free(c->exec_ids);
	free(c->name);
	free(c->error);
	close_fd(c->op_fd);
	free(c);
	return NULL;
}

void ctr_list_done(struct ctr_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		ctr_free(l->v[i]);
	free(l->v);
	*l = (struct ctr_list){ 0 };
}

const char *ctr_state_name(enum ctr_state s)
{
	switch (s) {
	case CTR_CREATING:
	case CTR_CREATED:
		return "created";
	case CTR_STARTING:
		return "initialized";
	case CTR_RUNNING:
		return "running";
	case CTR_STOPPING:
		return "stopping";
	case CTR_EXITED:
		return "exited";
	case CTR_REMOVING:
		return "removing";
	case CTR_PAUSED:
		return "paused";
	case CTR_INITIALIZED:
		return "initialized";
	}
	return "unknown";
}

const char *ctr_restart_name(enum ctr_restart r)
{
	switch (r) {
	case RESTART_NO:
		return "no";
	case RESTART_ON_FAILURE:
		return "on-failure";
	case RESTART_ALWAYS:
		return "always";
	case RESTART_UNLESS_STOPPED:
		return "unless-stopped";
	}
	return "no";
}

/* ---- reading ----------------------------------------------------------- */

static void copy_text(char *dst, size_t size, const char *src)
{
	(void)snprintf(dst, size, "%s", src ? src : "");
}

/* start_n and status in one number: a status is of one start, so a start has
 * nothing to reset; what has checks begins again as "starting". */
static int64_t health_pack(enum health_status s, uint32_t start_n)
{
	return ((int64_t)start_n << 2) | (int64_t)s;
}

static enum health_status health_unpack(int64_t v, uint32_t start_n)
{
	enum health_status s = (enum health_status)(v & 3);

	if (s != HEALTH_NONE && v >> 2 != start_n)
		return HEALTH_STARTING;
	return s;
}

int row_set_health(struct runtime *rt, const struct ctr *c,
		   enum health_status s, struct err *err)
{
	int r = db_exec(rt->db, err,
			"UPDATE container SET health = ?"
			" WHERE id = ? AND start_n = ?", "isi",
			health_pack(s, c->start_n), c->id,
			(int64_t)c->start_n);

	return r < 0 ? r : 0;
}

/* The fields that change while a container lives. */
static void read_life(struct db_stmt *st, struct ctr *c)
{
	str_set(&c->name, db_str(st, 1));
	c->state = (enum ctr_state)db_i64(st, 2);
	c->started_ns = db_i64(st, 5);
	c->finished_ns = db_i64(st, 6);
	c->init.pid = (pid_t)db_i64(st, 7);
	c->init.start = (uint64_t)db_i64(st, 8);
	c->monitor.pid = (pid_t)db_i64(st, 9);
	c->monitor.start = (uint64_t)db_i64(st, 10);
	copy_text(c->boot, sizeof(c->boot), db_str(st, 11));
	c->exit_code = (int)db_i64(st, 12);
	c->oom = (int)db_i64(st, 13);
	str_set(&c->error, db_str(st, 14));
	c->restarts = (uint32_t)db_i64(st, 15);
	c->start_n = (uint32_t)db_i64(st, 16);
	c->stopped_by_user = db_i64(st, 17) != 0;
	(void)ports_unpack(db_str(st, 18), &c->ports);
	c->owner.pid = (pid_t)db_i64(st, 19);
	c->owner.start = (uint64_t)db_i64(st, 20);
	copy_text(c->owner_boot, sizeof(c->owner_boot), db_str(st, 21));
	c->health = health_unpack(db_i64(st, 22), c->start_n);
	c->orphaned = false;
}

static struct ctr *read_row(struct db_stmt *st)
{
	struct ctr *c = xcalloc(1, sizeof(*c));

	c->op_fd = -EBADF;
	copy_text(c->id, sizeof(c->id), db_str(st, 0));
	c->created_ns = db_i64(st, 4);
	read_life(st, c);
	config_brief_parse(db_str(st, 3), &c->config);
	return c;
}

int ctr_config_load(struct runtime *rt, struct ctr *c, struct err *err)
{
	auto_db_stmt struct db_stmt *st = NULL;
	autojson struct json_object *o = NULL;
	const char *text;
	int r;

	if (c->config_loaded)
		return 0;
	st = db_prep(rt->db, err, "SELECT json FROM container_config"
		     " WHERE id = ?", "s", c->id);
	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r < 0)
		return r;
	if (r == 0)
		return ctr_err_not_found(err, c->id);
	text = db_str(st, 0);
	o = json_parse(text, strlen(text), err);
	if (!o)
		return err_wrap(err, -EINVAL, "container %.12s: config", c->id);
	r = ctr_config_from_json(o, &c->config, err);
	if (r < 0)
		return err_wrap(err, r, "container %.12s", c->id);
	c->config_loaded = true;
	return 0;
}

/* One row of a prepared statement, with its config. */
static int load_one(struct runtime *rt, struct db_stmt *st, struct ctr **ret,
		    struct err *err)
{
	auto_ctr struct ctr *c = read_row(st);
	int r;

	r = ctr_config_load(rt, c, err);
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	return 0;
}

int row_load(struct runtime *rt, const char *id, struct ctr **ret,
	     struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT " COLUMNS " FROM container WHERE id = ?", "s",
			id);
	int r;

	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r == 0)
		return ctr_err_not_found(err, id);
	return r < 0 ? r : load_one(rt, st, ret, err);
}

int row_reload(struct runtime *rt, struct ctr *c, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT " COLUMNS " FROM container WHERE id = ?", "s",
			c->id);
	int r;

	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r == 0)
		return ctr_err_not_found(err, c->id);
	if (r < 0)
		return r;
	read_life(st, c);
	return 0;
}

bool row_mark_holds(struct runtime *rt, const char *id,
		    const struct ctr_mark *mark)
{
	auto_db_stmt struct db_stmt *st = db_prep(
		rt->db, NULL,
		"SELECT 1 FROM container WHERE id = ? AND state = ?"
		" AND ifnull(owner_pid, 0) = ? AND ifnull(owner_start, 0) = ?"
		" AND start_n = ?", "siiii", id, (int64_t)mark->state,
		(int64_t)mark->owner.pid, (int64_t)mark->owner.start,
		(int64_t)mark->start_n);

	return st && db_step(st, NULL) == 1;
}

bool row_exists(struct runtime *rt, const char *id)
{
	auto_db_stmt struct db_stmt *st = db_prep(
		rt->db, NULL, "SELECT 1 FROM container WHERE id = ?", "s", id);

	return !st || db_step(st, NULL) != 0;
}

static int read_list(struct db_stmt *st, struct ctr_list *ret, struct err *err)
{
	size_t room = 0;
	int r;

	while ((r = db_step(st, err)) == 1) {
		if (ret->n == room) {
			room = room ? room * 2 : 16;
			ret->v = xreallocarray(ret->v, room, sizeof(*ret->v));
		}
		ret->v[ret->n++] = read_row(st);
	}
	return r;
}

int row_pending(struct runtime *rt, struct ctr_list *ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT " COLUMNS " FROM container"
			" WHERE owner_pid IS NOT NULL", "");

	return st ? read_list(st, ret, err) : -EIO;
}

/* ---- finding ----------------------------------------------------------- */

int ctr_err_not_found(struct err *err, const char *name)
{
	return err_set(err, ERR_NOT_FOUND, ENOENT,
		       "no container with name or ID \"%s\" found: no such "
		       "container", name);
}

/* Exact name or id; 1 found, 0 not */
static int find_exact(struct runtime *rt, const char *name, struct ctr **ret,
		      struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT " COLUMNS " FROM container"
			" WHERE name = ?1 OR id = ?1"
			" ORDER BY name <> ?1 LIMIT 1", "s", name);
	int r;

	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r != 1)
		return r;
	r = load_one(rt, st, ret, err);
	return r < 0 ? r : 1;
}

static int find_prefix(struct runtime *rt, const char *prefix,
		       struct ctr **ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st = NULL;
	auto_ctr struct ctr *c = NULL;
	int r;

	if (!hex_is_valid(prefix, 0))
		return 0;
	/* 'g' sorts behind every hex digit */
	st = db_prep(rt->db, err,
		     "SELECT " COLUMNS " FROM container"
		     " WHERE id >= ?1 AND id < ?1 || 'g' LIMIT 2", "s", prefix);
	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r != 1)
		return r;
	r = load_one(rt, st, &c, err);
	if (r < 0)
		return r;
	r = db_step(st, err);
	if (r < 0)
		return r;
	if (r == 1)
		return err_set(err, ERR_INVALID, EINVAL,
			       "more than one result for container name or ID "
			       "%s: container already exists", prefix);
	*ret = take_ptr(c);
	return 1;
}

/* A --rm container that ended with nobody left to remove it is finished by
 * whoever sees it. */
static bool is_stale(struct runtime *rt, struct ctr *c)
{
	ctr_normalise(rt, c);
	return c->state == CTR_EXITED && c->config.auto_remove &&
	       ctr_lock_probe(rt, c->id) == 0 && ctr_reap(rt, c);
}

int ctr_find(struct runtime *rt, const char *name, struct ctr **ret,
	     struct err *err)
{
	TRACE("core", "find");
	auto_ctr struct ctr *c = NULL;
	int r;

	if (name[0] == '/')
		name++;
	r = find_exact(rt, name, &c, err);
	if (r == 0)
		r = find_prefix(rt, name, &c, err);
	if (r < 0)
		return r;
	if (r == 0 || is_stale(rt, c))
		return ctr_err_not_found(err, name);
	*ret = take_ptr(c);
	return 0;
}

int ctr_latest(struct runtime *rt, struct ctr **ret, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT " COLUMNS " FROM container"
			" ORDER BY created DESC, rowid DESC LIMIT 1", "");
	int r;

	if (!st)
		return -EIO;
	r = db_step(st, err);
	if (r == 0)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "no containers exist: no such container");
	if (r == 1)
		r = load_one(rt, st, ret, err);
	if (r == 0)
		ctr_normalise(rt, *ret);
	return r;
}

static void settle_list(struct runtime *rt, struct ctr_list *list)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (is_stale(rt, list->v[i]))
			ctr_free(list->v[i]);
		else
			list->v[n++] = list->v[i];
	}
	list->n = n;
}

int ctr_list(struct runtime *rt, struct ctr_list *ret, struct err *err)
{
	TRACE("core", "list");
	auto_db_stmt struct db_stmt *st =
		db_prep(rt->db, err,
			"SELECT " COLUMNS " FROM container ORDER BY rowid",
			"");
	int r;

	if (!st)
		return -EIO;
	r = read_list(st, ret, err);
	if (r < 0)
		return r;
	settle_list(rt, ret);
	return 0;
}

int row_dependants(struct runtime *rt, const char *id, char ***ret,
		   struct err *err)
{
	/* see config_brief(): one line per namespace of another container */
	auto_db_stmt struct db_stmt *st = db_prep(
		rt->db, err,
		"SELECT id FROM container"
		" WHERE instr(brief, char(10) || 'j' || ?1) > 0 AND id <> ?1",
		"s", id);
	int r;

	if (!st)
		return -EIO;
	while ((r = db_step(st, err)) == 1)
		strv_add(ret, db_str(st, 0));
	return r;
}

/* ---- writing ----------------------------------------------------------- */

int row_save(struct runtime *rt, const struct ctr *c, struct err *err)
{
	autosb struct sb ports = SB_INIT;
	bool owned = c->owner.pid > 0;
	int r;

	r = event_life(rt, c, false, err);
	if (r < 0)
		return r;
	ports_pack(&c->ports, &ports);
	r = db_exec(rt->db, err,
		    "UPDATE container SET name = ?, state = ?, started = ?,"
		    " finished = ?, init_pid = ?, init_start = ?, mon_pid = ?,"
		    " mon_start = ?, boot = ?, exit_code = ?, oom = ?,"
		    " error = ?, restarts = ?, start_n = ?, user_stop = ?,"
		    " ports = ?, owner_pid = nullif(?, 0), owner_start = ?,"
		    " owner_boot = ? WHERE id = ?",
		    "siiiiiiisiisiiisiiss", c->name, (int64_t)c->state,
		    c->started_ns, c->finished_ns, (int64_t)c->init.pid,
		    (int64_t)c->init.start, (int64_t)c->monitor.pid,
		    (int64_t)c->monitor.start, c->boot, (int64_t)c->exit_code,
		    (int64_t)c->oom, c->error, (int64_t)c->restarts,
		    (int64_t)c->start_n, (int64_t)c->stopped_by_user,
		    ports.buf, owned ? (int64_t)c->owner.pid : (int64_t)0,
		    (int64_t)c->owner.start, owned ? c->owner_boot : NULL,
		    c->id);
	if (r == 0)
		return ctr_err_not_found(err, c->id);
	return r < 0 ? r : 0;
}

int row_insert(struct runtime *rt, const struct ctr *c, struct err *err)
{
	autojson struct json_object *json = ctr_config_to_json(&c->config);
	autosb struct sb brief = SB_INIT;
	int r;

	config_brief(&c->config, &brief);
	r = db_exec(rt->db, err,
		    "INSERT INTO container(id, name, state, brief, created,"
		    " boot, start_n, owner_pid, owner_start, owner_boot,"
		    " health)"
		    " VALUES(?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?)",
		    "ssisisiiisi", c->id, c->name, (int64_t)c->state, brief.buf,
		    c->created_ns, c->boot, (int64_t)c->start_n,
		    (int64_t)c->owner.pid, (int64_t)c->owner.start,
		    c->owner_boot, health_pack(c->health, c->start_n));
	if (r < 0)
		return r;
	r = db_exec(rt->db, err,
		    "INSERT INTO container_config(id, json) VALUES(?, ?)",
		    "ss", c->id, json_text(json));
	return r < 0 ? r : 0;
}

int row_delete(struct runtime *rt, const char *id, struct err *err)
{
	int r;

	r = db_exec(rt->db, err, "DELETE FROM container WHERE id = ?", "s", id);
	if (r < 0)
		return r;
	r = db_exec(rt->db, err, "DELETE FROM container_config WHERE id = ?",
		    "s", id);
	if (r < 0)
		return r;
	r = db_exec(rt->db, err, "DELETE FROM userns_auto WHERE ctr = ?", "s",
		    id);
	return r < 0 ? r : 0;
}
