/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Runs in the command's own process, for login and logout.  A change of the
 * file is read, edit, replace under a flock on its directory, so that two
 * logins at once both stay and a reader sees the old or the new file.  A file
 * that does not parse is left alone: it may hold somebody's credentials.
 *
 * Where a credential helper is in charge the secret goes to it and the file
 * only lists the host, the way docker does it.
 */
#include "storage/auth_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "storage/auth.h"
#include "storage/auth_helper.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"

#define FILE_MAX (1u << 20)
#define IN_FILE "containers-auth.json"

void auth_target_done(struct auth_target *t)
{
	free(t->path);
	t->path = NULL;
}

int auth_target_find(char *const *env, const char *authfile,
		     const char *compat, struct auth_target *ret,
		     struct err *err)
{
	const char *named = strv_env_get(env, "REGISTRY_AUTH_FILE");
	const char *docker = strv_env_get(env, "DOCKER_CONFIG");
	const char *runtime = strv_env_get(env, "XDG_RUNTIME_DIR");
	const char *config = strv_env_get(env, "XDG_CONFIG_HOME");
	const char *home = strv_env_get(env, "HOME");
	struct auth_target t = { .env = env, .docker = compat != NULL };

	if (authfile && compat)
		return err_set(err, ERR_USAGE, EINVAL,
			       "options for paths to the credential file and "
			       "to the Docker-compatible credential file can "
			       "not be set simultaneously");
	if (compat)
		t.path = xstrdup(compat);
	else if (authfile || !str_is_empty(named))
		t.path = xstrdup(authfile ? authfile : named);
	else if (!str_is_empty(docker))
		t.path = xasprintf("%s/config.json", docker);
	else if (!str_is_empty(runtime))
		t.path = xasprintf("%s/containers/auth.json", runtime);
	else if (!str_is_empty(config))
		t.path = xasprintf("%s/containers/auth.json", config);
	else if (!str_is_empty(home))
		t.path = xasprintf("%s/.config/containers/auth.json", home);
	else
		return err_set(err, ERR_FAIL, ENOENT,
			       "no place for credentials: neither "
			       "XDG_RUNTIME_DIR nor HOME is set, use "
			       "--authfile");
	if (!compat && !authfile && str_is_empty(named))
		t.docker = !str_is_empty(docker);
	*ret = t;
	return 0;
}

/* ---- the file ----------------------------------------------------------- */

/**
 * struct edit - the file while it is changed
 * @dir:  its directory, flock'ed
 * @name: within it; owned
 * @o:    its contents; owned
 */
struct edit {
	int dir;
	char *name;
	struct json_object *o;
};

static void edit_done(struct edit *e)
{
	json_object_put(e->o);
	free(e->name);
	close_fd(e->dir);
}

#define auto_edit cleanup(edit_done)

/* mkdir -p; what is there already keeps its mode */
static int make_parents(const char *path, struct err *err)
{
	autofree char *copy = xstrdup(path);

	for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			return err_sys(err, "make directory %s", copy);
		*at = '/';
	}
	return 0;
}

static int open_dir(const char *path, struct edit *e, struct err *err)
{
	/* A link into somebody's dotfiles stays one */
	autofree char *real = realpath(path, NULL);
	autofree char *whole = xstrdup(real ? real : path);
	char *slash;

	slash = strrchr(whole, '/');
	e->name = xstrdup(slash ? slash + 1 : whole);
	if (slash)
		slash[slash == whole] = '\0';
	e->dir = open(slash ? whole : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dir < 0)
		return err_sys(err, "open the directory of %s", path);
	if (flock(e->dir, LOCK_EX) < 0)
		return err_sys(err, "lock the directory of %s", path);
	return 0;
}

