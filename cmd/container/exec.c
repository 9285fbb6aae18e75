/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/create_opts.h"
#include "cmd/container/select.h"
#include "util/log.h"
#include "util/strv.h"

/* What podman says of a container that does not run. */
#define EXIT_NOT_RUNNING 255

struct exec_args {
	bool detach, interactive, tty, privileged, latest;
	char **env, **env_file;
	char *user, *workdir, *detach_keys;
	int preserve_fds;
};

static const struct opt exec_opts[] = {
	OPT_NOT_YET(0, "cidfile", "file", "Read the container ID from a file"),
	OPT_BOOL('d', "detach", struct exec_args, detach,
		 "Run in the background"),
	OPT_STR(0, "detach-keys", struct exec_args, detach_keys, "[Keys]",
		"Key sequence to detach (default \"ctrl-p,ctrl-q\")"),
	OPT_STRV('e', "env", struct exec_args, env, "strings",
		 "Set environment variables"),
	OPT_STRV(0, "env-file", struct exec_args, env_file, "strings",
		 "Read in a file of environment variables"),
	OPT_BOOL('i', "interactive", struct exec_args, interactive,
		 "Make STDIN available to the process"),
	OPT_BOOL('l', "latest", struct exec_args, latest,
		 "Act on the latest container"),
	OPT_NOT_YET(0, "no-session", NULL, "Do not record a session"),
	OPT_NOT_YET(0, "preserve-fd", "uints", "File descriptors to pass"),
	OPT_INT(0, "preserve-fds", struct exec_args, preserve_fds, "uint",
		"Pass a number of additional file descriptors"),
	OPT_BOOL(0, "privileged", struct exec_args, privileged,
		 "Give the process all capabilities over the container"),
	OPT_BOOL('t', "tty", struct exec_args, tty, "Allocate a pseudo-TTY"),
	OPT_STR('u', "user", struct exec_args, user, "string",
		"Username or UID (format: <name|uid>[:<group|gid>])"),
	OPT_STR('w', "workdir", struct exec_args, workdir, "string",
		"Working directory inside the container"),
	OPT_END,
};

static int exec_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct exec_args *args = p;
	auto_ctr struct ctr *c = NULL;
	autostrv char **env = NULL;
	struct ctr_exec_opts opts = {
		.args = argv + (args->latest ? 0 : 1),
		.user = args->user,
		.workdir = args->workdir,
		.tty = args->tty,
		.interactive = args->interactive,
		.detach = args->detach,
		.privileged = args->privileged,
		.preserve_fds = args->preserve_fds,
		.detach_keys = args->detach_keys,
	};
	int r;

	if (!args->latest && strv_len(argv) < 2)
		return err_set(err, ERR_USAGE, EINVAL,
			       "must provide a non-empty command to start an "
			       "exec session: invalid argument");
	if (args->preserve_fds < 0 || args->preserve_fds > 1024)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--preserve-fds: out of range");
	r = env_collect(args->env_file, args->env, &env, err);
	if (r == 0)
		r = args->latest ? ctr_latest(rt, &c, err) :
				   ctr_find(rt, argv[0], &c, err);
	if (r < 0)
		return r;
	if (args->tty && args->interactive && !isatty(STDIN_FILENO))
		log_warn("The input device is not a TTY. The --tty and "
			 "--interactive flags might not work properly");
	opts.env = env;
	r = ctr_exec(rt, c, &opts, err);
	if (r < 0 && err->kind == ERR_STATE) {
		(void)cmd_error(err, false);
		return EXIT_NOT_RUNNING;
	}
	if (r == 0 && args->detach)
		printf("%s\n", opts.ret_id);
	return r;
}

const struct cmd cmd_container_exec = {
	.path = "exec",
	.aliases = (const char *const[]){ "container exec", NULL },
	.usage = "[options] CONTAINER COMMAND [ARG...]",
	.summary = "Run a process in a running container",
	.text = "Ends with the exit code of the process; 126 and 127 when it "
		"could not be started.",
	.examples = (const char *const[]){ "exec -it web sh",
					   "exec -u nobody web id", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_STOP_AT_ARG,
	.opts = (const struct opt *const[]){ exec_opts, NULL },
	.args_size = sizeof(struct exec_args),
	.run = exec_run,
};
