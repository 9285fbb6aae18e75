/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_STORE_INT_H
#define STORAGE_STORE_INT_H

#include "storage/layer.h"
#include "storage/store.h"
#include "util/cleanup.h"

/* What the files of storage/ share; nobody outside of it includes this. */

/* Values of image.kind */
enum { STORE_IMAGE, STORE_LIST };

enum store_dir {
	STORE_BLOBS, /* blobs/sha256 */
	STORE_PARTIAL,
	STORE_LAYERS,
	STORE_STAGING,
	STORE_TRASH,
	STORE_DIRS,
};

/**
 * struct store - an open store
 * @conf:   copied; its @data_path is owned
 * @dir:    opened when first needed
 * @serial: makes names of this process unique
 * @host:   of layer jobs, while an image is fetched
 * @can:    what driver/probe.c found out, -1 = nothing yet
 */
struct store {
	struct store_conf conf;
	int dir[STORE_DIRS];
	unsigned int serial;
	pid_t emptier;	/* see store_trash_begin(); 0: none */
	struct layer_host host;
	int can;
};

/** store_dir() - descriptor of one of the directories, borrowed; made when it
 *  is missing.  -errno */
int store_dir(struct store *s, enum store_dir which, struct err *err);

/** store_hashes() - what has a hash for a name there: a sorted strv, owned */
char **store_hashes(struct store *s, enum store_dir which);

/** store_unique() - "PID.START.N": tells the sweep whose it is */
#define STORE_UNIQUE_MAX 64
void store_unique(struct store *s, char ret[STORE_UNIQUE_MAX]);

/** store_scratch() - a new file beside the staging directories
 *  @ret: its name there; NULL: it has none any more, and goes with the
 *  descriptor that is returned; the sweep sees to it when we die before */
int store_scratch(struct store *s, char *ret, struct err *err);

/**
 * struct staging - a directory in which something grows
 * @name: "" once it was handed on
 * @fd:   O_RDONLY
 */
struct staging {
	struct store *s;
	char name[STORE_UNIQUE_MAX];
	int fd;
};

#define STAGING_INIT { NULL, "", -EBADF }

int staging_new(struct store *s, struct staging *ret, struct err *err);

/** staging_done() - what was not handed on goes to the trash */
void staging_done(struct staging *st);

#define auto_staging cleanup(staging_done)

/**
 * store_fork() - run @fn in a forked child that is root in U, and wait
 *
 * For work on files of subuids.  The child has all descriptors of the parent.
 * Return: what @fn returned (>= 0), -errno with the child's reason
 */
int store_fork(struct store *s, int (*fn)(void *arg, struct err *err),
	       void *arg, struct err *err);

/** store_userns() - before a helper is started that joins U */
int store_userns(struct store *s, struct err *err);

/** store_host() - have bryo-layer loaded: it takes as long as the first words
 *  with a registry.  Without it jobs only start later, so nothing fails. */
void store_host(struct store *s);

/** store_host_end() - before anything else is forked that stays */
void store_host_end(struct store *s);

/** store_format() - how this store keeps whiteouts */
int store_format(struct store *s, enum layer_format *ret, struct err *err);

/** store_probe_again() - forget what was found out; until the next command
 *  store_format() is what the file system can hold, whatever is there */
int store_probe_again(struct store *s, struct err *err);

/** store_cpus() - processors that we may use */
size_t store_cpus(void);

/* ---- trash.c ------------------------------------------------------------ */

/** trash_reap() - reap what store_trash_begin() has left */
void trash_reap(struct store *s);

/** trash_is_locked() - somebody deletes already */
bool trash_is_locked(struct store *s);

/** reserve_make()/reserve_drop() - a file that is given up when a removal
 *  finds the disk full; drop returns true when there was one */
void reserve_make(struct store *s);
bool reserve_drop(struct store *s);

/* ---- gc.c --------------------------------------------------------------- */

/**
 * lease_add() - this process is about to need these hashes
 * @hashes: a strv of 64 hex digits each
 *
 * Own transaction.  Whatever is on disk afterwards stays until lease_drop()
 * or the death of the process.
 */
int lease_add(struct store *s, char *const *hashes, struct err *err);
void lease_drop(struct store *s);

/** lease_end() - lease_drop() after what ended with @result: when the disk was
 *  full, what was leased and has no user goes at once */
void lease_end(struct store *s, int result);

/** gc_doom() - inside a transaction: @hash may have lost its last user */
int gc_doom(struct store *s, const char *hash, struct err *err);

/** gc_run() - look at doomed hashes again, move those without users to the
 *  trash.  Never fails for a single one: it stays doomed. */
int gc_run(struct store *s, struct err *err);

/** gc_each_orphan() - call @fn for what gc_orphans() would remove: @what is
 *  "layer", "blob" or "download" */
int gc_each_orphan(struct store *s, int64_t age_s,
		   void (*fn)(const char *what, const char *hash, void *arg),
		   void *arg, struct err *err);

/** gc_orphans() - doom blobs and layers that no row knows and that are older
 *  than @age_s seconds; likewise drop old partial blobs */
int gc_orphans(struct store *s, int64_t age_s, struct err *err);

#endif
