/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container's config means for its cgroup, and what of its limits is
 * in force.
 */
#include "libpod/oci/cgroup.h"

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/plan.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

static enum cgroup_mode mode_of(const struct ctr_config *c)
{
	if (streq(c->cgroups, "disabled"))
		return CGROUPS_DISABLED;
	if (streq(c->cgroups, "split"))
		return CGROUPS_SPLIT;
	if (streq(c->cgroups, "no-conmon"))
		return CGROUPS_NO_MONITOR;
	return CGROUPS_ENABLED;
}

static enum cgroup_manager manager_of(const char *name)
{
	if (streq(name, "systemd"))
		return CGROUP_SYSTEMD;
	if (streq(name, "cgroupfs"))
		return CGROUP_FS;
	return CGROUP_AUTO;
}

const char *runtime_cgroup_manager(const struct runtime *rt)
{
	const struct cgroup_want want = {
		.manager = manager_of(rt->opts.cgroup_manager),
		.is_root = rt->ids.is_root && !rt->ids.in_userns,
		.runtime_dir = rt->session_dir,
	};

	return cgroup_manager_name(&want);
}

void plan_cgroup(const struct plan *p, bool attached, struct cgroup_want *ret)
{
	const struct ctr_config *c = &p->c->config;
	const struct rootless *ids = &p->rt->ids;

	*ret = (struct cgroup_want){
		.id = p->c->id,
		.manager = manager_of(c->cgroup_manager),
		.mode = mode_of(c),
		.parent = str_is_empty(c->cgroup_parent) ? NULL :
							   c->cgroup_parent,
		.scope = !attached || limits_any(&c->limits),
		.is_root = ids->is_root && !ids->in_userns,
		.runtime_dir = p->rt->session_dir,
		.limits = &c->limits,
	};
}

void ctr_cgroup(struct runtime *rt, const struct ctr *c, struct cgroup *ret)
{
	autoclose int dir = dir_open_at(rt->run_ctrs_fd, c->id);

	*ret = (struct cgroup)CGROUP_INIT;
	if (ctr_is_live(c))
		cgroup_record_read(dir, ret);
}

void ctr_cgroup_remove(struct runtime *rt, const char *id)
{
	autoclose int dir = dir_open_at(rt->run_ctrs_fd, id);
	struct cgroup cg cleanup(cgroup_done) = CGROUP_INIT;

	cgroup_record_read(dir, &cg);
	if (cg.path)
		cgroup_remove(cg.path);
}

static void copy_text(char **s)
{
	*s = xstrdup(*s);
}

static void copy_list(char ***v)
{
	*v = *v ? strv_copy(*v) : NULL;
}

static void copy_limits(const struct oci_limits *from, struct oci_limits *ret)
{
	*ret = *from;
	copy_text(&ret->cpus);
	copy_text(&ret->mems);
	copy_list(&ret->weight_device);
	copy_list(&ret->read_bps);
	copy_list(&ret->write_bps);
	copy_list(&ret->read_iops);
	copy_list(&ret->write_iops);
	copy_list(&ret->unified);
}

void limits_in_force(const struct ctr *c, const struct cgroup *cg,
		     struct oci_limits *ret)
{
	autostrv char **missing = cg->missing ? strv_split(cg->missing, ',') :
						NULL;

	copy_limits(&c->config.limits, ret);
	if (!ctr_is_live(c))
		return;
	/* "" splits into nothing, but is a name here */
	if (cg->missing && !*cg->missing)
		limits_drop(ret, "");
	for (char **m = missing; m && *m; m++)
		limits_drop(ret, *m);
}
