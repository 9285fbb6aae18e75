/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What inspect shows of a container: podman's object, key by key.  Values say
 * what is in force; a key of a feature that is not there has podman's value
 * for "not set".  Maps are objects, lists are never null.
 */
#include <string.h>
#include <sys/mount.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/log/log.h"
#include "libpod/core/plan/device.h"
#include "libpod/core/plan/notify.h"
#include "libpod/core/plan/plan.h"
#include "libpod/core/secret/secret.h"
#include "libpod/core/user/usermap.h"
#include "libpod/monitor/monitor.h"
#include "libpod/oci/cgroup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/path.h"
#include "util/proc.h"
#include "util/str.h"
#include "util/strv.h"

static void set_time(struct json_object *o, const char *key, int64_t ns)
{
	char text[TIME_TEXT_MAX];

	json_set_str(o, key, time_rfc3339(ns, text));
}

static void set_text(struct json_object *o, const char *key, const char *s)
{
	json_set_str(o, key, s ? s : "");
}

/* A list that is [] when it is empty. */
static void set_list(struct json_object *o, const char *key, char *const *v)
{
	if (strv_len(v) > 0)
		json_set_strv(o, key, v);
	else
		json_set(o, key, json_object_new_array());
}

static void set_map(struct json_object *o, const char *key)
{
	json_set(o, key, json_object_new_object());
}

static char *dir_path(const struct runtime *rt, const struct ctr *c,
		      const char *name)
{
	return xasprintf("%s/containers/%s%s%s", rt->data_path, c->id,
			 *name ? "/" : "", name);
}

static void set_file(struct json_object *o, const char *key,
		     const struct runtime *rt, const struct ctr *c,
		     const char *name)
{
	autofree char *path = dir_path(rt, c, name);

	json_set_str(o, key, path);
}

/* ---- State ------------------------------------------------------------- */

static struct json_object *state(struct runtime *rt, const struct ctr *c,
				 const struct cgroup *cg)
{
	struct json_object *o = json_object_new_object();
	bool up = ctr_is_up(c);
	bool live = ctr_is_live(c);

	json_set_str(o, "OciVersion", "1.2.0");
	json_set_str(o, "Status", ctr_state_name(c->state));
	json_set_bool(o, "Running", up && c->state != CTR_PAUSED);
	json_set_bool(o, "Paused", c->state == CTR_PAUSED);
	json_set_bool(o, "Restarting", false);
	json_set_bool(o, "OOMKilled", c->oom == 1);
	json_set_bool(o, "Dead", false);
	json_set_i64(o, "Pid", live ? c->init.pid : 0);
	json_set_i64(o, "ConmonPid", live && !c->orphaned ? c->monitor.pid :
							   0);
	json_set_i64(o, "ExitCode", up ? 0 : c->exit_code);
	set_text(o, "Error", c->orphaned ? "the monitor died: the container "
					   "runs unmonitored" :
					   c->error);
	set_time(o, "StartedAt", c->started_ns);
	set_time(o, "FinishedAt", up ? 0 : c->finished_ns);
	json_set(o, "Health", ctr_health_json(rt, c));
	/* below the mount, as /proc/PID/cgroup has it */
	set_text(o, "CgroupPath", cg->path ? cg->path + strlen(CGROUP_MOUNT) :
					     "");
	set_time(o, "CheckpointedAt", 0);
	set_time(o, "RestoredAt", 0);
	json_set_bool(o, "StoppedByUser", c->stopped_by_user);
	return o;
}

/* ---- Config ------------------------------------------------------------ */

static struct json_object *exposed(const struct ctr_config *c)
{
	struct json_object *o = json_object_new_object();

	for (char **e = c->expose; e && *e; e++)
		set_map(o, *e);
	for (size_t i = 0; i < c->ports.n; i++) {
		const struct port_map *m = &c->ports.v[i];

		for (unsigned int k = 0; k < m->range; k++) {
			char key[32];

			(void)snprintf(key, sizeof(key), "%u/%s",
				       m->ctr_port + k,
				       m->proto == PORT_UDP ? "udp" : "tcp");
			if (!json_obj(o, key))
				set_map(o, key);
		}
	}
	return o;
}

