/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags of `create` and `run`, and the way from them to a container.  The
 * tables are the list: each opt_*.c has the one of its matter and a function
 * that turns it into a part of the container's config; the order of them, and
 * what is no matter of one file, is here.  Defaults of the image come in later
 * (libpod/core).
 */
#include "cmd/container/create_opts.h"

#include "cmd/config/conf.h"
#include "cmd/container/create_conf.h"
#include "libpod/core/runtime.h"
#include "libpod/oci/cgroup.h"
#include "util/str.h"

#define A struct create_args

const struct opt create_opts_health[] = {
	HEALTH_OPTS(A, health),
	OPT_END,
};

const struct opt create_opts_limits[] = {
	OPT_STRV(0, "cgroup-conf", A, limits.cgroup_conf, "FILE=VALUE",
		 "Write a file of the container's cgroup"),
	OPT_STR(0, "cgroup-parent", A, cgroup_parent, "string",
		"Parent cgroup: NAME.slice, or a path"),
	OPT_STR(0, "cgroups", A, cgroups, "string",
		"Cgroup of the container: enabled, disabled, no-conmon, "
		"split"),
	LIMIT_OPTS(A),
	OPT_BOOL(0, "oom-kill-disable", A, oom_kill_disable,
		 "Do not kill when memory runs out (cgroup v1 only)"),
	OPT_END,
};

/* Known to podman or docker; each is an error that says so. */
const struct opt create_opts_later[] = {
	OPT_NOT_YET(0, "cpu-count", "int", "CPU count (Windows)"),
	OPT_NOT_YET(0, "cpu-percent", "int", "CPU percent (Windows)"),
	OPT_NOT_YET(0, "decryption-key", "strings", "Keys to decrypt with"),
	OPT_NOT_YET(0, "gpus", "string", "GPU devices"),
	OPT_NOT_YET(0, "io-maxbandwidth", "string", "IO limit (Windows)"),
	OPT_NOT_YET(0, "io-maxiops", "uint", "IO limit (Windows)"),
	OPT_NOT_YET(0, "ip", "string", "IPv4 address"),
	OPT_NOT_YET(0, "ip6", "string", "IPv6 address"),
	OPT_NOT_YET(0, "link", "list", "Link to another container"),
	OPT_NOT_YET(0, "link-local-ip", "list", "Link-local addresses"),
	OPT_NOT_YET(0, "mac-address", "string", "MAC address"),
	OPT_NOT_YET(0, "network-alias", "strings", "Further names"),
	OPT_NOT_YET(0, "pod", "string", "Pod to join"),
	OPT_NOT_YET(0, "pod-id-file", "string", "File with a pod's ID"),
	OPT_NOT_YET(0, "rdt-class", "string", "Class of service"),
	OPT_NOT_YET(0, "runtime", "string", "OCI runtime"),
	OPT_NOT_YET(0, "storage-opt", "strings", "Storage options"),
	OPT_NOT_YET(0, "use-api-socket", NULL, "Mount docker's socket"),
	OPT_END,
};

#undef A

void create_defaults(void *args)
{
	struct create_args *a = args;

	a->tls_verify = a->no_trust = -1;
	a->retry = -1;
	a->env_host = a->http_proxy = a->init = -1;
	a->no_hosts = a->privileged = a->read_only = -1;
	a->passwd = true;
	a->read_only_tmpfs = true;
	a->stop_timeout = INT64_MIN;
	a->shm_size = SHM_SIZE_UNSET;
}

static int set_limits(const struct runtime *rt, const struct create_args *a,
		      struct ctr_config *c, struct err *err)
{
	static const char *const modes[] = { "enabled", "disabled",
					     "no-conmon", "split" };
	const char *mode = a->cgroups;
	size_t i = 0;
	int r;

	while (mode && i < ARRAY_LEN(modes) && !streq(mode, modes[i]))
		i++;
	if (i == ARRAY_LEN(modes))
		return err_set(err, ERR_INVALID, EINVAL,
			       "unsupported cgroup mode \"%s\": enabled, "
			       "disabled, no-conmon or split: invalid argument",
			       mode);
	r = cgroup_parent_check(a->cgroup_parent,
				streq(rt->opts.cgroup_manager, "systemd") ?
					CGROUP_SYSTEMD : CGROUP_AUTO,
				err);
	if (r < 0)
		return r;
	str_set(&c->cgroups, mode);
	str_set(&c->cgroup_parent, a->cgroup_parent);
	str_set(&c->cgroup_manager, rt->opts.cgroup_manager);
	c->limits.oom_kill_disable = a->oom_kill_disable;
	return limits_parse(&a->limits, &c->limits, err);
}

/* The flags and the command; @ret is the caller's also on failure. */
static int config_make(struct runtime *rt, const struct create_args *a,
		       char *const *argv, struct ctr_config *ret,
		       struct err *err)
{
	int r;

	ctr_config_init(ret);
	r = image_parse(a, argv, ret, err);
	if (r == 0)
		r = process_parse(a, ret, err);
	if (r == 0)
		r = life_parse(rt, a, ret, err);
	if (r == 0)
		r = security_parse(a, ret, err);
	if (r == 0)
		r = users_parse(a, ret, err);
	if (r == 0)
		r = machine_parse(a, ret, err);
	if (r == 0)
		r = set_limits(rt, a, ret, err);
	if (r == 0)
		r = network_parse(a, ret, err);
	if (r == 0)
		r = mounts_parse(rt, a, ret, err);
	if (r == 0)
		r = secrets_parse(rt, a, ret, err);
	ret->shm_size = a->shm_size;
	/* knows the namespaces now */
	return r < 0 ? r : sysctls_parse(a, ret, err);
}

static int replace(struct runtime *rt, const char *name, struct err *err)
{
	const struct ctr_rm_opts opts = { .force = true, .volumes = true,
					  .timeout_s = CTR_TIMEOUT_CONFIG };
	auto_ctr struct ctr *old = NULL;
	int r = ctr_find(rt, name, &old, err);

	/* only the name itself, not an id that begins so */
	if (r == 0 && streq(old->name, name))
		r = ctr_remove(rt, old, &opts, err);
	if (r == -ENOENT)
		r = err_clear(err);
	return r;
}

int create_container(struct runtime *rt, const struct create_args *typed,
		     char *const *argv, bool run, struct image **ret_img,
		     struct ctr **ret, struct err *err)
{
	struct ctr_config config cleanup(ctr_config_done) = { 0 };
	struct create_filled f cleanup(create_filled_done);
	const struct create_args *a = &f.args;
	int r = create_fill(typed, conf_get(), &f, err);

	if (r < 0)
		return r;
	if (a->replace && !a->name)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot replace container without --name being "
			       "set");
	if (typed->shm_size != SHM_SIZE_UNSET &&
	    (streq(a->ipc, "host") || streq(a->ipc, "none")))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid config provided: cannot set shmsize "
			       "when running in the {%s } IPC Namespace",
			       a->ipc);
	r = config_make(rt, a, argv, &config, err);
	if (r == 0)
		r = image_find_or_pull(rt, a, argv[0], ret_img, err);
	if (r == 0 && a->replace)
		r = replace(rt, a->name, err);
	if (r < 0)
		return r;
	return ctr_create(rt, *ret_img, &config, a->name, run, ret, err);
}
