/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_CORE_PRIV_H
#define CORE_CORE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libpod/core/container.h"
#include "libpod/core/runtime.h"
#include "util/db.h"
#include "util/err.h"
#include "util/proc.h"
#include "util/sb.h"

struct db_stmt;
struct image;
struct json_object;
struct store;

/* Declarations that the files of libpod/core share and nobody else sees. */

/** struct ctr_mark - a transitional row as a sweep saw it */
struct ctr_mark {
	enum ctr_state state;
	struct proc_id owner;
	uint32_t start_n;
};

/** ctr_mark_of() - of what @c says now */
static inline struct ctr_mark ctr_mark_of(const struct ctr *c)
{
	return (struct ctr_mark){ c->state, c->owner, c->start_n };
}

/* ---- rootless.c ---- */

/** rootless_init() - who we are; the maps come later, rootless_load() */
void rootless_init(struct rootless *ids);

/** rootless_set_single() - newuidmap turned out not to work: go on with one
 *  id, and leave a note so that the next command does not try again */
void rootless_set_single(struct runtime *rt, const char *why);

/* ---- runtime.c ---- */

/** user_home() - HOME, or what passwd says; owned, NULL: nobody knows */
char *user_home(uid_t uid);

/* ---- schema.c: the formats of state.db ---- */

extern const struct db_step core_formats[];
extern const int core_format;

/* ---- row.c: the container table ---- */

extern const char core_schema[];
extern const char health_schema[];	/* a column of it */

typedef int (*tx_fn)(struct runtime *rt, void *arg, struct err *err);

enum tx_flags {
	TX_DURABLE = 1, /* survives a power cut once it is committed */
	TX_RESERVE = 2, /* for what ends or removes: works on a full disk, too,
			   the store's reserve is given up for it */
};

/** tx_run() - call @fn inside a transaction; 0 commits, anything else rolls
 *  back and is returned */
int tx_run(struct runtime *rt, unsigned int flags, tx_fn fn, void *arg,
	   struct err *err);

/** row_set_health() - the status of this start of the container */
int row_set_health(struct runtime *rt, const struct ctr *c,
		   enum health_status s, struct err *err);

/** tx_save() - row_save() as a tx_fn; @arg is the struct ctr */
int tx_save(struct runtime *rt, void *arg, struct err *err);

/** owner_is_alive() - the process that left its mark in a transitional row */
bool owner_is_alive(const struct proc_id *owner, const char *boot);

/** row_insert() - inside a transaction; -EEXIST: id or name is taken */
int row_insert(struct runtime *rt, const struct ctr *c, struct err *err);

/** row_save() - write back all that changes in a container's life; inside a
 *  transaction */
int row_save(struct runtime *rt, const struct ctr *c, struct err *err);

/** row_delete() - the row, its config, its uses; inside a transaction */
int row_delete(struct runtime *rt, const char *id, struct err *err);

/** row_load() - by full id, as the database has it; not normalised.
 *  -ENOENT/ERR_NOT_FOUND when there is none */
int row_load(struct runtime *rt, const char *id, struct ctr **ret,
	     struct err *err);

/** row_reload() - the changing fields of @c anew; -ENOENT as above */
int row_reload(struct runtime *rt, struct ctr *c, struct err *err);

/** row_dependants() - ids of containers in this one's namespaces; appended */
int row_dependants(struct runtime *rt, const char *id, char ***ret,
		   struct err *err);

/** row_exists() - true also when the database cannot tell */
bool row_exists(struct runtime *rt, const char *id);

/** row_mark_holds() - the row is still as @mark says; inside a transaction */
bool row_mark_holds(struct runtime *rt, const char *id,
		    const struct ctr_mark *mark);

/** row_pending() - containers in a transitional state */
int row_pending(struct runtime *rt, struct ctr_list *ret, struct err *err);

/* ---- event.c: the journal ---- */

extern const char event_schema[];

/**
 * event_life() - what the change of a container's row means for the journal
 * @c:    as it is going to be
 * @gone: the row is going to be deleted
 *
 * Inside the transaction, before the change.
 */
int event_life(struct runtime *rt, const struct ctr *c, bool gone,
	       struct err *err);

/* ---- config.c ---- */

struct json_object *ctr_config_to_json(const struct ctr_config *c);
int ctr_config_from_json(struct json_object *o, struct ctr_config *ret,
			 struct err *err);

/** config_brief() - the few fields of a list as text for the row;
 *  config_brief_parse() is the reverse */
void config_brief(const struct ctr_config *c, struct sb *out);
void config_brief_parse(const char *text, struct ctr_config *c);

/** ports_pack()/ports_unpack() - a port list as the text of a column */
void ports_pack(const struct port_list *list, struct sb *out);
int ports_unpack(const char *text, struct port_list *ret);