static int edit_begin(const char *path, struct edit *e, struct err *err)
{
	autowipe_sb struct sb text = SB_INIT;
	int r = make_parents(path, err);

	if (r == 0)
		r = open_dir(path, e, err);
	if (r < 0)
		return r;
	r = file_read_at(e->dir, e->name, FILE_MAX, &text);
	if (r < 0 && r != -ENOENT)
		return err_code(err, r, "credential file %s", path);
	if (strspn(text.buf, " \t\r\n") == text.len) {
		e->o = json_object_new_object();
		return 0;
	}
	e->o = json_parse(text.buf, text.len, NULL);
	if (!e->o || !json_object_is_type(e->o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "credential file %s: not a valid JSON object, "
			       "left as it is", path);
	return 0;
}

static int edit_end(struct edit *e, struct err *err)
{
	autowipe_sb struct sb text = SB_INIT;

	json_pretty(e->o, 8, &text);
	sb_addch(&text, '\n');
	return file_write_at(e->dir, e->name, text.buf, text.len, 0600, true,
			     err);
}

static struct json_object *auths_of(struct edit *e)
{
	struct json_object *auths = json_obj(e->o, "auths");

	if (auths)
		return auths;
	auths = json_object_new_object();
	json_set(e->o, "auths", auths);
	return auths;
}

/* Keys of @map that stand for @key, in whatever spelling; a strv */
static char **keys_of(struct json_object *map, const char *key)
{
	char **keys = NULL;

	if (!map)
		return NULL;
	json_object_object_foreach(map, name, value) {
		autofree char *host = auth_host_of(name);

		(void)value;
		if (!key || streq(host, key))
			strv_add(&keys, name);
	}
	return keys;
}

static int forget(struct json_object *map, const char *key)
{
	autostrv char **keys = keys_of(map, key);

	for (char **k = keys; k && *k; k++)
		json_object_object_del(map, *k);
	return (int)strv_len(keys);
}

static const char *own_key(const struct auth_target *t, const char *key)
{
	return t->docker && streq(key, DOCKER_HOST) ? DOCKER_KEY : key;
}

/* ---- helpers ------------------------------------------------------------ */

/* The suffix of the helper in charge by this file, or NULL; borrowed */
static const char *helper_of(struct json_object *o, const char *key)
{
	struct json_object *map = json_obj(o, "credHelpers");
	autostrv char **keys = keys_of(map, key);
	const char *suffix = keys ? json_str(map, keys[0]) : NULL;

	if (str_is_empty(suffix))
		suffix = json_str(o, "credsStore");
	return str_is_empty(suffix) ? NULL : suffix;
}

/* What a helper calls the host: docker's name, as docker's own tools do */
static const char *helper_key(const char *key)
{
	return streq(key, DOCKER_HOST) ? DOCKER_KEY : key;
}

static int helper_store(const struct auth_target *t, const char *suffix,
			const char *key, const char *user,
			const char *password, struct err *err)
{
	const struct auth_helper h = { suffix, t->env, key };
	autojson struct json_object *o = json_object_new_object();
	autowipe_sb struct sb in = SB_INIT;
	autowipe_sb struct sb out = SB_INIT;
	int r;

	json_set_str(o, "ServerURL", helper_key(key));
	json_set_str(o, "Username", user);
	json_set_str(o, "Secret", password);
	sb_add(&in, json_text(o));
	r = auth_helper_run(&h, "store", in.buf, &out, err);
	if (r == 0)
		return err_set(err, ERR_FAIL, EIO,
			       "credential helper docker-credential-%s stored "
			       "nothing", suffix);
	return r < 0 ? r : 0;
}

/* 1 it had some, 0 not, -errno */
static int helper_erase(const struct auth_target *t, const char *suffix,
			const char *key, struct err *err)
{
	const struct auth_helper h = { suffix, t->env, key };
	autowipe_sb struct sb had = SB_INIT;
	autowipe_sb struct sb out = SB_INIT;
	int r = auth_helper_run(&h, "get", helper_key(key), &had, err);

	if (r <= 0)
		return r;
	return auth_helper_run(&h, "erase", helper_key(key), &out, err);
}

/* ---- calls -------------------------------------------------------------- */

static int store_in_file(const struct auth_target *t, const char *key,
			 const char *user, const char *password,
			 struct err *err)
{
	struct json_object *entry = json_object_new_object();
	auto_edit struct edit e = { .dir = -EBADF };
	int r = edit_begin(t->path, &e, err);
	const char *suffix;

	if (r < 0) {
		json_object_put(entry);
		return r;
	}
	suffix = helper_of(e.o, key);
	forget(auths_of(&e), key);
	json_set(auths_of(&e), own_key(t, key), entry);
	if (suffix) {
		r = helper_store(t, suffix, key, user, password, err);
	} else {
		autofree char *pair = xasprintf("%s:%s", user, password);
		autofree char *text = base64_encode(pair, strlen(pair));

		json_set_str(entry, "auth", text);
		explicit_bzero(pair, strlen(pair));
		explicit_bzero(text, strlen(text));
	}
	return r < 0 ? r : edit_end(&e, err);
}

int auth_store(const struct auth_target *t, const char *key, const char *user,
	       const char *password, struct err *err)
{
	const char *first = t->helpers ? t->helpers[0] : NULL;

	if (t->docker && strchr(key, '/'))
		return err_set(err, ERR_USAGE, EINVAL,
			       "%s: docker's credential file has no "
			       "namespaces, give a registry", key);
	if (first && !streq(first, IN_FILE))
		return helper_store(t, first, key, user, password, err);
	return store_in_file(t, key, user, password, err);
}

int auth_erase(const struct auth_target *t, const char *key, struct err *err)
{
	auto_edit struct edit e = { .dir = -EBADF };
	const char *suffix;
	int found = 0;
	int r = 0;

	for (char *const *h = t->helpers; h && *h && r >= 0; h++) {
		if (streq(*h, IN_FILE))
			continue;
		r = helper_erase(t, *h, key, err);
		found |= r > 0;
	}
	if (r >= 0)
		r = edit_begin(t->path, &e, err);
	if (r < 0)
		return r;
	suffix = helper_of(e.o, key);
	if (suffix)
		r = helper_erase(t, suffix, key, err);
	if (r < 0)
		return r;
	found |= r > 0;
	if (forget(json_obj(e.o, "auths"), key) > 0) {
		found = 1;
		r = edit_end(&e, err);
	}
	return r < 0 ? r : found;
}

int auth_erase_all(const struct auth_target *t, struct err *err)
{
	auto_edit struct edit e = { .dir = -EBADF };
	autostrv char **keys = NULL;
	autostrv char **helped = NULL;
	int r = edit_begin(t->path, &e, err);

	if (r < 0)
		return r;
	keys = keys_of(json_obj(e.o, "auths"), NULL);
	helped = keys_of(json_obj(e.o, "credHelpers"), NULL);
	strv_extend(&keys, helped);
	for (char **k = keys; r >= 0 && k && *k; k++) {
		autofree char *host = auth_host_of(*k);
		const char *suffix = helper_of(e.o, host);

		if (suffix)
			r = helper_erase(t, suffix, host, err);
	}
	if (r < 0)
		return r;
	forget(json_obj(e.o, "auths"), NULL);
	return edit_end(&e, err);
}
