/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"
#include "util/err.h"

struct db;
struct json_object;
struct progress;

/*
 * Layout below the data directory (0700, checked at each open):
 *
 *   blobs/sha256/HEX      manifests, configs, compressed layers as pulled
 *   partial/HEX           blobs that are being fetched (resumed by the next
 *                         pull), flock'ed by the process that fetches
 *   layers/HEX/diff/      one directory per layer, HEX = its diff id; made as
 *   layers/HEX/layer.json staging/..., synced, renamed: visible = whole
 *   staging/OWNER-N/      unfinished; swept when OWNER (pid.start) is dead
 *   trash/N/              renamed here to be deleted; swept by any command
 *
 *   reserve               given up when a removal finds the disk full
 *
 * Rows (one SQLite file, owned by libpod/core, shared through util/db): see
 * storage/schema.c.
 */

enum store_driver {
	STORE_OVERLAY,	/* native, userxattr; whiteouts are 0:0 devices */
	STORE_FUSE,	/* fuse-overlayfs */
	STORE_VFS,	/* full copies */
};

/**
 * struct store_conf - what the store needs from above
 * @data_fd:      the data directory
 * @data_path:    its absolute path
 * @db:           borrowed
 * @driver:       of new containers
 * @enter_userns: runs in a forked child: joins U (makes it when needed) and
 *                becomes root in it; for helpers that write layers and for
 *                the removal of files owned by subuids.  @arg is passed on.
 * @userns_ready: called in this process before such children are forked and
 *                waited for: makes U, so that they only join it; may be NULL
 * @single_id:    no subuids: owners are recorded in xattrs only
 * @layer_max:    --max-layer-size, bytes of one unpacked layer
 */
struct store_conf {
	int data_fd;
	const char *data_path;
	struct db *db;
	enum store_driver driver;
	int (*enter_userns)(void *arg, struct err *err);
	int (*userns_ready)(void *arg, struct err *err);
	void *arg;
	bool single_id;
	uint64_t layer_max;
};

struct store;

/** store_schema - SQL of the storage tables, run by libpod/core */
extern const char store_schema[];
extern const char store_pins_schema[];
extern const char store_lists_schema[];
extern const char store_names_schema[];

int store_open(const struct store_conf *conf, struct store **ret,
	       struct err *err);
void store_close(struct store *s);

/** store_sweep() - staging of dead owners, trash; cheap when there is none */
void store_sweep(struct store *s);

/** store_has_litter() - is there anything in staging/ or trash/ below
 *  @data_fd?  For commands that need no store and so do not sweep it. */
bool store_has_litter(int data_fd);

/**
 * store_trash() - rename DIRFD/NAME into trash/ and let a background child
 * (in U) delete it; returns at once
 */
int store_trash(struct store *s, int dirfd, const char *name, struct err *err);

/** store_trash_move() - the rename alone; forks nothing, so it may be called
 *  inside a transaction.  A missing name is success. */
int store_trash_move(struct store *s, int dirfd, const char *name,
		     struct err *err);

/** store_reserve_drop() - give up the space that is kept for removals on a full
 *  disk; false when it was given up already */
bool store_reserve_drop(struct store *s);

/** store_trash_empty() - start the background child */
void store_trash_empty(struct store *s);

/** store_trash_begin() - the same for whoever closes the store soon: what is
 *  to be reaped waits for store_close() */
void store_trash_begin(struct store *s);

/** store_layers_fd() - O_PATH descriptor of layers/, borrowed */
int store_layers_fd(struct store *s);

/** store_driver_probe() - the best driver that works here: mounts a real
 *  overlay in a scratch namespace once; the answer is kept in the database.
 *  Not inside a transaction. */
int store_driver_probe(struct store *s, enum store_driver *ret,
		       struct err *err);

/** store_driver_check() - does a container with @driver work on this file
 *  system?  -EOPNOTSUPP.  Not inside a transaction. */