/* ---- state.c ---- */

/**
 * ctr_normalise() - bring a row that was just read in line with the truth
 *
 * Only in memory, see "Theory of operation" in state.c.  The row is written
 * by those who change the container next.
 */
void ctr_normalise(struct runtime *rt, struct ctr *c);

/** tx_fold() - the same with the row as it is now, and written; a tx_fn, @arg
 *  is the struct ctr */
int tx_fold(struct runtime *rt, void *arg, struct err *err);

/** ctr_fold_exit() - what the exit record of this start says into @c; false:
 *  there is none */
bool ctr_fold_exit(int dir, struct ctr *c);

/** ctr_wake_monitor() - should the monitor of @c wait before a restart: let it
 *  look at the row now (stop.c) */
void ctr_wake_monitor(struct runtime *rt, const struct ctr *c);

/** ctr_lock_probe() - is a monitor alive?  1 yes, 0 no, -errno */
int ctr_lock_probe(struct runtime *rt, const char *id);

/** ctr_lock_take() - the monitor lock for a start; waits @timeout_ms for the
 *  previous monitor to finish.  Return: descriptor, owned by the caller */
int ctr_lock_take(int dir, const char *name, int timeout_ms, struct err *err);

/** ctr_op_lock() - exclusive among commands: start, rm, rename of one
 *  container.  -ENOENT when its directory is gone.  owned descriptor */
int ctr_op_lock(struct runtime *rt, const char *id, struct err *err);

/** ctr_reap() - finish the removal of a --rm container that nobody runs or
 *  watches any more; true when it is gone */
bool ctr_reap(struct runtime *rt, struct ctr *c);

/** ctr_roll_back() - @c is what it was before the start that did not happen */
void ctr_roll_back(struct ctr *c);

/**
 * ctr_wait_transition() - while somebody makes, starts or removes it
 *
 * Between the row's birth and the payload's it soon is one or the other.
 * Without the operation lock.  -ENOENT: it is gone.
 */
int ctr_wait_transition(struct runtime *rt, struct ctr *c, struct err *err);

/**
 * ctr_err_gone() - what to say when something of a container is missing
 * @r: what failed, with its error in @err
 *
 * -ENOENT of a container that was removed meanwhile becomes "no such
 * container"; all else stays what it is.
 */
int ctr_err_gone(struct runtime *rt, const char *id, int r, struct err *err);

/** ctr_recover() - roll a transitional row of a dead owner forward or back */
int ctr_recover(struct runtime *rt, struct ctr *c, struct err *err);

/** ctr_sweep() - ctr_recover() for all of them; called at each open */
void ctr_sweep(struct runtime *rt);

/** ctr_err_not_found() - podman's words for an unknown container */
int ctr_err_not_found(struct err *err, const char *name);

/* ---- pause.c ---- */

/** struct ctr_hold - a running container that was told to stand still; @c is
 *  NULL when there is nothing to release */
struct ctr_hold {
	struct runtime *rt;	/* borrowed */
	struct ctr *c;		/* borrowed; has the operation lock */
};

#define CTR_HOLD_INIT ((struct ctr_hold){ NULL, NULL })
#define auto_ctr_hold cleanup(ctr_release)

/**
 * ctr_hold() - ctr_pause() for the time of one command: no event, and the
 * operation lock stays taken
 * @ret: CTR_HOLD_INIT before; unchanged when the container does not run
 */
int ctr_hold(struct runtime *rt, struct ctr *c, struct ctr_hold *ret,
	     struct err *err);

/** ctr_release() - let it go on; nothing when it ended meanwhile */
void ctr_release(struct ctr_hold *h);

/** ctr_wait_hold() - a paused container may only be held: wait until it is
 *  not, and reload it.  One that a user paused stays paused. */
int ctr_wait_hold(struct runtime *rt, struct ctr *c, struct err *err);

/* ---- remove.c ---- */

/**
 * ctr_erase() - what is left of a container that does not run (any more):
 * directory to the trash, row and uses deleted, in one transaction
 * @check: only when the row still has this state and owner (a sweep that
 *         lost the race does nothing); NULL: the caller has the op lock
 * @volumes: anonymous volumes too
 */
int ctr_erase(struct runtime *rt, const struct ctr *c,
	      const struct ctr_mark *check, bool volumes, struct err *err);

/** ctr_erase_keep() - the same for a --rm container whose monitor waits to
 *  delete the directory in the trash; *ret_trash false: it need not.
 *  1: @check did not hold */
int ctr_erase_keep(struct runtime *rt, const struct ctr *c,
		   const struct ctr_mark *check, bool *ret_trash,
		   struct err *err);

/* ---- image.c: what an image says about its containers ---- */

