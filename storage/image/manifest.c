/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Parser of the six documents that describe an image from outside: manifest
 * and index, each in OCI's and in docker's form, and docker's schema 1, which
 * is only recognised to be refused.  The caller has verified the digest over
 * the raw bytes and keeps those bytes: nothing here is ever serialised again.
 *
 * What a document is must be plain (CVE-2021-41190): json_parse() refuses
 * duplicate keys, json_check_case() keys that another reader would take for
 * one that we look at, and shape_of() members of both kinds in one document
 * and a media type that contradicts the shape.
 */
#include "storage/image/manifest.h"

#include "storage/image/platform.h"
#include "util/json.h"
#include "util/safe.h"
#include "util/str.h"

static const char *const doc_keys[] = {
	"schemaVersion", "mediaType", "config",	    "layers",
	"manifests",	 "fsLayers",  "signatures", NULL,
};

static const char *const desc_keys[] = {
	"mediaType", "digest", "size", "platform", "annotations", NULL,
};

static void desc_done(struct desc *d)
{
	free(d->type);
	free(d->os);
	free(d->arch);
	free(d->variant);
	free(d->name);
}

void manifest_done(struct manifest *m)
{
	desc_done(&m->config);
	for (size_t i = 0; i < m->n; i++)
		desc_done(&m->v[i]);
	free(m->v);
	*m = (struct manifest){ 0 };
}

static int invalid(struct err *err, const char *why)
{
	return err_set(err, ERR_INVALID, EINVAL, "invalid manifest: %s", why);
}

static bool has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

/* The media type without parameters ("; charset=utf-8"); owned. */
static char *bare_type(const char *type)
{
	size_t n = strcspn(type, "; \t");
	char *bare = xstrndup(type, n);

	str_lower(bare);
	return bare;
}

static const char *known_type(const char *type)
{
	static const char *const types[] = {
		TYPE_OCI_MANIFEST,
		TYPE_OCI_INDEX,
		TYPE_DOCKER_MANIFEST,
		TYPE_DOCKER_LIST,
	};

	for (size_t i = 0; type && i < ARRAY_LEN(types); i++)
		if (streq(types[i], type))
			return types[i];
	return NULL;
}

static bool type_is_index(const char *type)
{
	return streq(type, TYPE_OCI_INDEX) || streq(type, TYPE_DOCKER_LIST);
}

static bool is_schema1(struct json_object *doc)
{
	return has(doc, "fsLayers") || has(doc, "signatures") ||
	       json_i64(doc, "schemaVersion", 2) == 1;
}

static int type_unknown(const char *type, struct err *err)
{
	autofree char *shown = safe_line(type ? type : "");

	return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
		       "unsupported manifest type '%.100s'", shown);
}

/* What the document is, from its members and every type that is claimed. */
static int shape_of(struct json_object *doc, const char *claimed,
		    struct manifest *out, struct err *err)
{
	const char *own = json_str(doc, "mediaType");
	bool index = has(doc, "manifests");
	bool image = has(doc, "layers") || has(doc, "config");
	const char *type;

	if (is_schema1(doc))
		return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
			       "the image is in the old docker schema 1 form, "
			       "which cannot be verified; push it again with "
			       "a current tool");
	if (json_i64(doc, "schemaVersion", -1) != 2)
		return invalid(err, "schemaVersion is not 2");
	if (index == image)
		return invalid(err, index ? "both an index and an image" :
					    "neither an index nor an image");
	if (has(doc, "mediaType") && !known_type(own))
		return type_unknown(own, err);
	if (own && known_type(claimed) && !streq(own, claimed))
		return invalid(err, "its mediaType is not the one that it "
			       "was delivered with");
	type = known_type(own ? own : claimed);
	if (!type)
		type = index ? TYPE_OCI_INDEX : TYPE_OCI_MANIFEST;
	if (type_is_index(type) != index)
		return invalid(err, "its content is not what its mediaType "
			       "says");
	out->type = type;
	out->is_index = index;
	return 0;
}

static void desc_platform(struct desc *d, struct json_object *o)
{
	struct json_object *p = json_obj(o, "platform");
	struct json_object *a = json_obj(o, "annotations");
	const char *name = NULL;

	if (p) {
		d->os = xstrdup(json_str(p, "os"));
		d->arch = xstrdup(json_str(p, "architecture"));
		d->variant = xstrdup(json_str(p, "variant"));
	}
	if (a) {
		name = json_str(a, "io.containerd.image.name");
		if (!name)
			name = json_str(a, "org.opencontainers.image.ref.name");
	}
	d->name = xstrdup(name);
}

