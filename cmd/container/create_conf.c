/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers.conf for create and run.
 *
 * Theory of operation.  A flag that was given wins, so everything starts with
 * a copy of what was typed.  One value takes the place of a flag that is
 * missing; a list with names (ulimits, annotations) loses the elements whose
 * names were typed; DNS settings are one whole.  The rest (struct create_conf)
 * is handed on to where flags and images are looked at together.  After that
 * nobody knows any more where a value came from: bad ones get the words of
 * the flag.
 */
#include "cmd/container/create_conf.h"

#include <assert.h>
#include <inttypes.h>

#include "cmd/config/conf.h"
#include "util/log.h"
#include "util/str.h"
#include "util/strv.h"

void create_filled_done(struct create_filled *f)
{
	for (size_t i = 0; i < f->n_lists; i++)
		strv_free(f->lists[i]);
	strv_free(f->texts);
}

/* ---- lists ------------------------------------------------------------- */

static char **keep_list(struct create_filled *f, char **v)
{
	if (!v)
		return NULL;
	assert(f->n_lists < ARRAY_LEN(f->lists));
	f->lists[f->n_lists++] = v;
	return v;
}

static bool is_typed(char *const *typed, const char *item)
{
	size_t n = strcspn(item, "=");

	for (; typed && *typed; typed++)
		if (strncmp(*typed, item, n) == 0 && (*typed)[n] == '=')
			return true;
	return false;
}

/* Configured ones first, without those whose NAME= was typed */
static void add_list(struct create_filled *f, char *const *conf, char ***list)
{
	char **all = NULL;

	if (!conf)
		return;
	for (; *conf; conf++)
		if (!is_typed(*list, *conf))
			strv_add(&all, *conf);
	strv_extend(&all, *list);
	*list = keep_list(f, all);
}

/* ---- single values ----------------------------------------------------- */

static void fill_str(char *conf, char **field)
{
	if (!*field && !str_is_empty(conf))
		*field = conf;
}

static void fill_bool(int conf, int missing, int *field)
{
	if (*field < 0)
		*field = conf < 0 ? missing : conf;
}

static void fill_number(struct create_filled *f, int64_t conf, char **field)
{
	char *text;

	if (*field || conf == CONF_UNSET)
		return;
	text = xasprintf("%" PRId64, conf);
	strv_push(&f->texts, text);
	*field = text;
}

static int fill_shm(const char *conf, uint64_t *size, struct err *err)
{
	if (*size != SHM_SIZE_UNSET)
		return 0;
	*size = SHM_SIZE_DEFAULT;
	if (!str_is_empty(conf) && parse_size(conf, size) < 0)
		return err_set(
			err, ERR_INVALID, EINVAL,
			"containers.conf: containers.shm_size: \"%s\" is "
			"not a size",
			conf);
	return 0;
}

/* Of podman's ways to a private network bryo has one. */
static void fill_network(char *conf, char **field)
{
	if (*field || str_is_empty(conf))
		return;
	if (streq(conf, "bridge") || str_starts(conf, "pasta") ||
	    str_starts(conf, "slirp4netns"))
		log_debug("containers.conf: netns %s: a private network",
			  conf);
	else
		*field = conf;
}

/* What is typed about hosts means that there is to be a file. */
static void fill_hosts(const struct conf *conf, struct create_args *a)
{
	if (a->no_hosts < 0 && (a->add_host || a->hosts_file))
		a->no_hosts = 0;
	fill_bool(conf->no_hosts, 0, &a->no_hosts);
	fill_str(conf->base_hosts_file, &a->hosts_file);
}

/* As an option that typed ones come after; --privileged has no filter. */
static void fill_seccomp(struct create_filled *f, const char *path)
{
	char **all = NULL;

	if (str_is_empty(path) || f->args.privileged)
		return;
	strv_addf(&all, "seccomp=%s", path);
	strv_extend(&all, f->args.security_opt);
	f->args.security_opt = keep_list(f, all);
}

