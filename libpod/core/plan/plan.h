/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_PLAN_PLAN_H
#define CORE_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpod/core/container.h"
#include "libpod/core/runtime.h"
#include "libpod/oci/hooks.h"
#include "libpod/oci/oci.h"
#include "network/network.h"

struct monitor_conf;

/* What the engine's own mounts never need */
#define PLAN_ATTR_SAFE \
	(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/**
 * struct plan - all that one start needs, gathered before the fork
 * @rt, @c:    borrowed
 * @spec:      borrows from everything below
 * @dir, @run_dir: of the container; owned
 * @net_dir:   that of the container whose network is joined, else @dir; where
 *             resolv.conf lies.  Borrowed
 * @userns:    U of this start, or -EBADF (root)
 * @lower:     owned
 * @mounts:    grows with plan_mount()
 * @fds:       descriptors that live until the report came; owned
 * @strings:   likewise; owned
 * @attached:  a client is there from the start
 * @hold:      make everything, but do not let the payload run
 *
 * Zeroed by plan_init(), freed by plan_done() at any stage.
 */
struct plan {
	struct runtime *rt;
	struct ctr *c;
	struct oci_spec spec;
	int dir;
	int run_dir;
	int net_dir;
	int userns;
	char **lower;
	struct oci_mount *mounts;
	size_t n_mounts;
	int *fds;
	size_t n_fds;
	char **strings;
	char **args;
	char **env;
	size_t n_env;	/* of them, without secrets */
	char ***lists;	/* owned, n_lists of them */
	size_t n_lists;
	char **host_users;	/* lines for /etc/passwd and /etc/group */
	char **host_groups;
	char **filled;	/* fresh volumes that this start copies up */
	struct oci_rlimit *rlimits;
	struct oci_sysctl *sysctls;
	const char **masked;
	const char **readonly;
	struct hooks hooks;
	bool restart;	/* in the monitor: what the first start has found */
	struct net_tap tap;
	bool slirp;
	bool private_net;
	bool attached;
	bool hold;
	int64_t go_ns;		/* when the payload was let go */
};

void plan_init(struct plan *p, struct runtime *rt, struct ctr *c);
void plan_done(struct plan *p);

/** plan_fd() - keep @fd (taken) until the end; returns it */
int plan_fd(struct plan *p, int fd);

/** plan_text() - keep @s (taken) until the end; returns it */
const char *plan_text(struct plan *p, char *s);

/** plan_strv() - keep @v (taken) until the end; returns it */
char *const *plan_strv(struct plan *p, char **v);

/** plan_mount() - append one; copied */
void plan_mount(struct plan *p, const struct oci_mount *m);

/* The steps, in this order; each fills its part of p->spec. */
int plan_namespaces(struct plan *p, struct err *err);
int plan_rootfs(struct plan *p, struct err *err);
int plan_files(struct plan *p, struct err *err);
int plan_mounts(struct plan *p, struct err *err);
int plan_security(struct plan *p, struct err *err);
int plan_process(struct plan *p, struct err *err);
int plan_hooks(struct plan *p, struct err *err);

/** plan_user_mount() - mount number @i of the config (usermounts.c) */
int plan_user_mount(struct plan *p, size_t i, struct err *err);
/** plan_add_files() - the mounts of what plan_files() wrote (files.c) */
int plan_add_files(struct plan *p, struct err *err);

/** plan_own_root() - root of the container is somebody else than we */
bool plan_own_root(const struct plan *p);

/** plan_is_mounted() - @dir is a target of the user's mounts or below one */
bool plan_is_mounted(const struct plan *p, const char *dir);

/** plan_accounts() - lines for /etc/passwd and /etc/group; for
 *  plan_process() */
int plan_accounts(struct plan *p, struct err *err);

/** plan_log() - the log_* fields of the monitor's configuration */
int plan_log(struct plan *p, struct monitor_conf *m, struct err *err);
struct cgroup_want;

/** plan_cgroup() - which cgroup the container is to get; borrows from @p
 *  @attached: the command stays with it */
void plan_cgroup(const struct plan *p, bool attached, struct cgroup_want *ret);

/** plan_visit_mounts() - in place of plan_mounts(): only what shows files that
 *  outlive a run */
int plan_visit_mounts(struct plan *p, struct err *err);

/** plan_secrets() - those that are files (secret_use.c) */
int plan_secrets(struct plan *p, struct err *err);

/** plan_user_mount_at() - what the user mounts at @target; NULL: nothing */
const struct ctr_mount *plan_user_mount_at(const struct plan *p,
					   const char *target);

/** plan_files_check() - the host's files that @c names by flags are there: the
 *  time zone, --init-path */
int plan_files_check(const struct ctr_config *c, struct err *err);

/** plan_has_mount() - does the user mount something at @target, or did we? */
bool plan_has_mount(const struct plan *p, const char *target);

/** systemd_mounts() - the tmpfs of --systemd; for plan_mounts() */
void systemd_mounts(struct plan *p);

/** process_fill() - what run and exec share: capabilities, seccomp, limits
 *  @rlimits: owned by the caller, lives as long as @ret */
int process_fill(const struct ctr_config *c, bool privileged,
		 struct oci_process *ret, struct oci_rlimit **rlimits,
		 struct err *err);

/** window_size() - of the caller's terminal, when it has one */
void window_size(struct oci_process *p);

/** limits_fill() - default and --ulimit limits; @rlimits as above */
int limits_fill(const struct ctr_config *c, struct oci_process *ret,
		struct oci_rlimit **rlimits, struct err *err);

/** caps_resolve() - --cap-add, --cap-drop; -EINVAL: unknown capability */
int caps_resolve(const struct ctr_config *c, bool privileged, uint64_t *ret,
		 struct err *err);

/** ulimit_parse() - "nofile=1024:2048", "core=-1"; podman's error texts */
int ulimit_parse(const char *text, struct oci_rlimit *ret, struct err *err);

#endif
