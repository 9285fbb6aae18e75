/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.json: may an image of this transport and name be used?
 *
 * Theory of operation.  The file is checked as a whole when it is read, as one
 * that is misspelt must not let anything through.  The demands that hold for an
 * image are those of the longest scope that its name begins with, then those of
 * its transport, then the default.  Demands for signatures are known and never
 * met: nothing here verifies one.
 */
#include "storage/policy.h"

#include <errno.h>

#include "util/fd.h"
#include "util/json.h"
#include "util/safe.h"
#include "util/str.h"
#include "util/strv.h"

#define FILE_MAX (1u << 20)

/**
 * struct policy - a file that was checked as a whole
 * @path: owned
 * @o:    owned
 */
struct policy {
	char *path;
	struct json_object *o;
};

void policy_free(struct policy *p)
{
	if (!p)
		return;
	json_object_put(p->o);
	free(p->path);
	free(p);
}

/* ---- reading ------------------------------------------------------------ */

enum demand { DEMAND_NOTHING, DEMAND_REJECT, DEMAND_SIGNATURE, DEMAND_UNKNOWN };

static enum demand demand_of(struct json_object *one)
{
	static const struct {
		const char *type;
		enum demand demand;
	} known[] = {
		{ "insecureAcceptAnything", DEMAND_NOTHING },
		{ "reject", DEMAND_REJECT },
		{ "signedBy", DEMAND_SIGNATURE },
		{ "signedBaseLayer", DEMAND_SIGNATURE },
		{ "sigstoreSigned", DEMAND_SIGNATURE },
	};
	const char *type = NULL;

	if (json_object_is_type(one, json_type_object))
		type = json_str(one, "type");
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (streq(known[i].type, type))
			return known[i].demand;
	return DEMAND_UNKNOWN;
}

/* A list of demands, all of which count; an empty one would accept nothing */
static int check_list(struct json_object *list, const char *scope,
		      struct err *err)
{
	size_t n = json_object_is_type(list, json_type_array) ?
			   json_object_array_length(list) : 0;

	if (n == 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "\"%s\": must be a list of requirements", scope);
	for (size_t i = 0; i < n; i++)
		if (demand_of(json_object_array_get_idx(list, i)) ==
		    DEMAND_UNKNOWN)
			return err_set(err, ERR_INVALID, EINVAL,
				       "\"%s\": unknown type of requirement",
				       scope);
	return 0;
}

