/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bryo boot`: start what should run after a reboot.
 *
 * Theory of operation.  Nothing of bryo runs when nothing runs, so something
 * has to call this once: the user's systemd or cron (boot_install.c), or any
 * script.  It may be called at any time and again: what runs is left alone.
 *
 * A container can only refer to one that was there before it, so the order of
 * creation is one in which all that something needs comes first.
 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/ps.h"
#include "libpod/core/runtime.h"

static bool is_due(const struct ctr *c)
{
	return c->state == CTR_EXITED && c->started_ns && starts_on_boot(c);
}

static int boot_run(struct runtime *rt, const void *args unused_attr,
		    char **argv unused_attr, struct err *err)
{
	auto_ctr_list struct ctr_list all = { 0 };
	int worst = 0;
	int r = ctr_list(rt, &all, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < all.n; i++) {
		struct err why = ERR_INIT;

		if (!is_due(all.v[i]))
			continue;
		if (ctr_start(rt, all.v[i], NULL, &why) == 0) {
			puts(all.v[i]->name);
			continue;
		}
		err_wrap(&why, -1, "start %s", all.v[i]->name);
		err_kind_set(&why, -1, ERR_FAIL);
		worst = exit_worse(worst, cmd_error(&why, false));
	}
	return worst;
}

const struct cmd cmd_container_boot = {
	.path = "boot",
	.usage = "",
	.summary = "Start the containers that should run after a reboot",
	.text = "Those with the restart policy always, and unless-stopped "
		"unless they were stopped, in the order in which they were "
		"created. Prints the name of each one it starts.",
	.examples = (const char *const[]){ "boot", "boot install", NULL },
	.flags = CMD_NEED_RUNTIME,
	.run = boot_run,
};
