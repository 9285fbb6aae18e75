/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Images from a tar or a directory.  The tar is hostile, so bryo-layer
 * unpacks it, into a staging directory of ours: it is read as a stream (a
 * pipe will do, and manifest.json may come last), and the same budgets hold.
 * The members that the archive's index names are then read by descriptor,
 * beneath that directory; layers among them go through bryo-layer once more,
 * each into a layer of its own, and the files themselves become blobs by a
 * rename.
 *
 * What it is, is decided by its index: manifest.json with a list is docker's
 * form (docker 25 and later have an index.json too, without the names that
 * matter), index.json is OCI's, manifest.json with an object is dir:.
 */
#include "storage/archive/load.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "storage/archive/docker.h"
#include "storage/image/commit.h"
#include "storage/image/platform.h"
#include "storage/image/ref.h"
#include "storage/policy.h"
#include "storage/source.h"
#include "storage/store_int.h"
#include "util/fault.h"
#include "util/fd.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/**
 * struct load - one call of load_fd()
 * @root:  the directory with the members
 * @ours:  it is our staging directory
 * @found: images that matched opts.ref
 */
struct load {
	struct store *s;
	const struct load_opts *opts;
	int root;
	bool ours;
	size_t found;
};

/* One reason for each transport, as podman's users match them. */
static int unknown(struct err *err, bool is_tar, int code, const char *docker,
		   const char *oci)
{
	static const char text[] =
		"payload does not match any of the supported image formats:";
	static const char no_dir[] = "not a directory";
	static const char no_tar[] = "is a directory";

	return err_set(err, ERR_INVALID, code,
		       "%s oci: %s; oci-archive: %s; docker-archive: %s; "
		       "dir: %s", text, is_tar ? no_dir : oci,
		       is_tar ? oci : no_tar, is_tar ? docker : no_tar,
		       is_tar ? no_dir : docker);
}

static void note(struct load *ld, const struct incoming *in)
{
	const struct load_opts *o = ld->opts;

	ld->found++;
	if (o->ret_ids && !strv_contains(*o->ret_ids, in->id))
		strv_add(o->ret_ids, in->id);
	if (!o->ret_names)
		return;
	if (in->names)
		strv_extend(o->ret_names, in->names);
	else
		strv_addf(o->ret_names, "sha256:%s", in->id);
}

static struct source *open_source(struct load *ld, enum source_layout layout)
{
	return source_dir(fcntl(ld->root, F_DUPFD_CLOEXEC, 3), layout,
			  ld->ours);
}

static int finish(struct load *ld, struct incoming *in, struct source *src,
		  struct err *err)
{
	int r = incoming_store(ld->s, in, src, ld->opts->progress, err);

	if (r == 0)
		note(ld, in);
	return r;
}

/* ---- docker-archive ----------------------------------------------------- */

/* opts.ref is a name that the entry has, "@N" the N-th entry, or nothing was
 * asked for. */
static bool entry_wanted(const struct load *ld, const struct docker_entry *e,
			 size_t i)
{
	autofree char *full = NULL;
	uint64_t n;

	if (!ld->opts->ref)
		return true;
	if (*ld->opts->ref == '@')
		return parse_u64(ld->opts->ref + 1, &n) == 0 && n == i;
	return ref_full(ld->opts->ref, "docker.io", &full, NULL) == 0 &&
	       strv_contains(e->tags, full);
}

static int load_entry(struct load *ld, struct source *src,
		      const struct docker_entry *e, struct err *err)
{
	auto_incoming struct incoming in = INCOMING_INIT;
	int r;

	sb_limit(&in.raw, CONFIG_MAX + 4096);
	r = source_dir_read(src, e->config, CONFIG_MAX, &in.raw, err);
	if (r == 0)
		r = incoming_config(&in, strv_len(e->layers), err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < in.n; i++) {
		in.layers[i].d.name = xstrdup(e->layers[i]);
		in.layers[i].d.type = xstrdup(TYPE_DOCKER_LAYER);
	}
	in.names = strv_copy(e->tags);
	return finish(ld, &in, src, err);
}

