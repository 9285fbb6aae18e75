/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/image/pullopts.h"
#include "cmd/manifest/manifest.h"
#include "cmd/progress.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/image/list.h"
#include "storage/push.h"
#include "util/str.h"
#include "util/strv.h"

struct push_args {
	bool all;
	char *digestfile;
	char *format;
	char *compression_format;
	int compression_level;
	int force;
	bool purge;
	bool quiet;
	bool remove_signatures;
	bool rm;
	struct reach reach;
};

static const struct opt push_opts[] = {
	OPT_NOT_YET(0, "add-compression", "string",
		    "Add variants of another compression"),
	OPT_BOOL(0, "all", struct push_args, all,
		 "Push the images of the list too (on unless =false)"),
	OPT_STR(0, "compression-format", struct push_args, compression_format,
		"string", "Compress the layers with gzip or zstd"),
	OPT_INT(0, "compression-level", struct push_args, compression_level,
		"int", "Level for layers that get compressed"),
	OPT_STR(0, "digestfile", struct push_args, digestfile, "string",
		"Write the digest of the pushed list to this file"),
	OPT_TRI(0, "force-compression", struct push_args, force,
		"Convert layers that the registry has in another compression, "
		"too"),
	OPT_STR('f', "format", struct push_args, format, "string",
		"Type of the list: oci or v2s2"),
	OPT_BOOL('p', "purge", struct push_args, purge,
		 "Remove the list from the store when it was pushed"),
	OPT_BOOL('q', "quiet", struct push_args, quiet, "Print no progress"),
	/* The store keeps none, so this is always so */
	OPT_BOOL(0, "remove-signatures", struct push_args, remove_signatures,
		 "Push no signatures (always on)"),
	OPT_BOOL(0, "rm", struct push_args, rm,
		 "Remove the list from the store when it was pushed"),
	OPT_NOT_YET(0, "sign-by", "string", "Sign with this GPG key"),
	OPT_NOT_YET(0, "sign-by-sigstore", "path", "Sign as this file says"),
	OPT_NOT_YET(0, "sign-by-sigstore-private-key", "path",
		    "Sign with this sigstore key"),
	OPT_NOT_YET(0, "sign-by-sq-fingerprint", "fingerprint",
		    "Sign with this key of Sequoia"),
	OPT_NOT_YET(0, "sign-passphrase-file", "path",
		    "File with the passphrase of the key"),
	REACH_OPTS(struct push_args, reach),
	OPT_END,
};

static void push_defaults(void *p)
{
	struct push_args *args = p;

	args->all = true;
	args->force = -1;
	args->reach.tls_verify = -1;
}

static int drop(struct runtime *rt, struct store *store, const char *name,
		struct err *err)
{
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;
	int r = image_remove(store, name, 0, &untagged, &deleted, err);

	for (char **id = deleted; r == 0 && id && *id; id++)
		r = event_image(rt, EVENT_REMOVE, *id, name, err);
	return r;
}

static int finish(struct runtime *rt, struct store *store,
		  const struct push_args *args, const char *name,
		  const struct pushed *pushed, struct err *err)
{
	int r = event_image(rt, EVENT_PUSH, NULL, name, err);

	if (r == 0 && args->digestfile)
		r = digestfile_write(args->digestfile, pushed->digest, err);
	if (r == 0 && (args->rm || args->purge))
		r = drop(rt, store, name, err);
	if (r == 0)
		printf("%s\n", pushed->digest);
	return r;
}

static int push_run(struct runtime *rt, const void *p, char **argv,
		    struct err *err)
{
	const struct push_args *args = p;
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	struct pushed pushed = { .size = 0 };
	struct pull_opts pull;
	struct store *store;
	int r = reach_opts(&args->reach, &pull, err);

	if (r == 0 && args->format && !streq(args->format, "oci") &&
	    !streq(args->format, "v2s2"))
		r = err_set(err, ERR_USAGE, EINVAL,
			    "unknown format \"%s\": must be oci or v2s2",
			    args->format);
	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r < 0)
		return r;
	struct push_opts opts = {
		.authfile = pull.authfile,
		.creds = pull.creds,
		.cert_dir = pull.cert_dir,
		.tls_verify = pull.tls_verify,
		.retry = -1,
		.format = args->format,
		.progress = &ui.p,
	};
	r = compression_option(args->compression_format,
			       args->compression_level, args->force, &opts,
			       err);
	if (r < 0)
		return r;
	progress_ui_init(&ui, args->quiet);
	r = list_push(store, argv[0], argv[1], args->all, &opts, &pushed, err);
	progress_ui_done(&ui);
	return r < 0 ? r : finish(rt, store, args, argv[0], &pushed, err);
}

const struct cmd cmd_manifest_push = {
	.path = "manifest push",
	.usage = "[options] LIST [DESTINATION]",
	.summary = "Push a manifest list",
	.text = "Sends a manifest list and the images that it names to a "
		"registry, an OCI layout or a directory, and prints its "
		"digest.",
	.examples = (const char *const[]){ "manifest push mylist:v1 "
					   "docker://quay.io/me/app:v1",
					   "manifest push --rm mylist:v1",
					   NULL },
	.min_args = 1,
	.max_args = 2,
	.flags = CMD_NEED_RUNTIME,
	.opts = (const struct opt *const[]){ push_opts, NULL },
	.args_size = sizeof(struct push_args),
	.defaults = push_defaults,
	.run = push_run,
};
