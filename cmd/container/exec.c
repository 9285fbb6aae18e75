/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/attached.h"
#include "cmd/container/create_opts.h"
#include "cmd/container/select.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "util/strv.h"

/* What podman says of a container that does not run. */
#define EXIT_NOT_RUNNING 255
#define EXIT_OWN 125
#define CIDFILE_MAX 4096

struct exec_args {
	bool detach, interactive, tty, privileged, latest, no_session;
	char **env, **env_file;
	char *user, *workdir, *detach_keys, *cidfile;
	int preserve_fds;
	char **preserve_fd;
};

static const struct opt exec_opts[] = {
	OPT_STR(0, "cidfile", struct exec_args, cidfile, "file",
		"Read the container ID from a file"),
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
	OPT_BOOL(0, "no-session", struct exec_args, no_session,
		 "Record no session and no events"),
	OPT_LIST(0, "preserve-fd", struct exec_args, preserve_fd, "uints",
		 "Pass these file descriptors, and no others"),
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

/* Whom the options or the first argument name; *ret_cmd is what follows. */
static int find(struct runtime *rt, const struct exec_args *args, char **argv,
		struct ctr **ret, char ***ret_cmd, struct err *err)
{
	bool named = !args->latest && !args->cidfile;
	autosb struct sb id = SB_INIT;
	int r;

	if (args->latest && args->cidfile)
		return err_set(
			err, ERR_USAGE, EINVAL,
			"--latest and --cidfile cannot be used together");
	if (named && !argv[0])
		return err_set(err, ERR_USAGE, EINVAL,
			       "exec requires the name or ID of a container or "
			       "the --latest flag");
	*ret_cmd = argv + named;
	if (!**ret_cmd)
		return err_set(err, ERR_USAGE, EINVAL,
			       "must provide a non-empty command to start an "
			       "exec session: invalid argument");
	if (args->latest)
		return ctr_latest(rt, ret, err);
	if (!args->cidfile)
		return ctr_look(rt, argv[0], ret, err);
	r = file_load(args->cidfile, CIDFILE_MAX, &id);
	if (r < 0)
		return err_code(err, r, "reading CIDFile: open %s",
				args->cidfile);
	return ctr_look(rt, str_trim(id.buf), ret, err);
}

static int exec_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct exec_args *args = p;
	auto_ctr struct ctr *c = NULL;
	autostrv char **env = NULL;
	autofree int *fds = NULL;
	struct ctr_exec_opts opts = {
		.user = args->user,
		.workdir = args->workdir,
		.tty = args->tty,
		.interactive = args->interactive,
		.detach = args->detach,
		.privileged = args->privileged,
		.detach_keys = detach_keys(args->detach_keys),
		.no_session = args->no_session,
	};
	int r;

	r = keep_fds_parse(args->preserve_fds, args->preserve_fd, &fds,
			   &opts.n_keep_fds, err);
	if (r == 0)
		r = env_collect(args->env_file, args->env, &env, err);
	if (r == 0)
		r = find(rt, args, argv, &c, &opts.args, err);
	if (r < 0)
		return r;
	if (args->tty && args->interactive && !args->detach &&
	    !isatty(STDIN_FILENO))
		log_warn("The input device is not a TTY. The --tty and "
			 "--interactive flags might not work properly");
	opts.env = env;
	opts.keep_fds = fds;
	r = ctr_exec(rt, c, &opts, err);
	if (r < 0 && err->kind == ERR_STATE) {
		(void)cmd_error(err, false);
		return EXIT_NOT_RUNNING;
	}
	/* 126 and 127 are of a command that one waits for */
	if (r < 0 && args->detach) {
		(void)cmd_error(err, false);
		return EXIT_OWN;
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
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_STOP_AT_ARG,
	.opts = (const struct opt *const[]){ exec_opts, NULL },
	.args_size = sizeof(struct exec_args),
	.run = exec_run,
};
