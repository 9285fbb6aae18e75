/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * image_pull(): from a name as typed to images in the store.  A transport in
 * front of the name chooses the source; without one it is a registry, and a
 * short name stands for one or more full names that are tried in order (not
 * any further after a registry refused our credentials: the next one must
 * not get a chance to answer for it).
 *
 * The policy decides before anything is sent whether the store's image will
 * do.  "newer" asks the registry and says nothing when it has the same image,
 * or cannot be asked.
 */
#include <fcntl.h>

#include "storage/archive/load.h"
#include "storage/image/commit.h"
#include "storage/image/names.h"
#include "storage/image/platform.h"
#include "storage/image/ref.h"
#include "storage/policy.h"
#include "storage/pull.h"
#include "storage/registries_conf.h"
#include "storage/registry/registry.h"
#include "storage/source.h"
#include "storage/store_int.h"
#include "storage/transport.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

enum pull_policy { POLICY_ALWAYS, POLICY_MISSING, POLICY_NEVER, POLICY_NEWER };

/**
 * struct pull - one call of image_pull()
 * @ids:  of the images, appended
 * @have: "newer": id of what the store has by this name, or NULL
 */
struct pull {
	struct store *s;
	const struct pull_opts *opts;
	enum pull_policy policy;
	struct platform want;
	char ***ids;
	const char *have;
};

static void tell_line(const struct pull *p, const char *text)
{
	if (p->opts->progress && p->opts->progress->line)
		p->opts->progress->line(p->opts->progress->arg, text);
}

static void tell_start(const struct pull *p, const char *full)
{
	autofree char *text = xasprintf("Trying to pull %s...", full);

	tell_line(p, text);
}

static int parse_policy(const char *s, enum pull_policy *ret, struct err *err)
{
	static const char *const names[] = {
		[POLICY_ALWAYS] = "always",
		[POLICY_MISSING] = "missing",
		[POLICY_NEVER] = "never",
		[POLICY_NEWER] = "newer",
	};

	*ret = POLICY_ALWAYS;
	if (!s)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (streq(names[i], s)) {
			*ret = (enum pull_policy)i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, EINVAL,
		       "unsupported pull policy \"%s\"", s);
}

/* ---- one image of a registry -------------------------------------------- */

static void warn_platform(const struct pull *p, const struct incoming *in)
{
	autofree char *want = platform_text(&p->want);
	autofree char *text = NULL;

	if (platform_score(&p->want, in->conf.os, in->conf.arch,
			   in->conf.variant) > 0 || !*in->conf.arch)
		return;
	text = xasprintf("WARNING: image platform (%s/%s%s%s) does not match "
			 "the expected platform (%s)", in->conf.os,
			 in->conf.arch, *in->conf.variant ? "/" : "",
			 in->conf.variant, want);
	tell_line(p, text);
}

static int pull_ref(struct pull *p, struct source *src, const struct ref *ref,
		    struct err *err)
{
	auto_incoming struct incoming in = INCOMING_INIT;
	autofree char *full = ref_text(ref);
	int r;

	r = incoming_resolve(&in, src, ref->digest ? ref->digest : ref->tag,
			     &p->want, err);
	if (r < 0)
		return r;
	if (p->have && streq(in.id, p->have)) {
		strv_add(p->ids, in.id);
		return 0;
	}
	if (p->have)
		tell_start(p, full);
	tell_line(p, "Getting image source signatures");
	warn_platform(p, &in);
	strv_push(&in.names, take_ptr(full));
	r = incoming_store(p->s, &in, src, p->opts->progress, err);
	if (r == 0 && !strv_contains(*p->ids, in.id))
		strv_add(p->ids, in.id);
	return r;
}

static int pull_all_tags(struct pull *p, struct source *src,
			 const struct ref *ref, struct err *err)
{
	autostrv char **tags = NULL;
	int r = source_registry_tags(src, &tags, err);

	if (r == 0 && strv_len(tags) == 0)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "the repository has no tags");
	for (char **tag = tags; r == 0 && tag && *tag; tag++) {
		auto_ref struct ref one = REF_INIT;
		autofree char *full = xasprintf("%s/%s:%s", ref->host,
						ref->path, *tag);

		tell_start(p, full);
		r = ref_parse(full, &one, err);
		if (r == 0)
			r = pull_ref(p, src, &one, err);
	}
	return r;
}

int pull_open(const struct ref *ref, const struct pull_opts *opts,
	      struct source **ret, struct err *err)
{
	const struct registry_conf conf = {
		.host = ref->host,
		.repo = ref->path,
		.authfile = opts->authfile,
		.creds = opts->creds,
		.cert_dir = opts->cert_dir,
		.tls_verify = opts->tls_verify,
		.retry = opts->retry,
		.delay_ms = opts->retry_delay_ms,
	};

	return source_registry(&conf, ret, err);
}

/* "pull NAME: why", also where the reason names it by itself */
static int pull_failed(const char *full, int r, struct err *err)
{
	const char *rest = err ? str_after(err->msg, full) : NULL;
	struct err why;

	if (!rest || !str_starts(rest, ": "))
		return err_wrap(err, r, "pull %s", full);
	why = *err;
	err_set(err, why.kind, why.code, "pull %s", why.msg);
	return r;
}

