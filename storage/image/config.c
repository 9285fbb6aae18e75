/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/image/config.h"

#include "storage/image/manifest.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"

static const char *const doc_keys[] = { "rootfs", "config", "os",
					"architecture", "history", NULL };
static const char *const rootfs_keys[] = { "type", "diff_ids", NULL };

void image_conf_done(struct image_conf *c)
{
	free(c->os);
	free(c->arch);
	free(c->variant);
	free(c->diff_ids);
	*c = (struct image_conf){ 0 };
}

static int invalid(struct err *err, const char *why)
{
	return err_set(err, ERR_INVALID, EINVAL, "invalid image config: %s",
		       why);
}

static char *text_of(struct json_object *doc, const char *key)
{
	const char *s = json_str(doc, key);

	return xstrdup(s ? s : "");
}

static int diff_ids_parse(struct json_object *rootfs, struct image_conf *out,
			  struct err *err)
{
	struct json_object *list = json_arr(rootfs, "diff_ids");
	size_t n = list ? json_object_array_length(list) : 0;
	int r;

	if (n > MANIFEST_LAYERS_MAX)
		return err_set(err, ERR_LIMIT, E2BIG,
			       "invalid image config: %zu layers, at most %d "
			       "are taken", n, MANIFEST_LAYERS_MAX);
	out->diff_ids = xcalloc(n ? n : 1, sizeof(*out->diff_ids));
	out->n = n;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *s = json_object_is_type(o, json_type_string) ?
					json_object_get_string(o) :
					NULL;

		r = digest_set(out->diff_ids[i], s, "diff id", err);
		if (r < 0)
			return err_wrap(err, r, "invalid image config");
	}
	return 0;
}

int image_conf_parse(const char *text, size_t len, struct image_conf *ret,
		     struct err *err)
{
	auto_image_conf struct image_conf out = { 0 };
	autojson struct json_object *doc = NULL;
	struct json_object *rootfs;
	const char *s;
	int r;

	if (len > CONFIG_MAX)
		return err_set(err, ERR_LIMIT, EFBIG,
			       "invalid image config: larger than %zu bytes",
			       CONFIG_MAX);
	doc = json_parse(text, len, err);
	if (!doc)
		return err_wrap(err, -EINVAL, "invalid image config");
	if (!json_object_is_type(doc, json_type_object))
		return invalid(err, "not an object");
	if (json_check_case(doc, doc_keys, err) < 0)
		return err_wrap(err, -EINVAL, "invalid image config");
	rootfs = json_obj(doc, "rootfs");
	if (rootfs && json_check_case(rootfs, rootfs_keys, err) < 0)
		return err_wrap(err, -EINVAL, "invalid image config");
	if (!rootfs)
		return invalid(err, "no rootfs");
	s = json_str(rootfs, "type");
	if (!streq(s, "layers"))
		return invalid(err, "rootfs.type is not \"layers\"");
	r = diff_ids_parse(rootfs, &out, err);
	if (r < 0)
		return r;
	out.os = text_of(doc, "os");
	out.arch = text_of(doc, "architecture");
	out.variant = text_of(doc, "variant");
	s = json_str(doc, "created");
	if (!s || time_parse(s, &out.created_ns) < 0)
		out.created_ns = 0;
	*ret = out;
	out = (struct image_conf){ 0 };
	return 0;
}
