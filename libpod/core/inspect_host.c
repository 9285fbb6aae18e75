/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HostConfig: what was asked of the host for a container, and which limits of
 * that are in force.
 */
#include "libpod/core/inspect_int.h"

#include <string.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/log/log.h"
#include "libpod/core/plan/device.h"
#include "libpod/core/plan/plan.h"
#include "libpod/core/user/usermap.h"
#include "libpod/monitor/monitor.h"
#include "libpod/oci/cgroup.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

static struct json_object *log_config(const struct runtime *rt,
				      const struct ctr *c)
{
	struct json_object *o = json_object_new_object();
	autofree char *path = ctr_log_path(rt, c);
	char size[SIZE_TEXT_MAX];

	json_set_str(o, "Type", c->config.log_driver);
	json_set(o, "Config", NULL);
	inspect_text(o, "Path", path ? path : "");
	inspect_text(o, "Tag", c->config.log_tag ? c->config.log_tag : "");
	json_set_str(o, "Size", size_human(c->config.log_size, false, size));
	return o;
}

static struct json_object *ulimits(const struct ctr *c)
{
	struct json_object *a = json_object_new_array();
	autofree struct oci_rlimit *list = NULL;
	struct oci_process p = { 0 };

	/* what a start would set, once there was one */
	if (c->start_n == 0 || limits_fill(&c->config, &p, &list, NULL) < 0)
		return a;
	for (size_t i = 0; i < p.n_rlimits; i++) {
		struct json_object *o = json_object_new_object();
		autofree char *upper = xasprintf(
			"RLIMIT_%s", oci_rlimit_name(list[i].resource));

		for (char *u = upper; *u; u++)
			if (*u >= 'a' && *u <= 'z')
				*u = (char)(*u - 'a' + 'A');
		json_set_str(o, "Name", upper);
		json_set_i64(o, "Soft", (int64_t)list[i].soft);
		json_set_i64(o, "Hard", (int64_t)list[i].hard);
		json_object_array_add(a, o);
	}
	return a;
}

static void set_mode(struct json_object *o, const char *key, const char *mode,
		     const char *missing)
{
	json_set_str(o, key, str_is_empty(mode) ? missing : mode);
}

static struct json_object *devices(char *const *v)
{
	struct json_object *a = json_object_new_array();

	for (; v && *v; v++) {
		struct json_object *o = json_object_new_object();
		auto_device struct device dev = { 0 };

		if (device_parse(*v, &dev, NULL) < 0)
			dev.source = xstrdup(*v);
		inspect_text(o, "PathOnHost", dev.source);
		inspect_text(o, "PathInContainer", dev.target);
		inspect_text(o, "CgroupPermissions", dev.mode);
		json_object_array_add(a, o);
	}
	return a;
}

/* "PATH:10mb" -> {"Path":PATH,"Rate":10485760} */
static void set_devices(struct json_object *o, const char *key,
			char *const *v, bool size, const char *value_key)
{
	struct json_object *a = json_object_new_array();

	for (; v && *v; v++) {
		struct json_object *d = json_object_new_object();
		autofree char *path = NULL;
		uint64_t n = 0;

		if (device_limit(*v, size, &path, &n) < 0)
			path = xstrdup(*v);
		json_set_str(d, "Path", path);
		json_set_u64(d, value_key, n);
		json_object_array_add(a, d);
	}
	json_set(o, key, a);
}

static void set_block_io(struct json_object *o, const struct oci_limits *l)
{
	json_set_u64(o, "BlkioWeight", l->blkio_weight);
	set_devices(o, "BlkioWeightDevice", l->weight_device, false, "Weight");
	set_devices(o, "BlkioDeviceReadBps", l->read_bps, true, "Rate");
	set_devices(o, "BlkioDeviceWriteBps", l->write_bps, true, "Rate");
	set_devices(o, "BlkioDeviceReadIOps", l->read_iops, false, "Rate");
	set_devices(o, "BlkioDeviceWriteIOps", l->write_iops, false, "Rate");
}

static void set_cpu(struct json_object *o, const struct oci_limits *l)
{
	bool cpus = l->nano_cpus > 0;

	json_set_u64(o, "CpuShares", l->cpu_shares);
	json_set_u64(o, "NanoCpus", l->nano_cpus);
	json_set_u64(o, "CpuPeriod", cpus ? CPU_PERIOD_DEFAULT :
					    l->cpu_period);
	json_set_i64(o, "CpuQuota", cpus ? (int64_t)(l->nano_cpus / 10000) :
					   l->cpu_quota);
	json_set_u64(o, "CpuRealtimePeriod", l->rt_period);
	json_set_i64(o, "CpuRealtimeRuntime", l->rt_runtime);
	inspect_text(o, "CpusetCpus", l->cpus);
	inspect_text(o, "CpusetMems", l->mems);
	json_set_i64(o, "CpuCount", 0);
	json_set_i64(o, "CpuPercent", 0);
}

static void set_memory(struct json_object *o, const struct oci_limits *l)
{
	json_set_u64(o, "Memory", l->memory);
	json_set_u64(o, "MemoryReservation", l->reservation);
	json_set_i64(o, "MemorySwap", limits_swap(l));
	json_set_i64(o, "MemorySwappiness", (int64_t)l->swappiness - 1);
	json_set_i64(o, "KernelMemory", 0);
	json_set_bool(o, "OomKillDisable", l->oom_kill_disable);
}

/* One that runs shows what is in force, the default limit of processes
 * included; else what was asked for. */
static void set_pids(struct json_object *o, const struct oci_limits *l,
		     const struct cgroup *cg)
{
	int64_t n = MAX(l->pids, (int64_t)0);
	uint64_t have = 0;

	if (cg->fd >= 0)
		n = cgroup_value(cg->fd, "pids.max", NULL, &have) &&
		    have <= INT64_MAX ? (int64_t)have : 0;
	json_set_i64(o, "PidsLimit", n);
}

