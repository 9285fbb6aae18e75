/* SPDX-License-Identifier: Apache-2.0 */
#include <json-c/json.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "libpod/oci/hooks.h"
#include "libpod/oci/oci.h"
#include "libpod/oci/spec.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

/*
 * Theory of operation
 *
 * Writes struct oci_spec as the runtime-spec's config.json, for people and
 * tools that read the bundle, and for other runtimes.  Two things have no
 * form there: the BPF program (a profile has names, not code) and user names
 * that are looked up at the start; they are left out and 0:0.
 */

#define SPEC_VERSION "1.0.2-dev"

static const char *const ns_names[] = {
	[OCI_NS_USER] = "user",	  [OCI_NS_MNT] = "mount",
	[OCI_NS_PID] = "pid",	  [OCI_NS_NET] = "network",
	[OCI_NS_IPC] = "ipc",	  [OCI_NS_UTS] = "uts",
	[OCI_NS_CGROUP] = "cgroup",
};

static void push(struct json_object *arr, const char *s)
{
	json_object_array_add(arr, json_object_new_string(s));
}

static struct json_object *strings(const char *const *v, size_t n)
{
	struct json_object *arr = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		push(arr, v[i]);
	return arr;
}

static struct json_object *caps_json(uint64_t caps)
{
	struct json_object *arr = json_object_new_array();

	for (int cap = 0; oci_cap_name(cap); cap++)
		if (caps & UINT64_C(1) << cap)
			push(arr, oci_cap_name(cap));
	return arr;
}

static struct json_object *all_caps_json(const struct oci_process *p)
{
	struct json_object *o = json_object_new_object();

	json_set(o, "bounding", caps_json(p->caps.bounding));
	json_set(o, "effective", caps_json(p->caps.effective));
	json_set(o, "permitted", caps_json(p->caps.effective));
	json_set(o, "ambient", caps_json(p->caps.ambient));
	return o;
}

static struct json_object *rlimits_json(const struct oci_process *p)
{
	struct json_object *arr = json_object_new_array();

	for (size_t i = 0; i < p->n_rlimits; i++) {
		const struct oci_rlimit *l = &p->rlimits[i];
		struct json_object *o = json_object_new_object();
		autofree char *type = xasprintf("RLIMIT_%s",
						oci_rlimit_name(l->resource));

		for (char *c = type; *c; c++)
			if (*c >= 'a' && *c <= 'z')
				*c = (char)(*c - 'a' + 'A');
		json_set_str(o, "type", type);
		json_set_u64(o, "hard", l->hard);
		json_set_u64(o, "soft", l->soft);
		json_object_array_add(arr, o);
	}
	return arr;
}

/* "uid:gid" as far as it is numbers; names are looked up at the start. */
static struct json_object *user_json(const struct oci_process *p)
{
	struct json_object *o = json_object_new_object();
	autofree char *user = xstrdup(p->user ? p->user : "");
	char *group = strchr(user, ':');
	uint32_t uid = 0;
	uint32_t gid = 0;

	if (group)
		*group++ = '\0';
	(void)parse_id(user, &uid);
	if (group)
		(void)parse_id(group, &gid);
	json_set_i64(o, "uid", uid);
	json_set_i64(o, "gid", gid);
	json_set_i64(o, "umask", p->umask);
	return o;
}

static struct json_object *process_json(const struct oci_process *p)
{
	struct json_object *o = json_object_new_object();

	json_set_bool(o, "terminal", p->terminal);
	if (p->terminal && p->rows && p->cols) {
		struct json_object *size = json_object_new_object();

		json_set_i64(size, "height", p->rows);
		json_set_i64(size, "width", p->cols);
		json_set(o, "consoleSize", size);
	}
	json_set(o, "user", user_json(p));
	json_set_strv(o, "args", p->args);
	json_set_strv(o, "env", p->env);
	json_set_str(o, "cwd", str_is_empty(p->cwd) ? "/" : p->cwd);
	json_set(o, "capabilities", all_caps_json(p));
	json_set(o, "rlimits", rlimits_json(p));
	json_set_bool(o, "noNewPrivileges", p->no_new_privs);
	if (p->oom_score_set)
		json_set_i64(o, "oomScoreAdj", p->oom_score_adj);
	return o;
}

/*
 * ---- mounts ---------------------------------------------------------------
 */

static const struct {
	uint64_t attr;
	const char *option;
} attr_names[] = {
	{ MOUNT_ATTR_RDONLY, "ro" },
	{ MOUNT_ATTR_NOSUID, "nosuid" },
	{ MOUNT_ATTR_NODEV, "nodev" },
	{ MOUNT_ATTR_NOEXEC, "noexec" },
	{ MOUNT_ATTR_NOATIME, "noatime" },
	{ MOUNT_ATTR_NODIRATIME, "nodiratime" },
};

const char *spec_propagation(unsigned long p)
{
	bool rec = p & MS_REC;

	if (p & MS_SHARED)
		return rec ? "rshared" : "shared";
	if (p & MS_SLAVE)
		return rec ? "rslave" : "slave";
	return p == 0 || rec ? "rprivate" : "private";
}

