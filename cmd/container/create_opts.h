/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONTAINER_CREATE_OPTS_H
#define CMD_CONTAINER_CREATE_OPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/container/opt_limits.h"
#include "cmd/container/opt_health.h"
#include "cmd/opt.h"
#include "libpod/core/container.h"

struct image;
struct runtime;

#define SHM_SIZE_UNSET UINT64_MAX
#define SHM_SIZE_DEFAULT (64U << 20)

/**
 * struct create_conf - what containers.conf adds to the flags
 * @env:     below the image's
 * @caps:    in place of the built-in default set
 * @sysctls: for namespaces that are the container's own
 * @volumes, @mounts: where the flags leave room
 * @host_ips: that ports are published on when -p names none
 * @mounts_file: with a line SOURCE[:TARGET] for each further mount
 * @internal_ip: of host.containers.internal, or "none"
 * @log_size_max: 0 nothing said, negative: unlimited
 *
 * All borrowed.
 */
struct create_conf {
	char **env, **caps, **sysctls, **volumes, **mounts, **host_ips;
	char *internal_ip, *userns, *log_tag, *mounts_file;
	int64_t log_size_max;
};

/**
 * struct create_args - what `create` and `run` take, as typed
 *
 * First member of struct run_args, so that both use the same tables.  The ints
 * that stand for yes or no are -1 when nothing was typed; create_fill() sets
 * them.
 */
struct create_args {
	/* image */
	char *pull, *platform, *arch, *os, *variant;
	char *authfile, *creds, *cert_dir;
	char *retry_delay;
	int tls_verify, retry, no_trust;
	bool quiet, rootfs;
	char *image_volume;
	/* process */
	char *entrypoint, *user, *workdir, *umask, *tz;
	char **env, **env_merge, **env_file, **unsetenv, **group_add, **ulimit;
	bool unsetenv_all, tty, interactive;
	int env_host, http_proxy, init;
	char **attach;
	char *stop_signal;
	int64_t stop_timeout;	/* INT64_MIN: not given; -1: for ever */
	int64_t timeout;
	char *oom_score_adj;
	int preserve_fds;
	char **preserve_fd;
	/* identity */
	char *name, *hostname;
	char **label, **label_file, **annotation, **requires, **chrootdirs;
	/* security */
	char **cap_add, **cap_drop, **security_opt, **sysctl, **device;
	char **device_cgroup_rule;
	char *domainname, *init_path, *personality, *seccomp_policy;
	char *systemd, *kernel_memory;
	uint64_t shm_size_systemd;
	bool no_hostname;
	bool read_only_tmpfs;
	int privileged, read_only;
	/* users */
	char **uidmap, **gidmap, **hostuser;
	char *subuidname, *subgidname, *passwd_entry, *group_entry;
	bool passwd;
	/* namespaces */
	char *userns, *pid, *ipc, *uts, *cgroupns;
	char *isolation, *volume_driver;
	/* network */
	char **networks;
	char *network;	/* the one that counts: create_fill() */
	char **publish, **expose, **dns, **dns_search, **dns_option;
	char **add_host;
	char *hosts_file;
	bool publish_all;
	int no_hosts;
	/* mounts */
	char **volume, **mount, **tmpfs, **volumes_from, **secret;
	uint64_t shm_size;
	/* resources */
	struct limit_args limits;
	char *cgroups, *cgroup_parent;
	bool oom_kill_disable;
	/* life */
	bool rm, rm_given, rmi, replace;
	char *restart, *log_driver;
	char **log_opt;
	char *cidfile, *pidfile, *conmon_pidfile, *sdnotify;
	struct health_args health;
	struct create_conf conf;
};

/* NULL-terminated list of option tables, for struct cmd and for run.c */
extern const struct opt create_opts_image[];
extern const struct opt create_opts_process[];
extern const struct opt create_opts_users[];
extern const struct opt create_opts_security[];
extern const struct opt create_opts_machine[];
extern const struct opt create_opts_network[];
extern const struct opt create_opts_storage[];
extern const struct opt create_opts_life[];
extern const struct opt create_opts_limits[];
extern const struct opt create_opts_health[];
extern const struct opt create_opts_later[];

#define CREATE_OPTS                                                       \
	create_opts_process, create_opts_image, create_opts_security,     \
		create_opts_users, create_opts_machine, create_opts_network, \
		create_opts_storage, create_opts_life, create_opts_limits,  \
		create_opts_health, create_opts_later

