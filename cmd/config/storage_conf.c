/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/config/storage_conf.h"

#include <stdlib.h>
#include <unistd.h>

#include "cmd/config/conf_tree.h"
#include "util/cleanup.h"
#include "util/json.h"
#include "util/log.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/trace.h"

void storage_conf_done(struct storage_conf *c)
{
	free(c->driver);
	free(c->root);
	free(c->runroot);
	free(c->file);
	*c = (struct storage_conf){ .driver = NULL };
}

/* ---- values ------------------------------------------------------------ */

static int get_str(struct json_object *table, const char *key,
		   const char **ret, struct err *err)
{
	struct json_object *v;

	*ret = NULL;
	if (!table || !json_object_object_get_ex(table, key, &v))
		return 0;
	if (!json_object_is_type(v, json_type_string))
		return err_set(err, ERR_INVALID, EINVAL,
			       "storage.%s must be a string", key);
	*ret = json_object_get_string(v);
	return 0;
}

/* $HOME, $USER and $UID, whoever else uses the name stays as it is. */
static char *expand(const char *text, const struct storage_places *who)
{
	autofree char *uid = xasprintf("%u", who->uid);
	const struct {
		const char *name;
		const char *value;
	} vars[] = { { "$HOME", who->home },
		     { "$USER", who->user },
		     { "$UID", uid } };
	autosb struct sb out = SB_INIT;

	while (*text) {
		size_t i = 0;

		while (i < ARRAY_LEN(vars) &&
		       !(vars[i].value && str_starts(text, vars[i].name)))
			i++;
		if (i == ARRAY_LEN(vars)) {
			sb_addch(&out, *text++);
			continue;
		}
		sb_add(&out, vars[i].value);
		text += strlen(vars[i].name);
	}
	return sb_take(&out);
}

static bool is_below(const char *path, const char *dir, const char *tail)
{
	autofree char *whole = dir ? path_join(dir, tail) : NULL;

	return whole && streq(path, whole);
}

/* Where podman's store is when nobody says anything. */
static bool is_default(const char *path, const struct storage_places *who)
{
	autofree char *share = who->home ? path_join(who->home, ".local/share")
					 : NULL;
	autofree char *run = xasprintf("/run/user/%u/containers", who->uid);

	if (!who->is_user)
		return streq(path, "/var/lib/containers/storage") ||
		       streq(path, "/run/containers/storage") ||
		       streq(path, "/var/run/containers/storage");
	return is_below(path, share, "containers/storage") ||
	       is_below(path, who->data_home, "containers/storage") ||
	       is_below(path, who->runtime_dir, "containers") ||
	       streq(path, run);
}

/* Our place for a place of podman's */
static int beside(const char *key, const char *text,
		  const struct storage_places *who, char **ret,
		  struct err *err)
{
	autofree char *path = NULL;
	autofree char *clean = NULL;

	if (str_is_empty(text))
		return 0;
	path = expand(text, who);
	if (path[0] != '/')
		return err_set(err, ERR_INVALID, EINVAL,
			       "storage.%s: \"%s\" is not an absolute path",
			       key, path);
	clean = path_clean(path);
	if (is_default(clean, who))
		return 0;
	free(*ret);
	*ret = xasprintf("%s-bryo", clean);
	return 0;
}

/* "overlay" is the family whose best member is found by trying. */
static void set_driver(const char *name, struct storage_conf *c)
{
	if (streq(name, "vfs") || streq(name, "fuse-overlayfs"))
		str_set(&c->driver, name);
	else if (!str_is_empty(name) && !streq(name, "overlay") &&
		 !streq(name, "overlay2"))
		log_debug("storage.conf: driver %s has no effect here", name);
}

static int read_storage(struct json_object *o,
			const struct storage_places *who,
			struct storage_conf *ret, struct err *err)
{
	const char *driver;
	const char *root;
	const char *runroot;
	const char *rootless;
	int r = get_str(o, "driver", &driver, err);

	if (r == 0)
		r = get_str(o, "graphroot", &root, err);
	if (r == 0)
		r = get_str(o, "runroot", &runroot, err);
	if (r == 0)
		r = get_str(o, "rootless_storage_path", &rootless, err);
	if (r < 0)
		return r;
	set_driver(driver, ret);
	/* graphroot of a machine's file is root's */
	if (who->is_user && !who->own_file)
		root = runroot = NULL;
	if (who->is_user)
		r = beside("rootless_storage_path", rootless, who, &ret->root,
			   err);
	if (r == 0)
		r = beside("graphroot", root, who, &ret->root, err);
	return r < 0 ? r : beside("runroot", runroot, who, &ret->runroot, err);
}

static int read_tree(const struct conf_tree *t,
		     const struct storage_places *who,
		     struct storage_conf *ret, struct err *err)
{
	struct json_object *o = NULL;

	if (!t->root || !json_object_object_get_ex(t->root, "storage", &o))
		return 0;	/* an empty file is a good one */
	if (!json_object_is_type(o, json_type_object))
		return err_set(err, ERR_INVALID, EINVAL,
			       "storage must be a table");
	if (json_object_object_get_ex(o, "options", NULL))
		log_debug("storage.conf: storage.options have no effect here");
	return read_storage(o, who, ret, err);
}

int storage_conf_parse(const char *text, size_t len,
		       const struct storage_places *who,
		       struct storage_conf *ret, struct err *err)
{
	struct conf_tree t cleanup(conf_tree_done) = { .root = NULL };
	int r;

	*ret = (struct storage_conf){ .driver = NULL };
	r = conf_tree_text(&t, text, len, err);
	return r < 0 ? r : read_tree(&t, who, ret, err);
}

/* ---- the file ---------------------------------------------------------- */

static int read_first(struct conf_tree *t, struct storage_places *who,
		      struct err *err)
{
	static const char *const machine[] = {
		"/etc/containers/storage.conf",
		"/usr/share/containers/storage.conf",
	};
	const char *only = getenv("CONTAINERS_STORAGE_CONF");
	autofree char *dir = conf_user_dir();
	autofree char *own = dir ? path_join(dir, "storage.conf") : NULL;
	int r = 0;

	who->is_user = dir || geteuid() != 0;
	who->own_file = true;
	if (!str_is_empty(only))
		return conf_tree_file(t, only, true, err);
	if (own)
		r = conf_tree_file(t, own, false, err);
	if (r < 0 || t->files)
		return r;
	who->own_file = false;
	for (size_t i = 0; r == 0 && !t->files && i < ARRAY_LEN(machine); i++)
		r = conf_tree_file(t, machine[i], false, err);
	return r;
}

static struct storage_conf current;

const struct storage_conf *storage_conf_get(void)
{
	return &current;
}

int storage_conf_load(struct err *err)
{
	TRACE("cmd", "storage.conf");
	struct conf_tree t cleanup(conf_tree_done) = { .root = NULL };
	const char *driver = getenv("STORAGE_DRIVER");
	struct storage_places who = {
		.home = getenv("HOME"),
		.user = getenv("USER"),
		.data_home = getenv("XDG_DATA_HOME"),
		.runtime_dir = getenv("XDG_RUNTIME_DIR"),
		.uid = getuid(),
	};
	int r;

	r = read_first(&t, &who, err);
	if (r < 0)
		return r;
	r = read_tree(&t, &who, &current, err);
	if (r < 0)
		return err_wrap(err, r, "%s", t.files[0]);
	if (t.files)
		str_set(&current.file, t.files[0]);
	if (!str_is_empty(driver)) {
		str_set(&current.driver, NULL);
		set_driver(driver, &current);
	}
	return 0;
}