static struct json_object *volume_targets(const struct ctr_config *c)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < c->n_mounts; i++)
		if (c->mounts[i].type == MNT_VOLUME && c->mounts[i].anonymous)
			set_map(o, c->mounts[i].target);
	return o;
}

/* Which ones, never what is in them. */
static struct json_object *secrets(const struct ctr_config *c)
{
	struct json_object *a = json_object_new_array();

	for (char **v = c->secrets; v && *v; v++) {
		struct secret_use u cleanup(secret_use_done) = { 0 };
		struct json_object *o;

		if (secret_use_unpack(*v, &u) < 0)
			continue;
		o = json_object_new_object();
		json_set_str(o, "Name", u.name);
		json_set_str(o, "ID", u.id);
		json_set_i64(o, "UID", u.uid);
		json_set_i64(o, "GID", u.gid);
		json_set_i64(o, "Mode", u.mode);
		json_object_array_add(a, o);
	}
	return a;
}

static struct json_object *config(const struct ctr *ctr)
{
	const struct ctr_config *c = &ctr->config;
	struct json_object *o = json_object_new_object();
	autostrv char **env = ctr_env(ctr);
	char host[65];
	char umask[8];

	(void)snprintf(host, sizeof(host), "%.12s", ctr->id);
	(void)snprintf(umask, sizeof(umask), "%04o", c->umask);
	json_set_str(o, "Hostname",
		     str_is_empty(c->hostname) ? host : c->hostname);
	set_text(o, "Domainname", "");
	set_text(o, "User", c->user);
	json_set_bool(o, "AttachStdin", c->attach_stdin);
	json_set_bool(o, "AttachStdout", c->attach_stdout);
	json_set_bool(o, "AttachStderr", c->attach_stderr);
	json_set_bool(o, "Tty", c->tty);
	json_set_bool(o, "OpenStdin", c->stdin_open);
	json_set_bool(o, "StdinOnce", c->stdin_once);
	set_list(o, "Env", env);
	set_list(o, "Cmd", c->cmd);
	set_text(o, "Image", c->image_name);
	json_set(o, "Volumes", volume_targets(c));
	set_text(o, "WorkingDir", c->workdir);
	set_list(o, "Entrypoint", c->entrypoint);
	json_set(o, "OnBuild", NULL);
	json_set(o, "Labels", json_new_env_map(c->labels));
	json_set(o, "Annotations", json_new_env_map(c->annotations));
	json_set_str(o, "StopSignal", signal_name(c->stop_signal));
	if (c->health)
		health_conf_inspect(c->health, o);
	set_list(o, "CreateCommand", c->create_command);
	json_set_str(o, "Umask", umask);
	set_text(o, "Timezone", c->tz);
	json_set(o, "Secrets", secrets(c));
	json_set_i64(o, "Timeout", c->timeout);
	json_set_i64(o, "StopTimeout", c->stop_timeout);
	json_set_bool(o, "Passwd", !c->no_passwd);
	json_set_bool(o, "SystemdMode", systemd_is_on(c));
	json_set_str(o, "sdNotifyMode", notify_mode(ctr));
	json_set(o, "ExposedPorts", exposed(c));
	return o;
}

/* ---- ports ------------------------------------------------------------- */

/* {"80/tcp":[{"HostIp":"","HostPort":"8080"}]} */
static struct json_object *bindings(const struct port_list *list)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < list->n; i++) {
		const struct port_map *m = &list->v[i];