static int load_docker(struct load *ld, const struct sb *text,
		       struct err *err)
{
	auto_docker_index struct docker_index index = { 0 };
	auto_source struct source *src = open_source(ld, LAYOUT_DOCKER);
	int r = docker_index_parse(text->buf, text->len, &index, err);

	for (size_t i = 0; r == 0 && i < index.n; i++)
		if (entry_wanted(ld, &index.v[i], i))
			r = load_entry(ld, src, &index.v[i], err);
	return r;
}

/* ---- OCI layout --------------------------------------------------------- */

/* The name of an entry: its annotation; a bare tag or nothing needs the place
 * where the layout lies. */
static char *name_of(const struct load *ld, const struct desc *d)
{
	const char *path = ld->opts->path;
	char *full = NULL;

	if (d->name && ref_full(d->name, "localhost", &full, NULL) == 0 &&
	    (strpbrk(d->name, "/:") || !path))
		return full;
	free(full);
	full = NULL;
	if (path && *path == '/')
		path++;
	if (path)
		ref_full(path, "localhost", &full, NULL);
	return full;
}

static bool desc_wanted(const struct load *ld, const struct desc *d)
{
	const char *ref = ld->opts->ref;
	const char *tag;

	if (!ref || streq(ref, d->name))
		return true;
	tag = d->name ? strrchr(d->name, ':') : NULL;
	return tag && streq(tag + 1, ref);
}

static bool is_attestation(const struct desc *d)
{
	return streq(d->os, "unknown") || streq(d->arch, "unknown");
}

static int load_desc(struct load *ld, struct source *src, const struct desc *d,
		     struct err *err)
{
	auto_incoming struct incoming in = INCOMING_INIT;
	char *name = name_of(ld, d);
	int r = incoming_resolve(&in, src, d->digest, ld->opts->want, err);

	if (name)
		strv_push(&in.names, name);
	return r < 0 ? r : finish(ld, &in, src, err);
}

static int load_oci(struct load *ld, const struct sb *text, struct err *err)
{
	auto_manifest struct manifest index = { 0 };
	auto_source struct source *src = open_source(ld, LAYOUT_OCI);
	int r = manifest_parse(text->buf, text->len, NULL, &index, err);

	if (r == 0 && !index.is_index)
		r = err_set(err, ERR_INVALID, EINVAL,
			    "index.json is not an index");
	if (r < 0)
		return err_wrap(err, r, "index.json");
	for (size_t i = 0; r == 0 && i < index.n; i++)
		if (!is_attestation(&index.v[i]) &&
		    desc_wanted(ld, &index.v[i]))
			r = load_desc(ld, src, &index.v[i], err);
	return r;
}

/* ---- dir: --------------------------------------------------------------- */

static int load_plain_dir(struct load *ld, struct err *err)
{
	auto_incoming struct incoming in = INCOMING_INIT;
	auto_source struct source *src = open_source(ld, LAYOUT_DIR);
	const struct desc none = { .name = NULL };
	char *name = name_of(ld, &none);
	int r = incoming_resolve(&in, src, NULL, ld->opts->want, err);

	if (name)
		strv_push(&in.names, name);
	return r < 0 ? r : finish(ld, &in, src, err);
}

/* ---- which one ---------------------------------------------------------- */

static bool is_array(const struct sb *text)
{
	size_t n = strspn(text->buf, " \t\r\n");

	return text->buf[n] == '[';
}

/* By the user's policy.json, whose scopes are absolute paths */
static int allowed(const struct load *ld, const char *transport,
		   struct err *err)
{
	const char *path = ld->opts->path;
	autofree char *real = path ? realpath(path, NULL) : NULL;

	return policy_check(transport, real ? real : path, err);
}

