/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/prune.h"

#include <stdio.h>

void prune_print(struct prune *p, const char *id)
{
	if (p->n++ == 0 && p->title)
		printf("%s\n", p->title);
	printf("%s\n", id);
}
