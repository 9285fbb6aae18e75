/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OCI_CGROUP_H
#define OCI_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/oci/limits.h"
#include "util/err.h"

/*
 * The cgroup of a container: version 2 only.  docs/internals/cgroups.md says
 * who gets which and why.
 */

#define CGROUP_MOUNT "/sys/fs/cgroup"

enum cgroup_manager {
	CGROUP_AUTO,	/* a scope of systemd, else by hand, else none */
	CGROUP_SYSTEMD,
	CGROUP_FS,
};

enum cgroup_mode {
	CGROUPS_ENABLED,
	CGROUPS_NO_MONITOR,	/* no-conmon: the monitor stays outside */
	CGROUPS_SPLIT,		/* below the cgroup that we are in */
	CGROUPS_DISABLED,
};

/**
 * struct cgroup_want - what is to be made
 * @id:      of the container
 * @parent:  --cgroup-parent: "x.slice", or a path below the mount; NULL
 * @scope:   the container outlives its command or has a limit: it is worth
 *           asking systemd (some milliseconds)
 * @is_root: of the machine: the system's manager, not a user's
 * @runtime_dir: of the user, for the manager's socket
 * @limits:  typed ones
 */
struct cgroup_want {
	const char *id;
	enum cgroup_manager manager;
	enum cgroup_mode mode;
	const char *parent;
	bool scope;
	bool is_root;
	const char *runtime_dir;
	const struct oci_limits *limits;
};

/**
 * struct cgroup - one container's; all owned
 * @path:    absolute, of the leaf that the payload lives in; NULL: none
 * @fd:      that directory, -EBADF
 * @missing: controllers whose limits were typed and are not in force, "," in
 *           between ("" = what v2 does not know); NULL: all are
 * @warning: one line for the user about @missing; NULL
 */
struct cgroup {
	char *path;
	int fd;
	char *missing;
	char *warning;
};

#define CGROUP_INIT { NULL, -EBADF, NULL, NULL }

/**
 * cgroup_make() - make the leaf, move the monitor (the caller) out of its way,
 * write the limits
 *
 * Having none is not an error, unless limits are strict (EOPNOTSUPP), the
 * manager or a parent was asked for by name, or a limit is impossible (a
 * processor that does not exist).
 */
int cgroup_make(const struct cgroup_want *want, struct cgroup *ret,
		struct err *err);
void cgroup_done(struct cgroup *c);

/** cgroup_manager_name() - who would make one: "systemd", "cgroupfs" (by
 *  hand), "none" (no cgroup v2 is mounted) */
const char *cgroup_manager_name(const struct cgroup_want *want);

/** cgroup_parent_check() - --cgroup-parent; NULL is fine; -EINVAL */
int cgroup_parent_check(const char *parent, enum cgroup_manager manager,
			struct err *err);

/** cgroup_apply() - write limits into a leaf that is there (`update`)
 *  @ret: its missing and warning are set anew */
int cgroup_apply(const struct oci_limits *limits, bool defaults,
		 struct cgroup *ret, struct err *err);

/** cgroup_note_none() - the same when there is none: @why, and the fix */
int cgroup_note_none(const struct oci_limits *limits, const char *why,
		     struct cgroup *ret, struct err *err);

/* ---- cgroup_file.c: what the small static monitor needs, too ---- */

/** cgroup_open() - a leaf by its absolute path; -ENOENT, ... */
int cgroup_open(const char *path);

/** cgroup_oom() - were processes killed for want of memory?  1, 0, -1 when
 *  nobody counts */
int cgroup_oom(int fd);

/** cgroup_remove() - kill what is left in it and remove it with all below;
 *  gives up after half a second */
void cgroup_remove(const char *path);

/** cgroup_freeze() - stop or continue all that is in it; returns when that is
 *  so.  -ETIMEDOUT: one does not stop; it is thawed again */
int cgroup_freeze(int fd, bool on, struct err *err);

/** cgroup_value() - the number in @file, or behind @key in a file of
 *  "key number" lines (@key NULL: the only one); "max" is UINT64_MAX.
 *  false: there is none */
bool cgroup_value(int fd, const char *file, const char *key, uint64_t *ret);

/** cgroup_key() - the same in a text that was read */
bool cgroup_key(const char *text, const char *key, uint64_t *ret);

/** cgroup_write() - 0 or -errno */
int cgroup_write(int dir, const char *file, const char *value);

/** cgroup_io() - bytes read and written, of all devices together */
bool cgroup_io(int fd, uint64_t *ret_read, uint64_t *ret_written);
void cgroup_io_parse(const char *text, uint64_t *ret_read,
		     uint64_t *ret_written);

/*
 * The file "cgroup" in a container's run directory, for as long as it runs:
 * two lines, the path and the controllers that are missing.
 */

/** cgroup_record_write() - none and nothing missing: no file */
int cgroup_record_write(int run_fd, const struct cgroup *c, struct err *err);

/** cgroup_record_read() - opens it, too; without the file, or when the cgroup
 *  is gone, @ret has none.  cgroup_done() it */
void cgroup_record_read(int run_fd, struct cgroup *ret);

/* ---- scope.c ---- */

/** scope_is_possible() - the manager's socket exists */
bool scope_is_possible(const struct cgroup_want *want);

/**
 * scope_enter() - a transient scope bryo-ID.scope with us in it
 * Waits 2 s at most for the manager, whatever it does or does not.
 */
int scope_enter(const struct cgroup_want *want, const char *slice,
		struct err *err);

/** cgroup_self() - our own path below the cgroup v2 mount; owned, NULL */
char *cgroup_self(void);

#endif
