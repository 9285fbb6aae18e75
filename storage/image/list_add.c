/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What becomes an entry of a manifest list.  Entries are gathered first, from
 * the store or from a registry, which may take a while; then they are put into
 * the list in one short update.  An entry tells where its image is, so that a
 * push can find it again: in the store, or in a repository under its digest.
 *
 * Documents of a registry are untrusted: manifest_parse() has a look at them
 * first, and of its entries only the members that are known are taken over.
 */
#include "storage/image/list.h"

#include "storage/blob.h"
#include "storage/image/commit.h"
#include "storage/image/config.h"
#include "storage/image/desc.h"
#include "storage/image/manifest.h"
#include "storage/image/platform.h"
#include "storage/image/ref.h"
#include "storage/pull.h"
#include "storage/source.h"
#include "storage/transport.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/**
 * struct gathered - entries on their way into a list
 * @v:       descriptors, owned
 * @sources: of each; a strv, owned
 */
struct gathered {
	struct json_object **v;
	char **sources;
	size_t n;
};

static void gathered_done(struct gathered *g)
{
	for (size_t i = 0; i < g->n; i++)
		json_object_put(g->v[i]);
	free(g->v);
	strv_free(g->sources);
}

/* @entry is taken. */
static void gather(struct gathered *g, struct json_object *entry,
		   const char *source)
{
	g->v = xreallocarray(g->v, g->n + 1, sizeof(struct json_object *));
	g->v[g->n++] = entry;
	strv_add(&g->sources, source);
}

static void set_platform(struct json_object *entry, const char *os,
			 const char *arch, const char *variant)
{
	const struct list_note note = {
		.os = os,
		.arch = arch,
		.variant = str_is_empty(variant) ? NULL : variant,
	};

	list_note_entry(entry, &note);
}

/* ---- from the store ----------------------------------------------------- */

static int gather_image(struct store *s, const struct image *img,
			struct gathered *g, struct err *err)
{
	autojson struct json_object *manifest = NULL;
	autofree char *source = xasprintf("local:%s", img->id);
	struct json_object *entry;
	const char *type;
	uint64_t size = 0;
	int r = image_manifest(s, img, &manifest, err);

	if (r < 0)
		return r;
	autoclose int fd = blob_open(s, digest_hex(img->digest), &size);
	if (fd < 0)
		return err_code(err, fd, "open the manifest of image %.12s",
				img->id);
	type = json_str(manifest, "mediaType");
	entry = desc_json_docker(type ? type : TYPE_OCI_MANIFEST, img->digest,
				 size);
	set_platform(entry, img->os, img->arch, img->variant);
	gather(g, entry, source);
	return 0;
}

static int index_parse(const struct list *l, struct manifest *ret,
		       struct err *err)
{
	const char *text = json_text(l->index);

	return manifest_parse(text, strlen(text), NULL, ret, err);
}

/* The entry for this machine, or all. */
static int gather_list(struct store *s, const struct image *img, bool all,
		       struct gathered *g, struct err *err)
{
	auto_manifest struct manifest m = { 0 };
	auto_list struct list l = LIST_INIT;
	const struct desc *chosen = NULL;
	struct platform host;
	int r = list_load(s, img->id, &l, err);

	platform_host(&host);
	if (r == 0)
		r = index_parse(&l, &m, err);
	if (r == 0 && !all)
		r = manifest_choose(&m, &host, &chosen, err);
	for (size_t i = 0; r == 0 && i < m.n; i++) {
		const char *digest = m.v[i].digest;
		const char *source = strv_env_get(l.sources, digest);

		if (chosen && chosen != &m.v[i])
			continue;
		gather(g, json_object_get(list_entry(&l, digest)),
		       source ? source : "");
	}
	return r;
}

static int gather_local(struct store *s, const struct image *img, bool all,
			struct gathered *g, struct err *err)
{
	return img->is_list ? gather_list(s, img, all, g, err) :
			      gather_image(s, img, g, err);
}

/* ---- from a registry ---------------------------------------------------- */

/**
 * struct remote - a document that a registry has
 */