/** config_merge_image() - defaults of @img go under what the user asked for;
 *  anonymous volumes for VOLUMEs are appended to the mounts */
int config_merge_image(struct runtime *rt, const struct image *img,
		       struct ctr_config *c, struct err *err);

/* ---- create.c ---- */

/** ctr_name_check() - [a-zA-Z0-9][a-zA-Z0-9_.-]* */
int ctr_name_check(const char *name, struct err *err);

/** ctr_err_source() - a bind source that cannot be opened; errno says why */
int ctr_err_source(struct err *err, const char *path);

/** ctr_dirs_make() - directory, upper and work (or tree) of a container;
 *  existing ones are fine */
int ctr_dirs_make(struct runtime *rt, const struct ctr *c, struct err *err);

/* ---- image.c, see below; the environment at run time ---- */

/**
 * ctr_hostname() - the name that the container's uname has; owned by the caller
 *
 * The host's where the container is in its UTS or, as in podman and docker,
 * its network namespace and has no name of its own.
 */
char *ctr_hostname(const struct ctr *c);

/** ctr_env() - the container's environment with what only a start knows
 *  (HOSTNAME); a strv, owned */
char **ctr_env(const struct ctr *c);

/* Where --init-path is mounted */
#define INIT_TARGET "/run/podman-init"

/* ---- systemd.c ---- */

/** systemd_detect() - look at the command: SYSTEMD_DETECT may become FOUND */
void systemd_detect(struct ctr_config *c);

/** systemd_is_on() - the container is prepared for systemd */
bool systemd_is_on(const struct ctr_config *c);

/** systemd_env() - container_uuid, when it is on and not there */
void systemd_env(const struct ctr *c, char ***env);

/* ---- size.c ---- */

/** config_has_tree() - the vfs driver: a copy of all the image's files, not
 *  only of what the container changed */
bool config_has_tree(const struct ctr_config *c);

/** config_files() - the name of the directory that has them */
const char *config_files(const struct ctr_config *c);

/* ---- usermap_auto.c ---- */

extern const char userns_schema[];

/* ---- names.c ---- */

/** name_random() - "adjective_noun", owned */
char *name_random(void);

/* ---- cgroup.c ---- */

struct cgroup;

/** ctr_cgroup() - where a running container lives; cgroup_done() it */
void ctr_cgroup(struct runtime *rt, const struct ctr *c, struct cgroup *ret);

/** ctr_cgroup_remove() - what a killed monitor may have left of it */
void ctr_cgroup_remove(struct runtime *rt, const char *id);

/** limits_in_force() - of those of the config; of one that does not run: what
 *  it asks for.  limits_done() it */
void limits_in_force(const struct ctr *c, const struct cgroup *cg,
		     struct oci_limits *ret);

/* ---- secret_use.c ---- */

/** secrets_copy() - the data of c->config.secrets into its directory @dir */
int secrets_copy(struct runtime *rt, const struct ctr *c, int dir,
		 struct err *err);

/** secrets_env() - those that are variables, into a KEY=VALUE list */
int secrets_env(const struct ctr *c, int dir, char ***env, struct err *err);

/* ---- volume.c ---- */

extern const char volume_schema[];

/** volume_use() - pin volume @name for a container, making it when there is
 *  none; inside the caller's transaction (the directory comes later) */
int volume_use(struct runtime *rt, const char *name, bool anonymous,
	       const char *ctr_id, struct err *err);

/** volume_dir() - descriptor of a volume's _data, made when it is missing;
 *  owned */
int volume_dir(struct runtime *rt, const char *name, struct err *err);

/**
 * struct volume_source - what a volume is mounted from
 * @fd:     its directory, or the device of a bind; -EBADF: a tmpfs.  Owned
 * @data:   options of the tmpfs, may be NULL; owned
 * @attr:   MOUNT_ATTR_* that its options ask for
 * @fresh:  never mounted before: copy up
 * @owned:  it has an owner that was given with the volume
 */
struct volume_source {
	int fd;
	char *data;
	uint64_t attr;
	bool fresh;
	bool owned;
};

int volume_source(struct runtime *rt, const char *name,
		  struct volume_source *ret, struct err *err);

/** volume_filled() - it was mounted: no copy-up ever again */
int volume_filled(struct runtime *rt, const char *name, struct err *err);

/** volume_unuse() - drop a container's pins; anonymous ones that nobody else
 *  uses are appended to @ret_dead when @anonymous; inside a transaction */
int volume_unuse(struct runtime *rt, const char *ctr_id, bool anonymous,
		 char ***ret_dead, struct err *err);

/** volume_bury() - directories of deleted volumes to the trash; inside a
 *  transaction, the caller empties the trash afterwards */
int volume_bury(struct runtime *rt, char *const *names, struct err *err);

#endif
