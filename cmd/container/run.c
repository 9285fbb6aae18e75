/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `run`: create, start, attach, and at the end the exit code of the payload.
 *
 * Theory of operation.  The user namespace is ordered first (its two set-uid
 * helpers work while the image is looked up), create and start share one
 * transitional row, and a foreground run settles its container itself: the
 * monitor is told so and need not start another bryo for it.
 */
#include <stdio.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/attached.h"
#include "cmd/container/create_opts.h"
#include "libpod/core/runtime.h"
#include "storage/store.h"
#include "util/log.h"

struct run_args {
	struct create_args create; /* first: the tables are shared */
	bool detach;
	bool sig_proxy;
	char *detach_keys;
};

static const struct opt run_opts[] = {
	OPT_BOOL('d', "detach", struct run_args, detach,
		 "Run in the background and print the container ID"),
	OPT_STR(0, "detach-keys", struct run_args, detach_keys, "[Keys]",
		"Key sequence to detach (default \"ctrl-p,ctrl-q\")"),
	OPT_NOT_YET(0, "permissive", NULL, "Run with relaxed checks"),
	OPT_BOOL(0, "rmi", struct run_args, create.rmi,
		 "With --rm, which it implies: remove the image too, unless "
		 "another container uses it"),
	OPT_BOOL(0, "sig-proxy", struct run_args, sig_proxy,
		 "Proxy received signals to the process"),
	OPT_END,
};

static void run_defaults(void *p)
{
	struct run_args *args = p;

	create_defaults(&args->create);
	args->sig_proxy = true;
}

static void warn_no_tty(const struct create_args *a)
{
	if (a->tty && a->interactive && !isatty(STDIN_FILENO))
		log_warn("The input device is not a TTY. The --tty and "
			 "--interactive flags might not work properly");
}

static int check(const struct run_args *args, struct err *err)
{
	if (args->detach && args->create.attach)
		return err_set(err, ERR_USAGE, EINVAL,
			       "cannot specify both --attach and --detach");
	if (args->create.rmi && args->create.rm_given && !args->create.rm)
		return err_set(err, ERR_USAGE, EINVAL,
			       "the --rmi option does not work without --rm");
	return 0;
}

static int run_run(struct runtime *rt, const void *p, char **argv,
		   struct err *err)
{
	struct run_args args_value = *(const struct run_args *)p;
	struct run_args *args = &args_value;
	auto_image struct image *img = NULL;
	auto_ctr struct ctr *c = NULL;
	struct attached att = { .detach_keys = args->detach_keys,
				.sig_proxy = args->sig_proxy };
	bool foreground;
	int sock = -EBADF;
	int r;

	r = check(args, err);
	if (r == 0)
		r = attached_check(&att, err);
	if (r == 0)
		r = userns_prepare(rt, err);
	if (r < 0)
		return r;
	args->create.rm |= args->create.rmi;
	if (!args->detach)
		warn_no_tty(&args->create);
	r = create_container(rt, &args->create, argv, true, &img, &c, err);
	if (r < 0)
		return r;
	/* --attach stdin alone prints the id and goes on in the background */
	att.in = c->config.attach_stdin && args->create.interactive;
	att.out = c->config.attach_stdout;
	att.err = c->config.attach_stderr;
	foreground = !args->detach && (att.out || att.err);
	if (!foreground)
		c->config.stdin_once = false;
	r = ctr_start(rt, c, foreground ? &sock : NULL, err);
	if (r < 0)
		return r;
	if (!foreground) {
		printf("%s\n", c->id);
		return 0;
	}
	return attached_run(rt, c, sock, true, &att, err);
}

const struct cmd cmd_container_run = {
	.path = "run",
	.aliases = (const char *const[]){ "container run", NULL },
	.usage = "[options] IMAGE [COMMAND [ARG...]]",
	.summary = "Run a command in a new container",
	.text = "Runs a command in a new container from the given image.",
	.examples =
		(const char *const[]){ "run --rm -it alpine sh",
				       "run -d --name web -p 8080:80 nginx",
				       "run -v data:/data busybox ls /data",
				       NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME | CMD_STOP_AT_ARG,
	.opts = (const struct opt *const[]){ run_opts, CREATE_OPTS, NULL },
	.args_size = sizeof(struct run_args),
	.defaults = run_defaults,
	.run = run_run,
};
