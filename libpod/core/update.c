/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing what is in a container's config for good, and at once when it runs.
 *
 * Theory of operation.  The config is written in one transaction, under the
 * operation lock; limits go into the files of the cgroup first, so that a
 * value that the kernel refuses changes nothing.  A container that runs
 * without a cgroup cannot get one: processes would have to be moved out of
 * places that are not ours.  It gets its new limits at the next start, which
 * is said.
 */
#include "libpod/core/core_priv.h"
#include "libpod/core/event.h"
#include "libpod/oci/cgroup.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/log.h"
#include "util/trace.h"

static int tx_config(struct runtime *rt, void *arg, struct err *err)
{
	const struct ctr *c = arg;
	autojson struct json_object *json = ctr_config_to_json(&c->config);
	autosb struct sb brief = SB_INIT;
	int r;

	config_brief(&c->config, &brief);
	r = db_exec(rt->db, err,
		    "UPDATE container_config SET json = ? WHERE id = ?", "ss",
		    json_text(json), c->id);
	if (r == 0)
		return ctr_err_not_found(err, c->id);
	if (r > 0)
		r = db_exec(rt->db, err,
			    "UPDATE container SET brief = ? WHERE id = ?",
			    "ss", brief.buf, c->id);
	return r < 0 ? r : event_ctr(rt, c, EVENT_UPDATE, NULL, err);
}

static int apply(struct runtime *rt, const struct ctr *c, struct err *err)
{
	autoclose int dir = dir_open_at(rt->run_ctrs_fd, c->id);
	struct cgroup cg cleanup(cgroup_done) = CGROUP_INIT;
	int r;

	ctr_cgroup(rt, c, &cg);
	if (cg.fd >= 0)
		r = cgroup_apply(&c->config.limits, false, &cg, err);
	else
		r = cgroup_note_none(&c->config.limits,
				     "the container runs without a cgroup; "
				     "the next start sees to it", &cg, err);
	if (r < 0)
		return err_wrap(err, r, "update %s", c->name);
	if (cg.warning)
		log_warn("%s", cg.warning);
	return cgroup_record_write(dir, &cg, err);
}

int ctr_update(struct runtime *rt, struct ctr *c, bool limits,
	       int (*change)(struct ctr_config *config, void *arg,
			     struct err *err),
	       void *arg, struct err *err)
{
	TRACE("core", "update");
	int r = ctr_config_load(rt, c, err);

	if (r < 0)
		return r;
	autoclose int lock = ctr_op_lock(rt, c->id, err);
	if (lock < 0)
		return lock;
	r = row_reload(rt, c, err);
	if (r < 0)
		return r;
	ctr_normalise(rt, c);
	r = change(&c->config, arg, err);
	if (r == 0 && limits && ctr_is_live(c))
		r = apply(rt, c, err);
	if (r == 0 && FAULT("update.applied") < 0)
		r = err_sys(err, "update %s", c->name);
	return r < 0 ? r : tx_run(rt, TX_DURABLE, tx_config, c, err);
}