struct remote {
	struct source *src; /* owned */
	struct ref ref;
	struct sb body;
	char *type; /* owned */
};

#define REMOTE_INIT { NULL, REF_INIT, SB_INIT, NULL }

static void remote_done(struct remote *rm)
{
	source_close(rm->src);
	ref_done(&rm->ref);
	sb_done(&rm->body);
	free(rm->type);
	*rm = (struct remote)REMOTE_INIT;
}

static int remote_read(struct remote *rm, const char *full,
		       const struct pull_opts *pull, struct err *err)
{
	const char *what;
	int r = ref_parse(full, &rm->ref, err);

	if (r == 0)
		r = pull_open(&rm->ref, pull, &rm->src, err);
	if (r < 0)
		return r;
	what = rm->ref.digest ? rm->ref.digest : rm->ref.tag;
	sb_limit(&rm->body, MANIFEST_MAX + 4096);
	r = rm->src->ops->manifest(rm->src, what, &rm->body, &rm->type, err);
	if (r == 0 && rm->ref.digest)
		r = digest_verify(rm->body.buf, rm->body.len, what, "manifest",
				  err);
	/* The registry's own words begin with the name */
	return r < 0 && !(err && str_starts(err->msg, full)) ?
		       err_wrap(err, r, "%s", full) : r;
}

static int remote_open(struct remote *rm, const char *name,
		       const struct pull_opts *pull, struct err *err)
{
	autostrv char **names = NULL;
	struct err first = ERR_INIT;
	int r = pull_candidates(name, &names, err);

	if (r < 0)
		return r;
	for (char **full = names; full && *full; full++) {
		struct err why = ERR_INIT;

		remote_done(rm);
		if (remote_read(rm, *full, pull, &why) == 0)
			return 0;
		if (!first.code)
			first = why;
		if (why.kind != ERR_NOT_FOUND)
			break;
	}
	if (!first.code)
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s: no registry to look in", name);
	return err_set(err, first.kind, first.code, "%s", first.msg);
}

static char *source_text(const struct remote *rm, const char *digest)
{
	return xasprintf("docker://%s/%s@%s", rm->ref.host, rm->ref.path,
			 digest);
}

/* The members of an entry that are known. */
static struct json_object *entry_copy(struct json_object *from,
				      const struct desc *d)
{
	static const char *const keys[] = { "architecture", "os", "variant",
					    "os.version", "os.features",
					    "features" };
	struct json_object *o = desc_json_docker(d->type, d->digest, d->size);
	struct json_object *platform = json_obj(from, "platform");
	struct json_object *notes = json_obj(from, "annotations");
	struct json_object *to = json_object_new_object();
	struct json_object *v;

	for (size_t i = 0; platform && i < ARRAY_LEN(keys); i++)
		if (json_object_object_get_ex(platform, keys[i], &v))
			json_set(to, keys[i], json_object_get(v));
	json_set(o, "platform", to);
	if (notes)
		json_set(o, "annotations", json_object_get(notes));
	return o;
}

static int gather_index(const struct remote *rm, const struct manifest *m,
			bool all, struct gathered *g, struct err *err)
{
	autojson struct json_object *doc =
		json_parse(rm->body.buf, rm->body.len, err);
	struct json_object *list = doc ? json_arr(doc, "manifests") : NULL;
	const struct desc *chosen = NULL;
	struct platform host;
	int r = doc ? 0 : -EINVAL;

	platform_host(&host);
	if (r == 0 && !all)
		r = manifest_choose(m, &host, &chosen, err);
	for (size_t i = 0; r == 0 && i < m->n; i++) {
		autofree char *source = source_text(rm, m->v[i].digest);

		if (!chosen || chosen == &m->v[i])
			gather(g, entry_copy(json_object_array_get_idx(list, i),
					     &m->v[i]), source);
	}
	return r;
}

/* One image: its config says for what it is. */
static int gather_single(const struct remote *rm, const struct manifest *m,
			 struct gathered *g, struct err *err)
{
	auto_image_conf struct image_conf conf = { 0 };
	autosb struct sb text = SB_INIT;
	autofree char *source = NULL;
	struct json_object *entry;
	char digest[DIGEST_MAX];
	int r = digest_of(rm->body.buf, rm->body.len, digest, err);

