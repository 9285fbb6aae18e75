/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CONTAINER_H
#define CORE_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/core/health/health.h"
#include "libpod/oci/limits.h"
#include "network/network.h"
#include "util/cleanup.h"
#include "util/err.h"
#include "util/proc.h"

struct runtime;
struct json_object;

enum ctr_state {
	CTR_CREATING,	/* transitional: owner pid in the row */
	CTR_CREATED,
	CTR_STARTING,	/* transitional */
	CTR_RUNNING,
	CTR_STOPPING,	/* running, told to stop */
	CTR_EXITED,
	CTR_REMOVING,	/* transitional */
	CTR_PAUSED,	/* running, but stopped where it stands */
	CTR_INITIALIZED, /* all is made and waits, the payload never ran */
};

/** ctr_state_name() - "created", "running", "exited", ... (lower case) */
const char *ctr_state_name(enum ctr_state s);

enum ctr_restart {
	RESTART_NO,
	RESTART_ON_FAILURE,
	RESTART_ALWAYS,
	RESTART_UNLESS_STOPPED,
};

/** ctr_restart_name() - "no", "on-failure", "always", "unless-stopped" */
const char *ctr_restart_name(enum ctr_restart r);

enum ctr_systemd {
	SYSTEMD_DETECT,	/* --systemd=true: by the command */
	SYSTEMD_OFF,
	SYSTEMD_ALWAYS,
	SYSTEMD_FOUND,	/* detected, at create */
};

enum ctr_mount_type {
	MNT_BIND,
	MNT_VOLUME,
	MNT_TMPFS,
	MNT_DEVPTS,
	MNT_IMAGE,
	MNT_RAMFS,
};

/**
 * struct ctr_mount - one -v, --mount or --tmpfs, or a VOLUME of the image
 * @overlay: :O: what is written goes to an upper directory that lasts as long
 *           as the run; @upperdir, @workdir: the user's own, kept
 */
struct ctr_mount {
	enum ctr_mount_type type;
	char *source;	/* bind: absolute host path; volume, image: its name */
	char *target;
	char *options;	/* tmpfs, devpts data: "size=64m,mode=1777" */
	char *subpath;	/* below the source */
	char *upperdir, *workdir;
	char *image_id;	/* of an image */
	char *relabel;	/* "z", "Z"; no LSM acts on it */
	bool ro, exec_set, noexec, suid, dev;
	bool anonymous;	/* volume made for this container */
	bool nocopy;
	bool chown;	/* :U */
	bool overlay, idmap, nonrecursive, nofollow;
	unsigned long propagation;
};

/**
 * struct ctr_config - what the user asked for, after image defaults were
 * merged in; immutable after create; stored as JSON in the row.  All owned.
 */