int store_driver_check(struct store *s, enum store_driver driver,
		       struct err *err);
const char *store_driver_name(enum store_driver d); /* "overlay", "vfs" ... */

/* ---- images ----------------------------------------------------------- */

/**
 * struct image - one image of the store, all fields owned
 * @id:      64 hex: digest of the config blob
 * @digest:  "sha256:HEX" of the manifest
 * @names:   "docker.io/library/nginx:latest", newest first
 * @digests: "docker.io/library/nginx@sha256:..."
 * @history: names that it has had and has no more, newest first
 * @size:    bytes of all unpacked layers
 * @is_list: a manifest list (storage/image/list.h): @digest is that of its
 *           index, and it has neither config nor layers
 */
struct image {
	char *id;
	char *digest;
	char **names;
	char **digests;
	char **history;
	char *arch;
	char *os;
	char *variant;
	int64_t created_ns;
	uint64_t size;
	uint32_t n_layers;
	bool is_list;
};

struct image_list {
	struct image **v;
	size_t n;
};

struct image *image_free(struct image *img);	/* returns NULL */

/** image_is_dangling() - no name leads to it, not even one with a digest */
static inline bool image_is_dangling(const struct image *img)
{
	return !img->names && !img->digests;
}
void image_list_done(struct image_list *list);

static inline void cleanup_image(struct image **img)
{
	*img = image_free(*img);
}

#define auto_image cleanup(cleanup_image)
#define auto_image_list cleanup(image_list_done)

/**
 * image_find() - by name, short name, id prefix or digest
 *
 * "nginx" finds localhost/nginx, docker.io/library/nginx, or any registry's
 * image with that last path part.
 * -ENOENT/ERR_NOT_FOUND: "NAME: image not known"
 */
int image_find(struct store *s, const char *name, struct image **ret,
	       struct err *err);

/** image_list() - all, newest first; filters are the caller's business */
int image_list(struct store *s, struct image_list *ret, struct err *err);

/** image_config() - the config blob, parsed (verified when it was stored);
 *  owned by the caller */
int image_config(struct store *s, const struct image *img,
		 struct json_object **ret, struct err *err);

/** image_manifest() - likewise */
int image_manifest(struct store *s, const struct image *img,
		   struct json_object **ret, struct err *err);

/** image_lower() - layer directories relative to store_layers_fd(), top
 *  first ("HEX/diff"); a strv, owned.  -ENOENT when one is missing: the
 *  image is damaged; image_lower_paths() names them all the same */
int image_lower(struct store *s, const struct image *img, char ***ret,
		struct err *err);
int image_lower_paths(struct store *s, const struct image *img, char ***ret,
		      struct err *err);

/** image_layer_sizes() - bytes of file content of each layer, base first
 *  @ret: owned, @ret_n of them */
int image_layer_sizes(struct store *s, const struct image *img,
		      uint64_t **ret, size_t *ret_n, struct err *err);

/**
 * store_upper_make() - a container's upper directory DIRFD/NAME
 *
 * Has the mode of the image's root directory, and holds those directories of
 * the image that its layers only imply: such a directory takes mode, owner
 * and extended attributes of the layer below, which the merged tree cannot
 * show.  Usually a mkdir; a child in U where there is more to do.
 * Return: 0, -EEXIST, -errno
 */
int store_upper_make(struct store *s, const struct image *img, int dirfd,
		     const char *name, struct err *err);

/**
 * store_tree_make() - the merged layers as plain files in DIRFD/NAME (vfs)
 *
 * Reflinks where the file system has them, else copies; in a child in U.  A
 * tree that could not be completed goes to the trash.
 */
int store_tree_make(struct store *s, const struct image *img, int dirfd,
		    const char *name, struct err *err);

/* ---- what a container changed ----------------------------------------- */

