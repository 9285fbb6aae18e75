/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/container/attached.h"
#include "cmd/container/select.h"
#include "libpod/core/runtime.h"
#include "util/strv.h"

struct start_args {
	bool attach, interactive, all, latest, sig_proxy, sig_proxy_given;
	char *detach_keys;
	char **filters;
};

static const struct opt start_opts[] = {
	OPT_BOOL(0, "all", struct start_args, all,
		 "Start all containers that do not run"),
	OPT_BOOL('a', "attach", struct start_args, attach,
		 "Attach STDOUT and STDERR, forward signals"),
	OPT_NOT_YET(0, "checkpoint", "string", "Restore from a checkpoint"),
	OPT_NOT_YET(0, "checkpoint-dir", "string", "Where checkpoints are"),
	OPT_STR(0, "detach-keys", struct start_args, detach_keys, "[Keys]",
		"Key sequence to detach (default \"ctrl-p,ctrl-q\")"),
	OPT_STRV('f', "filter", struct start_args, filters, "filter",
		 "Start the containers that match"),
	OPT_BOOL('i', "interactive", struct start_args, interactive,
		 "Attach STDIN too"),
	OPT_BOOL('l', "latest", struct start_args, latest,
		 "Act on the latest container"),
	{ 0, "sig-proxy", NULL, OPT_T_BOOL,
	  OPT_CHECK_(struct start_args, sig_proxy, bool),
	  offsetof(struct start_args, sig_proxy_given), NULL, NULL,
	  "Proxy received signals to the process", 0 },
	OPT_END,
};

static void start_defaults(void *p)
{
	struct start_args *args = p;

	args->sig_proxy = true;
}

static int start_one(struct runtime *rt, struct ctr *c,
		     void *data unused_attr, struct err *err)
{
	int r = ctr_start(rt, c, NULL, err);

	/* 126 and 127 speak for the payload: only who attaches asked it. */
	return r < 0 ? err_kind_set(err, r, ERR_FAIL) : 0;
}

static bool is_down(const struct ctr *c)
{
	return c->state == CTR_CREATED || c->state == CTR_EXITED ||
	       c->state == CTR_INITIALIZED;
}

static int start_attached(struct runtime *rt, const struct start_args *args,
			  char **argv, struct err *err)
{
	auto_ctr struct ctr *c = NULL;
	struct attached att = { .out = true, .err = true,
				.detach_keys = args->detach_keys,
				.sig_proxy = args->sig_proxy };
	bool settle = true;
	int sock = -EBADF;
	int r;

	if (args->all)
		return err_set(err, ERR_USAGE, EINVAL,
			       "you cannot start and attach all containers at "
			       "once");
	if (strv_len(argv) > 1)
		return err_set(err, ERR_USAGE, EINVAL,
			       "you cannot start and attach multiple "
			       "containers at once");
	r = attached_check(&att, err);
	if (r == 0)
		r = select_one(rt, "start", args->latest, argv, &c, err);
	if (r == 0)
		r = ctr_start(rt, c, &sock, err);
	if (r < 0)
		return r;
	if (sock < 0) {	/* it runs already: join the others */
		settle = false;
		r = ctr_attach(rt, c, &sock, err);
		if (r < 0)
			return r;
	}
	att.in = args->interactive && c->config.stdin_open;
	return attached_run(rt, c, sock, settle, &att, err);
}

static int start_run(struct runtime *rt, const void *p, char **argv,
		     struct err *err)
{
	const struct start_args *args = p;
	const struct select_args sel = {
		.verb = "start",
		.all = args->all,
		.latest = args->latest,
		.filters = args->filters,
		.wanted = is_down,
	};
	int r;

	if (args->sig_proxy_given && args->sig_proxy && !args->attach)
		return err_set(err, ERR_USAGE, EINVAL,
			       "you cannot use sig-proxy without --attach: "
			       "invalid argument");
	if (args->attach || args->interactive)
		return start_attached(rt, args, argv, err);
	r = userns_prepare(rt, err);
	return r < 0 ? r : select_each(rt, &sel, argv, start_one, NULL, err);
}

const struct cmd cmd_container_start = {
	.path = "start",
	.aliases = (const char *const[]){ "container start", NULL },
	.usage = "[options] CONTAINER [CONTAINER...]",
	.summary = "Start one or more containers",
	.text = "Starts containers by name or ID. One that runs already is "
		"left alone.",
	.examples = (const char *const[]){ "start web db", "start -a -i web",
					   "start --all", NULL },
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ start_opts, NULL },
	.args_size = sizeof(struct start_args),
	.defaults = start_defaults,
	.run = start_run,
};
