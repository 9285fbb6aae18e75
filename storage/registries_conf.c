/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Used in two processes: the image store expands short names with it, and
 * bryo-registry (which has no store) asks it for mirrors, rewritten locations
 * and the hosts that may be spoken to without verified TLS.
 *
 * Files are merged in the order they are read: later ones replace the search
 * list and the settings of a prefix as a whole, and add to the aliases.  A
 * key that would change what is fetched and that we cannot honour is an
 * error, never ignored.
 */
#include "storage/registries_conf.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "storage/daemon_json.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/sb.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/toml.h"

#define FILE_MAX (1u << 20)
#define DOCKER_HOST "docker.io"

struct mirror {
	char *location; /* owned */
	bool insecure;
	enum registries_mirror_use use;
};

/**
 * struct registry_rule - one [[registry]]
 * @prefix:   of "host/repo" names it is for; "*.host" matches any subdomain
 * @location: replaces the prefix; never NULL
 */
struct registry_rule {
	char *prefix;	/* owned */
	char *location; /* owned */
	bool insecure;
	bool blocked;
	struct mirror *mirrors; /* owned */
	size_t n_mirrors;
};

/**
 * struct registries_conf - all files together
 * @search:  unqualified-search-registries, owned strv
 * @helpers: credential-helpers, owned strv, NULL when absent
 * @aliases: NAME=TARGET list, owned strv
 * @rules:   owned
 * @daemon:  docker's daemon.json; @rules come before it
 */
struct registries_conf {
	char **search;
	char **helpers;
	char **aliases;
	struct registry_rule *rules;
	size_t n_rules;
	struct daemon_json daemon;
};

static void rule_done(struct registry_rule *rule)
{
	for (size_t i = 0; i < rule->n_mirrors; i++)
		free(rule->mirrors[i].location);
	free(rule->mirrors);
	free(rule->prefix);
	free(rule->location);
}

#define auto_rule cleanup(rule_done)

void registries_conf_free(struct registries_conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->n_rules; i++)
		rule_done(&conf->rules[i]);
	free(conf->rules);
	strv_free(conf->search);
	strv_free(conf->helpers);
	strv_free(conf->aliases);
	daemon_json_done(&conf->daemon);
	free(conf);
}

/* ---- reading ----------------------------------------------------------- */

static int bad_key(struct err *err, const char *key, const char *want)
{
	return err_set(err, ERR_INVALID, EINVAL, "%s: must be %s", key, want);
}

/* Return: 0, *ret changed when the key is there */
static int get_bool(struct json_object *o, const char *key, bool *ret,
		    struct err *err)
{
	struct json_object *v;

	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	if (!json_object_is_type(v, json_type_boolean))
		return bad_key(err, key, "true or false");
	*ret = json_object_get_boolean(v);
	return 0;
}

static int get_strv(struct json_object *o, const char *key, char ***ret,
		    struct err *err)
{
	struct json_object *v;
	size_t n;

	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	n = json_object_is_type(v, json_type_array) ?
		    json_object_array_length(v) :
		    0;
	if (!json_object_is_type(v, json_type_array))
		return bad_key(err, key, "a list of strings");
	for (size_t i = 0; i < n; i++) {
		if (!json_object_is_type(json_object_array_get_idx(v, i),
					 json_type_string))
			return bad_key(err, key, "a list of strings");
	}
	strv_free(*ret);
	*ret = json_strv(o, key);
	/* An empty list is not an absent one */
	if (!*ret)
		*ret = xcalloc(1, sizeof(**ret));
	return 0;
}

/* Return: 0, *ret NULL when the key is not there; borrowed */
static int get_text(struct json_object *o, const char *key, const char **ret,
		    struct err *err)
{
	struct json_object *v;

	*ret = NULL;
	if (!json_object_object_get_ex(o, key, &v))
		return 0;
	if (!json_object_is_type(v, json_type_string))
		return bad_key(err, key, "a string");
	*ret = json_object_get_string(v);
	return 0;
}

