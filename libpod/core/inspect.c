/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What inspect shows of a container: podman's object, key by key.  Values say
 * what is in force; a key of a feature that is not there has podman's value
 * for "not set".  Maps are objects, lists are never null.
 */
#include "libpod/core/inspect_int.h"

#include <string.h>

#include "libpod/core/core_priv.h"
#include "libpod/core/plan/notify.h"
#include "libpod/core/plan/plan.h"
#include "libpod/core/secret/secret.h"
#include "libpod/oci/cgroup.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

static void set_time(struct json_object *o, const char *key, int64_t ns)
{
	char text[TIME_TEXT_MAX];

	json_set_str(o, key, time_rfc3339(ns, text));
}

void inspect_text(struct json_object *o, const char *key, const char *s)
{
	json_set_str(o, key, s ? s : "");
}

/* A list that is [] when it is empty. */
void inspect_list(struct json_object *o, const char *key, char *const *v)
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
	json_set_bool(o, "Restarting", ctr_is_restarting(rt, c));
	json_set_bool(o, "OOMKilled", c->oom == 1);
	json_set_bool(o, "Dead", false);
	json_set_i64(o, "Pid", live ? c->init.pid : 0);
	json_set_i64(o, "ConmonPid", live && !c->orphaned ? c->monitor.pid :
							   0);
	json_set_i64(o, "ExitCode", up ? 0 : c->exit_code);
	inspect_text(o, "Error",
		     c->orphaned ? "the monitor died: the container runs "
				   "unmonitored" : c->error);
	set_time(o, "StartedAt", c->started_ns);
	set_time(o, "FinishedAt", up ? 0 : c->finished_ns);
	json_set(o, "Health", ctr_health_json(rt, c));
	/* below the mount, as /proc/PID/cgroup has it */
	inspect_text(o, "CgroupPath",
		     cg->path ? cg->path + strlen(CGROUP_MOUNT) : "");
	set_time(o, "CheckpointedAt", 0);
	set_time(o, "RestoredAt", 0);
	json_set_bool(o, "StoppedByUser", c->stopped_by_user);
	return o;
}

/* ---- Config ------------------------------------------------------------ */

static void set_exposed(struct json_object *o, const struct port_list *ports)
{
	for (size_t i = 0; i < ports->n; i++) {
		const struct port_map *m = &ports->v[i];

		for (unsigned int k = 0; k < m->range; k++) {
			char key[32];

			(void)snprintf(key, sizeof(key), "%u/%s",
				       m->ctr_port + k,
				       m->proto == PORT_UDP ? "udp" : "tcp");
			if (!json_obj(o, key))
				set_map(o, key);
		}
	}
}

/* Each port of a range has a key of its own. */
static struct json_object *exposed(const struct ctr_config *c)
{
	struct json_object *o = json_object_new_object();
	struct port_list list = { 0 };

	for (char **e = c->expose; e && *e; e++)
		(void)port_parse_expose(*e, &list, NULL);
	set_exposed(o, &list);
	set_exposed(o, &c->ports);
	port_list_done(&list);
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
	autofree char *host = ctr_hostname(ctr);
	char umask[8];

