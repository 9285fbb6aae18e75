/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_TREE_H
#define STORAGE_LAYER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "storage/layer.h"
#include "storage/layer/idmap.h"
#include "util/err.h"
#include "util/sb.h"

enum {
	TREE_DEPTH_MAX = 1024,
	TREE_PATH_MAX = 4096,
	TREE_IMPLIED_MAX = 32768,
};

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

struct tree_dir;

/**
 * struct tree - a layer that is being written
 * @root:      the directory, borrowed
 * @format:    how whiteouts are stored
 * @single_id: owners go into an xattr
 * @uids, @gids: borrowed; ids that exist
 * @dir, @depth: open directories from the root to the current parent
 * @path:      their path, "a/b", "" at the root
 * @aliases:   a parent directory was reached through a symlink
 * @stale:     the open directories need not be what @path leads to any more
 * @whiteouts: how many were written
 * @implied:   set (tsearch) of owned paths, @n_implied of them
 *
 * Fill the first five, then tree_begin().
 */
struct tree {
	int root;
	enum layer_format format;
	bool single_id;
	const struct idmap *uids;
	const struct idmap *gids;

	struct tree_dir *dir;
	size_t depth;
	struct sb path;
	bool aliases;
	bool stale;
	uint64_t whiteouts;
	void *implied;
	size_t n_implied;
};

struct tree_xattr {
	const char *name;
	const void *value;
	size_t size;
};

/**
 * struct tree_meta - what a member says about its file
 * @n_xattr, @xattr: borrowed
 */
struct tree_meta {
	int64_t uid;
	int64_t gid;
	mode_t mode;
	struct timespec mtime;
	const struct tree_xattr *xattr;
	size_t n_xattr;
};

int tree_begin(struct tree *t, struct err *err);

/** tree_end() - times of the directories that are still open; call it once
 *  all members are there */
int tree_end(struct tree *t, struct err *err);

/** tree_done() - free; also half-way */
void tree_done(struct tree *t);

/**
 * tree_name() - the name of a member as components below the root
 * @ret: replaced by "a/b/c"; "" is the root itself
 *
 * Strips "/" and "./", drops empty and "." components.  -EINVAL for "..",
 * an empty name; -ENAMETOOLONG for what is too long or too deep.
 */
int tree_name(const char *name, struct sb *ret, struct err *err);

/**
 * tree_parent() - make the parent of @name the current directory
 * @ret_base: last component, borrowed from @name
 *
 * Missing parents are made and noted as implied.
 */
int tree_parent(struct tree *t, const char *name, const char **ret_base,
		struct err *err);

/* What follows acts on @base in the current directory, last one wins. */

/** tree_dir() - make it, or take it as it is, and enter it */
int tree_dir(struct tree *t, const char *base, const struct tree_meta *m,
	     struct err *err);

/** tree_root() - metadata of the root directory */
int tree_root(struct tree *t, const struct tree_meta *m, struct err *err);

/** tree_file() - an empty file, open for writing: write it, then
 *  tree_file_end() (which closes it in any case) */
int tree_file(struct tree *t, const char *base, const struct tree_meta *m,
	      struct err *err);
int tree_file_end(struct tree *t, int fd, const struct tree_meta *m,
		  struct err *err);

int tree_symlink(struct tree *t, const char *base, const char *target,
		 const struct tree_meta *m, struct err *err);
int tree_fifo(struct tree *t, const char *base, const struct tree_meta *m,
	      struct err *err);

/** tree_link() - @target as from tree_name().  -ENOENT: not in this layer */
int tree_link(struct tree *t, const char *base, const char *target,
	      struct err *err);

int tree_whiteout(struct tree *t, const char *base, struct err *err);
int tree_opaque(struct tree *t, struct err *err);

/** tree_each_implied() - directories that no member described */
void tree_each_implied(struct tree *t, void (*fn)(const char *path, void *arg),
		       void *arg);

#endif