		for (unsigned int k = 0; k < m->range; k++) {
			struct json_object *b = json_object_new_object();
			struct json_object *v;
			char key[32];
			char port[8] = "";

			(void)snprintf(key, sizeof(key), "%u/%s",
				       m->ctr_port + k,
				       m->proto == PORT_UDP ? "udp" : "tcp");
			if (m->host_port)
				(void)snprintf(port, sizeof(port), "%u",
					       (m->host_port + k) & 0xffff);
			json_set_str(b, "HostIp", m->host_ip[0] ? m->host_ip :
								  "0.0.0.0");
			json_set_str(b, "HostPort", port);
			v = json_arr(o, key);
			if (!v) {
				v = json_object_new_array();
				json_set(o, key, v);
			}
			json_object_array_add(v, b);
		}
	}
	return o;
}

static const struct port_list *ports_of(const struct ctr *c)
{
	return c->ports.n ? &c->ports : &c->config.ports;
}

static struct json_object *network(const struct ctr *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *nets = json_object_new_object();
	bool up = ctr_is_live(c);
	bool slirp = streq(c->config.network, "slirp4netns");
	char path[64] = "";

	set_text(o, "EndpointID", "");
	set_text(o, "Gateway", slirp && up ? NET_SLIRP_GATEWAY : "");
	set_text(o, "IPAddress", slirp && up ? NET_SLIRP_ADDR : "");
	json_set_i64(o, "IPPrefixLen", slirp && up ? NET_SLIRP_PREFIX : 0);
	set_text(o, "IPv6Gateway", "");
	set_text(o, "GlobalIPv6Address", "");
	json_set_i64(o, "GlobalIPv6PrefixLen", 0);
	set_text(o, "MacAddress", "");
	set_text(o, "Bridge", "");
	set_text(o, "SandboxID", "");
	json_set_bool(o, "HairpinMode", false);
	set_text(o, "LinkLocalIPv6Address", "");
	json_set_i64(o, "LinkLocalIPv6PrefixLen", 0);
	json_set(o, "Ports", bindings(ports_of(c)));
	if (up)
		(void)snprintf(path, sizeof(path), "/proc/%d/ns/net",
			       c->init.pid);
	set_text(o, "SandboxKey", path);
	if (slirp) {
		struct json_object *n = json_object_new_object();

		set_text(n, "Gateway", up ? NET_SLIRP_GATEWAY : "");
		set_text(n, "IPAddress", up ? NET_SLIRP_ADDR : "");
		json_set_i64(n, "IPPrefixLen", up ? NET_SLIRP_PREFIX : 0);
		set_text(n, "MacAddress", "");
		set_text(n, "NetworkID", "slirp4netns");
		set_list(n, "Aliases", NULL);
		json_set(nets, "slirp4netns", n);
	}
	json_set(o, "Networks", nets);
	return o;
}

/* ---- Mounts ------------------------------------------------------------ */

static const char *propagation(unsigned long flags)
{
	bool rec = flags & MS_REC;

	if (flags & MS_SHARED)
		return rec ? "rshared" : "shared";
	if (flags & MS_SLAVE)
		return rec ? "rslave" : "slave";
	return rec ? "rprivate" : flags ? "private" : "rprivate";
}

static void mount_options(const struct ctr_mount *m, char ***v)
{
	if (!m->suid)
		strv_add(v, "nosuid");
	if (!m->dev)
		strv_add(v, "nodev");
	if (m->noexec)
		strv_add(v, "noexec");
	if (m->overlay)
		strv_add(v, "O");
	if (m->chown)
		strv_add(v, "U");
	if (m->idmap)
		strv_add(v, "idmap");
	if (m->type != MNT_IMAGE)
		strv_add(v, m->nonrecursive ? "bind" : "rbind");
}

static bool shows_files(const struct ctr_mount *m)
{
	return m->type == MNT_BIND || m->type == MNT_VOLUME ||
	       m->type == MNT_IMAGE;
}

static const char *mount_type_name(enum ctr_mount_type type)
{
	return type == MNT_BIND ? "bind" :
	       type == MNT_VOLUME ? "volume" : "image";
}