/** ns_ref_check() - container:X and ns:PATH name something that is there;
 *  other modes are for the caller.  @what: "network", for the message */
int ns_ref_check(const char *mode, const char *what, struct err *err);

void create_defaults(void *args);

/**
 * create_container() - config, image, --replace, row
 * @argv: IMAGE [COMMAND [ARG...]]
 *
 * Whatever can be wrong with a flag is found before anything is made; only
 * missing -v directories are created.
 */
int create_container(struct runtime *rt, const struct create_args *a,
		     char *const *argv, bool run, struct image **ret_img,
		     struct ctr **ret, struct err *err);

/* ---- opt_image.c ---- */

/** image_parse() - the image, or the directory of --rootfs, and the command;
 *  @argv as above */
int image_parse(const struct create_args *a, char *const *argv,
		struct ctr_config *c, struct err *err);

/** image_find_or_pull() - as --pull says
 *  @ret: owned by the caller; left alone with --rootfs */
int image_find_or_pull(struct runtime *rt, const struct create_args *a,
		       const char *name, struct image **ret, struct err *err);

/* ---- opt_process.c ---- */

/** process_parse() - entrypoint, environment, streams, stop signal, ulimits */
int process_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err);

/* ---- opt_life.c ---- */

/** life_parse() - restart policy, log, labels, files, --requires, health */
int life_parse(struct runtime *rt, const struct create_args *a,
	       struct ctr_config *c, struct err *err);

/** restart_parse() - --restart, over what is in @c; conflicts with --rm */
int restart_parse(const char *text, struct ctr_config *c, struct err *err);

/* ---- opt_sysctl.c ---- */

/** sysctls_check() - texts NAME=VALUE of sysctls that are in a namespace */
int sysctls_check(char *const *sysctls, struct err *err);

/** sysctls_parse() - into @c->sysctls, whose namespaces are settled */
int sysctls_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err);

/* ---- opt_volumes.c ---- */

/** mounts_parse() - -v, --mount, --tmpfs, --volumes-from into @c->mounts;
 *  makes missing -v sources */
int mounts_parse(struct runtime *rt, const struct create_args *a,
		 struct ctr_config *c, struct err *err);

/** one of each (opt_mount.c); @m is mount_done()ne by the caller, also on
 *  failure */
int mount_parse_volume(const char *text, struct ctr_mount *m, struct err *err);
int mount_parse_tmpfs(const char *text, struct ctr_mount *m, struct err *err);

/* ---- opt_secret.c ---- */

/** secrets_parse() - --secret into @c->secrets; they have to exist */
int secrets_parse(struct runtime *rt, const struct create_args *a,
		  struct ctr_config *c, struct err *err);

/* ---- opt_env.c ---- */

/** env_collect() - --env-file, then --env, onto @env */
int env_collect(char *const *files, char *const *vars, char ***env,
		struct err *err);

/** env_file_parse() - the text of one file */
int env_file_parse(const char *name, const char *text, char ***env,
		   struct err *err);

/** labels_collect() - --label-file, then --label; "k" means "k=" */
int labels_collect(char *const *files, char *const *labels, char ***ret,
		   struct err *err);

/* ---- opt_users.c ---- */

/** users_parse() - user namespace, id maps, accounts, --group-add */
int users_parse(const struct create_args *a, struct ctr_config *c,
		struct err *err);

/* ---- opt_security.c ---- */

/** security_parse() - capabilities, --security-opt, namespaces */
int security_parse(const struct create_args *a, struct ctr_config *c,
		   struct err *err);

/* ---- opt_fds.c ---- */

/**
 * keep_fds_parse() - --preserve-fds (3 and up) and --preserve-fd
 * @ret: owned by the caller
 *
 * Each has to be one that our caller passed to us.
 */
int keep_fds_parse(int count, char *const *list, int **ret, size_t *ret_n,
		   struct err *err);

/* ---- opt_log.c ---- */

/** log_options() - --log-driver, --log-opt */
int log_options(const struct create_args *a, struct ctr_config *c,
		struct err *err);

/* ---- opt_machine.c ---- */

/** machine_parse() - names of the machine, pid 1, systemd */
int machine_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err);

/* ---- opt_network.c ---- */

/** network_parse() - --network, -p, -P, --expose, --dns..., --add-host */
int network_parse(const struct create_args *a, struct ctr_config *c,
		  struct err *err);

#endif
