/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PRUNE_H
#define CMD_PRUNE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/err.h"

struct runtime;
struct store;

/**
 * struct prune - one removal of what nobody uses
 * @filters: as typed; a strv
 * @all:     images, volumes: those with a name, too
 * @dry_run: only tell
 * @title:   "Images": a heading in front of the first line says what happens
 *           to them; NULL: none
 * @n:       lines that were printed
 */
struct prune {
	char *const *filters;
	bool all;
	bool dry_run;
	const char *title;
	size_t n;
};

/** prune_print() - one thing that was removed, or would be */
void prune_print(struct prune *p, const char *id);

/* Return: 0, an exit code (errors are printed already), or -errno */
int prune_containers(struct runtime *rt, struct prune *p, struct err *err);
int prune_images(struct runtime *rt, struct prune *p, struct err *err);
int prune_volumes(struct runtime *rt, struct prune *p, struct err *err);

/** prune_orphans() - layers, blobs and downloads that no image has */
int prune_orphans(struct store *store, struct prune *p, struct err *err);

#endif