	sb_limit(&text, CONFIG_MAX + 4096);
	if (r == 0)
		r = rm->src->ops->small(rm->src, &m->config, &text, err);
	if (r == 0)
		r = digest_verify(text.buf, text.len, m->config.digest,
				  "config", err);
	if (r == 0)
		r = image_conf_parse(text.buf, text.len, &conf, err);
	if (r < 0)
		return r;
	source = source_text(rm, digest);
	entry = desc_json_docker(m->type, digest, rm->body.len);
	set_platform(entry, conf.os, conf.arch, conf.variant);
	gather(g, entry, source);
	return 0;
}

/* @ret_index: what was there is an index; may be NULL */
static int gather_remote(const char *name, bool all,
			 const struct pull_opts *pull, struct gathered *g,
			 bool *ret_index, struct err *err)
{
	cleanup(remote_done) struct remote rm = REMOTE_INIT;
	auto_manifest struct manifest m = { 0 };
	int r = remote_open(&rm, name, pull, err);

	if (r == 0)
		r = manifest_parse(rm.body.buf, rm.body.len, rm.type, &m, err);
	if (r < 0)
		return r;
	if (ret_index)
		*ret_index = m.is_index;
	return m.is_index ? gather_index(&rm, &m, all, g, err) :
			    gather_single(&rm, &m, g, err);
}

int list_remote(const char *image, const struct pull_opts *pull, char **ret,
		char **ret_type, struct err *err)
{
	cleanup(remote_done) struct remote rm = REMOTE_INIT;
	auto_manifest struct manifest m = { 0 };
	const char *name = str_after(image, "docker://");
	int r = remote_open(&rm, name ? name : image, pull, err);

	if (r == 0)
		r = manifest_parse(rm.body.buf, rm.body.len, rm.type, &m, err);
	if (r < 0)
		return r;
	*ret = xstrdup(rm.body.buf);
	*ret_type = xstrdup(m.type);
	return 0;
}

/* ---- add ---------------------------------------------------------------- */

/* An archive or a directory: its image comes into the store. */
static int gather_file(struct store *s, const char *text, bool all,
		       const struct pull_opts *pull, struct gathered *g,
		       struct err *err)
{
	autostrv char **ids = NULL;
	int r = image_pull(s, text, pull, &ids, err);

	for (char **id = ids; r == 0 && id && *id; id++) {
		auto_image struct image *img = NULL;

		r = image_find(s, *id, &img, err);
		if (r == 0)
			r = gather_local(s, img, all, g, err);
	}
	return r;
}

static int gather_any(struct store *s, const char *text, bool all,
		      const struct pull_opts *pull, struct gathered *g,
		      struct err *err)
{
	auto_transport struct transport t = { .name = NULL };
	auto_image struct image *img = NULL;
	struct err why = ERR_INIT;
	int r;

	transport_parse(text, &t);
	if (t.path)
		return gather_file(s, text, all, pull, g, err);
	if (str_starts(text, "docker://"))
		return gather_remote(t.name, all, pull, g, NULL, err);
	r = image_find(s, t.name, &img, &why);
	if (r == 0)
		return gather_local(s, img, all, g, err);
	if (why.kind != ERR_NOT_FOUND || t.kind == TRANSPORT_STORE)
		return err_set(err, why.kind, why.code, "%s", why.msg);
	return gather_remote(t.name, all, pull, g, NULL, err);
}

static int put_all(struct list *l, void *arg, struct err *err unused_attr)
{
	const struct gathered *g = arg;

	for (size_t i = 0; i < g->n; i++)
		list_put(l, json_object_get(g->v[i]), g->sources[i]);
	return 0;
}

int list_add(struct store *s, const char *list, const char *image, bool all,
	     const struct list_note *note, const struct pull_opts *pull,
	     char **ret_id, struct err *err)
{
	cleanup(gathered_done) struct gathered g = { NULL, NULL, 0 };
	auto_list struct list l = LIST_INIT;
	int r = list_load(s, list, &l, err);

	TRACE("store", "list add");
	if (r == 0)
		r = gather_any(s, image, all, pull, &g, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < g.n; i++)
		list_note_entry(g.v[i], note);
	return list_update(s, list, put_all, &g, ret_id, err);
}

