/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers.conf
 *
 * Theory of operation.  main() calls conf_load() for every command that opens
 * the engine, so this has to be cheap: half a dozen files that are mostly not
 * there, and the vendor's, which is mostly comments.  The files are laid over
 * each other as trees (conf_tree.c), then one table says which keys there are
 * and where they go.  Nothing here knows what a value means: a flag's default
 * is taken where the flag is (cmd/container/create_conf.c for create and run),
 * so that a bad value gets the same words as the flag.
 *
 * bryo-config(5) has the same table; lint compares them.
 */
#include "cmd/config/conf.h"

#include <assert.h>
#include <stdlib.h>

#include "cmd/config/conf_tree.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

#define VENDOR_FILE "/usr/share/containers/containers.conf"
#define SYSTEM_FILE "/etc/containers/containers.conf"

#define KEY(table, type, name) \
	{ #table, #name, type, offsetof(struct conf, name) }
#define KEY_AS(table, type, name, field) \
	{ #table, #name, type, offsetof(struct conf, field) }
#define UNUSED(table, name) { #table, #name, CONF_UNUSED, 0 }

const struct conf_key conf_keys[] = {
	KEY(containers, CONF_STRV, annotations),
	UNUSED(containers, apparmor_profile),
	KEY(containers, CONF_STR, base_hosts_file),
	UNUSED(containers, cgroup_conf),
	KEY(containers, CONF_STR, cgroupns),
	KEY(containers, CONF_STR, cgroups),
	UNUSED(containers, container_name_as_hostname),
	KEY(containers, CONF_STRV, default_capabilities),
	KEY(containers, CONF_STR, default_mounts_file),
	KEY(containers, CONF_STRV, default_sysctls),
	KEY(containers, CONF_STRV, default_ulimits),
	KEY(containers, CONF_STRV, devices),
	KEY(containers, CONF_STRV, dns_options),
	KEY(containers, CONF_STRV, dns_searches),
	KEY(containers, CONF_STRV, dns_servers),
	UNUSED(containers, enable_keyring),
	UNUSED(containers, enable_labeled_users),
	KEY(containers, CONF_STRV, env),
	KEY(containers, CONF_BOOL, env_host),
	KEY(containers, CONF_STR, host_containers_internal_ip),
	KEY(containers, CONF_BOOL, http_proxy),
	KEY(containers, CONF_BOOL, init),
	KEY(containers, CONF_STR, init_path),
	UNUSED(containers, interface_name),
	KEY(containers, CONF_STR, ipcns),
	UNUSED(containers, keyring),
	UNUSED(containers, label),
	UNUSED(containers, label_users),
	KEY(containers, CONF_STR, log_driver),
	UNUSED(containers, log_path),
	KEY(containers, CONF_INT, log_size_max),
	KEY(containers, CONF_STR, log_tag),
	KEY(containers, CONF_STRV, mounts),
	KEY(containers, CONF_STR, netns),
	KEY(containers, CONF_BOOL, no_hosts),
	KEY(containers, CONF_INT, oom_score_adj),
	KEY(containers, CONF_STR, pidns),
	KEY(containers, CONF_INT, pids_limit),
	UNUSED(containers, prepare_volume_on_create),
	KEY(containers, CONF_BOOL, privileged),
	KEY(containers, CONF_BOOL, read_only),
	KEY(containers, CONF_STR, seccomp_profile),
	KEY(containers, CONF_STR, shm_size),
	KEY(containers, CONF_STR, tz),
	KEY(containers, CONF_STR, umask),
	KEY(containers, CONF_STR, userns),
	UNUSED(containers, userns_size),
	KEY(containers, CONF_STR, utsns),
	KEY(containers, CONF_STRV, volumes),
	UNUSED(engine, active_service),
	UNUSED(engine, add_compression),
	KEY(engine, CONF_STR, cgroup_manager),
	UNUSED(engine, compat_api_enforce_docker_hub),
	UNUSED(engine, compose_providers),
	UNUSED(engine, compose_warning_logs),
	UNUSED(engine, compression_format),
	UNUSED(engine, compression_level),
	UNUSED(engine, conmon_env_vars),
	UNUSED(engine, conmon_path),
	UNUSED(engine, conmonrs_path),
	UNUSED(engine, database_backend),
	KEY(engine, CONF_STR, detach_keys),
	UNUSED(engine, enable_port_reservation),
	KEY_AS(engine, CONF_STRV, env, engine_env),
	UNUSED(engine, events_container_create_inspect_data),
	UNUSED(engine, events_logfile_max_size),
	UNUSED(engine, events_logfile_path),
	KEY(engine, CONF_STR, events_logger),
	UNUSED(engine, exit_command_delay),
	UNUSED(engine, healthcheck_events),
	UNUSED(engine, helper_binaries_dir),
	KEY(engine, CONF_STRV, hooks_dir),
	UNUSED(engine, image_build_format),
	UNUSED(engine, image_copy_tmp_dir),
	UNUSED(engine, image_default_format),
	UNUSED(engine, image_default_transport),
	UNUSED(engine, image_parallel_copies),
	KEY(engine, CONF_STR, image_volume_mode),
	UNUSED(engine, infra_command),
	UNUSED(engine, infra_image),
	KEY_AS(engine, CONF_STR, init_path, engine_init_path),
	UNUSED(engine, kube_generate_type),
	UNUSED(engine, lock_type),
	UNUSED(engine, multi_image_archive),
	UNUSED(engine, namespace),
	UNUSED(engine, network_cmd_options),
	UNUSED(engine, network_cmd_path),
	UNUSED(engine, no_pivot_root),
	UNUSED(engine, num_locks),
	UNUSED(engine, platform_to_oci_runtime),
	UNUSED(engine, pod_exit_policy),
	KEY(engine, CONF_STR, pull_policy),
	UNUSED(engine, remote),
	KEY(engine, CONF_INT, retry),
	UNUSED(engine, retry_delay),
	UNUSED(engine, runtime),
	UNUSED(engine, runtime_supports_json),
	UNUSED(engine, runtime_supports_kvm),
	UNUSED(engine, runtime_supports_nocgroups),
	UNUSED(engine, runtimes),
	UNUSED(engine, runtimes_flags),
	UNUSED(engine, service_destinations),
	UNUSED(engine, service_timeout),
	UNUSED(engine, set_default_apparmor_profile),
	UNUSED(engine, static_dir),
	KEY(engine, CONF_INT, stop_timeout),
	UNUSED(engine, tmp_dir),
	UNUSED(engine, volume_path),
	UNUSED(engine, volume_plugin_timeout),
	UNUSED(engine, volume_plugins),
	UNUSED(network, cni_plugin_dirs),
	KEY(network, CONF_STRV, default_host_ips),
	UNUSED(network, default_network),
	UNUSED(network, default_rootless_network_cmd),
	UNUSED(network, default_subnet),
	UNUSED(network, default_subnet_pools),
	UNUSED(network, dns_bind_port),
	UNUSED(network, firewall_driver),
	UNUSED(network, netavark_plugin_dirs),
	UNUSED(network, network_backend),
	UNUSED(network, network_config_dir),
	UNUSED(network, pasta_options),
	{ .table = NULL },
};

static void *field_of(struct conf *c, const struct conf_key *k)
{
	return (char *)c + k->offset;
}

static void unset_all(struct conf *c)
{
	*c = (struct conf){ .annotations = NULL };
	for (const struct conf_key *k = conf_keys; k->table; k++) {
		if (k->type == CONF_BOOL)
			*(int *)field_of(c, k) = -1;
		else if (k->type == CONF_INT)
			*(int64_t *)field_of(c, k) = CONF_UNSET;
	}
}

void conf_done(struct conf *c)
{
	for (const struct conf_key *k = conf_keys; k->table; k++) {
		if (k->type == CONF_STR)
			free(*(char **)field_of(c, k));
		else if (k->type == CONF_STRV)
			strv_free(*(char ***)field_of(c, k));
	}
	unset_all(c);
}

/*
 * ---- each document --------------------------------------------------------
 */

static int bad_type(const struct conf_key *k, const char *want,
		    struct err *err)
{
	return err_set(err, ERR_INVALID, EINVAL, "%s.%s must be %s", k->table,
		       k->name, want);
}

static bool is_strv(struct json_object *list)
{
	size_t n;

	if (!json_object_is_type(list, json_type_array))
		return false;
	n = conf_list_len(list);
	for (size_t i = 0; i < n; i++)
		if (!json_object_is_type(json_object_array_get_idx(list, i),
					 json_type_string))
			return false;
	return true;
}

static int check_key(const struct conf_key *k, struct json_object *v,
		     struct err *err)
{
	enum json_type t = json_object_get_type(v);

	switch (k->type) {
	case CONF_STR:
		return t == json_type_string ? 0 :
		       bad_type(k, "a string", err);
	case CONF_STRV:
		return is_strv(v) ? 0 : bad_type(k, "a list of strings", err);
	case CONF_BOOL:
		return t == json_type_boolean ? 0 :
		       bad_type(k, "true or false", err);
	case CONF_INT:
		return t == json_type_int ? 0 :
		       bad_type(k, "a whole number", err);
	case CONF_UNUSED:
		log_debug("containers.conf: %s.%s has no effect here",
			  k->table, k->name);
		break;
	}
	return 0;
}

static const struct conf_key *find_key(const char *table, const char *name)
{
	for (const struct conf_key *k = conf_keys; k->table; k++)
		if (streq(k->table, table) && streq(k->name, name))
			return k;
	return NULL;
}

static bool is_known_table(const char *name)
{
	for (const struct conf_key *k = conf_keys; k->table; k++)
		if (streq(k->table, name))
			return true;
	return false;
}

static int check_table(const char *table, struct json_object *o,
		       struct err *err)
{
	if (!json_object_is_type(o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL, "%s must be a table",
			       table);
	json_object_object_foreach(o, key, value) {
		const struct conf_key *k = find_key(table, key);
		int r = k ? check_key(k, value, err) : 0;

		if (r < 0)
			return r;
		if (!k)
			log_debug("containers.conf: unknown key %s.%s", table,
				  key);
	}
	return 0;
}

/* What a newer podman knows must not keep us from working. */
static int check_document(struct json_object *doc, struct err *err)
{
	json_object_object_foreach(doc, table, o) {
		int r = 0;

		if (is_known_table(table))
			r = check_table(table, o, err);
		else
			log_debug("containers.conf: unknown table %s", table);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- from the tree to the struct ---------------------------------------- */

static void get_strv(struct json_object *list, char ***ret)
{
	size_t n = json_object_array_length(list);

	for (size_t i = 0; i < n; i++)
		strv_add(ret, json_object_get_string(
				 json_object_array_get_idx(list, i)));
}

static void set_key(struct conf *c, const struct conf_key *k,
		    struct json_object *v)
{
	void *field = field_of(c, k);

	switch (k->type) {
	case CONF_STR:
		str_set(field, json_object_get_string(v));
		break;
	case CONF_STRV:
		get_strv(v, field);
		break;
	case CONF_BOOL:
		*(int *)field = json_object_get_boolean(v);
		break;
	case CONF_INT:
		*(int64_t *)field = json_object_get_int64(v);
		break;
	case CONF_UNUSED:
		break;
	}
}

static void read_tree(struct conf *c, const struct conf_tree *t)
{
	for (const struct conf_key *k = conf_keys; t->root && k->table; k++) {
		struct json_object *table = json_obj(t->root, k->table);
		struct json_object *v;

		if (table && json_object_object_get_ex(table, k->name, &v))
			set_key(c, k, v);
	}
}

int conf_parse(const char *text, size_t len, struct conf *ret,
	       struct err *err)
{
	struct conf_tree t cleanup(conf_tree_done) = {
		.check = check_document,
	};
	int r;

	unset_all(ret);
	r = conf_tree_text(&t, text, len, err);
	if (r == 0)
		read_tree(ret, &t);
	return r;
}

/* ---- the files ---------------------------------------------------------- */

static int with_dropins(struct conf_tree *t, const char *path, struct err *err)
{
	autofree char *dir = xasprintf("%s.d", path);
	int r = conf_tree_file(t, path, false, err);

	return r < 0 ? r : conf_tree_dir(t, dir, err);
}

static int user_file(struct conf_tree *t, struct err *err)
{
	autofree char *dir = conf_user_dir();
	autofree char *path = dir ? xasprintf("%s/containers.conf", dir) :
				    NULL;

	return path ? with_dropins(t, path, err) : 0;
}

static int read_files(struct conf_tree *t, struct err *err)
{
	const char *only = getenv("CONTAINERS_CONF");
	const char *last = getenv("CONTAINERS_CONF_OVERRIDE");
	int r;

	if (!str_is_empty(only)) {
		r = conf_tree_file(t, only, true, err);
	} else {
		r = conf_tree_file(t, VENDOR_FILE, false, err);
		if (r == 0)
			r = with_dropins(t, SYSTEM_FILE, err);
		if (r == 0)
			r = user_file(t, err);
	}
	if (r == 0 && !str_is_empty(last))
		r = conf_tree_file(t, last, true, err);
	return r;
}

static struct conf current;
static struct conf_tree tree = { .check = check_document };
static bool loaded;

static int set_env(struct err *err)
{
	for (char **v = current.engine_env; v && *v; v++) {
		const char *eq = strchr(*v, '=');
		autofree char *name = NULL;

		if (!eq || eq == *v)
			return err_set(err, ERR_INVALID, EINVAL,
				       "containers.conf: engine.env: \"%s\" is "
				       "not NAME=VALUE", *v);
		name = xstrndup(*v, (size_t)(eq - *v));
		/* what the caller has set himself counts more */
		if (setenv(name, eq + 1, false) < 0)
			return err_sys(err, "set %s", name);
	}
	return 0;
}

int conf_load(struct err *err)
{
	TRACE("cmd", "containers.conf");
	int r;

	if (loaded)
		return 0;
	loaded = true;
	unset_all(&current);
	r = read_files(&tree, err);
	if (r < 0)
		return r;
	read_tree(&current, &tree);
	return set_env(err);
}

void conf_set(const char *table, const char *name, const char *value)
{
	const struct conf_key *k = find_key(table, name);

	assert(k && k->type == CONF_STR);
	str_set(field_of(&current, k), value);
}

const struct conf *conf_get(void)
{
	if (!loaded)
		unset_all(&current);
	return &current;
}