static void set_limits(struct json_object *o, const struct ctr *c,
		       const struct cgroup *cg)
{
	struct oci_limits l;

	limits_in_force(c, cg, &l);
	set_memory(o, &l);
	set_cpu(o, &l);
	set_block_io(o, &l);
	set_pids(o, &l, cg);
	json_set(o, "CgroupConf",
		 l.unified ? json_new_env_map(l.unified) : NULL);
	limits_done(&l);
	json_set_i64(o, "DiskQuota", 0);
	json_set_i64(o, "IOMaximumIOps", 0);
	json_set_i64(o, "IOMaximumBandwidth", 0);
	inspect_text(o, "CgroupParent", c->config.cgroup_parent);
	inspect_text(o, "CgroupManager",
		 strstr(cg->path ? cg->path : "", ".scope/") ? "systemd" :
		 cg->path ? "cgroupfs" : c->config.cgroup_manager);
	inspect_text(o, "Cgroups", c->config.cgroups ? c->config.cgroups :
						   "default");
}

static struct json_object *restart_policy(const struct ctr_config *c)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "Name", ctr_restart_name(c->restart));
	json_set_i64(o, "MaximumRetryCount", c->restart_max);
	return o;
}

static char *cap_name(const char *asked)
{
	int cap = oci_cap_parse(asked);

	return xstrdup(!strcasecmp(asked, "all") ? "ALL" :
		       cap >= 0		       ? oci_cap_name(cap) :
						 asked);
}

/* One spelling for net_admin, NET_ADMIN and CAP_NET_ADMIN */
static void set_caps(struct json_object *o, const char *key, char *const *v)
{
	autostrv char **names = NULL;

	for (; v && *v; v++) {
		autofree char *name = cap_name(*v);

		if (!strv_contains(names, name))
			strv_add(&names, name);
	}
	strv_sort(names);
	inspect_list(o, key, names);
}

static void set_rows(struct json_object *o, const char *key,
		     const struct idmap *map)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < map->n; i++) {
		autofree char *text = xasprintf("%u:%u:%u",
						map->range[i].inside,
						map->range[i].outside,
						map->range[i].count);

		json_object_array_add(a, json_object_new_string(text));
	}
	json_set(o, key, a);
}

/* Only where they are not the caller's own, as podman has it. */
static void set_maps(struct json_object *o, struct runtime *rt,
		     const struct ctr_config *c)
{
	struct json_object *maps;
	struct idmap uids;
	struct idmap gids;

	if (usermap_is_plain(c) || usermap_of(rt, c, &uids, &gids, NULL) < 0)
		return;
	maps = json_object_new_object();
	set_rows(maps, "UidMap", &uids);
	set_rows(maps, "GidMap", &gids);
	json_set(o, "IDMappings", maps);
}

struct json_object *inspect_host(struct runtime *rt, const struct ctr *ctr,
				 const struct cgroup *cg)
{
	const struct ctr_config *c = &ctr->config;
	struct json_object *o = json_object_new_object();
	struct json_object *size = json_object_new_array();

	json_set(o, "Binds", inspect_binds(c));
	inspect_text(o, "ContainerIDFile", c->cidfile);
	json_set(o, "LogConfig", log_config(rt, ctr));
	set_mode(o, "NetworkMode", c->network, "slirp4netns");
	json_set(o, "PortBindings", inspect_ports(ctr));
	json_set(o, "RestartPolicy", restart_policy(c));
	json_set_bool(o, "AutoRemove", c->auto_remove);
	json_set_bool(o, "AutoRemoveImage", c->remove_image);
	json_set(o, "Annotations", json_new_env_map(c->annotations));
	inspect_text(o, "VolumeDriver", "");
	json_set(o, "VolumesFrom", NULL);
	set_caps(o, "CapAdd", c->cap_add);
	set_caps(o, "CapDrop", c->cap_drop);
	inspect_list(o, "Dns", c->dns);
	inspect_list(o, "DnsOptions", c->dns_option);
	inspect_list(o, "DnsSearch", c->dns_search);
	inspect_list(o, "ExtraHosts", c->add_host);
	inspect_list(o, "GroupAdd", c->group_add);
	set_mode(o, "IpcMode", c->ipc, "shareable");
	set_mode(o, "PidMode", c->pid, "private");
	set_mode(o, "UTSMode", c->uts, "private");
	set_mode(o, "UsernsMode", c->userns, "");
	set_maps(o, rt, c);
	set_mode(o, "CgroupMode", c->cgroupns, "private");
	inspect_text(o, "Cgroup", "");
	json_set(o, "Links", NULL);
	json_set_i64(o, "OomScoreAdj", c->oom_score_adj);
	json_set_bool(o, "Privileged", c->privileged);
	json_set_bool(o, "PublishAllPorts", c->publish_all);
	json_set_bool(o, "ReadonlyRootfs", c->readonly);
	inspect_list(o, "SecurityOpt", c->security_opt);
	json_set(o, "Sysctls", json_new_env_map(c->sysctls));
	json_set(o, "Tmpfs", inspect_tmpfs(c));
	json_set_u64(o, "ShmSize", c->shm_size);
	inspect_text(o, "Runtime", "oci");
	json_object_array_add(size, json_object_new_int(0));
	json_object_array_add(size, json_object_new_int(0));
	json_set(o, "ConsoleSize", size);
	inspect_text(o, "Isolation", "");
	json_set(o, "Devices", devices(c->devices));
	json_set(o, "Ulimits", ulimits(ctr));
	json_set_bool(o, "Init", c->init);
	set_limits(o, ctr, cg);
	return o;
}
