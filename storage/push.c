/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An image to a destination (storage/dest.h): each layer's bytes are found or
 * made (push_layer.c) and handed over at once, so that the destination takes
 * some while others are being compressed; the config follows; when all are
 * there, the manifest.
 *
 * The manifest is byte for byte the one that the image came with as long as
 * all its blobs go as they came and no other format was asked for.  Else it
 * is made anew from it: with other descriptors, and of OCI's or docker's
 * types.
 *
 * Blobs are not hashed again before they are sent: they got their names when
 * they were verified, a registry compares the digest anyway and keeps nothing
 * that differs, and a damaged blob is thus an error of the push and not of a
 * later pull.  A lease keeps rmi and prune from taking them away meanwhile.
 */
#include "storage/push.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/blob.h"
#include "storage/dest.h"
#include "storage/image/desc.h"
#include "storage/image/manifest.h"
#include "storage/image/names.h"
#include "storage/image/platform.h"
#include "storage/image/ref.h"
#include "storage/push_layer.h"
#include "storage/store_int.h"
#include "storage/transport.h"
#include "util/db.h"
#include "util/fault.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

struct push {
	struct store *s;
	struct push_opts o;
	struct dest *to; /* owned */
	bool told;
};

/**
 * struct pushing - one image on its way
 * @manifest: of the store, parsed; NULL when it is not there
 * @was_docker, @docker: types of that one, of the one that is pushed
 * @diff_ids: owned strv
 * @v:        layers, @n of them; the config is number @n among the keys
 * @sent:     by key: it was handed over (an equal one comes before it if not)
 * @left:     blobs whose end was not told yet
 */
struct pushing {
	struct push *p;
	const struct image *img;
	struct json_object *manifest;
	bool was_docker;
	bool docker;
	char **diff_ids;
	struct push_layer *v;
	size_t n;
	struct desc config;
	size_t left;
};

static void pushing_done(struct pushing *g)
{
	json_object_put(g->manifest);
	strv_free(g->diff_ids);
	for (size_t i = 0; i < g->n; i++)
		push_layer_done(&g->v[i]);
	free(g->v);
	free(g->config.type);
}

/* ---- telling ------------------------------------------------------------ */

static void tell(const struct push *p, const char *what, const char *more)
{
	autofree char *text = xasprintf("%s%s", what, more);

	if (p->o.progress && p->o.progress->line)
		p->o.progress->line(p->o.progress->arg, text);
}

static void tell_blob(const struct push *p, const struct desc *d,
		      const char *state, uint64_t done)
{
	autofree char *key = xstrndup(digest_hex(d->digest), 12);

	if (p->o.progress && p->o.progress->layer)
		p->o.progress->layer(p->o.progress->arg, key, state, done,
				     d->size);
}

/* ---- what is pushed ----------------------------------------------------- */

/* Everything stays while it is sent: rmi has to come after us. */
static int hold(struct store *s, const struct image *img, struct err *err)
{
	auto_db_stmt struct db_stmt *st =
		db_prep(s->conf.db, err, "SELECT digest FROM image_blob"
			" WHERE image = ?1 UNION SELECT diff_id"
			" FROM image_layer WHERE image = ?1", "s", img->id);
	autostrv char **hashes = NULL;
	int r = st ? 0 : -EIO;

	while (st && (r = db_step(st, err)) == 1)
		strv_add(&hashes, db_str(st, 0));
	if (r < 0)
		return r;
	db_done(take_ptr(st));
	return lease_add(s, hashes, err);
}

static int read_image(struct pushing *g, struct err *err)
{
	autojson struct json_object *config = NULL;
	const char *type;
	int r = image_config(g->p->s, g->img, &config, err);

	if (r < 0)
		return r;
	g->diff_ids = json_strv(json_obj(config, "rootfs"), "diff_ids");
	for (char **id = g->diff_ids; id && *id; id++)
		if (!digest_is_valid(*id))
			return err_set(err, ERR_INVALID, EBADMSG,
				       "image %.12s: damaged config",
				       g->img->id);
	/* A prune may have taken it: then one is made */
	if (image_manifest(g->p->s, g->img, &g->manifest, NULL) < 0)
		g->manifest = NULL;
	type = g->manifest ? json_str(g->manifest, "mediaType") : NULL;
	g->was_docker = streq(type, TYPE_DOCKER_MANIFEST);
	g->docker = g->was_docker;
	if (g->p->o.format)
		g->docker = streq(g->p->o.format, "v2s2");
	else if (streq(g->p->o.compression, "zstd"))
		g->docker = false;
	return 0;
}