static int load_root(struct load *ld, struct err *err)
{
	auto_source struct source *src = open_source(ld, LAYOUT_DIR);
	struct err no_docker = ERR_INIT, no_oci = ERR_INIT;
	autosb struct sb docker = SB_INIT;
	autosb struct sb oci = SB_INIT;
	int have_docker, have_oci, r;

	have_docker = source_dir_read(src, "manifest.json", DOCKER_INDEX_MAX,
				      &docker, &no_docker);
	if (have_docker == 0 && is_array(&docker)) {
		r = allowed(ld, "docker-archive", err);
		return r < 0 ? r : load_docker(ld, &docker, err);
	}
	have_oci = source_dir_read(src, "index.json", MANIFEST_MAX, &oci,
				   &no_oci);
	if (have_oci == 0) {
		r = allowed(ld, ld->ours ? "oci-archive" : "oci", err);
		return r < 0 ? r : load_oci(ld, &oci, err);
	}
	if (have_docker == 0) {
		r = allowed(ld, "dir", err);
		return r < 0 ? r : load_plain_dir(ld, err);
	}
	return unknown(err, ld->ours, EINVAL, no_docker.msg, no_oci.msg);
}

static int load_images(struct load *ld, struct err *err)
{
	int r = load_root(ld, err);

	if (r == 0 && !ld->found)
		return err_set(err, ERR_NOT_FOUND, ENOENT, ld->opts->ref ?
			       "no image %s in the archive" :
			       "the archive holds no image%s",
			       ld->opts->ref ? ld->opts->ref : "");
	return r;
}

/* ---- the outer tar ------------------------------------------------------ */

static int unpack(struct store *s, int input, int dir, struct err *err)
{
	auto_layer_result struct layer_result res = { 0 };
	struct layer_job job = LAYER_JOB_INIT;
	struct err why = ERR_INIT;
	/* Layers of the same budget, and a few of them */
	const struct layer_apply apply = {
		.input = input,
		.staging = dir,
		.blob = -EBADF,
		.resume = -EBADF,
		.max_bytes = s->conf.layer_max * 4,
		.format = LAYER_PLAIN,
		/* its members are checked one by one when they are used */
		.unhashed = true,
		.single_id = true,
		.enter_userns = s->conf.enter_userns,
		.arg = s->conf.arg,
	};
	int r = store_userns(s, err);

	TRACE("store", "unpack archive");
	if (r == 0)
		r = layer_job_start(&apply, &job, err);
	if (r < 0)
		return r;
	do {
		r = layer_job_read(&job, &res, &why);
	} while (r == 0);
	layer_job_end(&job);
	if (r < 0 && why.kind == ERR_INVALID)
		return unknown(err, true, why.code, why.msg, why.msg);
	if (r < 0)
		return err_set(err, why.kind, why.code, "unpack: %s", why.msg);
	return 0;
}

static int load_tar(struct load *ld, int fd, struct err *err)
{
	auto_staging struct staging st = STAGING_INIT;
	int r = staging_new(ld->s, &st, err);

	if (r < 0)
		return r;
	if (mkdirat(st.fd, "archive", 0700) < 0)
		return err_sys(err, "make a staging directory");
	autoclose int dir = dir_open_at(st.fd, "archive");
	if (dir < 0)
		return err_code(err, dir, "open a staging directory");
	r = unpack(ld->s, fd, dir, err);
	if (r < 0)
		return r;
	if (FAULT("load.unpacked") < 0)
		return err_sys(err, "load");
	/* The archive may have had an opinion of its root's mode */
	if (fchmod(dir, 0700) < 0)
		return err_sys(err, "chmod a staging directory");
	ld->root = dir;
	ld->ours = true;
	return load_images(ld, err);
}

int load_fd(struct store *s, int fd, const struct load_opts *opts,
	    struct err *err)
{
	struct load ld = { .s = s, .opts = opts, .root = fd };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "stat the archive");
	return S_ISDIR(st.st_mode) ? load_images(&ld, err) :
				     load_tar(&ld, fd, err);
}

int image_load(struct store *s, int fd, const char *platform,
	       const struct progress *p, char ***ret_names, struct err *err)
{
	struct platform want = { 0 };
	const struct load_opts opts = {
		.want = platform ? &want : NULL,
		.progress = p,
		.ret_names = ret_names,
	};
	int r = platform ? platform_parse(platform, &want, err) : 0;

	return r < 0 ? r : load_fd(s, fd, &opts, err);
}
