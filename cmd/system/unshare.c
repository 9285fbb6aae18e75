/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "libpod/core/runtime.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"

static const struct opt unshare_opts[] = {
	OPT_NOT_YET(0, "rootless-netns", NULL,
		    "Join the network namespace of bridges"),
	OPT_END,
};

/* Everything that is mounted in there stays in there. */
static int enter(struct runtime *rt, struct err *err)
{
	int r = userns_enter(rt, err);

	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return err_sys(err, "make mounts private");
	return 0;
}

static int unshare_run(struct runtime *rt, const void *p unused_attr,
		       char **argv, struct err *err)
{
	const char *shell = getenv("SHELL");
	char *alone[] = { (char *)(uintptr_t)(str_is_empty(shell) ?
						      "/bin/sh" : shell),
			  NULL };
	char **command = argv[0] ? argv : alone;
	int code;
	int r;

	if (rt->ids.is_root)
		return err_set(err, ERR_INVALID, EINVAL,
			       "please use unshare with rootless");
	r = enter(rt, err);
	if (r < 0)
		return r;
	(void)setenv("_CONTAINERS_USERNS_CONFIGURED", "done", 1);
	(void)execvp(command[0], command);
	code = errno;
	return err_set(err, code == ENOENT ? ERR_CMD_NOT_FOUND : ERR_START,
		       code, "exec %s: %s", command[0],
		       code == ENOENT ? "executable file not found in $PATH" :
					strerror(code));
}

const struct cmd cmd_system_unshare = {
	.path = "unshare",
	.usage = "[options] [COMMAND [ARG...]]",
	.summary = "Run a command in the user namespace of the containers",
	.text = "Without a command it is the shell. There you are root, files "
		"of containers have the ids that containers see, and what is "
		"mounted is gone at the end.",
	.examples = (const char *const[]){ "unshare",
					   "unshare cat /proc/self/uid_map",
					   "unshare rm -rf dir", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_STOP_AT_ARG,
	.opts = (const struct opt *const[]){ unshare_opts, NULL },
	.args_size = 1,
	.run = unshare_run,
};