static struct json_object *mounts(const struct runtime *rt,
				  const struct ctr_config *c)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct ctr_mount *m = &c->mounts[i];
		struct json_object *o;
		autofree char *source = NULL;
		autostrv char **opts = NULL;

		if (!shows_files(m))
			continue;
		o = json_object_new_object();
		json_set_str(o, "Type", mount_type_name(m->type));
		if (m->type == MNT_VOLUME) {
			json_set_str(o, "Name", m->source);
			source = xasprintf("%s/%s/_data", rt->volumes_path,
					   m->source);
		}
		json_set_str(o, "Source", source ? source : m->source);
		json_set_str(o, "Destination", m->target);
		set_text(o, "Driver", m->type == MNT_VOLUME ? "local" : "");
		set_text(o, "Mode", m->relabel ? m->relabel : "");
		mount_options(m, &opts);
		set_list(o, "Options", opts);
		json_set_bool(o, "RW", !m->ro);
		json_set_str(o, "Propagation", propagation(m->propagation));
		json_set_str(o, "SubPath", m->subpath);
		json_object_array_add(a, o);
	}
	return a;
}

/* "SOURCE:TARGET:rw,rprivate,nosuid,nodev,rbind" */
static struct json_object *binds(const struct ctr_config *c)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct ctr_mount *m = &c->mounts[i];
		autostrv char **opts = NULL;
		autofree char *joined = NULL;
		autofree char *text = NULL;

		if (!shows_files(m) || m->type == MNT_IMAGE)
			continue;
		mount_options(m, &opts);
		joined = strv_join(opts, ",");
		text = xasprintf("%s:%s:%s,%s,%s", m->source, m->target,
				 m->ro ? "ro" : "rw",
				 propagation(m->propagation), joined);
		json_object_array_add(a, json_object_new_string(text));
	}
	return a;
}

static struct json_object *tmpfs(const struct ctr_config *c)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct ctr_mount *m = &c->mounts[i];
		autofree char *text = NULL;

		if (m->type != MNT_TMPFS)
			continue;
		text = xasprintf("%s,rprivate%s%s%s%s%s%s", m->ro ? "ro" : "rw",
				 m->suid ? "" : ",nosuid",
				 m->dev ? "" : ",nodev",
				 m->noexec ? ",noexec" : "",
				 m->nocopy ? "" : ",tmpcopyup",
				 m->options ? "," : "",
				 m->options ? m->options : "");
		json_set_str(o, m->target, text);
	}
	return o;
}

/* ---- HostConfig -------------------------------------------------------- */

static const char *restart_name(enum ctr_restart r)
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

static struct json_object *log_config(const struct runtime *rt,
				      const struct ctr *c)
{
	struct json_object *o = json_object_new_object();
	autofree char *path = ctr_log_path(rt, c);
	char size[SIZE_TEXT_MAX];

	json_set_str(o, "Type", c->config.log_driver);
	json_set(o, "Config", NULL);
	set_text(o, "Path", path ? path : "");
	set_text(o, "Tag", c->config.log_tag ? c->config.log_tag : "");
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
		set_text(o, "PathOnHost", dev.source);
		set_text(o, "PathInContainer", dev.target);
		set_text(o, "CgroupPermissions", dev.mode);
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
	set_text(o, "CpusetCpus", l->cpus);
	set_text(o, "CpusetMems", l->mems);
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
	limits_done(&l);
	json_set_i64(o, "DiskQuota", 0);
	json_set_i64(o, "IOMaximumIOps", 0);
	json_set_i64(o, "IOMaximumBandwidth", 0);
	set_text(o, "CgroupParent", c->config.cgroup_parent);
	set_text(o, "CgroupManager",
		 strstr(cg->path ? cg->path : "", ".scope/") ? "systemd" :
		 cg->path ? "cgroupfs" : c->config.cgroup_manager);
	set_text(o, "Cgroups", c->config.cgroups ? c->config.cgroups :
						   "default");
}

