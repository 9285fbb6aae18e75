/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Runs in bryo-registry before it locks itself down: files are read and a
 * credential helper may be started.  The secrets stay in struct auth_cred and
 * are wiped with it; error texts name files, hosts and programs only.
 *
 * Lookup order: --authfile alone, else REGISTRY_AUTH_FILE alone, else
 * $DOCKER_CONFIG/config.json where that is set,
 * $XDG_RUNTIME_DIR/containers/auth.json (what `login` writes),
 * $XDG_CONFIG_HOME/containers/auth.json, docker's config.json, ~/.dockercfg.
 * In each file: the helper in charge of the host, then "auths", then the
 * credential store.
 */
#include "storage/auth.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "storage/auth_helper.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"

#define FILE_MAX (1u << 20)

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

#define autowipe cleanup(wipe)

void auth_cred_done(struct auth_cred *cred)
{
	wipe(&cred->user);
	wipe(&cred->password);
	wipe(&cred->identity);
}

int auth_parse_pair(const char *text, struct auth_cred *ret, struct err *err)
{
	const char *colon = strchr(text, ':');

	if (!colon || colon == text)
		return err_set(err, ERR_INVALID, EINVAL,
			       "credentials must have the form USER:PASSWORD");
	auth_cred_done(ret);
	ret->user = xstrndup(text, (size_t)(colon - text));
	ret->password = xstrdup(colon + 1);
	return 0;
}

/* ---- one file ---------------------------------------------------------- */

char *auth_host_of(const char *key)
{
	const char *rest = str_after(key, "https://");
	autofree char *host = NULL;
	size_t len;

	if (!rest)
		rest = str_after(key, "http://");
	len = rest ? strcspn(rest, "/") : strlen(key);
	host = xstrndup(rest ? rest : key, len);
	if (!rest && len > 0 && host[len - 1] == '/')
		host[len - 1] = '\0';
	if (streq(host, "index.docker.io") ||
	    streq(host, "registry-1.docker.io"))
		return xstrdup(DOCKER_HOST);
	return take_ptr(host);
}

static struct json_object *find_key(struct json_object *map, const char *want)
{
	if (!map)
		return NULL;
	json_object_object_foreach(map, key, value) {
		autofree char *normal = auth_host_of(key);

		if (streq(normal, want))
			return value;
	}
	return NULL;
}

/* The most specific entry for host/ns/repo, host/ns, host; borrowed */
static struct json_object *find_best(struct json_object *map, const char *host,
				     const char *repo)
{
	autofree char *want = xasprintf("%s/%s", host, repo);
	struct json_object *hit = find_key(map, want);
	char *slash;

	while (!hit && (slash = strrchr(want, '/'))) {
		*slash = '\0';
		hit = find_key(map, want);
	}
	return hit;
}

/* Return: 1, 0 when the entry holds nothing, -EINVAL */
static int read_entry(struct json_object *entry, const char *host,
		      struct auth_cred *ret, struct err *err)
{
	const char *identity = json_str(entry, "identitytoken");
	const char *encoded = json_str(entry, "auth");
	autowipe char *pair = NULL;
	size_t len;

	if (!str_is_empty(identity)) {
		ret->identity = xstrdup(identity);
		return 1;
	}
	if (str_is_empty(encoded))
		return 0;
	pair = base64_decode(encoded, &len);
	if (!pair || !strchr(pair, ':'))
		return err_set(
			err, ERR_INVALID, EINVAL,
			"the entry for %s is not base64 of USER:PASSWORD",
			host);
	return auth_parse_pair(pair, ret, err) < 0 ? -EINVAL : 1;
}

int auth_lookup(struct json_object *file, bool legacy, const char *host,
		const char *repo, struct auth_cred *ret, char **ret_helper,
		struct err *err)
{
	struct json_object *auths = legacy ? file : json_obj(file, "auths");
	struct json_object *entry = find_best(auths, host, repo);
	struct json_object *suffix = NULL;
	int r;

	if (!legacy)
		suffix = find_best(json_obj(file, "credHelpers"), host, repo);
	if (suffix && json_object_is_type(suffix, json_type_string) &&
	    json_object_get_string_len(suffix) > 0)
		str_set(ret_helper, json_object_get_string(suffix));

	r = entry ? read_entry(entry, host, ret, err) : 0;
	/* docker lists the hosts that it put into the store, with an empty
	   entry; for others a leftover "credsStore" means nothing */
	if (entry && r == 0 && !legacy && !*ret_helper)
		str_set(ret_helper, json_str(file, "credsStore"));
	return r;
}

/* ---- credential helpers ------------------------------------------------ */

int auth_parse_helper(const char *text, size_t len, struct auth_cred *ret,
		      struct err *err)
{
	autojson struct json_object *o = NULL;
	const char *user, *secret;

	/* The parser's reason could quote the text; it is left out */
	o = json_parse(text, len, NULL);
	if (!o)
		return err_set(err, ERR_INVALID, EINVAL,
			       "its output is not valid JSON");
	user = json_str(o, "Username");
	secret = json_str(o, "Secret");
	if (!user || str_is_empty(secret))
		return err_set(err, ERR_INVALID, EINVAL,
			       "its output has no Username and Secret");
	auth_cred_done(ret);
	if (streq(user, "<token>")) {
		ret->identity = xstrdup(secret);
	} else {
		ret->user = xstrdup(user);
		ret->password = xstrdup(secret);
	}
	return 0;
}