static int desc_parse(struct json_object *o, const char *what, struct desc *out,
		      struct err *err)
{
	const char *type;
	int64_t size;

	if (!json_object_is_type(o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid manifest: %s is not an object", what);
	if (json_check_case(o, desc_keys, err) < 0)
		return err_wrap(err, -EINVAL, "invalid manifest");
	size = json_i64(o, "size", -1);
	if (size < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "invalid manifest: %s has no valid size", what);
	type = json_str(o, "mediaType");
	out->size = (uint64_t)size;
	out->type = xstrdup(type ? type : "");
	desc_platform(out, o);
	return digest_set(out->digest, json_str(o, "digest"), what, err);
}

static int list_parse(struct json_object *doc, struct manifest *out,
		      struct err *err)
{
	const char *key = out->is_index ? "manifests" : "layers";
	size_t max = out->is_index ? INDEX_CHILDREN_MAX : MANIFEST_LAYERS_MAX;
	struct json_object *list = json_arr(doc, key);
	size_t n;
	int r;

	if (!list) {
		if (has(doc, key))
			return invalid(err, "its list is not an array");
		return 0;
	}
	n = json_object_array_length(list);
	if (n > max)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "invalid manifest: %zu %s, at most %zu are "
			       "taken", n, key, max);
	out->v = xcalloc(n ? n : 1, sizeof(*out->v));
	for (size_t i = 0; i < n; i++) {
		out->n = i + 1;
		r = desc_parse(json_object_array_get_idx(list, i),
			       out->is_index ? "manifest" : "layer",
			       &out->v[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* An artifact that is no image has another type of config. */
static int config_parse(struct json_object *doc, struct manifest *out,
			struct err *err)
{
	int r = desc_parse(json_obj(doc, "config"), "config", &out->config,
			   err);

	if (r < 0)
		return r;
	if (!streq(out->config.type, TYPE_OCI_CONFIG) &&
	    !streq(out->config.type, TYPE_DOCKER_CONFIG)) {
		autofree char *shown = safe_line(out->config.type);

		return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
			       "not an image but an artifact of type '%.100s'",
			       shown);
	}
	if (out->config.size > CONFIG_MAX)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "invalid manifest: the config is larger than "
			       "%zu bytes", CONFIG_MAX);
	return 0;
}

static int layers_check(const struct manifest *m, struct err *err)
{
	for (size_t i = 0; i < m->n; i++)
		if (strstr(m->v[i].type, "+encrypted"))
			return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
				       "layer %s is encrypted",
				       m->v[i].digest);
	return 0;
}

int manifest_parse(const char *text, size_t len, const char *type,
		   struct manifest *ret, struct err *err)
{
	auto_manifest struct manifest out = { 0 };
	autofree char *claimed = type ? bare_type(type) : NULL;
	autojson struct json_object *doc = NULL;
	int r;

	if (len > MANIFEST_MAX)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "invalid manifest: larger than %zu bytes",
			       MANIFEST_MAX);
	doc = json_parse(text, len, err);
	if (!doc)
		return err_wrap(err, -EINVAL, "invalid manifest");
	if (!json_object_is_type(doc, json_type_object))
		return invalid(err, "not an object");
	r = json_check_case(doc, doc_keys, err);
	if (r == 0)
		r = shape_of(doc, claimed, &out, err);
	if (r == 0 && !out.is_index)
		r = config_parse(doc, &out, err);
	if (r == 0)
		r = list_parse(doc, &out, err);
	if (r == 0 && !out.is_index)
		r = layers_check(&out, err);
	if (r < 0)
		return r;
	*ret = out;
	out = (struct manifest){ 0 };
	return 0;
}

int manifest_choose(const struct manifest *index, const struct platform *want,
		    const struct desc **ret, struct err *err)
{
	const struct desc *best = NULL;
	int best_score = 0;

	for (size_t i = 0; i < index->n; i++) {
		const struct desc *d = &index->v[i];
		int score;

		/* An entry without a platform suits when nothing else does */
		if (!d->os && !d->arch)
			score = 1;
		else
			score = platform_score(want, d->os, d->arch,
					       d->variant);
		if (score > best_score) {
			best = d;
			best_score = score;
		}
	}
	if (!best)
		return err_set(err, ERR_INVALID, ENOEXEC,
			       "no image found in %s for architecture \"%s\", "
			       "variant \"%s\", OS \"%s\"",
			       streq(index->type, TYPE_DOCKER_LIST) ?
				       "manifest list" : "image index",
			       want->arch, want->variant, want->os);
	*ret = best;
	return 0;
}