/* The descriptor of layer @i in the manifest; false: it has none */
static bool wanted_desc(const struct pushing *g, size_t i, struct desc *ret)
{
	struct json_object *list =
		g->manifest ? json_arr(g->manifest, "layers") : NULL;
	struct json_object *o;

	if (!list || i >= json_object_array_length(list))
		return false;
	o = json_object_array_get_idx(list, i);
	*ret = (struct desc){ .size = (uint64_t)json_i64(o, "size", 0) };
	return digest_set(ret->digest, json_str(o, "digest"), "layer", NULL) ==
	       0;
}

/* A repository of the same registry whose image has this blob too; owned */
static char *mount_from(const struct push *p, const char *digest)
{
	auto_db_stmt struct db_stmt *st = NULL;
	autofree char *prefix = NULL;

	if (!p->to->host)
		return NULL;
	prefix = xasprintf("%s/", p->to->host);
	st = db_prep(p->s->conf.db, NULL, "SELECT DISTINCT n.name"
		     " FROM image_blob b JOIN image_name n ON n.image = b.image"
		     " WHERE b.digest = ?1 AND substr(n.name, 1, length(?2))"
		     " = ?2 ORDER BY n.added", "ss", digest_hex(digest),
		     prefix);
	while (st && db_step(st, NULL) == 1) {
		autofree char *repo = ref_repo_of(db_str(st, 0));

		if (!streq(repo + strlen(prefix), p->to->repo))
			return xstrdup(repo + strlen(prefix));
	}
	return NULL;
}

/* ---- blobs -------------------------------------------------------------- */

static const struct desc *desc_of(const struct pushing *g, uint32_t key)
{
	return key < g->n ? &g->v[key].d : &g->config;
}

static bool is_repeated(const struct pushing *g, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (streq(g->v[j].d.digest, g->v[i].d.digest))
			return true;
	return false;
}

static void blob_over(struct pushing *g, const struct dest_event *ev)
{
	const struct desc *d = desc_of(g, ev->key);
	const char *what = ev->key < g->n ? "blob" : "config";
	autofree char *text = NULL;

	g->left--;
	if (streq(ev->how, "exists"))
		text = xasprintf("Copying %s %s skipped: already exists",
				 what, d->digest);
	else if (streq(ev->how, "mounted"))
		text = xasprintf("Copying %s %s skipped: mounted from another "
				 "repository", what, d->digest);
	if (text && ev->key < g->n)
		tell(g->p, text, "");
	if (ev->key < g->n)
		tell_blob(g->p, d, text ? "exists" : "done", d->size);
}

static int read_events(struct pushing *g, struct err *err)
{
	struct dest *to = g->p->to;
	struct dest_event ev;
	int r;

	while ((r = to->ops->event(to, &ev, err)) == 1) {
		if (ev.key > g->n)
			continue;
		if (!ev.ended) {
			if (ev.key < g->n)
				tell_blob(g->p, desc_of(g, ev.key),
					  "uploading", ev.done);
			continue;
		}
		if (ev.err.code)
			return err_set(err, ev.err.kind, ev.err.code, "%s",
				       ev.err.msg);
		blob_over(g, &ev);
	}
	return r;
}

static int wait_blobs(struct pushing *g, struct err *err)
{
	struct dest *to = g->p->to;
	int r = read_events(g, err);

	while (r == 0 && g->left) {
		struct pollfd p = { .fd = to->ops->fd(to), .events = POLLIN };

		if (p.fd < 0)
			return err_set(err, ERR_FAIL, EIO,
				       "%s: a blob got lost", to->name);
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return err_sys(err, "poll");
		r = read_events(g, err);
	}
	return r;
}

static int send_blob(struct pushing *g, const struct desc *d, int fd,
		     uint32_t key, struct err *err)
{
	autofree char *from = mount_from(g->p, d->digest);
	struct dest *to = g->p->to;
	int r;

	if (FAULT("push.blob.start") < 0)
		return err_sys(err, "push blob %.19s", d->digest);
	r = to->ops->blob(to, d, from, fd, key, err);
	if (r == 0)
		g->left++;
	return r;
}

static int send_layers(struct pushing *g, struct err *err)
{
	size_t n = strv_len(g->diff_ids);
	int r = 0;

	g->v = xcalloc(n ? n : 1, sizeof(*g->v));
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct desc want;
		bool known = wanted_desc(g, i, &want);

		r = push_layer_open(g->p->s, g->img->id, &g->p->o, g->p->to,
				    known ? &want : NULL, g->diff_ids[i],
				    g->docker, &g->v[i], err);
		if (r < 0)
			return r;
		g->n++;
		if (is_repeated(g, i))
			continue;
		tell(g->p, "Copying blob ", g->v[i].d.digest);
		tell_blob(g->p, &g->v[i].d, "uploading", 0);
		r = send_blob(g, &g->v[i].d, g->v[i].fd, (uint32_t)i, err);
	}
	return r;
}