	(void)snprintf(umask, sizeof(umask), "%04o", c->umask);
	json_set_str(o, "Hostname", host);
	inspect_text(o, "Domainname", c->domainname);
	inspect_text(o, "User", c->user);
	json_set_bool(o, "AttachStdin", c->attach_stdin);
	json_set_bool(o, "AttachStdout", c->attach_stdout);
	json_set_bool(o, "AttachStderr", c->attach_stderr);
	json_set_bool(o, "Tty", c->tty);
	json_set_bool(o, "OpenStdin", c->stdin_open);
	json_set_bool(o, "StdinOnce", c->stdin_once);
	inspect_list(o, "Env", env);
	inspect_list(o, "Cmd", c->cmd);
	inspect_text(o, "Image", c->image_name);
	json_set(o, "Volumes", volume_targets(c));
	inspect_text(o, "WorkingDir", c->workdir);
	inspect_list(o, "Entrypoint", c->entrypoint);
	json_set(o, "OnBuild", NULL);
	json_set(o, "Labels", json_new_env_map(c->labels));
	json_set(o, "Annotations", json_new_env_map(c->annotations));
	json_set_str(o, "StopSignal", signal_name(c->stop_signal));
	if (c->health)
		health_conf_inspect(c->health, o);
	inspect_list(o, "CreateCommand", c->create_command);
	json_set_str(o, "Umask", umask);
	inspect_text(o, "Timezone", c->tz);
	json_set(o, "Secrets", secrets(c));
	json_set_i64(o, "Timeout", c->timeout);
	json_set_i64(o, "StopTimeout",
		     c->stop_timeout == CTR_STOP_FOREVER ?
			     -1 : (int64_t)c->stop_timeout);
	json_set_bool(o, "Passwd", !c->no_passwd);
	json_set_bool(o, "SystemdMode", systemd_is_on(c));
	json_set_str(o, "sdNotifyMode", notify_mode(ctr));
	json_set(o, "ExposedPorts", exposed(c));
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
	inspect_list(o, "BoundingCaps", names);
	inspect_list(o, "EffectiveCaps", names);
}

static struct json_object *graph_driver(const struct runtime *rt,
					const struct ctr *c)
{
	struct json_object *o = json_object_new_object();
	struct json_object *data = json_object_new_object();

	inspect_text(o, "Name", c->config.driver);
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
	inspect_text(o, "Path", all ? all[0] : "");
	inspect_list(o, "Args", all ? all + 1 : NULL);
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
	inspect_list(o, "Dependencies", ids);
}

static void set_paths(struct json_object *o, const struct runtime *rt,
		      const struct ctr *c)
{
	bool started = c->start_n > 0;

	if (started && !streq(c->config.network, "none"))
		set_file(o, "ResolvConfPath", rt, c, "resolv.conf");
	else
		inspect_text(o, "ResolvConfPath", "");
	if (started) {
		set_file(o, "HostnamePath", rt, c, "hostname");
		set_file(o, "HostsPath", rt, c, "hosts");
		set_file(o, "OCIConfigPath", rt, c, "config.json");
	} else {
		inspect_text(o, "HostnamePath", "");
		inspect_text(o, "HostsPath", "");
		inspect_text(o, "OCIConfigPath", "");
	}
	set_file(o, "StaticDir", rt, c, "");
	inspect_text(o, "OCIRuntime", "bryo");
	inspect_text(o, "ConmonPidFile", c->config.conmon_pidfile);
	inspect_text(o, "PidFile", c->config.pidfile);
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
	inspect_text(o, "Image", c->config.image_id);
	inspect_text(o, "ImageDigest", c->config.image_digest);
	inspect_text(o, "ImageName", c->config.image_name);
	inspect_text(o, "Rootfs", c->config.rootfs);
	inspect_text(o, "Pod", "");
	set_paths(o, rt, c);
	json_set_str(o, "Name", c->name);
	json_set_i64(o, "RestartCount", c->restarts);
	inspect_text(o, "Driver", c->config.driver);
	inspect_text(o, "MountLabel", "");
	inspect_text(o, "ProcessLabel", "");
	inspect_text(o, "AppArmorProfile", "");
	set_caps(o, &c->config);
	inspect_list(o, "ExecIDs", c->exec_ids);
	json_set(o, "GraphDriver", graph_driver(rt, c));
	if (c->sizes.known) {
		json_set_i64(o, "SizeRw", (int64_t)c->sizes.rw);
		json_set_i64(o, "SizeRootFs", (int64_t)c->sizes.root);
	}
	json_set(o, "Mounts", inspect_mounts(rt, &c->config));
	set_dependencies(o, &c->config);
	json_set(o, "NetworkSettings", inspect_network(c));
	inspect_text(o, "Namespace", "");
	json_set_bool(o, "IsInfra", false);
	json_set_bool(o, "IsService", false);
	json_set(o, "Config", config(c));
	json_set(o, "HostConfig", inspect_host(rt, c, &cg));
	return o;
}