/* [[key]]; return: 0, *ret NULL when the key is not there; borrowed */
static int get_tables(struct json_object *o, const char *key,
		      struct json_object **ret, struct err *err)
{
	bool good = true;

	*ret = NULL;
	if (!json_object_object_get_ex(o, key, ret))
		return 0;
	good = json_object_is_type(*ret, json_type_array);
	for (size_t i = 0; good && i < json_object_array_length(*ret); i++)
		good = json_object_is_type(json_object_array_get_idx(*ret, i),
					   json_type_object);
	return good ? 0 : bad_key(err, key, "a list of tables, in [[ ]]");
}

/*
 * A location or prefix: "host[:port][/path]" without a scheme.  Slashes at the
 * end are dropped, as podman does.  Return: owned, NULL with @err set
 */
static char *take_location(const char *text, const char *key, struct err *err)
{
	size_t len = strlen(text);
	autofree char *out = NULL;
	const char *slash;

	while (len > 0 && text[len - 1] == '/')
		len--;
	out = xstrndup(text, len);
	slash = strrchr(out, '/');
	if (!len || *out == '/' || strstr(text, "://") || strchr(text, '*')) {
		err_set(err, ERR_INVALID, EINVAL,
			"%s '%s': must be host[:port][/path]", key, text);
		return NULL;
	}
	if (strchr(out, '@') || (slash && strchr(slash, ':'))) {
		err_set(err, ERR_UNSUPPORTED, EINVAL,
			"%s '%s': a tag or digest is not supported here", key,
			text);
		return NULL;
	}
	return take_ptr(out);
}