/* ---- choose ------------------------------------------------------------- */

/* ---- what is behind a name ---------------------------------------------- */

/* @source as in struct gathered */
static int member_document(struct store *s, const char *source,
			   const struct pull_opts *pull,
			   struct json_object **ret, struct err *err)
{
	const char *id = str_after(source, "local:");
	auto_image struct image *img = NULL;
	autofree char *text = NULL;
	autofree char *type = NULL;
	int r;

	if (id) {
		r = image_find(s, id, &img, err);
		return r < 0 ? r : image_manifest(s, img, ret, err);
	}
	r = list_remote(source, pull, &text, &type, err);
	if (r < 0)
		return r;
	*ret = json_parse(text, strlen(text), err);
	return *ret ? 0 : -EINVAL;
}

/* What a user could type for it; owned */
static char *member_ref(struct store *s, const char *source,
			const char *digest)
{
	const char *remote = str_after(source, "docker://");
	const char *id = str_after(source, "local:");
	auto_image struct image *img = NULL;

	if (remote)
		return xstrdup(remote);
	if (id && image_find(s, id, &img, NULL) == 0 && img->names)
		return xasprintf("%s@%s", *img->names, digest);
	return xstrdup(digest);
}

int list_members(struct store *s, const char *name,
		 const struct pull_opts *pull, struct json_object **ret,
		 bool *ret_list, struct err *err)
{
	cleanup(gathered_done) struct gathered g = { 0 };
	autojson struct json_object *members = json_object_new_array();
	const char *remote = str_after(name, "docker://");
	auto_image struct image *img = NULL;
	int r;

	*ret_list = true;
	if (!remote && image_find(s, name, &img, NULL) == 0 && img->is_list)
		r = gather_list(s, img, true, &g, err);
	else
		r = gather_remote(remote ? remote : name, true, pull, &g,
				  ret_list, err);
	for (size_t i = 0; r == 0 && i < g.n; i++) {
		struct json_object *doc = NULL;
		struct json_object *o;
		autofree char *ref = member_ref(s, g.sources[i],
						json_str(g.v[i], "digest"));

		r = member_document(s, g.sources[i], pull, &doc, err);
		if (r < 0)
			break;
		o = json_object_new_object();
		json_set_str(o, "Ref", ref);
		json_set(o, "Descriptor", json_object_get(g.v[i]));
		json_set(o, "Manifest", doc);
		json_object_array_add(members, o);
	}
	if (r == 0)
		*ret = take_ptr(members);
	return r;
}

int list_image(struct store *s, const struct list *l, const char *digest,
	       struct image **ret)
{
	const char *source = strv_env_get(l->sources, digest);
	const char *local = source ? str_after(source, "local:") : NULL;

	if (local && image_find(s, local, ret, NULL) == 0)
		return 0;
	return image_find(s, digest, ret, NULL);
}

int list_choose(struct store *s, const struct image *list,
		const struct platform *want, struct image **ret,
		char **ret_source, struct err *err)
{
	auto_manifest struct manifest m = { 0 };
	auto_list struct list l = LIST_INIT;
	const struct desc *d = NULL;
	struct platform host;
	const char *source;
	int r = list_load(s, list->id, &l, err);

	platform_host(&host);
	if (r == 0)
		r = index_parse(&l, &m, err);
	if (r == 0)
		r = manifest_choose(&m, want ? want : &host, &d, err);
	if (r < 0)
		return r;
	if (list_image(s, &l, d->digest, ret) == 0)
		return 0;
	source = strv_env_get(l.sources, d->digest);
	if (source && str_starts(source, "docker://"))
		*ret_source = xstrdup(source);
	return err_set(err, ERR_NOT_FOUND, ENOENT,
		       "the image %.19s of manifest list %s is not in the "
		       "store", d->digest,
		       list->names ? *list->names : list->id);
}