static struct json_object *restart_policy(const struct ctr_config *c)
{
	struct json_object *o = json_object_new_object();

	json_set_str(o, "Name", restart_name(c->restart));
	json_set_i64(o, "MaximumRetryCount", c->restart_max);
	return o;
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

static struct json_object *host_config(struct runtime *rt,
				       const struct ctr *ctr,
				       const struct cgroup *cg)
{
	const struct ctr_config *c = &ctr->config;
	struct json_object *o = json_object_new_object();
	struct json_object *size = json_object_new_array();

	json_set(o, "Binds", binds(c));
	set_text(o, "ContainerIDFile", c->cidfile);
	json_set(o, "LogConfig", log_config(rt, ctr));
	set_mode(o, "NetworkMode", c->network, "slirp4netns");
	json_set(o, "PortBindings", bindings(ports_of(ctr)));
	json_set(o, "RestartPolicy", restart_policy(c));
	json_set_bool(o, "AutoRemove", c->auto_remove);
	json_set_bool(o, "AutoRemoveImage", c->remove_image);
	json_set(o, "Annotations", json_new_env_map(c->annotations));
	set_text(o, "VolumeDriver", "");
	json_set(o, "VolumesFrom", NULL);
	set_list(o, "CapAdd", c->cap_add);
	set_list(o, "CapDrop", c->cap_drop);
	set_list(o, "Dns", c->dns);
	set_list(o, "DnsOptions", c->dns_option);
	set_list(o, "DnsSearch", c->dns_search);
	set_list(o, "ExtraHosts", c->add_host);
	set_list(o, "GroupAdd", c->group_add);
	set_mode(o, "IpcMode", c->ipc, "shareable");
	set_mode(o, "PidMode", c->pid, "private");
	set_mode(o, "UTSMode", c->uts, "private");
	set_mode(o, "UsernsMode", c->userns, "");
	set_maps(o, rt, c);
	set_mode(o, "CgroupMode", c->cgroupns, "private");
	set_text(o, "Cgroup", "");
	json_set(o, "Links", NULL);
	json_set_i64(o, "OomScoreAdj", c->oom_score_adj);
	json_set_bool(o, "Privileged", c->privileged);
	json_set_bool(o, "PublishAllPorts", c->publish_all);
	json_set_bool(o, "ReadonlyRootfs", c->readonly);
	set_list(o, "SecurityOpt", c->security_opt);
	json_set(o, "Sysctls", json_new_env_map(c->sysctls));
	json_set(o, "Tmpfs", tmpfs(c));
	json_set_u64(o, "ShmSize", c->shm_size);
	set_text(o, "Runtime", "oci");
	json_object_array_add(size, json_object_new_int(0));
	json_object_array_add(size, json_object_new_int(0));
	json_set(o, "ConsoleSize", size);
	set_text(o, "Isolation", "");
	json_set(o, "Devices", devices(c->devices));
	json_set(o, "Ulimits", ulimits(ctr));
	json_set_bool(o, "Init", c->init);
	set_limits(o, ctr, cg);
	return o;
}

/* ---- the whole --------------------------------------------------------- */

static void set_caps(struct json_object *o, const struct ctr_config *c)
{
	autostrv char **names = NULL;
	uint64_t caps = 0;

	(void)caps_resolve(c, c->privileged, &caps, NULL);
	for (int i = 0; i < 64; i++)
		if ((caps & (UINT64_C(1) << i)) && oci_cap_name(i))
			strv_add(&names, oci_cap_name(i));
	if (names)
		strv_sort(names);
	set_list(o, "BoundingCaps", names);
	set_list(o, "EffectiveCaps", names);
}

static struct json_object *graph_driver(const struct runtime *rt,
					const struct ctr *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *data = json_object_new_object();

	set_text(o, "Name", c->config.driver);
	if (!streq(c->config.driver, "vfs") && c->config.driver) {
		set_file(data, "UpperDir", rt, c, "upper");
		set_file(data, "WorkDir", rt, c, "work");
	}
	json_set(o, "Data", data);
	return o;
}

static void set_command(struct json_object *o, const struct ctr_config *c)
{
	autostrv char **all = NULL;

	strv_extend(&all, c->entrypoint);
	strv_extend(&all, c->cmd);
	set_text(o, "Path", all ? all[0] : "");
	set_list(o, "Args", all ? all + 1 : NULL);
}

static void set_dependencies(struct json_object *o, const struct ctr_config *c)
{
	const char *modes[] = { c->network, c->pid,	 c->ipc,
				c->uts,	    c->cgroupns, c->userns };
	autostrv char **ids = NULL;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		const char *id = str_after(modes[i] ? modes[i] : "",
					   "container:");

		if (id && !strv_contains(ids, id))
			strv_add(&ids, id);
	}
	for (char **v = c->requires; v && *v; v++)
		if (!strv_contains(ids, *v))
			strv_add(&ids, *v);
	set_list(o, "Dependencies", ids);
}

