/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/prune.h"

#include <stdio.h>

#include "storage/check.h"
#include "util/cleanup.h"
#include "util/str.h"

void prune_print(struct prune *p, const char *id)
{
	if (p->n++ == 0 && p->title)
		printf("%s %s\n",
		       p->dry_run ? "Would delete" : "Deleted", p->title);
	printf("%s\n", id);
}

static void print_orphan(const char *what, const char *hash, void *arg)
{
	autofree char *text = xasprintf("%s %s", what, hash);

	prune_print(arg, text);
}

int prune_orphans(struct store *store, struct prune *p, struct err *err)
{
	return store_prune_orphans(store, p->dry_run, print_orphan, p, err);
}