static int pull_full(struct pull *p, const char *full, struct err *err)
{
	const struct pull_opts *o = p->opts;
	auto_source struct source *src = NULL;
	auto_image struct image *img = NULL;
	auto_ref struct ref ref = REF_INIT;
	int r = ref_parse(full, &ref, err);

	if (r == 0)
		r = policy_check("docker", full, err);
	if (r < 0)
		return r;
	if (p->policy == POLICY_NEWER && !o->all_tags &&
	    image_find(p->s, full, &img, NULL) == 0)
		p->have = img->id;
	else if (!o->all_tags)
		tell_start(p, full);
	if (!p->have)
		store_host(p->s);
	r = pull_open(&ref, o, &src, err);
	if (r == 0)
		r = o->all_tags ? pull_all_tags(p, src, &ref, err) :
				  pull_ref(p, src, &ref, err);
	store_host_end(p->s);
	p->have = NULL;
	if (r < 0 && img) {	/* not to be had: ours will do */
		err_clear(err);
		strv_add(p->ids, img->id);
		return 0;
	}
	if (r == 0)
		return 0;
	autofree char *repo = ref_repo_of(full);
	return pull_failed(o->all_tags ? repo : full, r, err);
}

int pull_candidates(const char *name, char ***ret, struct err *err)
{
	auto_registries_conf struct registries_conf *conf = NULL;
	autostrv char **expanded = NULL;
	auto_ref struct ref ref = REF_INIT;
	int r = ref_parse(name, &ref, err);

	if (r == 0 && !ref.host)
		r = registries_conf_load(environ, &conf, err);
	if (r == 0 && !ref.host)
		r = registries_conf_expand(conf, name, &expanded, err);
	if (r < 0)
		return r;
	if (ref.host)
		strv_add(&expanded, name);
	for (char **one = expanded; r == 0 && one && *one; one++) {
		char *full = NULL;

		r = ref_full(*one, "docker.io", &full, err);
		if (r == 0)
			strv_push(ret, full);
	}
	return r;
}

static int pull_registry(struct pull *p, const char *name, struct err *err)
{
	autostrv char **names = NULL;
	struct err first = ERR_INIT;
	int r = pull_candidates(name, &names, err);

	if (r < 0)
		return r;
	for (char **full = names; full && *full; full++) {
		struct err why = ERR_INIT;

		r = pull_full(p, *full, &why);
		if (r == 0)
			return 0;
		if (!first.code)
			first = why;
		/* Only "not there" lets the next one answer for the name */
		if (why.kind != ERR_NOT_FOUND)
			return err_set(err, why.kind, why.code, "%s", why.msg);
	}
	if (!first.code)
		return err_set(err, ERR_INVALID, EINVAL,
			       "short-name \"%s\" did not resolve to an alias "
			       "and no unqualified-search registries are "
			       "defined", name);
	return err_set(err, first.kind, first.code, "%s", first.msg);
}

/* ---- policy ------------------------------------------------------------- */

/* 1 the store's image will do (its id is appended), 0 fetch it, -errno */
static int use_present(struct pull *p, const char *name, struct err *err)
{
	auto_image struct image *img = NULL;
	int r;

	if (p->policy != POLICY_MISSING && p->policy != POLICY_NEVER)
		return 0;
	r = image_find(p->s, name, &img, err);
	if (r == -ENOENT && p->policy == POLICY_MISSING)
		return err_clear(err);
	if (r < 0)
		return r;
	/* Asked for another platform than the one that is here */
	if (p->opts->platform && p->policy == POLICY_MISSING &&
	    platform_score(&p->want, img->os, img->arch, img->variant) == 0)
		return 0;
	strv_add(p->ids, img->id);
	return 1;
}

/* What is newer of an image that is here comes from where it came from: a
 * short name of it is not asked of other registries, an id of none. */
static int pull_newer(struct pull *p, const char *id, const char *full,
		      struct err *err)
{
	if (full)
		return pull_full(p, full, err);
	strv_add(p->ids, id);
	return 0;
}

/* ---- transports --------------------------------------------------------- */

static int pull_archive(struct pull *p, const char *path, const char *ref,
			struct err *err)
{
	struct load_opts lo = {
		.ref = ref,
		.want = &p->want,
		.path = path,
		.progress = p->opts->progress,
		.ret_ids = p->ids,
	};
	autofree char *shown = safe_line(path);

	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, "open %s", shown);
	tell_line(p, "Getting image source signatures");
	int r = load_fd(p->s, fd, &lo, err);
	return r < 0 ? err_wrap(err, r, "%s", shown) : 0;
}

int image_pull(struct store *s, const char *name, const struct pull_opts *opts,
	       char ***ret_ids, struct err *err)
{
	auto_transport struct transport t = { .name = NULL };
	struct pull p = { .s = s, .opts = opts, .ids = ret_ids };
	autofree char *full = NULL;
	autofree char *id = NULL;
	int r;

	TRACE("store", "pull");
	platform_host(&p.want);
	r = parse_policy(opts->policy, &p.policy, err);
	if (r == 0 && opts->platform)
		r = platform_parse(opts->platform, &p.want, err);
	if (r < 0)
		return r;
	transport_parse(name, &t);
	if (t.path)
		return pull_archive(&p, t.path, t.ref, err);
	/* The store itself: there is nothing to fetch */
	if (t.kind == TRANSPORT_STORE)
		p.policy = POLICY_NEVER;
	r = use_present(&p, t.name, err);
	if (r != 0)
		return r < 0 ? r : 0;
	if (p.policy == POLICY_NEWER && !opts->all_tags &&
	    image_resolve(s, t.name, &id, &full, NULL) == 0)
		return pull_newer(&p, id, full, err);
	return pull_registry(&p, t.name, err);
}
