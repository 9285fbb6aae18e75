/* SPDX-License-Identifier: Apache-2.0 */
/* Test builds only: the fault runner asks the binary which points it has. */
#include "util/fault.h"

#ifdef BRYO_TESTING

#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"

static void print_point(const char *name, void *arg unused_attr)
{
	printf("%s\n", name);
}

static int fault_points_run(struct runtime *rt unused_attr,
			    const void *p unused_attr,
			    char **argv unused_attr,
			    struct err *err unused_attr)
{
	fault_each(print_point, NULL);
	return 0;
}

const struct cmd cmd_system_fault_points = {
	.path = "__fault-points",
	.summary = "List the fault points of this build",
	.flags = CMD_HIDDEN,
	.run = fault_points_run,
};

#endif
