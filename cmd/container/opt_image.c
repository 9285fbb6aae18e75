/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which image: the flags that choose one, and finding or pulling it.
 */
#include "cmd/container/create_opts.h"

#include <stdlib.h>

#include "cmd/image/pullopts.h"
#include "cmd/progress.h"
#include "libpod/core/event.h"
#include "libpod/core/runtime.h"
#include "storage/image/list.h"
#include "storage/image/platform.h"
#include "storage/store.h"
#include "util/str.h"
#include "util/strv.h"

#define A struct create_args

const struct opt create_opts_image[] = {
	OPT_STR(0, "arch", A, arch, "ARCH",
		"Choose this architecture of the image"),
	OPT_STR(0, "authfile", A, authfile, "string",
		"Path of the authentication file"),
	OPT_STR(0, "cert-dir", A, cert_dir, "path",
		"Directory with certificates and keys"),
	OPT_STR(0, "creds", A, creds, "[username[:password]]",
		"Credentials for the registry"),
	OPT_TRI(0, "disable-content-trust", A, no_trust,
		"Do not verify docker's image signatures (always on)"),
	OPT_STR(0, "image-volume", A, image_volume, "string",
		"What VOLUMEs of the image become: anonymous, tmpfs, ignore"),
	OPT_STR(0, "os", A, os, "OS", "Choose this system of the image"),
	OPT_STR(0, "platform", A, platform, "OS/ARCH[/VARIANT]",
		"Choose this platform of the image"),
	OPT_STR(0, "pull", A, pull, "string",
		"Pull the image first: always, missing, never, newer"),
	OPT_BOOL('q', "quiet", A, quiet, "Suppress output when pulling"),
	OPT_INT(0, "retry", A, retry, "uint", "Tries after a failed pull"),
	OPT_STR(0, "retry-delay", A, retry_delay, "string",
		"Time between two tries"),
	OPT_BOOL(0, "rootfs", A, rootfs,
		 "The first argument is a directory, not an image"),
	OPT_TRI(0, "tls-verify", A, tls_verify,
		"Require HTTPS and verify certificates"),
	OPT_STR(0, "variant", A, variant, "VARIANT",
		"Choose this variant of the architecture"),
	OPT_END,
};

#undef A

int image_parse(const struct create_args *a, char *const *argv,
		struct ctr_config *c, struct err *err)
{
	const char *mode = a->image_volume;

	if (a->no_trust == 0)
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "--disable-content-trust=false is not supported "
			       "yet");

	if (a->rootfs)
		c->rootfs = xstrdup(argv[0]);
	else
		c->image_name = xstrdup(argv[0]);
	if (mode && (streq(mode, "bind") || streq(mode, "anonymous")))
		mode = NULL;
	if (mode && !streq(mode, "tmpfs") && !streq(mode, "ignore"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid image-volume type \"%s\". Pick one of "
			       "bind, tmpfs, or ignore", mode);
	str_set(&c->image_volume, mode);
	strv_extend(&c->cmd, argv + 1);
	return 0;
}

/* ---- finding it -------------------------------------------------------- */

static int check_policy(const char *policy, struct err *err)
{
	static const char *const known[] = { "always", "missing", "never",
					     "newer" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (streq(policy, known[i]))
			return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "unsupported pull policy \"%s\"", policy);
}

static bool fits_platform(const struct image *img, const char *platform)
{
	autofree char *have = NULL;

	if (!platform)
		return true;
	have = xasprintf("%s/%s", img->os, img->arch);
	return streq(have, platform) ||
	       (str_starts(platform, have) && platform[strlen(have)] == '/');
}

static int pull(struct runtime *rt, struct store *store,
		const struct create_args *a, const char *name,
		const char *policy, const char *platform, struct image **ret,
		struct err *err)
{
	auto_progress_ui struct progress_ui ui = { .n = 0 };
	autostrv char **ids = NULL;
	struct pull_opts opts = {
		.platform = platform,
		.authfile = a->authfile,
		.creds = a->creds,
		.cert_dir = a->cert_dir,
		.tls_verify = a->tls_verify,
		.policy = policy,
		.retry = a->retry,
		.progress = &ui.p,
	};
	int r = retry_delay_option(a->retry_delay, &opts.retry_delay_ms, err);

	if (r < 0)
		return r;
	progress_ui_init(&ui, a->quiet);
	r = image_pull(store, name, &opts, &ids, err);
	progress_ui_done(&ui);
	if (r == 0 && ids)
		r = event_image(rt, EVENT_PULL, ids[0], name, err);
	if (r < 0)
		return r;
	return image_find(store, strv_len(ids) ? ids[0] : name, ret, err);
}

/* Of a manifest list the image for the platform; one that is not here is
 * pulled from where it was added. */
static int image_of_list(struct runtime *rt, struct store *store,
			 const struct create_args *a, const char *platform,
			 const struct image *list, struct image **ret,
			 struct err *err)
{
	autofree char *source = NULL;
	struct platform want;
	int r = platform ? platform_parse(platform, &want, err) : 0;

	if (r == 0)
		r = list_choose(store, list, platform ? &want : NULL, ret,
				&source, err);
	if (r == 0 || !source || streq(a->pull, "never"))
		return r;
	err_clear(err);
	return pull(rt, store, a, source, "always", NULL, ret, err);
}

/* What is here will do, or is fetched: policies "missing" and "never". */
static int find_or_pull(struct runtime *rt, struct store *store,
			const struct create_args *a, const char *name,
			const char *policy, const char *platform,
			struct image **ret, struct err *err)
{
	auto_image struct image *img = NULL;
	struct err why = ERR_INIT;
	int r = image_find(store, name, &img, &why);

	if (r < 0 && why.kind != ERR_NOT_FOUND)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	if (r == 0 && img->is_list)
		return image_of_list(rt, store, a, platform, img, ret, err);
	if (r == 0 && fits_platform(img, platform)) {
		*ret = take_ptr(img);
		return 0;
	}
	if (streq(policy, "never"))
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "%s: image not known", name);
	/* there, but for another machine: fetch the right one */
	return pull(rt, store, a, name, r == 0 ? "always" : policy, platform,
		    ret, err);
}

int image_find_or_pull(struct runtime *rt, const struct create_args *a,
		       const char *name, struct image **ret, struct err *err)
{
	const char *policy = a->pull ? a->pull : "missing";
	autofree char *platform = NULL;
	struct store *store;
	int r;

	if (a->rootfs)
		return 0;
	r = check_policy(policy, err);
	if (r == 0)
		r = authfile_check(a->authfile, err);
	if (r == 0)
		r = platform_option(a->platform, a->arch, a->os, a->variant,
				    &platform, err);
	if (r == 0)
		r = runtime_store(rt, &store, err);
	if (r < 0)
		return r;
	if (streq(policy, "always") || streq(policy, "newer"))
		return pull(rt, store, a, name, policy, platform, ret, err);
	return find_or_pull(rt, store, a, name, policy, platform, ret, err);
}