static const char *type_name(enum oci_mount_kind kind)
{
	switch (kind) {
	case OCI_MOUNT_BIND:
	case OCI_MOUNT_DEVICE:
		return "bind";
	case OCI_MOUNT_TMPFS:
	case OCI_MOUNT_DEV:
		return "tmpfs";
	case OCI_MOUNT_PROC:
		return "proc";
	case OCI_MOUNT_SYSFS:
		return "sysfs";
	case OCI_MOUNT_DEVPTS:
		return "devpts";
	case OCI_MOUNT_MQUEUE:
		return "mqueue";
	case OCI_MOUNT_CGROUP:
		return "cgroup";
	case OCI_MOUNT_OVERLAY:
		return "overlay";
	case OCI_MOUNT_RAMFS:
		return "ramfs";
	case OCI_MOUNT_FILE:
	case OCI_MOUNT_SYMLINK:
		return "bind";
	}
	return "none";
}

static struct json_object *options_json(const struct oci_mount *m)
{
	struct json_object *arr = json_object_new_array();
	autostrv char **data = m->data ? strv_split(m->data, ',') : NULL;
	bool bind = streq(type_name(m->kind), "bind");

	if (bind)
		push(arr, "rbind");
	if (bind || m->propagation)
		push(arr, spec_propagation(m->propagation));
	for (size_t i = 0; i < ARRAY_LEN(attr_names); i++)
		if (m->attr & attr_names[i].attr)
			push(arr, attr_names[i].option);
	if (m->kind == OCI_MOUNT_TMPFS && m->copy_up)
		push(arr, "tmpcopyup");
	for (size_t i = 0; data && data[i]; i++)
		push(arr, data[i]);
	return arr;
}

static struct json_object *mounts_json(const struct oci_spec *s)
{
	struct json_object *arr = json_object_new_array();

	for (size_t i = 0; i < s->n_mounts; i++) {
		const struct oci_mount *m = &s->mounts[i];
		const char *type = type_name(m->kind);
		struct json_object *o = json_object_new_object();

		json_set_str(o, "destination", m->target);
		json_set_str(o, "type", type);
		json_set_str(o, "source",
			     str_is_empty(m->source) ? type : m->source);
		json_set(o, "options", options_json(m));
		json_object_array_add(arr, o);
	}
	return arr;
}

/*
 * ---- linux
 * ------------------------------------------------------------------
 */

static struct json_object *map_json(const struct idmap *map)
{
	struct json_object *arr = json_object_new_array();

	for (size_t i = 0; i < map->n; i++) {
		struct json_object *o = json_object_new_object();

		json_set_i64(o, "containerID", map->range[i].inside);
		json_set_i64(o, "hostID", map->range[i].outside);
		json_set_i64(o, "size", map->range[i].count);
		json_object_array_add(arr, o);
	}
	return arr;
}

static struct json_object *namespaces_json(const struct oci_spec *s)
{
	struct json_object *arr = json_object_new_array();

	for (size_t i = 0; i < OCI_NS_COUNT; i++) {
		struct json_object *o;

		if (s->ns[i].mode == OCI_NS_HOST)
			continue;
		o = json_object_new_object();
		json_set_str(o, "type", ns_names[i]);
		if (s->ns[i].mode == OCI_NS_JOIN) {
			autofree char *path = xasprintf("/proc/self/fd/%d",
							s->ns[i].fd);

			json_set_str(o, "path", path);
		}
		json_object_array_add(arr, o);
	}
	return arr;
}

static struct json_object *sysctl_json(const struct oci_spec *s)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; i < s->n_sysctls; i++)
		json_set_str(o, s->sysctls[i].name, s->sysctls[i].value);
	return o;
}

static struct json_object *linux_json(const struct oci_spec *s)
{
	struct json_object *o = json_object_new_object();

	if (s->ns[OCI_NS_USER].mode == OCI_NS_NEW) {
		json_set(o, "uidMappings", map_json(&s->uid_map));
		json_set(o, "gidMappings", map_json(&s->gid_map));
	}
	json_set(o, "namespaces", namespaces_json(s));
	if (s->n_sysctls)
		json_set(o, "sysctl", sysctl_json(s));
	json_set(o, "maskedPaths", strings(s->masked, s->n_masked));
	json_set(o, "readonlyPaths", strings(s->readonly, s->n_readonly));
	return o;
}

struct json_object *spec_to_json(const struct oci_spec *spec)
{
	struct json_object *o = json_object_new_object();
	struct json_object *root = json_object_new_object();

	json_set_str(o, "ociVersion", SPEC_VERSION);
	json_set(o, "process", process_json(&spec->process));
	/* where init mounts it; a hook joins init's mount namespace */
	json_set_str(root, "path", "mnt");
	json_set_bool(root, "readonly", spec->rootfs.readonly);
	json_set(o, "root", root);
	json_set_str(o, "hostname", spec->hostname);
	json_set(o, "mounts", mounts_json(spec));
	if (spec->annotations)
		json_set(o, "annotations",
			 json_new_env_map(spec->annotations));
	if (spec->hooks)
		json_set(o, "hooks", hooks_to_json(spec->hooks));
	json_set(o, "linux", linux_json(spec));
	return o;
}