/* After the layers: their number is the key of the config */
static int send_config(struct pushing *g, struct err *err)
{
	struct desc *d = &g->config;

	digest_from_hex(d->digest, g->img->id);
	d->type = xstrdup(g->docker ? TYPE_DOCKER_CONFIG : TYPE_OCI_CONFIG);
	autoclose int fd = blob_open(g->p->s, g->img->id, &d->size);
	if (fd < 0)
		return err_code(err, fd, "config of image %.12s", g->img->id);
	tell(g->p, "Copying config ", d->digest);
	return send_blob(g, d, fd, (uint32_t)g->n, err);
}

/* ---- the manifest ------------------------------------------------------- */

static struct json_object *desc_object(const struct desc *d)
{
	return desc_json(d->type, d->digest, d->size);
}

static bool is_as_it_came(const struct pushing *g)
{
	if (!g->manifest || g->docker != g->was_docker)
		return false;
	for (size_t i = 0; i < g->n; i++)
		if (g->v[i].changed)
			return false;
	return true;
}

static void new_manifest(const struct pushing *g, struct sb *out)
{
	autojson struct json_object *o = json_object_new_object();
	struct json_object *layers = json_object_new_array();
	struct json_object *notes =
		g->manifest ? json_obj(g->manifest, "annotations") : NULL;

	json_set_i64(o, "schemaVersion", 2);
	json_set_str(o, "mediaType", g->docker ? TYPE_DOCKER_MANIFEST :
						 TYPE_OCI_MANIFEST);
	json_set(o, "config", desc_object(&g->config));
	for (size_t i = 0; i < g->n; i++)
		json_object_array_add(layers, desc_object(&g->v[i].d));
	json_set(o, "layers", layers);
	if (notes && !g->docker)
		json_set(o, "annotations", json_object_get(notes));
	sb_add(out, json_text(o));
}

static int make_manifest(const struct pushing *g, struct sb *text,
			 struct pushed *ret, struct err *err)
{
	int r = 0;

	if (is_as_it_came(g)) {
		memcpy(ret->digest, g->img->digest,
		       strlen(g->img->digest) + 1);
		r = blob_read(g->p->s, digest_hex(ret->digest), MANIFEST_MAX,
			      text, err);
	} else {
		new_manifest(g, text);
		r = digest_of(text->buf, text->len, ret->digest, err);
	}
	ret->size = text->len;
	ret->type = g->docker ? TYPE_DOCKER_MANIFEST : TYPE_OCI_MANIFEST;
	return r;
}

static int send_manifest(struct push *p, const char *ref, const struct sb *text,
			 const char *type, struct err *err)
{
	tell(p, "Writing manifest to image destination", "");
	if (FAULT("push.manifest") < 0)
		return err_sys(err, "push the manifest");
	return p->to->ops->manifest(p->to, ref, type, text->buf, text->len,
				    err);
}

/* ---- calls -------------------------------------------------------------- */

