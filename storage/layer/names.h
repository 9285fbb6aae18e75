/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STORAGE_LAYER_NAMES_H
#define STORAGE_LAYER_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"
#include "util/err.h"

enum name_kind {
	NAME_DIR,
	NAME_FILE,	/* anything else */
	NAME_WHITEOUT,	/* hides what lower layers have under this name */
};

/**
 * struct name - one name of a directory
 * @name:  owned; without ".wh."
 * @layer: which of several directories has it
 */
struct name {
	char *name;
	size_t layer;
	enum name_kind kind;
};

struct names {
	struct name *v;
	size_t n;
	size_t cap;
};

#define NAMES_INIT { NULL, 0, 0 }

/**
 * names_add() - append what the directory @fd holds
 * @marks: ".wh." files and 0:0 devices are whiteouts, not files
 */
int names_add(struct names *list, int fd, size_t layer, bool marks,
	      struct err *err);

/** names_sort() - by bytes, equal ones by layer */
void names_sort(struct names *list);
void names_done(struct names *list);

#define auto_names cleanup(names_done)

#endif