/**
 * struct store_top - a container's own directory; all borrowed
 * @path:   below the data directory: "containers/ID/upper", ".../tree"
 * @driver: that wrote it
 * @since_ns: vfs: when the tree was complete, 0 unknown
 * @omit:   mount points, without the leading slash; a strv
 */
struct store_top {
	const char *path;
	enum store_driver driver;
	int64_t since_ns;
	char *const *omit;
};

/**
 * store_changes() - call @fn for each change, sorted by path
 * @top: NULL: what the last layer of @img changed
 * @fn:  @kind 'A', 'C' or 'D'; @path begins with "/"
 */
int store_changes(struct store *s, const struct image *img,
		  const struct store_top *top,
		  void (*fn)(char kind, const char *path, void *arg),
		  void *arg, struct err *err);

/** store_export() - all that the container sees as a flat tar, sorted */
int store_export(struct store *s, const struct image *img,
		 const struct store_top *top, int out, struct err *err);

/**
 * struct store_usage - what is below DIRFD/NAME
 * @bytes: of file content, as `du --apparent-size` without directories
 * @disk:  that are occupied, as `du` counts: hard links once
 */
struct store_usage {
	int dirfd;
	const char *name;
	uint64_t bytes;
	uint64_t disk;
};

/** store_usage() - of several trees at once, counted in a child in U; one
 *  that is not there has nothing */
int store_usage(struct store *s, struct store_usage *const *v, size_t n,
		struct err *err);

/**
 * struct store_df - what the images occupy on the disk
 * @total:  layers and blobs of all images, each once
 * @needed: of those that a container uses
 * @other:  layers, blobs and unfinished downloads that no image has
 * @v:      one per image, in the order of image_list()
 */
struct store_df {
	uint64_t total;
	uint64_t needed;
	uint64_t other;
	struct store_df_image {
		char id[65];
		uint64_t size;
		uint64_t shared; /* of it, with other images */
		size_t users;
	} *v;
	size_t n;
};

int store_df(struct store *s, struct store_df *ret, struct err *err);
void store_df_done(struct store_df *df);

#define auto_store_df cleanup(store_df_done)

/** store_pack_dir() - the same for a plain directory; @with_root: a member
 *  for it, too */
int store_pack_dir(struct store *s, int dir, bool with_root, int out,
		   struct err *err);

/**
 * struct image_new - what the documents of a new image say; all borrowed
 * @config: the config document without its layers; "rootfs" and "created" are
 *          set, an entry of "history" is appended
 * @name:   it gets, completed by localhost/ and :latest; NULL: none
 * @docker: docker's media types, not OCI's
 * @progress: may be NULL
 */
struct image_new {
	struct json_object *config;
	const char *name;
	const char *author;
	const char *comment;
	const char *created_by;
	bool docker;
	const struct progress *progress;
};

/** image_commit() - @base with what @top changed as one more layer
 *  @squash: everything in one layer, without a base */
int image_commit(struct store *s, const struct image *base,
		 const struct store_top *top, const struct image_new *new,
		 bool squash, char ret_id[65], struct err *err);

/** image_import() - an image of one layer, the tar (compressed or not) that
 *  is read from @fd */
int image_import(struct store *s, int fd, const struct image_new *new,
		 char ret_id[65], struct err *err);

/** store_unpack_dir() - a tar (compressed or not) from @input into a plain
 *  directory; files that are there and not in the tar stay */
int store_unpack_dir(struct store *s, int dir, int input, struct err *err);

/** store_driver_parse() - the reverse of store_driver_name(); "overlay2" is
 *  "overlay" */
int store_driver_parse(const char *name, enum store_driver *ret,
		       struct err *err);

/** image_use()/image_unuse() - pin an image for a container; inside the
 *  caller's transaction.  -ENOENT when the image went away meanwhile. */
int image_use(struct store *s, const char *image_id, const char *user_id,
	      struct err *err);
int image_unuse(struct store *s, const char *user_id, struct err *err);