static int check_scopes(struct json_object *scopes, const char *transport,
			struct err *err)
{
	if (!json_object_is_type(scopes, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "\"%s\": must be an object", transport);
	json_object_object_foreach(scopes, scope, list) {
		int r = check_list(list, *scope ? scope : transport, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int check(struct json_object *o, struct err *err)
{
	struct json_object *transports = NULL;
	struct json_object *list = NULL;
	int r;

	if (!json_object_object_get_ex(o, "default", &list))
		return err_set(err, ERR_INVALID, EINVAL,
			       "\"default\" is missing");
	r = check_list(list, "default", err);
	if (r < 0)
		return r;
	json_object_object_foreach(o, key, value) {
		if (streq(key, "transports"))
			transports = value;
		else if (!streq(key, "default"))
			return err_set(err, ERR_INVALID, EINVAL,
				       "unknown key \"%s\"", key);
	}
	if (!transports)
		return 0;
	if (!json_object_is_type(transports, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "\"transports\": must be an object");
	json_object_object_foreach(transports, transport, scopes) {
		r = check_scopes(scopes, transport, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int policy_parse(const char *text, size_t len, const char *path,
		 struct policy **ret, struct err *err)
{
	autojson struct json_object *o = json_parse(text, len, err);
	struct err why = ERR_INIT;
	struct policy *p;
	int r;

	if (!o)
		return err_wrap(err, -EINVAL, "%s", path);
	if (!json_object_is_type(o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s: must be an object", path);
	r = check(o, &why);
	if (r < 0) {
		autofree char *shown = safe_line(why.msg);

		return err_set(err, why.kind, why.code, "%s: %s", path, shown);
	}
	p = xcalloc(1, sizeof(*p));
	p->path = xstrdup(path);
	p->o = take_ptr(o);
	*ret = p;
	return 0;
}

/* The user's, else the system's; NULL: there is none */
static int load(char *const *env, struct policy **ret, struct err *err)
{
	const char *config = strv_env_get(env, "XDG_CONFIG_HOME");
	const char *home = strv_env_get(env, "HOME");
	autostrv char **paths = NULL;

	if (!str_is_empty(config))
		strv_addf(&paths, "%s/containers/policy.json", config);
	else if (!str_is_empty(home))
		strv_addf(&paths, "%s/.config/containers/policy.json", home);
	strv_add(&paths, "/etc/containers/policy.json");
	*ret = NULL;
	for (char **path = paths; *path; path++) {
		autosb struct sb text = SB_INIT;
		int r = file_load(*path, FILE_MAX, &text);

		if (r == -ENOENT || r == -ENOTDIR)
			continue;
		if (r < 0)
			return err_code(err, r, "%s", *path);
		return policy_parse(text.buf, text.len, *path, ret, err);
	}
	return 0;
}

/* ---- asking ------------------------------------------------------------- */

static struct json_object *find(struct json_object *scopes, const char *scope)
{
	struct json_object *list = NULL;

	json_object_object_get_ex(scopes, scope, &list);
	return list;
}

/* "a.b.c" is in "*.b.c", then in "*.c" */
static struct json_object *find_domain(struct json_object *scopes,
				       const char *host)
{
	struct json_object *list = NULL;

	for (const char *dot = strchr(host, '.'); dot && !list;
	     dot = strchr(dot + 1, '.')) {
		autofree char *scope = xasprintf("*%s", dot);

		list = find(scopes, scope);
	}
	return list;
}

/* The name, then shorter and shorter: without tag, last folder, ... */
static struct json_object *find_name(struct json_object *scopes,
				     const char *name, bool docker)
{
	autofree char *at = xstrdup(name);
	struct json_object *list = find(scopes, at);
	char *slash = strrchr(at, '/');

	if (!list && docker && slash) {
		slash[strcspn(slash, ":@")] = '\0';
		list = find(scopes, at);
	}
	while (!list && (slash = strrchr(at, '/')) && slash != at) {
		*slash = '\0';
		list = find(scopes, at);
	}
	if (!list && !docker && *at == '/')
		list = find(scopes, "/");
	if (!list && docker)
		list = find_domain(scopes, at);
	return list;
}

static int judge(const struct policy *p, struct json_object *list,
		 const char *shown, struct err *err)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		enum demand d = demand_of(json_object_array_get_idx(list, i));

		if (d == DEMAND_REJECT)
			return err_set(err, ERR_FAIL, EPERM,
				       "Source image rejected: Running image "
				       "%s is rejected by policy. (%s)", shown,
				       p->path);
		if (d != DEMAND_NOTHING)
			return err_set(err, ERR_UNSUPPORTED, EPERM,
				       "Source image rejected: %s demands a "
				       "signature for %s, which cannot be "
				       "verified yet", p->path, shown);
	}
	return 0;
}

int policy_allows(const struct policy *p, const char *transport,
		  const char *name, struct err *err)
{
	struct json_object *transports, *scopes, *list = NULL;
	bool docker = streq(transport, "docker");
	autofree char *safe = NULL;
	autofree char *shown = NULL;

	if (!p)
		return 0;
	safe = safe_line(name ? name : "");
	shown = xasprintf("%s:%s%.300s", transport, docker ? "//" : "", safe);
	transports = json_obj(p->o, "transports");
	scopes = transports ? json_obj(transports, transport) : NULL;
	if (scopes && name)
		list = find_name(scopes, name, docker);
	if (scopes && !list)
		list = find(scopes, "");
	if (!list)
		list = json_arr(p->o, "default");
	return judge(p, list, shown, err);
}

int policy_check(const char *transport, const char *name, struct err *err)
{
	auto_policy struct policy *p = NULL;
	int r = load(environ, &p, err);

	return r < 0 ? r : policy_allows(p, transport, name, err);
}
