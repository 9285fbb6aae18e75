/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Manifests, config blobs and lists of tags.  All are small, bounded and
 * asked for one after the other while layers stream.
 *
 * The endpoint that served the last manifest is remembered: the blobs of that
 * manifest are asked for there first.  A mirror that fails for whatever
 * reason hands over to the next; the error that the user sees is that of the
 * registry which was named.
 */
#include "storage/registry/fetch.h"

#include <errno.h>
#include <string.h>

#include "storage/registry/registry.h"
#include "storage/registry/transfer.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/log.h"
#include "util/str.h"
#include "util/strv.h"

#define CONFIG_MAX (4u << 20)
#define TAGS_BODY_MAX (4u << 20)
#define TAGS_MAX 100000
#define TAG_PAGES_MAX 1000

static const char accept_manifests[] =
	"Accept: application/vnd.oci.image.manifest.v1+json, "
	"application/vnd.oci.image.index.v1+json, "
	"application/vnd.docker.distribution.manifest.v2+json, "
	"application/vnd.docker.distribution.manifest.list.v2+json, "
	"application/vnd.docker.distribution.manifest.v1+prettyjws, "
	"application/vnd.docker.distribution.manifest.v1+json";

bool fetch_digest_is_valid(const char *digest)
{
	const char *hex = digest ? str_after(digest, "sha256:") : NULL;

	return hex && hex_is_valid(hex, 64);
}

static bool tag_is_valid(const char *tag)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return tag && *tag && *tag != '.' && *tag != '-' &&
	       strlen(tag) <= 128 && strspn(tag, set) == strlen(tag);
}

bool fetch_ref_is_valid(const char *ref)
{
	return fetch_digest_is_valid(ref) || tag_is_valid(ref);
}

int fetch_put(int fd, const char *data, size_t len, struct json_object *reply,
	      struct err *err)
{
	int r = fd_write_full(fd, data, len);

	if (r < 0)
		return err_code(err, r, "hand over an answer");
	json_set_u64(reply, "size", len);
	return 0;
}

static bool is_asked(const struct endpoint *ep, bool by_digest)
{
	if (!ep->mirror || ep->use == MIRROR_ALL)
		return true;
	return by_digest == (ep->use == MIRROR_DIGEST_ONLY);
}

/* "localhost:5000/app:1", "quay.io/app@sha256:..."; owned */
static char *full_name(const struct conv *c, const struct endpoint *ep,
		       const char *ref)
{
	const char *sep = !ref ? "" : strchr(ref, ':') ? "@" : ":";

	return xasprintf("%s/%s%s%s", ep->mirror ? ep->host : c->host,
			 ep->mirror ? ep->repo : c->repo, sep, ref ? ref : "");
}

/**
 * struct get - what ask_all() asks each endpoint for
 * @first: index of the first endpoint
 * @ref:   for the message and the choice of mirrors; NULL: neither
 */
struct get {
	const char *path;
	const char *accept;
	const char *ref;
	size_t first;
	size_t body_max;
};

/* On success @t holds the answer and @t->ep who gave it */
static int ask_all(struct conv *c, const struct get *get, struct transfer *t,
		   struct err *err)
{
	bool by_digest = get->ref && strchr(get->ref, ':');
	int r = -ENOENT;

	for (size_t i = get->first; i < c->n_eps; i++) {
		autofree char *name = full_name(c, &c->eps[i], get->ref);
		struct err why = ERR_INIT;

		if (!is_asked(&c->eps[i], by_digest))
			continue;
		transfer_init(t, get->path, name, i);
		strv_add(&t->headers, get->accept);
		r = transfer_run(c, t, get->body_max, &why);
		if (r == 0)
			return 0;
		transfer_done(t);
		log_debug("%s", why.msg);
		*err = why;
	}
	return r;
}

int fetch_manifest(struct conv *c, const char *ref, int fd,
		   struct json_object *reply, struct err *err)
{
	autofree char *path = xasprintf("manifests/%s", ref ? ref : "");
	autofree char *type = NULL;
	struct transfer t;
	int r;

	if (!fetch_ref_is_valid(ref))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s/%s: not a valid tag or digest", c->host,
			       c->repo);
	r = ask_all(c,
		    &(struct get){ .path = path,
				   .accept = accept_manifests,
				   .ref = ref,
				   .body_max = REGISTRY_MANIFEST_MAX },
		    &t, err);
	if (r < 0)
		return r;
	c->current = t.ep;
	type = media_type(t.ex.type ? t.ex.type : "");
	json_set_str(reply, "type", type);
	r = fetch_put(fd, t.ex.body.buf, t.ex.body.len, reply, err);
	transfer_done(&t);
	return r;
}