/** image_all_users() - ids of all containers that use any image; appended */
int image_all_users(struct store *s, char ***ret, struct err *err);

/** image_users() - ids of the containers that use it; a strv, owned */
int image_users(struct store *s, const char *image_id, char ***ret,
		struct err *err);

int image_tag(struct store *s, const struct image *img, const char *name,
	      struct err *err);
int image_untag(struct store *s, const struct image *img, const char *name,
		struct err *err);

/** image_untag_all() - every name; they stay in the history */
int image_untag_all(struct store *s, const struct image *img, struct err *err);

enum image_rm_flags {
	IMAGE_RM_FORCE = 1,	   /* also by id when it has several names */
	IMAGE_RM_DRY_RUN = 2,	   /* change nothing, tell what would go */
	IMAGE_RM_KEEP_PARENTS = 4, /* untagged ones stay */
	IMAGE_RM_AS_UNUSED = 8,	   /* dry run: its containers go before it */
};

/**
 * image_remove() - rmi of one argument
 * @arg:      as typed: a name only untags when others are left
 * @flags:    enum image_rm_flags
 * @untagged: names that went, appended
 * @deleted:  ids that went, with those of untagged parents; appended
 *
 * In use by a container: -EBUSY/ERR_IN_USE (the caller removes the users
 * first when it was forced).
 */
int image_remove(struct store *s, const char *arg, unsigned int flags,
		 char ***untagged, char ***deleted, struct err *err);

/* ---- transfers -------------------------------------------------------- */

/** struct progress - how a transfer tells where it is; all may be NULL */
struct progress {
	/* a plain line: "Copying blob 0123456789ab" */
	void (*line)(void *arg, const char *text);
	/* layer @key is at @done of @total bytes (total 0: unknown);
	   @state: "downloading", "extracting", "done", "exists" */
	void (*layer)(void *arg, const char *key, const char *state,
		      uint64_t done, uint64_t total);
	void *arg;
};

struct pull_opts {
	const char *platform;	/* "os/arch[/variant]", NULL = host */
	const char *authfile;
	const char *creds;	/* "user:password" */
	const char *cert_dir;
	int tls_verify;		/* -1 default, 0 off, 1 on */
	bool all_tags;
	const char *policy;	/* "always", "missing", "never", "newer" */
	int retry;		/* -1 default (2) */
	int64_t retry_delay_ms;	/* 0 default */
	const struct progress *progress;
};

/**
 * image_pull() - fetch @name (any transport: docker://, docker-archive:,
 * oci-archive:, oci:, dir:; none = registry)
 * @ret_ids: strv of image ids, appended
 */
int image_pull(struct store *s, const char *name, const struct pull_opts *opts,
	       char ***ret_ids, struct err *err);

/** image_load() - docker-archive or oci-archive (compressed or not) from
 *  @fd; @platform: "os/arch[/variant]" of an image for several, NULL: of the
 *  host; @ret_names: names or ids loaded, appended */
int image_load(struct store *s, int fd, const char *platform,
	       const struct progress *p, char ***ret_names, struct err *err);

/**
 * struct save_opts - how to save
 * @format: "docker-archive", "oci-archive", "oci-dir" or "docker-dir"
 * @fd:     file, pipe, or the directory of the last two; borrowed
 * @gzip:   docker-dir: compress layers that are not
 * @plain:  OCI formats: layers uncompressed
 * @as:     the one name that the one image gets in there; NULL: those under
 *          which it was asked for
 */
struct save_opts {
	const char *format;
	int fd;
	bool gzip;
	bool plain;
	const char *as;
	const struct progress *progress;
};

int image_save(struct store *s, char *const *names,
	       const struct save_opts *opts, struct err *err);

/** save_format_check() - -EINVAL/ERR_USAGE */
int save_format_check(const char *name, struct err *err);
bool save_format_is_dir(const char *name);

#endif