struct ctr_config {
	/* image */
	char *image_id, *image_name, *image_digest;
	char *rootfs;		/* --rootfs */
	char *driver;		/* storage driver of this container */
	/* process */
	char **entrypoint;
	char **cmd;
	char **env;
	char **default_env;	/* below the image's; merged at create */
	char **env_merge;	/* of the image's variables; merged at create */
	char *workdir;
	bool workdir_image;	/* from the image: created when missing */
	char *user;
	char **group_add;
	bool tty, stdin_open, stdin_once;
	bool attach_stdin, attach_stdout, attach_stderr;
	char *stop_signal_name;
	int stop_signal;
	uint32_t stop_timeout;
	uint32_t timeout;
	uint32_t umask;
	char **ulimits;		/* "nofile=1024:2048" */
	int oom_score_adj;
	bool oom_score_set;
	bool init;
	char *init_path;	/* a program of the host in place of ours */
	uint32_t personality;	/* of personality(2) */
	enum ctr_systemd systemd;
	uint64_t systemd_tmpfs;	/* size of its tmpfs; 0: no limit */
	/* identity */
	char *hostname;		/* "" = short id */
	char *domainname;
	bool no_hostname;	/* no /etc/hostname of ours */
	char **chrootdirs;	/* get /etc/hosts and the like, too */
	char **labels;		/* "k=v" */
	char **annotations;
	/* security */
	char **cap_add, **cap_drop;
	char **default_caps;	/* in place of the built-in set, or NULL */
	bool privileged;
	bool readonly, readonly_tmpfs;
	char **security_opt;
	bool no_new_privs;
	char *seccomp;		/* NULL default, "unconfined", a profile */
	char **mask, **unmask;
	char **proc_opts;	/* "hidepid=2", "subset=pid" */
	char *userns;		/* "", "host", "keep-id[:uid=,gid=]", ... */
	char **uidmap, **gidmap;	/* "[ug+]INSIDE:[@]FROM[:N]" */
	char *subuidname, *subgidname;
	uint32_t auto_start, auto_size;	/* --userns=auto: ids of U */
	/* accounts */
	bool no_passwd;		/* --passwd=false */
	char *passwd_entry, *group_entry;
	char **hostusers;
	/* namespaces: "private", "host", "none", "container:ID", "ns:PATH" */
	char *pid, *ipc, *uts, *cgroupns;
	/* network */
	char *network;		/* "slirp4netns", "none", "host", ... */
	struct port_list ports;	/* random ones resolved at each start */
	bool publish_all;
	char **expose;		/* "80/tcp" */
	char **dns, **dns_search, **dns_option, **add_host;
	bool no_hosts;
	char *hosts_file; /* base of /etc/hosts: NULL the host's, "none" */
	char *host_ip; /* host.containers.internal: NULL: found, "none" */
	/* environment */
	int *keep_fds;		/* of `run`; not stored: not for later starts */
	size_t n_keep_fds;
	bool env_host, unsetenv_all, http_proxy;
	char **unsetenv;
	/* mounts */
	struct ctr_mount *mounts;
	size_t n_mounts;
	char **devices;
	char **secrets;		/* secret_use_pack() */
	uint64_t shm_size;
	char **sysctls;
	char *tz;
	char *image_volume;	/* "anonymous" (NULL), "tmpfs", "ignore" */
	/* resources */
	struct oci_limits limits;
	char *cgroups;		/* "enabled" (NULL), "disabled", ... */
	char *cgroup_parent;
	char *cgroup_manager;	/* "systemd", "cgroupfs", NULL: either */
	/* life */
	char **requires;	/* ids: are started first */
	bool auto_remove;
	bool remove_image; /* with it, when nobody else uses it */
	enum ctr_restart restart;
	uint32_t restart_max;
	char *log_driver;
	uint64_t log_size;
	uint32_t log_files;
	char *log_path;		/* --log-opt path; NULL: with the container */
	char *log_tag;		/* as typed, with {{.Name}} */
	char **log_fields;	/* --log-opt label: KEY=VALUE */
	char **log_labels, **log_env; /* names: their values are logged */
	bool log_blocking;
	char *cidfile, *pidfile, *conmon_pidfile;
	char *image_stop_signal;
	char *sdnotify;		/* NULL "container", conmon, healthy, ignore */
	char **create_command;	/* argv of the create or run */
	struct health_conf *health; /* the image's and --health-*, or NULL */
};

void ctr_config_done(struct ctr_config *c);

/** mount_done() - free what one owns; fine on a zeroed one */
void mount_done(struct ctr_mount *m);

/** mount_copy() - a deep copy; @to is overwritten */
void mount_copy(struct ctr_mount *to, const struct ctr_mount *from);

/**
 * struct ctr_sizes - bytes of file content, see ctr_list_measure()
 * @rw:   what the container wrote
 * @root: @rw and its image
 */
struct ctr_sizes {
	bool known;
	uint64_t rw;
	uint64_t root;
};

/**
 * struct ctr - one row: config and what is known of its last start
 * @state:     already normalised: a row that says running whose monitor and
 *             init are gone reads as exited
 * @orphaned:  running, but its monitor is dead
 */