int fetch_small(struct conv *c, const char *digest, uint64_t size, int fd,
		struct json_object *reply, struct err *err)
{
	autofree char *path = xasprintf("blobs/%s", digest ? digest : "");
	struct transfer t;
	int r;

	if (!fetch_digest_is_valid(digest))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s/%s: not a valid digest", c->host, c->repo);
	if (size == 0 || size > CONFIG_MAX)
		return err_set(
			err, ERR_LIMIT, EFBIG,
			"%s/%s: blob %.19s is over the limit of 4 MiB or empty",
			c->host, c->repo, digest);
	r = ask_all(c,
		    &(struct get){ .path = path,
				   .accept = "Accept: */*",
				   .ref = digest,
				   .first = c->current,
				   .body_max = (size_t)size },
		    &t, err);
	if (r < 0)
		return r;
	r = fetch_put(fd, t.ex.body.buf, t.ex.body.len, reply, err);
	transfer_done(&t);
	return r;
}

/* ---- tags -------------------------------------------------------------- */

static int bad_tags(const struct conv *c, const char *why, struct err *err)
{
	return err_set(err, ERR_INVALID, EPROTO, "%s/%s: list of tags: %s",
		       c->host, c->repo, why);
}

static int add_tags(const struct conv *c, const struct exchange *ex,
		    struct json_object *tags, struct err *err)
{
	autojson struct json_object *o =
		json_parse(ex->body.buf, ex->body.len, NULL);
	struct json_object *list = NULL;
	size_t n;

	if (!o || !json_object_is_type(o, json_type_object))
		return bad_tags(c, "not valid JSON", err);
	list = json_arr(o, "tags");
	n = list ? json_object_array_length(list) : 0;
	if (n + json_object_array_length(tags) > TAGS_MAX)
		return bad_tags(c, "more than 100000 tags", err);
	for (size_t i = 0; i < n; i++) {
		struct json_object *tag = json_object_array_get_idx(list, i);

		if (!json_object_is_type(tag, json_type_string) ||
		    !tag_is_valid(json_object_get_string(tag)))
			return bad_tags(c, "holds what is not a tag", err);
		json_object_array_add(tags, json_object_get(tag));
	}
	return 0;
}

/*
 * The next page: it has to be of the same list at the same registry.
 * Return: 1 and *path (below the repository), 0 there is none, -errno
 */
static int next_page(struct conv *c, const struct transfer *t, char **path,
		     struct err *err)
{
	const struct endpoint *ep = &c->eps[t->ep];
	autofree char *prefix = xasprintf("%s/v2/%s/", ep->base, ep->repo);
	autofree char *link = NULL;
	autofree char *url = NULL;
	const char *rest;
	int r;

	link = t->ex.link ? link_next(t->ex.link) : NULL;
	if (!link)
		return 0;
	r = url_resolve(t->url, link, &url, err);
	if (r < 0)
		return err_wrap(err, r, "%s/%s: list of tags", c->host,
				c->repo);
	rest = str_after(url, prefix);
	if (!rest || !str_starts(rest, "tags/list?"))
		return bad_tags(c, "its next page is somewhere else", err);
	str_set(path, rest);
	return 1;
}

static int all_pages(struct conv *c, struct json_object *tags, struct err *err)
{
	autofree char *path = xstrdup("tags/list?n=1000");
	autostrv char **seen = NULL;

	for (unsigned int page = 0; page < TAG_PAGES_MAX; page++) {
		struct transfer t;
		int r;

		r = ask_all(c,
			    &(struct get){ .path = path,
					   .accept = "Accept: application/json",
					   .first = c->n_eps - 1,
					   .body_max = TAGS_BODY_MAX },
			    &t, err);
		if (r < 0)
			return r;
		r = add_tags(c, &t.ex, tags, err);
		if (r == 0)
			r = next_page(c, &t, &path, err);
		transfer_done(&t);
		if (r <= 0)
			return r;
		if (strv_contains(seen, path))
			break;
		strv_add(&seen, path);
	}
	return bad_tags(c, "does not end", err);
}

int fetch_tags(struct conv *c, int fd, struct json_object *reply,
	       struct err *err)
{
	autojson struct json_object *out = json_object_new_object();
	struct json_object *tags = json_object_new_array();
	const char *text;
	int r;

	json_set(out, "tags", tags);
	r = all_pages(c, tags, err);
	if (r < 0)
		return r;
	text = json_text(out);
	return fetch_put(fd, text, strlen(text), reply, err);
}