static void fill_strings(const struct conf *c, struct create_args *a)
{
	fill_str(c->cgroupns, &a->cgroupns);
	fill_str(c->cgroups, &a->cgroups);
	fill_str(c->image_volume_mode, &a->image_volume);
	fill_str(c->init_path, &a->init_path);
	fill_str(c->engine_init_path, &a->init_path);
	fill_str(c->ipcns, &a->ipc);
	fill_str(c->log_driver, &a->log_driver);
	fill_str(c->pidns, &a->pid);
	fill_str(c->pull_policy, &a->pull);
	fill_str(c->tz, &a->tz);
	fill_str(c->umask, &a->umask);
	fill_str(c->utsns, &a->uts);
	fill_network(c->netns, &a->network);
}

static void fill_numbers(struct create_filled *f, const struct conf *c)
{
	struct create_args *a = &f->args;

	fill_number(f, c->oom_score_adj, &a->oom_score_adj);
	fill_number(f, c->pids_limit, &a->limits.pids_limit);
	if (a->stop_timeout == INT64_MIN && c->stop_timeout >= 0)
		a->stop_timeout = c->stop_timeout;
	if (a->retry < 0 && c->retry >= 0)
		a->retry = (int)MIN(c->retry, (int64_t)INT32_MAX);
}

static void fill_lists(struct create_filled *f, const struct conf *c)
{
	struct create_args *a = &f->args;

	add_list(f, c->annotations, &a->annotation);
	add_list(f, c->default_ulimits, &a->ulimit);
	add_list(f, c->devices, &a->device);
	if (!a->dns)
		a->dns = c->dns_servers;
	if (!a->dns_search)
		a->dns_search = c->dns_searches;
	if (!a->dns_option)
		a->dns_option = c->dns_options;
}

/* ---- empty values ------------------------------------------------------ */

static void drop_empty(struct create_filled *f, char ***list)
{
	char **rest = NULL;

	if (!strv_contains(*list, ""))
		return;
	for (char **v = *list; *v; v++)
		if (**v)
			strv_add(&rest, *v);
	*list = keep_list(f, rest);
}

/* Scripts type --name "$NAME" and -e "$EXTRA": with nothing in it, as if it
 * had not been typed. */
static void forget_empty(struct create_filled *f)
{
	struct create_args *a = &f->args;
	char **const texts[] = {
		&a->cgroups, &a->health.cmd, &a->image_volume,
		&a->limits.blkio_weight, &a->limits.memory,
		&a->limits.memory_reservation, &a->limits.memory_swap,
		&a->name, &a->platform, &a->pull, &a->sdnotify,
		&a->stop_signal, &a->systemd, &a->umask,
	};
	char ***const lists[] = {
		&a->add_host, &a->annotation, &a->env, &a->env_file,
		&a->label_file, &a->log_opt, &a->networks, &a->secret,
		&a->ulimit,
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (str_is_empty(*texts[i]))
			*texts[i] = NULL;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		drop_empty(f, lists[i]);
}

int create_fill(const struct create_args *typed, const struct conf *conf,
		struct create_filled *ret, struct err *err)
{
	struct create_args *a = &ret->args;

	*ret = (struct create_filled){ .args = *typed };
	forget_empty(ret);
	a->network = a->networks ? a->networks[0] : NULL;
	fill_bool(conf->env_host, 0, &a->env_host);
	fill_bool(conf->http_proxy, 1, &a->http_proxy);
	fill_bool(conf->init, 0, &a->init);
	fill_bool(conf->privileged, 0, &a->privileged);
	fill_bool(conf->read_only, 0, &a->read_only);
	fill_strings(conf, a);
	fill_numbers(ret, conf);
	fill_lists(ret, conf);
	fill_hosts(conf, a);
	fill_seccomp(ret, conf->seccomp_profile);
	a->conf = (struct create_conf){
		.env = conf->env,
		.caps = conf->default_capabilities,
		.sysctls = conf->default_sysctls,
		.volumes = conf->volumes,
		.mounts = conf->mounts,
		.host_ips = conf->default_host_ips,
		.internal_ip = conf->host_containers_internal_ip,
		.userns = conf->userns,
		.mounts_file = conf->default_mounts_file,
		.log_tag = conf->log_tag,
		.log_size_max = conf->log_size_max == CONF_UNSET ?
					0 : conf->log_size_max,
	};
	return fill_shm(conf->shm_size, &a->shm_size, err);
}