struct ctr {
	char id[65];
	char *name;
	enum ctr_state state;
	struct ctr_config config;
	bool config_loaded;	/* all of it; see ctr_list() */
	int64_t created_ns, started_ns, finished_ns;
	struct proc_id init;
	struct proc_id monitor;
	char boot[40];
	int exit_code;		/* -1 unknown */
	int oom;
	char *error;		/* State.Error: why the code is unknown */
	uint32_t restarts;
	uint32_t start_n;
	bool stopped_by_user;
	bool resumed;		/* this start is its policy's; see resume.c */
	enum health_status health; /* of this start */
	bool orphaned;
	struct port_list ports;	/* as bound */
	char **exec_ids;	/* see ctr_exec_ids() */
	struct ctr_sizes sizes;
	struct proc_id owner;	/* of a transitional state */
	char owner_boot[40];
	int op_fd;		/* operation lock, -EBADF: not held */
	const struct image *image; /* borrowed: from ctr_create() for the start
				      that follows; NULL otherwise */
};

struct ctr_list {
	struct ctr **v;
	size_t n;
};

struct ctr *ctr_free(struct ctr *c);
void ctr_list_done(struct ctr_list *l);

static inline void cleanup_ctr(struct ctr **c)
{
	*c = ctr_free(*c);
}

#define auto_ctr cleanup(cleanup_ctr)
#define auto_ctr_list cleanup(ctr_list_done)

/** ctr_find() - by name, then id, then unique id prefix.
 *  -ENOENT: `no container with name or ID "x" found: no such container` */
int ctr_find(struct runtime *rt, const char *name, struct ctr **ret,
	     struct err *err);

/**
 * ctr_list() - all rows, oldest first; 1000 rows in a few ms
 *
 * Of each config only image_id, image_name, entrypoint, cmd, labels, expose,
 * network, restart, ports, cidfile, auto_remove and type, source and target of
 * binds and volumes are there; ctr_config_load() reads the rest.
 */
int ctr_list(struct runtime *rt, struct ctr_list *ret, struct err *err);

/** ctr_list_measure() - fill in the sizes of all containers of @list, in one
 *  child in U for many of them */
int ctr_list_measure(struct runtime *rt, const struct ctr_list *list,
		     struct err *err);

/** ctr_config_load() - the whole config of a container of ctr_list() */
int ctr_config_load(struct runtime *rt, struct ctr *c, struct err *err);

/** ctr_is_up() - there are processes: running, stopping, paused */
static inline bool ctr_is_up(const struct ctr *c)
{
	return c->state == CTR_RUNNING || c->state == CTR_STOPPING ||
	       c->state == CTR_PAUSED;
}

/** ctr_is_live() - there is a monitor, namespaces, mounts: up or initialized */
static inline bool ctr_is_live(const struct ctr *c)
{
	return ctr_is_up(c) || c->state == CTR_INITIALIZED;
}

/** ctr_is_restarting() - it does not run, but its monitor waits for the next
 *  round of its restart policy (stop.c) */
bool ctr_is_restarting(struct runtime *rt, const struct ctr *c);

/** ctr_up_ns() - how long it has been running at @now_ns, whatever the time of
 *  day did meanwhile: never more than its process is old, never negative */
int64_t ctr_up_ns(const struct ctr *c, int64_t now_ns);

/** ctr_latest() - the one created last */
int ctr_latest(struct runtime *rt, struct ctr **ret, struct err *err);

/** ctr_config_init() - zero but for the defaults that are not zero */
void ctr_config_init(struct ctr_config *c);

/** ulimits_check() - texts of --ulimit; podman's words for a bad one */
int ulimits_check(char *const *ulimits, struct err *err);

struct image;