static void set_paths(struct json_object *o, const struct runtime *rt,
		      const struct ctr *c)
{
	bool started = c->start_n > 0;

	if (started && !streq(c->config.network, "none"))
		set_file(o, "ResolvConfPath", rt, c, "resolv.conf");
	else
		set_text(o, "ResolvConfPath", "");
	if (started) {
		set_file(o, "HostnamePath", rt, c, "hostname");
		set_file(o, "HostsPath", rt, c, "hosts");
		set_file(o, "OCIConfigPath", rt, c, "config.json");
	} else {
		set_text(o, "HostnamePath", "");
		set_text(o, "HostsPath", "");
		set_text(o, "OCIConfigPath", "");
	}
	set_file(o, "StaticDir", rt, c, "");
	set_text(o, "OCIRuntime", "bryo");
	set_text(o, "ConmonPidFile", c->config.conmon_pidfile);
	set_text(o, "PidFile", c->config.pidfile);
}

struct json_object *ctr_inspect(struct runtime *rt, struct ctr *c,
				struct err *err)
{
	struct cgroup cg cleanup(cgroup_done) = CGROUP_INIT;
	struct json_object *o;

	if (ctr_config_load(rt, c, err) < 0)
		return NULL;
	ctr_cgroup(rt, c, &cg);
	ctr_exec_ids(rt, c);
	o = json_object_new_object();
	json_set_str(o, "Id", c->id);
	set_time(o, "Created", c->created_ns);
	set_command(o, &c->config);
	json_set(o, "State", state(rt, c, &cg));
	set_text(o, "Image", c->config.image_id);
	set_text(o, "ImageDigest", c->config.image_digest);
	set_text(o, "ImageName", c->config.image_name);
	set_text(o, "Rootfs", c->config.rootfs);
	set_text(o, "Pod", "");
	set_paths(o, rt, c);
	json_set_str(o, "Name", c->name);
	json_set_i64(o, "RestartCount", c->restarts);
	set_text(o, "Driver", c->config.driver);
	set_text(o, "MountLabel", "");
	set_text(o, "ProcessLabel", "");
	set_text(o, "AppArmorProfile", "");
	set_caps(o, &c->config);
	set_list(o, "ExecIDs", c->exec_ids);
	json_set(o, "GraphDriver", graph_driver(rt, c));
	if (c->sizes.known) {
		json_set_i64(o, "SizeRw", (int64_t)c->sizes.rw);
		json_set_i64(o, "SizeRootFs", (int64_t)c->sizes.root);
	}
	json_set(o, "Mounts", mounts(rt, &c->config));
	set_dependencies(o, &c->config);
	json_set(o, "NetworkSettings", network(c));
	set_text(o, "Namespace", "");
	json_set_bool(o, "IsInfra", false);
	json_set_bool(o, "IsService", false);
	json_set(o, "Config", config(c));
	json_set(o, "HostConfig", host_config(rt, c, &cg));
	return o;
}