static int check_opts(const struct push_opts *o, struct err *err)
{
	const char *c = o->compression;

	if (o->format && !streq(o->format, "oci") && !streq(o->format, "v2s2"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "unknown format \"%s\": must be oci or v2s2",
			       o->format);
	if (c && !streq(c, "gzip") && !streq(c, "zstd"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "unknown compression \"%s\": must be gzip or "
			       "zstd", c);
	if (streq(o->format, "v2s2") && streq(c, "zstd"))
		return err_set(err, ERR_USAGE, EINVAL,
			       "format v2s2 has no zstd layers, use oci");
	if (o->level > (streq(c, "zstd") ? 20u : 9u))
		return err_set(err, ERR_USAGE, EINVAL,
			       "compression level %u: must be at most %u",
			       o->level, streq(c, "zstd") ? 20u : 9u);
	return 0;
}

int push_open(struct store *s, const char *dest, const struct push_opts *opts,
	      struct push **ret, struct err *err)
{
	struct dest *to;
	struct push *p;
	int r = check_opts(opts, err);

	if (r == 0)
		r = dest_open(dest, opts, &to, err);
	if (r < 0)
		return r;
	if (to->format && opts->format && !streq(to->format, opts->format)) {
		dest_close(to);
		return err_set(err, ERR_USAGE, EINVAL,
			       "%s takes no manifests of format \"%s\"", dest,
			       opts->format);
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct push){ .s = s, .o = *opts, .to = to };
	if (to->format)
		p->o.format = to->format;
	*ret = p;
	return 0;
}

void push_close(struct push *p)
{
	if (!p)
		return;
	dest_close(p->to);
	lease_drop(p->s);
	free(p);
}

int push_image(struct push *p, const struct image *img, bool by_digest,
	       struct pushed *ret, struct err *err)
{
	cleanup(pushing_done) struct pushing g = { .p = p, .img = img };
	autosb struct sb text = SB_INIT;
	struct pushed out = { .size = 0 };
	int r;

	TRACE("store", "push");
	if (!p->told)
		tell(p, "Getting image source signatures", "");
	p->told = true;
	r = hold(p->s, img, err);
	if (r == 0)
		r = read_image(&g, err);
	if (r == 0)
		r = send_layers(&g, err);
	if (r == 0)
		r = send_config(&g, err);
	if (r == 0)
		r = wait_blobs(&g, err);
	if (r == 0)
		r = make_manifest(&g, &text, &out, err);
	if (r == 0)
		r = send_manifest(p, by_digest ? out.digest : NULL, &text,
				  out.type, err);
	if (r < 0)
		return r;
	if (ret)
		*ret = out;
	return 0;
}

int push_manifest(struct push *p, const char *type, const void *data,
		  size_t len, struct pushed *ret, struct err *err)
{
	autosb struct sb text = SB_INIT;
	struct pushed out = {
		.size = len,
		.type = streq(type, TYPE_DOCKER_LIST) ? TYPE_DOCKER_LIST :
							TYPE_OCI_INDEX,
	};
	int r = digest_of(data, len, out.digest, err);

	sb_addn(&text, data, len);
	if (r == 0)
		r = send_manifest(p, NULL, &text, type, err);
	if (r == 0 && ret)
		*ret = out;
	return r;
}

static int check_platform(const struct image *img, const char *text,
			  struct err *err)
{
	struct platform want;
	int r = text ? platform_parse(text, &want, err) : 1;

	if (r < 0 || r == 1)
		return r < 0 ? r : 0;
	if (platform_score(&want, img->os, img->arch, img->variant) > 0)
		return 0;
	return err_set(err, ERR_INVALID, EINVAL,
		       "image %.12s is for %s/%s%s%s, not for %s", img->id,
		       img->os, img->arch, *img->variant ? "/" : "",
		       img->variant, text);
}

/* Its layers are uncompressed and it has no manifest: what save writes.  Where
 * @t has no name for it, it keeps the one that it was found by. */
static int push_docker_archive(struct store *s, char *source,
			       const struct transport *t,
			       const struct push_opts *opts, struct err *err)
{
	char *names[] = { source, NULL };
	bool made = access(t->path, F_OK) < 0;
	struct stat st;
	int r = 0;

	autoclose int fd = open(t->path, O_WRONLY | O_CREAT | O_CLOEXEC |
				O_NOCTTY, 0666);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open %s", t->path);
	const struct save_opts so = {
		.format = "docker-archive",
		.fd = fd,
		.as = t->ref,
		.progress = opts->progress,
	};
	if (S_ISREG(st.st_mode) && st.st_size)
		return err_set(err, ERR_INVALID, EEXIST,
			       "%s: there is a file already, and an archive "
			       "cannot be added to", t->path);
	r = image_save(s, names, &so, err);
	if (r < 0 && made)
		(void)unlink(t->path);
	return r;
}

/* @full: the name that @img was found by, or NULL
 * 1 done without a struct dest, 0 not one of these, -errno */
static int push_special(struct store *s, const struct image *img, char *full,
			const char *dest, const struct push_opts *opts,
			struct err *err)
{
	auto_transport struct transport t = { .name = NULL };
	int r;

	transport_parse(dest, &t);
	if (t.kind == TRANSPORT_STORE)
		r = image_tag(s, img, t.name, err);
	else if (t.kind == TRANSPORT_DOCKER_ARCHIVE)
		r = push_docker_archive(s, full ? full : img->id, &t, opts,
					err);
	else
		return 0;
	return r < 0 ? r : 1;
}

int image_push(struct store *s, const char *name, const char *dest,
	       const struct push_opts *opts, struct pushed *ret,
	       struct err *err)
{
	auto_image struct image *img = NULL;
	auto_push struct push *p = NULL;
	autofree char *full = NULL;
	autofree char *id = NULL;
	int r = image_resolve(s, name, &id, &full, err);

	if (r == 0)
		r = image_find(s, id, &img, err);
	if (r == 0)
		r = check_platform(img, opts->platform, err);
	if (r == 0 && !dest && (!full || strchr(full, '@')))
		return err_set(err, ERR_USAGE, EINVAL,
			       "%s: not a name with a tag, so a destination "
			       "has to be given", name);
	if (r == 0)
		r = check_opts(opts, err);
	if (r < 0)
		return r;
	if (!dest)
		dest = full;
	r = push_special(s, img, full, dest, opts, err);
	if (r < 0)
		return err_wrap(err, r, "push %s", dest);
	if (r > 0) {
		memcpy(ret->digest, img->digest, strlen(img->digest) + 1);
		return 0;
	}
	r = push_open(s, dest, opts, &p, err);
	if (r == 0)
		r = push_image(p, img, false, ret, err);
	return r < 0 ? err_wrap(err, r, "push %s", dest) : 0;
}
