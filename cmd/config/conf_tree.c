/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/config/conf_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/str.h"
#include "util/strv.h"
#include "util/toml.h"

#define FILE_MAX (1U << 20)

void conf_tree_done(struct conf_tree *t)
{
	json_object_put(t->root);
	strv_free(t->append);
	strv_free(t->files);
	*t = (struct conf_tree){ .root = NULL };
}

/* ---- lists ------------------------------------------------------------- */

/* {append=true} in the last place; @ret: what it says */
static bool has_mark(struct json_object *list, bool *ret)
{
	size_t n = json_object_array_length(list);
	struct json_object *last = n ? json_object_array_get_idx(list, n - 1) :
				       NULL;
	struct json_object *v;

	if (!json_object_is_type(last, json_type_object) ||
	    json_object_object_length(last) != 1 ||
	    !json_object_object_get_ex(last, "append", &v) ||
	    !json_object_is_type(v, json_type_boolean))
		return false;
	*ret = json_object_get_boolean(v);
	return true;
}

size_t conf_list_len(struct json_object *list)
{
	bool append;

	return json_object_array_length(list) - has_mark(list, &append);
}

static void forget(char **names, const char *name)
{
	for (size_t i = 0; names && names[i]; i++) {
		if (streq(names[i], name)) {
			strv_remove(names, i);
			return;
		}
	}
}

static void copy_elements(struct json_object *to, struct json_object *from,
			  size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_object_array_add(to, json_object_get(
				      json_object_array_get_idx(from, i)));
}

/* The list that takes the place of @old; owned by the caller */
static struct json_object *merge_list(struct conf_tree *t, const char *name,
				      struct json_object *old,
				      struct json_object *list)
{
	struct json_object *out = json_object_new_array();
	bool append = false;

	if (has_mark(list, &append)) {
		if (!append)
			forget(t->append, name);
		else if (!strv_contains(t->append, name))
			strv_add(&t->append, name);
	} else {
		append = strv_contains(t->append, name);
	}
	if (append && json_object_is_type(old, json_type_array))
		copy_elements(out, old, json_object_array_length(old));
	copy_elements(out, list, conf_list_len(list));
	return out;
}

/* ---- tables ------------------------------------------------------------ */

/* The parser bounds the depth. */
static void merge(struct conf_tree *t, const char *prefix,
		  struct json_object *into, struct json_object *from)
{
	json_object_object_foreach(from, key, value) {
		autofree char *name = xasprintf("%s%s", prefix, key);
		struct json_object *old = NULL;

		json_object_object_get_ex(into, key, &old);
		if (json_object_is_type(value, json_type_object)) {
			autofree char *below = xasprintf("%s.", name);

			if (!json_object_is_type(old, json_type_object)) {
				old = json_object_new_object();
				json_set(into, key, old);
			}
			merge(t, below, old, value);
		} else if (json_object_is_type(value, json_type_array)) {
			json_set(into, key, merge_list(t, name, old, value));
		} else {
			json_set(into, key, json_object_get(value));
		}
	}
}

int conf_tree_text(struct conf_tree *t, const char *text, size_t len,
		   struct err *err)
{
	autojson struct json_object *o = toml_parse(text, len, err);
	int r;

	if (!o)
		return -EINVAL;
	r = t->check ? t->check(o, err) : 0;
	if (r < 0)
		return r;
	if (!t->root)
		t->root = json_object_new_object();
	merge(t, "", t->root, o);
	return 0;
}

/* ---- files ------------------------------------------------------------- */

int conf_tree_file(struct conf_tree *t, const char *path, bool must,
		   struct err *err)
{
	autosb struct sb text = SB_INIT;
	int r;

	/* the usual way to say "none", and no regular file */
	if (streq(path, "/dev/null"))
		return 0;
	r = file_load(path, FILE_MAX, &text);
	if ((r == -ENOENT || r == -ENOTDIR) && !must)
		return 0;
	if (r < 0)
		return err_code(err, r, "read configuration file %s", path);
	r = conf_tree_text(t, text.buf, text.len, err);
	if (r < 0)
		return err_wrap(err, r, "%s", path);
	strv_add(&t->files, path);
	return 0;
}

int conf_tree_dir(struct conf_tree *t, const char *path, struct err *err)
{
	autoclosedir DIR *dir = opendir(path);
	autostrv char **names = NULL;
	const struct dirent *d;
	int r;

	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!dir)
		return err_sys(err, "read configuration directory %s", path);
	while ((r = dir_next(dir, &d, err)) > 0)
		if (d->d_name[0] != '.' && str_ends(d->d_name, ".conf"))
			strv_addf(&names, "%s/%s", path, d->d_name);
	if (r < 0)
		return err_wrap(err, r, "configuration directory %s", path);
	if (names)
		strv_sort(names);
	for (char **n = names; r == 0 && n && *n; n++)
		r = conf_tree_file(t, *n, true, err);
	return r;
}

/* Root of a user namespace is an ordinary user who is called so. */
static bool is_machine_root(void)
{
	autosb struct sb map = SB_INIT;

	if (geteuid() != 0)
		return false;
	return file_read_at(AT_FDCWD, "/proc/self/uid_map", 4096, &map) < 0 ||
	       strstr(map.buf, "4294967295");
}

char *conf_user_dir(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (is_machine_root())
		return NULL;
	if (xdg && xdg[0] == '/')
		return xasprintf("%s/containers", xdg);
	if (home && home[0] == '/')
		return xasprintf("%s/.config/containers", home);
	return NULL;
}
