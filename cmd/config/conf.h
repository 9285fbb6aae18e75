/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONFIG_CONF_H
#define CMD_CONFIG_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/* No number was given. */
#define CONF_UNSET INT64_MIN

/**
 * struct conf - what containers.conf says; NULL, -1 or CONF_UNSET: nothing
 *
 * Fields have the names of their keys.  Owned by the process.
 */
struct conf {
	/* [containers] */
	char **annotations;
	char *base_hosts_file;
	char *cgroupns;
	char *cgroups;
	char **default_capabilities;
	char *default_mounts_file;
	char **default_sysctls;
	char **default_ulimits;
	char **devices;
	char **dns_options;
	char **dns_searches;
	char **dns_servers;
	char **env;
	int env_host;
	char *host_containers_internal_ip;
	int http_proxy;
	int init;
	char *init_path;
	char *ipcns;
	char *log_driver;
	int64_t log_size_max;
	char *log_tag;
	char **mounts;
	char *netns;
	int no_hosts;
	int64_t oom_score_adj;
	char *pidns;
	int64_t pids_limit;
	int privileged;
	int read_only;
	char *seccomp_profile;
	char *shm_size;
	char *tz;
	char *umask;
	char *userns;
	char *utsns;
	char **volumes;
	/* [engine] */
	char *cgroup_manager;
	char *detach_keys;
	char **engine_env;
	char *events_logger;
	char **hooks_dir;
	char *image_volume_mode;
	char *engine_init_path;
	char *pull_policy;
	int64_t retry;
	int64_t stop_timeout;
	/* [network] */
	char **default_host_ips;
};

enum conf_type {
	CONF_STR,
	CONF_STRV,
	CONF_BOOL,	/* -1, 0, 1 */
	CONF_INT,
	CONF_UNUSED,	/* podman knows it, here it means nothing */
};

/** struct conf_key - a row of the table; @offset in struct conf */
struct conf_key {
	const char *table;
	const char *name;
	enum conf_type type;
	size_t offset;
};

/** conf_keys - all that podman documents, ended by a NULL table */
extern const struct conf_key conf_keys[];

/**
 * conf_load() - read the files; once per process, before anything is opened
 *
 * CONTAINERS_CONF alone where it is set, else the vendor's, the machine's and
 * the user's file, each with its drop-ins; CONTAINERS_CONF_OVERRIDE last.
 * Variables of [engine] env enter our environment.  What is wrong is an
 * error that names the file and the line, or the key.
 */
int conf_load(struct err *err);

/** conf_get() - what was read; all unset before conf_load(); borrowed */
const struct conf *conf_get(void);

/** conf_set() - a global flag in place of a key that is a string; after
 *  conf_load() */
void conf_set(const char *table, const char *name, const char *value);

/** conf_parse() - one document alone; @ret is conf_done()ne by the caller,
 *  also on failure */
int conf_parse(const char *text, size_t len, struct conf *ret,
	       struct err *err);

void conf_done(struct conf *c);

#endif
