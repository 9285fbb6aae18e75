/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_CONFIG_CONF_TREE_H
#define CMD_CONFIG_CONF_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

struct json_object;

/**
 * struct conf_tree - TOML files laid over each other
 * @root:   one object per table; owned, NULL before the first file
 * @append: "table.key" of lists that later files add to; owned
 * @files:  what was read, in order; owned
 * @check:  looks at each document before it is laid over the others; may be
 *          NULL.  Set by the owner
 */
struct conf_tree {
	struct json_object *root;
	char **append;
	char **files;
	int (*check)(struct json_object *doc, struct err *err);
};

void conf_tree_done(struct conf_tree *t);

/**
 * conf_tree_text() - lay one document over what is there
 *
 * A key replaces the one of an earlier document.  A list whose last element
 * is {append=true} is added to the earlier one, and so are the lists of that
 * key that follow, until one says {append=false}.
 */
int conf_tree_text(struct conf_tree *t, const char *text, size_t len,
		   struct err *err);

/** conf_list_len() - elements of a list without its {append=...} */
size_t conf_list_len(struct json_object *list);

/** conf_tree_file() - the same for a file; @must: it has to be there.
 *  "PATH: line N: ..." */
int conf_tree_file(struct conf_tree *t, const char *path, bool must,
		   struct err *err);

/** conf_tree_dir() - all *.conf of a directory, by name; it may be missing */
int conf_tree_dir(struct conf_tree *t, const char *path, struct err *err);

/** conf_user_dir() - $XDG_CONFIG_HOME/containers or ~/.config/containers;
 *  owned, NULL for root of the machine and without a home */
char *conf_user_dir(void);

#endif