/**
 * ctr_create() - row, directory, volumes, bundle; state created
 * @img:     borrowed; NULL with config->rootfs
 * @config:  taken; image defaults are merged in here
 * @name:    NULL: adjective_noun
 * @run:     ctr_start() follows at once: the row stays in its transitional
 *           state, owned by this process, until then
 */
int ctr_create(struct runtime *rt, const struct image *img,
	       struct ctr_config *config, const char *name, bool run,
	       struct ctr **ret, struct err *err);

/**
 * ctr_start() - start the payload; a running one is left alone
 * @attach: NULL = detached; else receives a connected attach socket
 *          (libpod/monitor/monitor.h), owned by the caller; -EBADF when the
 *          container was running already
 *
 * A failed start leaves the container as it was (with --rm: removed).
 */
int ctr_start(struct runtime *rt, struct ctr *c, int *attach, struct err *err);

/**
 * ctr_init() - make everything that a start makes, but let the payload wait
 *
 * An initialized one is left alone.  -EALREADY with ERR_STATE: it runs.
 * ctr_start() lets the payload run, ctr_stop() takes it all back.
 */
int ctr_init(struct runtime *rt, struct ctr *c, struct err *err);

/** ctr_attach() - connect to a running container's monitor */
int ctr_attach(struct runtime *rt, const struct ctr *c, int *ret_sock,
	       struct err *err);

/** ctr_signal() - through a verified pidfd; ERR_STATE when not running */
int ctr_signal(struct runtime *rt, struct ctr *c, int sig, struct err *err);

/** CTR_STOP_FOREVER - a stop timeout that does not end */
#define CTR_STOP_FOREVER UINT32_MAX

/** CTR_TIMEOUT_CONFIG - ctr_stop(): what the container's config says */
#define CTR_TIMEOUT_CONFIG (UINT32_MAX - 1)

/** CTR_TIMEOUT_KILL - ctr_stop(): at once, a paused one as well */
#define CTR_TIMEOUT_KILL (UINT32_MAX - 2)

/** ctr_kill() - the same for the user: a fatal signal also ends a restart
 *  policy */
int ctr_kill(struct runtime *rt, struct ctr *c, int sig, struct err *err);

/** ctr_restart() - ctr_stop() what runs, then ctr_start() */
int ctr_restart(struct runtime *rt, struct ctr *c, uint32_t timeout_s,
		struct err *err);

/** ctr_stop() - ERR_STATE when it is paused; else stop signal, wait @timeout_s
 *  (UINT32_MAX: for ever), KILL; what does not run is left alone */
int ctr_stop(struct runtime *rt, struct ctr *c, uint32_t timeout_s,
	     struct err *err);

/** ctr_await_removal() - a --rm container that has ended is gone afterwards;
 *  bounded, any other one is left alone */
void ctr_await_removal(struct runtime *rt, struct ctr *c);

/**
 * ctr_pause() - stop every process of a running container where it stands
 *
 * By the freezer of its cgroup, else by SIGSTOP to each.  ERR_STATE when it
 * does not run or is paused already.
 */
int ctr_pause(struct runtime *rt, struct ctr *c, struct err *err);

/** ctr_unpause() - let them go on; ERR_STATE when it is not paused */
int ctr_unpause(struct runtime *rt, struct ctr *c, struct err *err);

/**
 * ctr_update() - change a container's config for good
 * @limits: limits are among what changes: of a running one at once
 * @change: gets the config as it is; a failure changes nothing
 */
int ctr_update(struct runtime *rt, struct ctr *c, bool limits,
	       int (*change)(struct ctr_config *config, void *arg,
			     struct err *err),
	       void *arg, struct err *err);

/** ctr_wait() - until it does not run; its code (-1 unknown) */
int ctr_wait(struct runtime *rt, struct ctr *c, int *ret_code,
	     struct err *err);

/**
 * ctr_settled() - after an attached run ended: fold the exit record into the
 * row, or remove the container when it is a --rm one
 * @ret_code: in: what the monitor said; out: what the record says
 * @ret_trash: the directory lies in the trash and nobody deletes it yet; see
 *            attach_settle(); NULL: there is no monitor to do it
 */