/* Return: 1 found, 0 the helper knows nothing about @server, -errno */
static int ask_helper_key(const struct auth_helper *h, const char *server,
			  struct auth_cred *ret, struct err *err)
{
	autowipe_sb struct sb out = SB_INIT;
	int r = auth_helper_run(h, "get", server, &out, err);

	if (r <= 0)
		return r;
	r = auth_parse_helper(out.buf, out.len, ret, err);
	if (r < 0)
		return err_wrap(err, r,
				"credential helper docker-credential-%s for %s",
				h->suffix, h->host);
	return 1;
}

static int ask_helper(const struct auth_query *q, const char *suffix,
		      struct auth_cred *ret, struct err *err)
{
	const struct auth_helper h = { suffix, q->env, q->host };
	int r = 0;

	if (streq(q->host, DOCKER_HOST))
		r = ask_helper_key(&h, DOCKER_KEY, ret, err);
	if (r == 0)
		r = ask_helper_key(&h, q->host, ret, err);
	return r;
}

/* ---- all files --------------------------------------------------------- */

/* Return: 1 found, 0 not there, -errno */
static int search_file(const struct auth_query *q, const char *path,
		       bool legacy, bool must_exist, struct auth_cred *ret,
		       struct err *err)
{
	auto_auth_cred struct auth_cred plain = { 0 };
	autojson struct json_object *o = NULL;
	autowipe_sb struct sb text = SB_INIT;
	autofree char *helper = NULL;
	int r;

	r = file_load(path, FILE_MAX, &text);
	if (r == -ENOENT && must_exist)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "credential file is not accessible: faccessat "
			       "%s: no such file or directory",
			       path);
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_code(err, r, "credential file %s", path);
	if (strspn(text.buf, " \t\r\n") == text.len)
		return 0;
	o = json_parse(text.buf, text.len, NULL);
	if (!o || !json_object_is_type(o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "credential file %s: not a valid JSON object",
			       path);

	r = auth_lookup(o, legacy, q->host, q->repo, &plain, &helper, err);
	if (r < 0)
		return err_wrap(err, r, "credential file %s", path);
	if (helper) {
		int asked = ask_helper(q, helper, ret, err);

		if (asked < 0)
			return err_wrap(err, asked, "%s", path);
		if (asked > 0)
			return asked;
	}
	*ret = plain;
	plain = (struct auth_cred){ 0 };
	return r;
}

struct place {
	char *path; /* owned */
	bool legacy;
	bool must_exist;
};

#define PLACES_MAX 4

static size_t list_places(const struct auth_query *q, struct place *out)
{
	const char *named = strv_env_get(q->env, "REGISTRY_AUTH_FILE");
	const char *runtime = strv_env_get(q->env, "XDG_RUNTIME_DIR");
	const char *config = strv_env_get(q->env, "XDG_CONFIG_HOME");
	const char *docker = strv_env_get(q->env, "DOCKER_CONFIG");
	const char *home = strv_env_get(q->env, "HOME");
	size_t n = 0;

	if (q->authfile || !str_is_empty(named)) {
		out[n].must_exist = q->authfile != NULL;
		out[n++].path = xstrdup(q->authfile ? q->authfile : named);
		return n;
	}
	/* Named by the user, and what `login` writes then */
	if (!str_is_empty(docker))
		out[n++].path = xasprintf("%s/config.json", docker);
	if (!str_is_empty(runtime))
		out[n++].path = xasprintf("%s/containers/auth.json", runtime);
	else
		out[n++].path = xasprintf("/run/containers/%u/auth.json",
					  (unsigned int)getuid());
	if (!str_is_empty(config))
		out[n++].path = xasprintf("%s/containers/auth.json", config);
	else if (home)
		out[n++].path =
			xasprintf("%s/.config/containers/auth.json", home);
	if (home && str_is_empty(docker))
		out[n++].path = xasprintf("%s/.docker/config.json", home);
	if (home) {
		out[n].legacy = true;
		out[n++].path = xasprintf("%s/.dockercfg", home);
	}
	return n;
}

static int search_files(const struct auth_query *q, struct auth_cred *ret,
			struct err *err)
{
	struct place places[PLACES_MAX] = { 0 };
	size_t n = list_places(q, places);
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = search_file(q, places[i].path, places[i].legacy,
					places[i].must_exist, ret, err);
		free(places[i].path);
	}
	return r;
}

int auth_find(const struct auth_query *q, struct auth_cred *ret,
	      struct err *err)
{
	static char files[] = "containers-auth.json";
	static char *const usual[] = { files, NULL };
	char *const *helpers = q->helpers ? q->helpers : usual;
	int r = 0;

	for (size_t i = 0; helpers[i] && r == 0; i++) {
		if (streq(helpers[i], files))
			r = search_files(q, ret, err);
		else
			r = ask_helper(q, helpers[i], ret, err);
	}
	return r < 0 ? r : 0;
}
