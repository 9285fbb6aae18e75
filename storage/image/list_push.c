/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A manifest list goes to a registry after the images that it names, each
 * under its digest.  One that is not in the store is pulled for that from
 * where it was added, and leaves again.  What a member is at the destination
 * decides about its entry: the digest changes when a blob had to be made anew.
 */
#include "storage/image/list.h"

#include "storage/image/manifest.h"
#include "storage/push.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

/* The image of an entry; @ret_pulled: it was not here before. */
static int member(struct store *s, const struct list *l, const char *digest,
		  const struct push_opts *opts, struct image **ret,
		  bool *ret_pulled, struct err *err)
{
	const struct pull_opts pull = {
		.authfile = opts->authfile,
		.creds = opts->creds,
		.cert_dir = opts->cert_dir,
		.tls_verify = opts->tls_verify,
		.retry = opts->retry,
		.progress = opts->progress,
	};
	const char *source = strv_env_get(l->sources, digest);
	const char *id = source ? str_after(source, "local:") : NULL;
	autostrv char **ids = NULL;
	int r;

	if (id && image_find(s, id, ret, NULL) == 0)
		return 0;
	if (image_find(s, digest, ret, NULL) == 0)
		return 0;
	if (!source || !str_starts(source, "docker://"))
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "image %.19s of the list is not in the store "
			       "any more", digest);
	r = image_pull(s, source, &pull, &ids, err);
	if (r < 0)
		return r;
	*ret_pulled = true;
	return image_find(s, ids[0], ret, err);
}

static void drop_pulled(struct store *s, const char *name)
{
	autostrv char **untagged = NULL;
	autostrv char **deleted = NULL;

	/* It stays when somebody uses it by now */
	(void)image_remove(s, name, 0, &untagged, &deleted, NULL);
}

static int push_member(struct store *s, struct push *p, const struct list *l,
		       struct json_object *entry,
		       const struct push_opts *opts, struct err *err)
{
	autofree char *digest = xstrdup(json_str(entry, "digest"));
	const char *source = strv_env_get(l->sources, digest);
	auto_image struct image *img = NULL;
	struct pushed pushed = { .size = 0 };
	bool pulled = false;
	int r = member(s, l, digest, opts, &img, &pulled, err);

	if (r == 0)
		r = push_image(p, img, true, &pushed, err);
	if (pulled)
		drop_pulled(s, source + strlen("docker://"));
	if (r < 0)
		return err_wrap(err, r, "image %.19s", digest);
	if (!streq(pushed.digest, digest)) {
		json_set_str(entry, "digest", pushed.digest);
		json_set_str(entry, "mediaType", pushed.type);
		json_set_u64(entry, "size", pushed.size);
	}
	return 0;
}

static int push_all(struct store *s, struct push *p, const struct list *l,
		    const struct push_opts *opts, struct err *err)
{
	struct json_object *v = json_arr(l->index, "manifests");
	size_t n = json_object_array_length(v);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = push_member(s, p, l, json_object_array_get_idx(v, i), opts,
				err);
	return r;
}

static const char *list_type(const char *format)
{
	return streq(format, "v2s2") ? TYPE_DOCKER_LIST : TYPE_OCI_INDEX;
}

int list_push(struct store *s, const char *name, const char *dest, bool all,
	      const struct push_opts *opts, struct pushed *ret,
	      struct err *err)
{
	struct push_opts members = *opts;
	auto_list struct list l = LIST_INIT;
	auto_push struct push *p = NULL;
	const char *type = list_type(opts->format);
	const char *text;
	int r = list_load(s, name, &l, err);

	TRACE("store", "list push");
	if (r == 0 && !dest && !l.img->names)
		return err_set(err, ERR_USAGE, EINVAL,
			       "%s: a destination has to be given", name);
	members.format = NULL;
	if (r == 0)
		r = push_open(s, dest ? dest : *l.img->names, &members, &p,
			      err);
	if (r == 0 && all)
		r = push_all(s, p, &l, opts, err);
	if (r < 0)
		return r;
	json_set_str(l.index, "mediaType", type);
	/* Docker's lists have no annotations */
	if (streq(type, TYPE_DOCKER_LIST))
		json_object_object_del(l.index, "annotations");
	text = json_text(l.index);
	return push_manifest(p, type, text, strlen(text), ret, err);
}