int ctr_settled(struct runtime *rt, struct ctr *c, int *ret_code,
		bool *ret_trash, struct err *err);

/**
 * ctr_notice() - of a container as it is now: should its monitor have been
 * killed, see to its restart policy
 *
 * Does not wait for that, @c stays as it is.  Nothing to do: no system call
 * without a policy, some for one that has exited.
 */
void ctr_notice(struct runtime *rt, const struct ctr *c);

/** ctr_look() - ctr_find() for commands that do not end or remove what they
 *  find: with ctr_notice() */
int ctr_look(struct runtime *rt, const char *name, struct ctr **ret,
	     struct err *err);

/** ctr_resume() - start one whose policy wants it and whose monitor was killed,
 *  unless it is none any more
 *  @op_fd: the operation lock; taken */
int ctr_resume(struct runtime *rt, struct ctr *c, int op_fd, struct err *err);

/** ctr_watch() - the same, once its payload has ended; without a lock */
int ctr_watch(struct runtime *rt, struct ctr *c, struct err *err);

/** runtime_wants_upkeep() - the database's log is long: let the monitor end
 *  with a bryo of its own, which folds it (no attach_settle()) */
bool runtime_wants_upkeep(struct runtime *rt);

/**
 * ctr_ended() - the same in the monitor's own process, for `bryo __monitor`;
 * a restart policy starts the next round in place and does not return
 * @start_n:  which start ended
 * @lock_fd:  the monitor lock, held
 * @delay_ms: the back-off that was just waited for
 * @ret_code: how it ended, when it was for us to settle; else untouched
 */
int ctr_ended(struct runtime *rt, const char *id, uint32_t start_n,
	      int lock_fd, uint32_t delay_ms, int *ret_code,
	      struct err *err);

/** ctr_comes_back() - something may restart it when it ends
 *  (start_prepare.c) */
bool ctr_comes_back(const struct ctr_config *c);

struct ctr_rm_opts {
	bool force;
	bool volumes;		/* anonymous ones too */
	bool depend;
	/* called for each dependent one that went; may be NULL */
	void (*removed)(const struct ctr *c);
	uint32_t timeout_s;
};

int ctr_remove(struct runtime *rt, struct ctr *c,
	       const struct ctr_rm_opts *opts, struct err *err);

int ctr_rename(struct runtime *rt, struct ctr *c, const char *name,
	       struct err *err);

/** ctr_inspect() - podman's JSON object; owned by the caller.  Loads the rest
 *  of the config and the exec sessions into @c. */
struct json_object *ctr_inspect(struct runtime *rt, struct ctr *c,
				struct err *err);

/** ctr_exec_ids() - ids of the exec sessions that run now, into c->exec_ids */
void ctr_exec_ids(struct runtime *rt, struct ctr *c);

/** ctr_dir() - the container's data directory; owned descriptor */
int ctr_dir(struct runtime *rt, const struct ctr *c, struct err *err);

struct ctr_exec_opts {
	char **args;
	char **env;		/* -e, over the container's */
	const char *user;
	const char *workdir;
	bool tty, interactive, detach, privileged;
	const int *keep_fds;	/* descriptors that go through */
	size_t n_keep_fds;
	bool no_session;	/* leaves no trace: no session, no events */
	const char *detach_keys;
	bool in_session;	/* we are what the monitor has forked */
	char ret_id[65];	/* out: of a detached session */
};

/** ctr_exec() - returns the process's exit code, or -errno */
int ctr_exec(struct runtime *rt, struct ctr *c, struct ctr_exec_opts *opts,
	     struct err *err);

/** ctr_exec_died() - session @id, detached, has ended with @code */
void ctr_exec_died(struct runtime *rt, const struct ctr *c, const char *id,
		   int code);

#endif
