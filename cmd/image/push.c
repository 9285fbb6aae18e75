/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/image/pullopts.h"
#include "cmd/progress.h"
#include "libpod/core/runtime.h"
#include "storage/image/ref.h"
#include "storage/push.h"
#include "storage/registry/registry.h"
#include "storage/store.h"
#include "util/str.h"
#include "util/strv.h"

struct push_args {
	bool all_tags;
	char *authfile;
	char *cert_dir;
	bool compress;
	char *compression_format;
	int compression_level;
	char *creds;
	char *digestfile;
	int force;
	char *format;
	char *platform;
	bool no_trust;
	bool quiet;
	bool remove_signatures;
	int retry;
	char *retry_delay;
	int tls_verify;
};

static const struct opt push_opts[] = {
	OPT_BOOL('a', "all-tags", struct push_args, all_tags,
		 "Push all tags of the repository IMAGE"),
	OPT_STR(0, "authfile", struct push_args, authfile, "path",
		"File with the credentials"),
	OPT_STR(0, "cert-dir", struct push_args, cert_dir, "path",
		"Directory with certificates and keys"),
	OPT_BOOL(0, "compress", struct push_args, compress,
		 "Compress layers that are not (gzip)"),
	OPT_STR(0, "compression-format", struct push_args, compression_format,
		"string", "Compress the layers with gzip or zstd"),
	OPT_INT(0, "compression-level", struct push_args, compression_level,
		"int", "Level for layers that get compressed"),
	OPT_STR(0, "creds", struct push_args, creds, "[username[:password]]",
		"Credentials for the registry"),
	OPT_STR(0, "digestfile", struct push_args, digestfile, "string",
		"Write the digest of the pushed manifest to this file"),
	/* docker's content trust is not there at all, so this is always so */
	OPT_BOOL(0, "disable-content-trust", struct push_args, no_trust,
		 "Do not ask for docker's image signatures (always on)"),
	OPT_NOT_YET(0, "encrypt-layer", "ints", "Layers to encrypt"),
	OPT_NOT_YET(0, "encryption-key", "key", "Keys to encrypt layers with"),
	OPT_TRI(0, "force-compression", struct push_args, force,
		"Convert layers that the registry has in another compression, "
		"too"),
	OPT_STR('f', "format", struct push_args, format, "string",
		"Type of the manifest: oci or v2s2"),
	OPT_STR(0, "platform", struct push_args, platform,
		"OS/ARCH[/VARIANT]", "The image has to be for this platform"),
	OPT_BOOL('q', "quiet", struct push_args, quiet, "Print no progress"),
	/* The store keeps none, so this is always so */
	OPT_BOOL(0, "remove-signatures", struct push_args, remove_signatures,
		 "Push no signatures (always on)"),
	OPT_INT(0, "retry", struct push_args, retry, "uint",
		"Tries after a failure"),
	OPT_STR(0, "retry-delay", struct push_args, retry_delay, "string",
		"Time between two tries"),
	OPT_NOT_YET(0, "sign-by", "string", "Sign with this GPG key"),
	OPT_NOT_YET(0, "sign-by-sigstore", "path", "Sign as this file says"),
	OPT_NOT_YET(0, "sign-by-sigstore-private-key", "path",
		    "Sign with this sigstore key"),
	OPT_NOT_YET(0, "sign-by-sq-fingerprint", "fingerprint",
		    "Sign with this key of Sequoia"),
	OPT_NOT_YET(0, "sign-passphrase-file", "path",
		    "File with the passphrase of the key"),
	OPT_TRI(0, "tls-verify", struct push_args, tls_verify,
		"Demand HTTPS and verify certificates"),
	OPT_END,
};

static void push_defaults(void *p)
{
	struct push_args *args = p;

	args->force = -1;
	args->retry = -1;
	args->tls_verify = -1;
}

static int check(const struct push_args *args, char **argv, struct err *err)
{
	if (args->all_tags && (argv[1] || args->digestfile))
		return err_set(err, ERR_USAGE, EINVAL,
			       "--all-tags takes neither a destination nor "
			       "--digestfile");
	return authfile_check(args->authfile, err);
}

static int fill_opts(const struct push_args *args, const struct progress *p,
		     struct push_opts *ret, struct err *err)
{
	int64_t delay = 0;
	int r = retry_delay_option(args->retry_delay, &delay, err);

	if (r < 0)
		return r;
	*ret = (struct push_opts){
		.authfile = args->authfile,
		.creds = args->creds,
		.cert_dir = args->cert_dir,
		.tls_verify = args->tls_verify,
		.retry = args->retry,
		.delay_ms = delay,
		.format = args->format,
		.platform = args->platform,
		.progress = p,
	};
	return compression_option(!args->compression_format && args->compress ?
					  "gzip" : args->compression_format,
				  args->compression_level, args->force, ret,
				  err);
}

/* --all-tags: every name of the store that is of this repository */
static int all_names(struct store *s, const char *typed, char ***ret,
		     struct err *err)
{
	auto_image_list struct image_list list = { 0 };
	auto_ref struct ref ref = REF_INIT;
	autofree char *repo = NULL;
	int r = ref_parse(typed, &ref, err);

	if (r < 0)
		return r;
	if (ref.tag || ref.digest)
		return err_set(err, ERR_USAGE, EINVAL,
			       "tag can't be used with --all-tags/-a");
	ref_complete(&ref, "docker.io");
	repo = ref_repo(&ref);
	r = image_list(s, &list, err);
	for (size_t i = 0; r == 0 && i < list.n; i++) {
		for (char **name = list.v[i]->names; name && *name; name++) {
			autofree char *own = ref_repo_of(*name);

			if (streq(own, repo))
				strv_add(ret, *name);
		}
	}
	if (r == 0 && !*ret)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "no local image has a tag of %s", repo);
	return r;
}

static void push_before(const void *p unused_attr, char **argv)
{
	registry_before(argv[1] ? argv[1] : argv[0]);
}

static int push_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct push_args *args = p;
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	autostrv char **names = NULL;
	struct pushed pushed = { .size = 0 };
	struct push_opts o;
	struct store *store;
	int r = check(args, argv, err);

	if (r == 0)
		r = fill_opts(args, &ui.p, &o, err);
	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r == 0 && args->all_tags)
		r = all_names(store, argv[0], &names, err);
	else
		strv_add(&names, argv[0]);
	if (r < 0)
		return r;
	progress_ui_init(&ui, args->quiet);
	for (char **name = names; r == 0 && *name; name++)
		r = image_push(store, *name, argv[1], &o, &pushed, err);
	progress_ui_done(&ui);
	if (r == 0 && args->digestfile)
		r = digestfile_write(args->digestfile, pushed.digest, err);
	return r;
}

const struct cmd cmd_image_push = {
	.path = "push",
	.aliases = (const char *const[]){ "image push", NULL },
	.usage = "[options] IMAGE [DESTINATION]",
	.summary = "Push an image to a registry",
	.text = "Sends an image of the store to a registry, under its own "
		"name or as DESTINATION. Layers that the registry has are not "
		"sent, the others as they were pulled.",
	.examples = (const char *const[]){ "push quay.io/me/app:1",
					   "push app:1 docker://localhost:5000/"
					   "app:1",
					   "push --compression-format zstd "
					   "app quay.io/me/app:zstd", NULL },
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ push_opts, NULL },
	.args_size = sizeof(struct push_args),
	.defaults = push_defaults,
	.before = push_before,
	.after = registry_forgo,
	.run = push_run,
};
