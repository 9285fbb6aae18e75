/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * An image's config is read here once, when the image comes in; afterwards
 * many commands look at it by key.  What they may rely on is made sure here:
 * each member that has a meaning is absent, null, or of its type, as it has to
 * be for the decoders of the other engines.
 */
#include "storage/image/config.h"

#include "storage/image/manifest.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/str.h"

#define KEYS_MAX 24

enum shape { TEXT, NUMBER, FLAG, OBJECT, TEXTS, TEXT_MAP, SET, HISTORY };

/* A table ends with a member without key */
struct member {
	const char *key;
	enum shape shape;
};

static const struct member doc_members[] = {
	{ "created", TEXT },	  { "author", TEXT },
	{ "architecture", TEXT }, { "variant", TEXT },
	{ "os", TEXT },		  { "os.version", TEXT },
	{ "config", OBJECT },	  { "rootfs", OBJECT },
	{ "history", HISTORY },	  { NULL, 0 },
};

static const struct member config_members[] = {
	{ "User", TEXT },	 { "ExposedPorts", SET },
	{ "Env", TEXTS },	 { "Entrypoint", TEXTS },
	{ "Cmd", TEXTS },	 { "Volumes", SET },
	{ "WorkingDir", TEXT },	 { "Labels", TEXT_MAP },
	{ "StopSignal", TEXT },	 { "StopTimeout", NUMBER },
	{ "ArgsEscaped", FLAG }, { "Healthcheck", OBJECT },
	{ "OnBuild", TEXTS },	 { "Shell", TEXTS },
	{ "Hostname", TEXT },	 { "Domainname", TEXT },
	{ NULL, 0 },
};

static const struct member health_members[] = {
	{ "Test", TEXTS },	     { "Interval", NUMBER },
	{ "Timeout", NUMBER },	     { "StartPeriod", NUMBER },
	{ "StartInterval", NUMBER }, { "Retries", NUMBER },
	{ NULL, 0 },
};

static const struct member history_members[] = {
	{ "created", TEXT },	 { "created_by", TEXT }, { "author", TEXT },
	{ "comment", TEXT },	 { "empty_layer", FLAG }, { NULL, 0 },
};

static const struct member rootfs_members[] = {
	{ "type", TEXT }, { "diff_ids", TEXTS }, { NULL, 0 },
};

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

/* ---- types -------------------------------------------------------------- */

static bool list_holds(struct json_object *list, enum json_type type)
{
	size_t n = json_object_array_length(list);

	for (size_t i = 0; i < n; i++)
		if (!json_object_is_type(json_object_array_get_idx(list, i),
					 type))
			return false;
	return true;
}

static bool map_holds(struct json_object *map, enum json_type type)
{
	json_object_object_foreach(map, key, value) {
		(void)key;
		if (value && !json_object_is_type(value, type))
			return false;
	}
	return true;
}

static bool has_shape(struct json_object *v, enum shape shape)
{
	static const enum json_type types[] = {
		[TEXT] = json_type_string,   [NUMBER] = json_type_int,
		[FLAG] = json_type_boolean,  [OBJECT] = json_type_object,
		[TEXTS] = json_type_array,   [TEXT_MAP] = json_type_object,
		[SET] = json_type_object,    [HISTORY] = json_type_array,
	};

	if (!v)
		return true;
	if (!json_object_is_type(v, types[shape]))
		return false;
	switch (shape) {
	case TEXTS:
		return list_holds(v, json_type_string);
	case HISTORY:
		return list_holds(v, json_type_object);
	case TEXT_MAP:
		return map_holds(v, json_type_string);
	case SET:
		return map_holds(v, json_type_object);
	case TEXT:
	case NUMBER:
	case FLAG:
	case OBJECT:
		break;
	}
	return true;
}

/* @where: what the error calls @o, with a full stop, or "" */
static int check_members(struct json_object *o, const char *where,
			 const struct member *known, struct err *err)
{
	const char *keys[KEYS_MAX] = { NULL };
	struct json_object *v;

	for (size_t i = 0; known[i].key; i++) {
		keys[i] = known[i].key;
		if (json_object_object_get_ex(o, known[i].key, &v) &&
		    !has_shape(v, known[i].shape))
			return err_set(err, ERR_INVALID, EINVAL,
				       "invalid image config: %s%s has the "
				       "wrong type", where, known[i].key);
	}
	if (json_check_case(o, keys, err) < 0)
		return err_wrap(err, -EINVAL, "invalid image config");
	return 0;
}

static int check_types(struct json_object *doc, struct err *err)
{
	struct json_object *config, *health, *rootfs, *history;
	int r = check_members(doc, "", doc_members, err);

	config = json_obj(doc, "config");
	health = config ? json_obj(config, "Healthcheck") : NULL;
	rootfs = json_obj(doc, "rootfs");
	history = json_arr(doc, "history");
	if (r == 0 && config)
		r = check_members(config, "config.", config_members, err);
	if (r == 0 && health)
		r = check_members(health, "config.Healthcheck.",
				  health_members, err);
	if (r == 0 && rootfs)
		r = check_members(rootfs, "rootfs.", rootfs_members, err);
	for (size_t i = 0; history && r == 0 &&
			   i < json_object_array_length(history); i++)
		r = check_members(json_object_array_get_idx(history, i),
				  "history.", history_members, err);
	return r;
}

/* ---- what the store needs ----------------------------------------------- */

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
	r = check_types(doc, err);
	if (r < 0)
		return r;
	rootfs = json_obj(doc, "rootfs");
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
