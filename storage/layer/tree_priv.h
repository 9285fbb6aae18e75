/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_TREE_PRIV_H
#define STORAGE_LAYER_TREE_PRIV_H

#include "storage/layer/tree.h"

/**
 * struct tree_dir - an open directory
 * @fd:       owned, but that of the root
 * @path_len: bytes of t->path up to and with its name
 * @mtime:    what it has to have in the end
 * @dirty:    something was made in it
 * @setgid:   new files get its group
 * @opaque:   marked already
 * @hidden:   no lower layer shows here: it or one above is opaque
 */
struct tree_dir {
	int fd;
	size_t path_len;
	struct timespec mtime;
	bool dirty;
	bool setgid;
	bool opaque;
	bool hidden;
};

/** tree_check_owner() - do the ids of @m exist here? */
int tree_check_owner(const struct tree *t, const struct tree_meta *m,
		     struct err *err);

/** tree_set_meta() - owner, mode and attributes of an open file or directory
 *  @made: it was made with the mode of @m just now, as 0:0 or, below a setgid
 *	   directory, as 0:GROUP */
int tree_set_meta(const struct tree *t, int fd, bool made,
		  const struct tree_meta *m, struct err *err);
int tree_set_times(int fd, struct timespec mtime, struct err *err);

/** tree_set_name_meta() - owner and times of @base in the current directory:
 *  what cannot be opened for writing */
int tree_set_name_meta(struct tree *t, const char *base,
		       const struct tree_meta *m, struct err *err);

#endif
