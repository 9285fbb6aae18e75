/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_RUNTIME_H
#define CORE_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/oci/idmap.h"
#include "util/err.h"

struct db;
struct store;
struct userns;

/**
 * struct runtime_opts - the global flags, before the subcommand
 * All borrowed; NULL = default.
 */
struct runtime_opts {
	const char *root;	    /* --root: data directory */
	const char *runroot;	    /* --runroot: run directory */
	const char *storage_driver; /* --storage-driver */
	const char *volumepath;
	const char *cgroup_manager; /* --cgroup-manager, checked */
	char *const *hooks_dirs;    /* --hooks-dir */
	bool no_events;		    /* --events-backend=none */
	bool internal;		    /* goes on while a system reset works */
	uint64_t layer_max;	    /* --max-layer-size, 0 = default */
};

/**
 * struct rootless - who we are and which ids we may use
 * @uid, @gid: real ids of the user (outside)
 * @is_root:   euid 0 with CAP_SYS_ADMIN over our namespace: identity map, no U
 * @in_userns: that namespace is not the initial one: a container, or U itself
 *             (a monitor that exec'ed bryo)
 * @loaded:    what follows was found out; see rootless_load()
 * @single:    no subuids or no working newuidmap: one id
 * @single_why: the reason and what mends it, for one warning
 * @uid_map, @gid_map: of U; of our own namespace when @is_root
 */
struct rootless {
	uid_t uid;
	gid_t gid;
	bool is_root;
	bool in_userns;
	bool loaded;
	bool single;
	char single_why[384];
	struct idmap uid_map;
	struct idmap gid_map;
};

/**
 * struct runtime - one open engine; everything owned
 * @data_fd, @run_fd: 0700, owner checked at each open
 */
struct runtime {
	struct runtime_opts opts;
	struct rootless ids;
	char *data_path;
	char *run_path;
	char *volumes_path;
	char *session_dir; /* of the user's systemd: XDG_RUNTIME_DIR; NULL */
	int data_fd;
	int run_fd;
	int ctrs_fd;	/* data/containers */
	int run_ctrs_fd; /* run/containers: attach sockets, exec sessions */
	int volumes_fd;	/* data/volumes, or --volumepath */
	struct db *db;
	struct store *store;
	struct userns *userns;	/* private to userns.c */
	bool upkeep_left;	/* a monitor was left to fold the database */
};

/**
 * runtime_open() - directories, database, sweep of what dead owners left
 *
 * Cheap (below a millisecond): nothing is probed that the command may not
 * need; the store and U are opened on first use.
 */
int runtime_open(const struct runtime_opts *opts, struct runtime **ret,
		 struct err *err);
void runtime_close(struct runtime *rt);

/** runtime_store() - the image store, opened on first use; borrowed */
int runtime_store(struct runtime *rt, struct store **ret, struct err *err);

/** runtime_cgroup_manager() - who makes the cgroups of containers: "systemd",
 *  "cgroupfs" or "none" */
const char *runtime_cgroup_manager(const struct runtime *rt);

/** rootless_load() - fill in the id maps and single-id mode of rt->ids (once);
 *  reads /etc/subuid and /etc/subgid, makes nothing */
int rootless_load(struct runtime *rt, struct err *err);

/**
 * userns_prepare() - start making U in the background (newuidmap and
 * newgidmap in parallel) when it does not exist; returns at once
 *
 * For run and start: overlaps 2.7 ms of set-uid helpers with database work.
 */
int userns_prepare(struct runtime *rt, struct err *err);

/**
 * userns_open() - descriptor of U (made when needed); owned by the caller
 *
 * Found through the holder's record and the monitors of running containers;
 * creation is serialised by flock and published before unlock.  -ENOTSUP: we
 * need none (root).
 */
int userns_open(struct runtime *rt, struct err *err);

/** userns_enter() - in a forked child: join U and become its root.  @arg is
 *  the struct runtime; signature of store_conf.enter_userns. */
int userns_enter(void *arg, struct err *err);

/** userns_join() - the same for a descriptor of U that the caller has */
int userns_join(int fd, struct err *err);

/** userns_run() - fork, enter U, call @fn, report its failure; for the few
 *  small things that need other ids of the user (chown, chmod).
 *  Run by root it simply calls @fn. */
int userns_run(struct runtime *rt, int (*fn)(void *arg, struct err *err),
	       void *arg, struct err *err);

/**
 * userns_forget() - the next command makes a new U from /etc/subuid
 *
 * The holder of the old one ends by itself.  While containers run their U
 * stays in use: stop them first.
 */
int userns_forget(struct runtime *rt, struct err *err);

/** userns_release() - end of use: drops what userns.c holds in @rt */
void userns_release(struct runtime *rt);

#endif
