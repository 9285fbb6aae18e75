/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/image/pullopts.h"
#include "cmd/progress.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/registry/registry.h"
#include "storage/store.h"
#include "util/str.h"
#include "util/strv.h"

struct pull_args {
	bool all_tags;
	char *arch;
	char *authfile;
	char *cert_dir;
	char *creds;
	char *os;
	char *platform;
	char *policy;
	bool no_trust;
	bool quiet;
	int retry;
	char *retry_delay;
	int tls_verify;
	char *variant;
};

static const struct opt pull_opts[] = {
	OPT_BOOL('a', "all-tags", struct pull_args, all_tags,
		 "Pull every tag of the repository"),
	OPT_STR(0, "arch", struct pull_args, arch, "ARCH",
		"Choose this architecture of an image for several"),
	OPT_STR(0, "authfile", struct pull_args, authfile, "path",
		"File with the credentials"),
	OPT_STR(0, "cert-dir", struct pull_args, cert_dir, "pathname",
		"Directory with certificates and keys"),
	OPT_STR(0, "creds", struct pull_args, creds, "[username[:password]]",
		"Credentials for the registry"),
	OPT_NOT_YET(0, "decryption-key", "key", "Keys to decrypt layers with"),
	/* docker's content trust is not there at all, so this is always so */
	OPT_BOOL(0, "disable-content-trust", struct pull_args, no_trust,
		 "Do not ask for docker's image signatures (always on)"),
	OPT_STR(0, "os", struct pull_args, os, "OS",
		"Choose this system of an image for several"),
	OPT_STR(0, "platform", struct pull_args, platform,
		"OS/ARCH[/VARIANT]",
		"Choose this platform of an image for several"),
	OPT_STR(0, "policy", struct pull_args, policy, "string",
		"When to pull: always, missing, never or newer"),
	OPT_BOOL('q', "quiet", struct pull_args, quiet,
		 "Print the image id only"),
	OPT_INT(0, "retry", struct pull_args, retry, "uint",
		"Tries after a failure"),
	OPT_STR(0, "retry-delay", struct pull_args, retry_delay, "string",
		"Time between two tries"),
	OPT_TRI(0, "tls-verify", struct pull_args, tls_verify,
		"Demand HTTPS and verify certificates"),
	OPT_STR(0, "variant", struct pull_args, variant, "VARIANT",
		"Choose this variant of the architecture"),
	OPT_END,
};

static void pull_defaults(void *p)
{
	struct pull_args *args = p;

	args->retry = -1;
	args->tls_verify = -1;
}

struct pull_job {
	struct store *store;
	struct pull_opts opts;
	char **ids; /* owned */
};

static int pull_one(struct runtime *rt, const char *name, void *data,
		    struct err *err)
{
	struct pull_job *job = data;
	size_t before = strv_len(job->ids);
	int r = image_pull(job->store, name, &job->opts, &job->ids, err);

	for (size_t i = before; r == 0 && i < strv_len(job->ids); i++)
		r = event_image(rt, EVENT_PULL, job->ids[i], name, err);
	return r;
}

static int check(const struct pull_args *args, char **argv, struct err *err)
{
	if (args->all_tags && strv_len(argv) > 1)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all-tags takes one repository");
	if (args->all_tags && args->policy && !streq(args->policy, "always"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all-tags and --policy cannot be used "
			       "together");
	return authfile_check(args->authfile, err);
}

static void pull_before(const void *p, char **argv)
{
	const struct pull_args *args = p;

	/* These may find that the image is here */
	if (!streq(args->policy, "missing") && !streq(args->policy, "never"))
		registry_before(argv[0]);
}

static int pull_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct pull_args *args = p;
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	autofree char *platform = NULL;
	autostrv char **ids = NULL;
	int64_t delay = 0;
	struct pull_job job = { .ids = NULL };
	int r = check(args, argv, err);

	if (r == 0)
		r = platform_option(args->platform, args->arch, args->os,
				    args->variant, &platform, err);
	if (r == 0)
		r = retry_delay_option(args->retry_delay, &delay, err);
	if (r == 0)
		r = runtime_store(rt, &job.store, err);
	if (r < 0)
		return r;
	progress_ui_init(&ui, args->quiet);
	job.opts = (struct pull_opts){
		.platform = platform,
		.authfile = args->authfile,
		.creds = args->creds,
		.cert_dir = args->cert_dir,
		.tls_verify = args->tls_verify,
		.all_tags = args->all_tags,
		.policy = args->policy,
		.retry = args->retry,
		.retry_delay_ms = delay,
		.progress = &ui.p,
	};
	/* An unknown image is 125 here, as any other failure of a pull */
	r = each_arg(rt, argv, false, pull_one, &job);
	progress_ui_done(&ui);
	ids = job.ids;
	for (char **id = ids; id && *id; id++)
		printf("%s\n", *id);
	return r;
}

const struct cmd cmd_image_pull = {
	.path = "pull",
	.aliases = (const char *const[]){ "image pull", NULL },
	.usage = "[options] IMAGE [IMAGE...]",
	.summary = "Pull an image from a registry",
	.text = "Pulls images from a registry and stores them. A name may "
		"begin with a transport: docker://, docker-archive:, "
		"oci-archive:, oci: or dir:.",
	.examples = (const char *const[]){ "pull docker.io/library/nginx",
					   "pull --platform linux/arm64 "
					   "alpine",
					   "pull oci-archive:image.tar", NULL },
	.min_args = 1,
	.max_args = -1,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ pull_opts, NULL },
	.args_size = sizeof(struct pull_args),
	.defaults = pull_defaults,
	.before = pull_before,
	.after = registry_forgo,
	.run = pull_run,
};
