/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/archive/docker.h"

#include <limits.h>

#include "storage/image/manifest.h"
#include "storage/image/ref.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define IMAGES_MAX 1024
#define TAGS_MAX 1024

void docker_index_done(struct docker_index *index)
{
	for (size_t i = 0; i < index->n; i++) {
		free(index->v[i].config);
		strv_free(index->v[i].tags);
		strv_free(index->v[i].layers);
	}
	free(index->v);
	*index = (struct docker_index){ 0 };
}

static int invalid(struct err *err, const char *why)
{
	return err_set(err, ERR_INVALID, EINVAL, "invalid manifest.json: %s",
		       why);
}

/* A name in the archive: relative, and nothing above its root. */
static bool member_is_valid(const char *s)
{
	if (!*s || *s == '/' || strlen(s) >= PATH_MAX)
		return false;
	while (s) {
		if (str_starts(s, "..") && (s[2] == '/' || s[2] == '\0'))
			return false;
		s = strchr(s, '/');
		if (s)
			s++;
	}
	return true;
}

static int parse_tags(struct json_object *o, struct docker_entry *e,
		      struct err *err)
{
	autostrv char **tags = json_strv(o, "RepoTags");
	int r = 0;

	if (strv_len(tags) > TAGS_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "invalid manifest.json: more than %d tags",
			       TAGS_MAX);
	for (char **tag = tags; r == 0 && tag && *tag; tag++) {
		char *full = NULL;

		r = ref_full(*tag, "docker.io", &full, err);
		if (r == 0)
			strv_push(&e->tags, full);
	}
	return r < 0 ? err_wrap(err, r, "invalid manifest.json") : 0;
}

static int parse_entry(struct json_object *o, struct docker_entry *e,
		       struct err *err)
{
	static const char *const keys[] = { "Config", "RepoTags", "Layers",
					    NULL };
	const char *config;

	if (!json_object_is_type(o, json_type_object))
		return invalid(err, "an image is not an object");
	if (json_check_case(o, keys, err) < 0)
		return err_wrap(err, -EINVAL, "invalid manifest.json");
	config = json_str(o, "Config");
	if (!config || !member_is_valid(config))
		return invalid(err, "the name of a config is missing or leads "
			       "out of the archive");
	e->config = xstrdup(config);
	e->layers = json_strv(o, "Layers");
	if (strv_len(e->layers) > MANIFEST_LAYERS_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "invalid manifest.json: more than %d layers",
			       MANIFEST_LAYERS_MAX);
	for (char **l = e->layers; l && *l; l++)
		if (!member_is_valid(*l))
			return invalid(err, "the name of a layer leads out of "
				       "the archive");
	return parse_tags(o, e, err);
}

int docker_index_parse(const char *text, size_t len, struct docker_index *ret,
		       struct err *err)
{
	auto_docker_index struct docker_index out = { 0 };
	autojson struct json_object *doc = json_parse(text, len, err);
	size_t n;
	int r = 0;

	if (!doc)
		return err_wrap(err, -EINVAL, "invalid manifest.json");
	if (!json_object_is_type(doc, json_type_array))
		return invalid(err, "not an array");
	n = json_object_array_length(doc);
	if (n > IMAGES_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "invalid manifest.json: %zu images, at most %d "
			       "are taken", n, IMAGES_MAX);
	out.v = xcalloc(n ? n : 1, sizeof(*out.v));
	for (size_t i = 0; r == 0 && i < n; i++) {
		out.n = i + 1;
		r = parse_entry(json_object_array_get_idx(doc, i), &out.v[i],
				err);
	}
	if (r < 0)
		return r;
	*ret = out;
	out = (struct docker_index){ 0 };
	return 0;
}