static int get_search(struct json_object *o, char ***search, struct err *err)
{
	static const char key[] = "unqualified-search-registries";

	if (get_strv(o, key, search, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < strv_len(*search); i++) {
		char *clean = take_location((*search)[i], key, err);

		if (!clean)
			return -EINVAL;
		free((*search)[i]);
		(*search)[i] = clean;
	}
	return 0;
}

static int mirror_use(struct json_object *o, bool digest_only,
		      enum registries_mirror_use *ret, struct err *err)
{
	const char *use;

	if (get_text(o, "pull-from-mirror", &use, err) < 0)
		return -EINVAL;
	if (use && digest_only)
		return err_set(err, ERR_INVALID, EINVAL,
			       "pull-from-mirror contradicts "
			       "mirror-by-digest-only of its registry");
	*ret = digest_only ? MIRROR_DIGEST_ONLY : MIRROR_ALL;
	if (!use || streq(use, "all"))
		return 0;
	if (streq(use, "digest-only"))
		*ret = MIRROR_DIGEST_ONLY;
	else if (streq(use, "tag-only"))
		*ret = MIRROR_TAG_ONLY;
	else
		return bad_key(err, "pull-from-mirror",
			       "all, digest-only or tag-only");
	return 0;
}

static int read_mirror(struct json_object *o, bool digest_only,
		       struct registry_rule *rule, struct err *err)
{
	struct mirror *out = &rule->mirrors[rule->n_mirrors];
	const char *location;

	if (get_text(o, "location", &location, err) < 0)
		return -EINVAL;
	if (!location)
		return err_set(err, ERR_INVALID, EINVAL,
			       "mirror of '%s' without a location",
			       rule->prefix);
	out->location = take_location(location, "mirror location", err);
	if (!out->location)
		return -EINVAL;
	rule->n_mirrors++;
	if (get_bool(o, "insecure", &out->insecure, err) < 0)
		return -EINVAL;
	return mirror_use(o, digest_only, &out->use, err);
}

static int read_mirrors(struct json_object *o, struct registry_rule *rule,
			struct err *err)
{
	struct json_object *list;
	bool digest_only = false;
	size_t n;
	int r;

	if (get_bool(o, "mirror-by-digest-only", &digest_only, err) < 0 ||
	    get_tables(o, "mirror", &list, err) < 0)
		return -EINVAL;
	n = list ? json_object_array_length(list) : 0;
	rule->mirrors = xcalloc(n + 1, sizeof(*rule->mirrors));
	for (size_t i = 0; i < n; i++) {
		r = read_mirror(json_object_array_get_idx(list, i),
				digest_only, rule, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void add_rule(struct registries_conf *conf, struct registry_rule *rule)
{
	for (size_t i = 0; i < conf->n_rules; i++) {
		if (streq(conf->rules[i].prefix, rule->prefix)) {
			rule_done(&conf->rules[i]);
			conf->rules[i] = *rule;
			*rule = (struct registry_rule){ 0 };
			return;
		}
	}
	conf->rules = xreallocarray(conf->rules, conf->n_rules + 1,
				    sizeof(*conf->rules));
	conf->rules[conf->n_rules++] = *rule;
	*rule = (struct registry_rule){ 0 };
}

/* The prefix, which may begin with "*.", and what replaces it */
static int read_names(struct json_object *o, struct registry_rule *rule,
		      struct err *err)
{
	const char *prefix, *location, *plain;

	if (get_text(o, "prefix", &prefix, err) < 0 ||
	    get_text(o, "location", &location, err) < 0)
		return -EINVAL;
	if (str_is_empty(prefix))
		prefix = location;
	if (str_is_empty(prefix))
		return err_set(err, ERR_INVALID, EINVAL,
			       "[[registry]] without prefix and location");
	plain = str_after(prefix, "*.");
	rule->prefix = take_location(plain ? plain : prefix, "prefix", err);
	if (!rule->prefix)
		return -EINVAL;
	if (!str_is_empty(location))
		rule->location = take_location(location, "location", err);
	else
		rule->location = xstrdup(plain ? "" : rule->prefix);
	if (plain) {
		autofree char *bare = rule->prefix;

		rule->prefix = xasprintf("*.%s", bare);
	}
	return rule->location ? 0 : -EINVAL;
}

static int read_rule(struct registries_conf *conf, struct json_object *o,
		     struct err *err)
{
	auto_rule struct registry_rule rule = { 0 };

	if (read_names(o, &rule, err) < 0 ||
	    get_bool(o, "insecure", &rule.insecure, err) < 0 ||
	    get_bool(o, "blocked", &rule.blocked, err) < 0 ||
	    read_mirrors(o, &rule, err) < 0)
		return -EINVAL;
	add_rule(conf, &rule);
	return 0;
}

static int read_aliases(struct registries_conf *conf, struct json_object *o,
			struct err *err)
{
	struct json_object *aliases;

	if (!json_object_object_get_ex(o, "aliases", &aliases))
		return 0;
	if (!json_object_is_type(aliases, json_type_object))
		return bad_key(err, "aliases", "a table");
	json_object_object_foreach(aliases, name, value) {
		const char *target;

		if (!json_object_is_type(value, json_type_string))
			return bad_key(err, name, "a string");
		target = json_object_get_string(value);
		if (!*target) {
			/* An empty target takes an alias back */
			strv_env_unset(conf->aliases, name);
			continue;
		}
		if (registries_conf_is_short(target))
			return err_set(err, ERR_INVALID, EINVAL,
				       "alias '%s': '%s' has no registry", name,
				       target);
		strv_env_set(&conf->aliases, name, target);
	}
	return 0;
}

/* Form 1 of the file ([registries.search] and friends) ended in 2019. */
static int refuse_v1(struct json_object *o, struct err *err)
{
	if (!json_obj(o, "registries"))
		return 0;
	return err_set(err, ERR_UNSUPPORTED, EINVAL,
		       "[registries.search] is version 1 of this file, write "
		       "unqualified-search-registries = [...] instead");
}

static int add_document(struct registries_conf *conf, const char *text,
			size_t len, struct err *err)
{
	autojson struct json_object *o = toml_parse(text, len, err);
	struct json_object *rules;
	size_t n;

	if (!o)
		return -EINVAL;
	if (refuse_v1(o, err) < 0 ||
	    get_search(o, &conf->search, err) < 0 ||
	    get_strv(o, "credential-helpers", &conf->helpers, err) < 0 ||
	    read_aliases(conf, o, err) < 0)
		return -EINVAL;

	if (get_tables(o, "registry", &rules, err) < 0)
		return -EINVAL;
	n = rules ? json_object_array_length(rules) : 0;
	for (size_t i = 0; i < n; i++) {
		if (read_rule(conf, json_object_array_get_idx(rules, i), err) <
		    0)
			return -EINVAL;
	}
	return 0;
}

static struct registries_conf *conf_new(void)
{
	struct registries_conf *conf = xcalloc(1, sizeof(*conf));

	strv_add(&conf->search, DOCKER_HOST);
	return conf;
}

int registries_conf_parse(const char *text, size_t len,
			  struct registries_conf **ret, struct err *err)
{
	auto_registries_conf struct registries_conf *conf = conf_new();
	int r = add_document(conf, text, len, err);

	if (r < 0)
		return r;
	*ret = take_ptr(conf);
	return 0;
}

/* ---- files ------------------------------------------------------------- */

/* Return: 1 read, 0 there is no such file, -errno */
static int add_file(struct registries_conf *conf, const char *path,
		    struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r = file_load(path, FILE_MAX, &text);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_code(err, r, "%s", path);
	r = add_document(conf, text.buf, text.len, err);
	return r < 0 ? err_wrap(err, r, "%s", path) : 1;
}

static int add_dir(struct registries_conf *conf, const char *path,
		   struct err *err)
{
	autoclosedir DIR *dir = opendir(path);
	autostrv char **names = NULL;
	const struct dirent *d;
	int r;

	if (!dir)
		return 0;
	while ((r = dir_next(dir, &d, err)) > 0)
		if (d->d_name[0] != '.' && str_ends(d->d_name, ".conf"))
			strv_addf(&names, "%s/%s", path, d->d_name);
	if (r < 0)
		return err_wrap(err, r, "%s", path);
	strv_sort(names);
	for (size_t i = 0; r >= 0 && i < strv_len(names); i++)
		r = add_file(conf, names[i], err);
	return MIN(r, 0);
}

static char *user_dir(char *const *env, const char *variable,
		      const char *below_home)
{
	const char *dir = strv_env_get(env, variable);
	const char *home = strv_env_get(env, "HOME");

	if (!str_is_empty(dir))
		return xasprintf("%s/containers", dir);
	if (str_is_empty(home))
		return NULL;
	return xasprintf("%s/%s/containers", home, below_home);
}

static int load_usual(struct registries_conf *conf, char *const *env,
		      struct err *err)
{
	autofree char *user = user_dir(env, "XDG_CONFIG_HOME", ".config");
	autofree char *cache = user_dir(env, "XDG_CACHE_HOME", ".cache");
	const struct {
		const char *dir;
		const char *name;
	} mains[] = {
		{ user, "registries.conf" },
		{ "/etc/containers", "registries.conf" },
		{ "/usr/share/containers", "registries.conf" },
	};
	const char *const dirs[] = { "/usr/share/containers", "/etc/containers",
				     user };
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(mains) && r == 0; i++) {
		if (!mains[i].dir)
			continue;
		autofree char *path =
			xasprintf("%s/%s", mains[i].dir, mains[i].name);

		r = add_file(conf, path, err);
	}
	for (size_t i = 0; i < ARRAY_LEN(dirs) && r >= 0; i++) {
		if (!dirs[i])
			continue;
		autofree char *path =
			xasprintf("%s/registries.conf.d", dirs[i]);

		r = add_dir(conf, path, err);
	}
	if (r >= 0 && cache) {
		/* Where podman keeps what users answered to its prompt */
		autofree char *path =
			xasprintf("%s/short-name-aliases.conf", cache);

		r = add_file(conf, path, err);
	}
	return r < 0 ? r : 0;
}

int registries_conf_load(char *const *env, struct registries_conf **ret,
			 struct err *err)
{
	auto_registries_conf struct registries_conf *conf = conf_new();
	const char *path = strv_env_get(env, "CONTAINERS_REGISTRIES_CONF");
	int r;

	if (str_is_empty(path)) {
		r = load_usual(conf, env, err);
		if (r == 0)
			r = daemon_json_load(env, &conf->daemon, err);
	} else {
		r = add_file(conf, path, err);
		if (r == 0)
			return err_set(
				err, ERR_NOT_FOUND, ENOENT,
				"%s (CONTAINERS_REGISTRIES_CONF): no such file",
				path);
	}
	if (r < 0)
		return r;
	*ret = take_ptr(conf);
	return 0;
}

/* ---- short names ------------------------------------------------------- */

bool registries_conf_is_short(const char *name)
{
	size_t n = strcspn(name, "/");

	if (name[n] != '/')
		return true;
	return !memchr(name, '.', n) && !memchr(name, ':', n) &&
	       !(n == 9 && memcmp(name, "localhost", 9) == 0);
}

/* "docker.io/nginx:1" -> "docker.io/library/nginx:1"; owned */
static char *with_library(const char *name)
{
	const char *rest = str_after(name, DOCKER_HOST "/");

	if (rest && !strchr(rest, '/'))
		return xasprintf(DOCKER_HOST "/library/%s", rest);
	return xstrdup(name);
}

/* Where the tag or digest of @name starts */
static size_t name_len(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *from = slash ? slash : name;

	return (size_t)(from - name) + strcspn(from, ":@");
}

int registries_conf_expand(const struct registries_conf *conf, const char *name,
			   char ***ret, struct err *err)
{
	size_t len = name_len(name);
	autofree char *bare = xstrndup(name, len);
	autostrv char **list = NULL;
	const char *alias;

	if (!registries_conf_is_short(name)) {
		strv_push(ret, with_library(name));
		return 0;
	}
	alias = strv_env_get(conf->aliases, bare);
	if (alias) {
		autofree char *full = xasprintf("%s%s", alias, name + len);

		strv_push(ret, with_library(full));
		return 0;
	}
	for (size_t i = 0; i < strv_len(conf->search); i++) {
		autofree char *full = xasprintf("%s/%s", conf->search[i], name);

		strv_push(&list, with_library(full));
	}
	if (!list)
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			       "'%s': short name, and "
			       "unqualified-search-registries is empty",
			       name);
	strv_extend(ret, list);
	return 0;
}

char *const *registries_conf_search(const struct registries_conf *conf)
{
	return conf->search;
}

char *const *registries_conf_helpers(const struct registries_conf *conf)
{
	return conf->helpers;
}

/* ---- sources ----------------------------------------------------------- */

/*
 * Return: how many bytes of @name ("host/repo") the rule's prefix covers, 0
 * when it does not apply.  A prefix ends at a component: "a.io/foo" is not
 * for "a.io/foobar".
 */
static size_t rule_match(const struct registry_rule *rule, const char *name)
{
	const char *suffix = str_after(rule->prefix, "*");
	size_t host = strcspn(name, "/");
	size_t len;

	if (suffix) {
		/* "*.example.com[/path]": any depth of subdomains */
		size_t suffix_host = strcspn(suffix, "/");
		size_t rest = strlen(suffix) - suffix_host;

		if (host <= suffix_host ||
		    memcmp(name + host - suffix_host, suffix, suffix_host) ||
		    strncmp(name + host, suffix + suffix_host, rest) != 0)
			return 0;
		len = host + rest;
	} else {
		len = strlen(rule->prefix);
		if (strncmp(name, rule->prefix, len) != 0)
			return 0;
	}
	return name[len] == '/' || name[len] == '\0' ? len : 0;
}

static const struct registry_rule *find_rule(const struct registries_conf *conf,
					     const char *name, size_t *ret_len)
{
	const struct registry_rule *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < conf->n_rules; i++) {
		size_t len = rule_match(&conf->rules[i], name);

		/* An exact host is more specific than a wildcard for it */
		if (len > best_len ||
		    (len && len == best_len && best->prefix[0] == '*')) {
			best = &conf->rules[i];
			best_len = len;
		}
	}
	*ret_len = best_len;
	return best;
}

static int add_source(const struct registries_conf *conf,
		      struct registries_sources *list, const char *location,
		      const char *rest, struct registries_source source,
		      struct err *err)
{
	autofree char *name = xasprintf("%s%s", location, rest);
	char *slash = strchr(name, '/');

	if (!slash || !slash[1])
		return err_set(
			err, ERR_INVALID, EINVAL,
			"registries.conf: location '%s' leaves no repository",
			location);
	source.host = xstrndup(name, (size_t)(slash - name));
	source.insecure |= daemon_json_insecure(&conf->daemon, source.host);
	source.repo = xstrdup(slash + 1);
	list->v = xreallocarray(list->v, list->n + 1, sizeof(*list->v));
	list->v[list->n++] = source;
	return 0;
}

/* "registry-mirrors" are of docker.io alone */
static int add_daemon_mirrors(const struct registries_conf *conf,
			      struct registries_sources *list,
			      const char *repo, struct err *err)
{
	autofree char *rest = xasprintf("/%s", repo);
	int r = 0;

	for (char **m = conf->daemon.mirrors; r == 0 && m && *m; m++) {
		const char *plain = str_after(*m, "http://");

		r = add_source(conf, list,
			       plain ? plain : *m + strlen("https://"), rest,
			       (struct registries_source){
				       .mirror = true,
				       .insecure = plain != NULL },
			       err);
	}
	return r;
}

int registries_conf_sources(const struct registries_conf *conf,
			    const char *host, const char *repo,
			    struct registries_sources *ret, struct err *err)
{
	auto_registries_sources struct registries_sources list = { 0 };
	autofree char *name = xasprintf("%s/%s", host, repo);
	const struct registry_rule *rule;
	size_t len;
	int r = 0;

	rule = find_rule(conf, name, &len);
	if (rule && rule->blocked)
		return err_set(err, ERR_FAIL, EACCES,
			       "registry %s is blocked by registries.conf "
			       "(prefix '%s')",
			       host, rule->prefix);
	for (size_t i = 0; rule && i < rule->n_mirrors && r == 0; i++) {
		const struct mirror *m = &rule->mirrors[i];

		r = add_source(
			conf, &list, m->location, name + len,
			(struct registries_source){ .insecure = m->insecure,
						    .mirror = true,
						    .use = m->use },
			err);
	}
	if (!rule && streq(host, DOCKER_HOST))
		r = add_daemon_mirrors(conf, &list, repo, err);
	if (r < 0)
		return r;
	if (rule && *rule->location)
		r = add_source(conf, &list, rule->location, name + len,
			       (struct registries_source){
				       .insecure = rule->insecure },
			       err);
	else
		r = add_source(conf, &list, host, name + strlen(host),
			       (struct registries_source){
				       .insecure = rule && rule->insecure },
			       err);
	if (r < 0)
		return r;
	*ret = list;
	list = (struct registries_sources){ 0 };
	return 0;
}

void registries_sources_done(struct registries_sources *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].host);
		free(list->v[i].repo);
	}
	free(list->v);
	*list = (struct registries_sources){ 0 };
}
