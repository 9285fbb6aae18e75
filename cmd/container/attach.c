/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/attached.h"
#include "cmd/container/select.h"

struct attach_args {
	bool no_stdin, latest, sig_proxy;
	char *detach_keys;
};

static const struct opt attach_opts[] = {
	OPT_STR(0, "detach-keys", struct attach_args, detach_keys, "[Keys]",
		"Key sequence to detach (default \"ctrl-p,ctrl-q\")"),
	OPT_BOOL('l', "latest", struct attach_args, latest,
		 "Act on the latest container"),
	OPT_BOOL(0, "no-stdin", struct attach_args, no_stdin,
		 "Do not attach STDIN"),
	OPT_BOOL(0, "sig-proxy", struct attach_args, sig_proxy,
		 "Proxy received signals to the process"),
	OPT_END,
};

static void attach_defaults(void *p)
{
	struct attach_args *args = p;

	args->sig_proxy = true;
}

static int attach_cmd_run(struct runtime *rt, const void *p, char **argv,
			  struct err *err)
{
	const struct attach_args *args = p;
	auto_ctr struct ctr *c = NULL;
	struct attached att = { .out = true, .err = true,
				.detach_keys = args->detach_keys,
				.sig_proxy = args->sig_proxy };
	int sock = -EBADF;
	int r;

	r = attached_check(&att, err);
	if (r == 0)
		r = select_one(rt, "attach", args->latest, argv, &c, err);
	if (r < 0)
		return r;
	if (!ctr_is_up(c))
		return err_set(err, ERR_STATE, ESRCH,
			       "you can only attach to running containers");
	r = ctr_attach(rt, c, &sock, err);
	if (r < 0)
		return r;
	att.in = !args->no_stdin && c->config.stdin_open;
	return attached_run(rt, c, sock, false, &att, err);
}

const struct cmd cmd_container_attach = {
	.path = "attach",
	.aliases = (const char *const[]){ "container attach", NULL },
	.usage = "[options] CONTAINER",
	.summary = "Attach to a running container",
	.text = "Shows the output of the main process, and sends it the input "
		"when the container was started with --interactive. Ends with "
		"its exit code.",
	.examples = (const char *const[]){ "attach web",
					   "attach --no-stdin web", NULL },
	.max_args = 1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ attach_opts, NULL },
	.args_size = sizeof(struct attach_args),
	.defaults = attach_defaults,
	.run = attach_cmd_run,
};
