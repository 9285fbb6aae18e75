/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --mount type=...,KEY=VALUE,...
 *
 * Theory of operation.  The text is one line of CSV, so that a value may hold
 * a comma in quotes.  The type is looked at first, since it says which keys
 * there are: one table has them all, each row with the types that know it.
 */
#include <stdlib.h>

#include "cmd/container/mount_words.h"
#include "util/path.h"
#include "util/str.h"
#include "util/strv.h"

/* Types as bits, for the table of keys. */
enum {
	T_BIND = 1,
	T_VOLUME = 2,
	T_TMPFS = 4,
	T_RAMFS = 8,
	T_DEVPTS = 16,
	T_IMAGE = 32,
	T_GLOB = 64,
	T_MEMORY = T_TMPFS | T_RAMFS,
	T_FILES = T_BIND | T_GLOB,
	T_SOURCE = T_FILES | T_VOLUME | T_IMAGE,
	T_ALL = 127,
};

static const struct {
	const char *name;
	unsigned int bit;
	enum ctr_mount_type type;
} types[] = {
	{ "bind", T_BIND, MNT_BIND },	    { "volume", T_VOLUME, MNT_VOLUME },
	{ "tmpfs", T_TMPFS, MNT_TMPFS },    { "ramfs", T_RAMFS, MNT_RAMFS },
	{ "devpts", T_DEVPTS, MNT_DEVPTS }, { "image", T_IMAGE, MNT_IMAGE },
	{ "glob", T_GLOB, MNT_BIND },
};

struct spec {
	struct ctr_mount *m;
	unsigned int type;
	bool rw;	/* said so: an image is read-only otherwise */
};

/* ---- one function for each kind of key ---------------------------------- */

static int bool_value(const char *key, const char *value, bool *ret,
		      struct err *err)
{
	*ret = true;
	if (value && parse_bool(value, ret) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s=%s: invalid mount option", key, value);
	return 0;
}

static int key_ro(struct spec *s, const char *key, const char *value,
		  struct err *err)
{
	bool on;
	int r = bool_value(key, value, &on, err);

	s->m->ro = streq(key, "rw") ? !on : on;
	s->rw = !s->m->ro;
	return r;
}

static int key_source(struct spec *s, const char *key, const char *value,
		      struct err *err)
{
	if (str_is_empty(value))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s: must provide an argument for option", key);
	str_set(&s->m->source, value);
	return 0;
}

static int key_target(struct spec *s, const char *key, const char *value,
		      struct err *err)
{
	(void)key;
	if (str_is_empty(value))
		return err_set(err, ERR_INVALID, EINVAL,
			       "must set volume destination");
	return mount_set_target(s->m, value, err);
}

static int key_subpath(struct spec *s, const char *key, const char *value,
		       struct err *err)
{
	if (str_is_empty(value))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s: must provide an argument for option", key);
	str_set(&s->m->subpath, value);
	return 0;
}

static int key_propagation(struct spec *s, const char *key, const char *value,
			   struct err *err)
{
	(void)key;
	if (!value || !mount_propagation(value, s->m))
		return mount_unknown(value ? value : key, err);
	return 0;
}

/* "bind-recursive" has words of docker's, "bind-nonrecursive" a boolean */
static int key_recursive(struct spec *s, const char *key, const char *value,
			 struct err *err)
{
	if (streq(key, "bind-nonrecursive"))
		return bool_value(key, value, &s->m->nonrecursive, err);
	if (streq(value, "disabled"))
		s->m->nonrecursive = true;
	else if (value && !streq(value, "enabled") &&
		 !streq(value, "readonly") && !streq(value, "writable"))
		return mount_unknown(value, err);
	return 0;
}

static int key_relabel(struct spec *s, const char *key, const char *value,
		       struct err *err)
{
	if (!streq(value, "shared") && !streq(value, "private"))
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s=%s: invalid mount option, must be "
			       "\"private\" or \"shared\"", key,
			       value ? value : "");
	str_set(&s->m->relabel, value[0] == 's' ? "z" : "Z");
	return 0;
}

/* podman's -v has these, and its users write them here too. */
static int key_label(struct spec *s, const char *key, const char *value,
		     struct err *err)
{
	if (value)
		return mount_unknown(key, err);
	str_set(&s->m->relabel, key);
	return 0;
}

static int key_chown(struct spec *s, const char *key, const char *value,
		     struct err *err)
{
	return bool_value(key, value, &s->m->chown, err);
}

static int key_idmap(struct spec *s, const char *key, const char *value,
		     struct err *err)
{
	s->m->idmap = true;
	if (!value)
		return 0;
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "mount option '%s=%s' is not supported yet: idmap takes "
		       "the container's own map", key, value);
}

static int key_nofollow(struct spec *s, const char *key, const char *value,
			struct err *err)
{
	return bool_value(key, value, &s->m->nofollow, err);
}

static int key_copy(struct spec *s, const char *key, const char *value,
		    struct err *err)
{
	bool on;
	int r = bool_value(key, value, &on, err);

	s->m->nocopy = streq(key, "copy") ? !on : on;
	return r;
}

/* "tmpfs-size=1m", "size=1m", "notmpcopyup", "noswap" */
static int key_tmpfs(struct spec *s, const char *key, const char *value,
		     struct err *err)
{
	const char *name = str_after(key, "tmpfs-");
	autofree char *word = NULL;

	name = name ? name : key;
	word = value ? xasprintf("%s=%s", name, value) : xstrdup(name);
	return mount_tmpfs_word(word, s->m, err);
}

static int key_devpts(struct spec *s, const char *key, const char *value,
		      struct err *err)
{
	uint32_t n = 0;
	char *old = s->m->options;

	if (!value || (streq(key, "mode") ? parse_octal(value, &n) :
					    parse_u32(value, &n)) < 0)
		return err_set(err, ERR_INVALID, EINVAL,
			       "%s=%s: invalid mount option", key,
			       value ? value : "");
	s->m->options = xasprintf("%s,%s=%s", old ? old :
				  "newinstance,ptmxmode=0666", key, value);
	free(old);
	return 0;
}

static int key_nothing(struct spec *s, const char *key, const char *value,
		       struct err *err)
{
	(void)s;
	(void)key;
	(void)value;
	(void)err;
	return 0;
}

static int key_later(struct spec *s, const char *key, const char *value,
		     struct err *err)
{
	(void)s;
	(void)value;
	return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
		       "mount option '%s' is not supported yet", key);
}

static int key_driver(struct spec *s, const char *key, const char *value,
		      struct err *err)
{
	(void)s;
	(void)key;
	return mount_volume_driver(value, err);
}

/* ---- the table --------------------------------------------------------- */

static const struct {
	const char *key;
	unsigned int types;
	int (*set)(struct spec *s, const char *key, const char *value,
		   struct err *err);
} keys[] = {
	{ "type", T_ALL, key_nothing },	/* looked at first */
	{ "ro", T_ALL, key_ro },
	{ "readonly", T_ALL, key_ro },
	{ "rw", T_ALL, key_ro },
	{ "src", T_SOURCE, key_source },
	{ "source", T_SOURCE, key_source },
	/* what mountinfo shows of a file system in memory is no choice */
	{ "src", T_MEMORY, key_nothing },
	{ "source", T_MEMORY, key_nothing },
	{ "dst", T_ALL, key_target },
	{ "dest", T_ALL, key_target },
	{ "destination", T_ALL, key_target },
	{ "target", T_ALL, key_target },
	{ "subpath", T_BIND | T_VOLUME | T_IMAGE, key_subpath },
	{ "volume-subpath", T_VOLUME, key_subpath },
	{ "image-subpath", T_IMAGE, key_subpath },
	{ "bind-propagation", T_FILES, key_propagation },
	{ "bind-nonrecursive", T_FILES, key_recursive },
	{ "bind-recursive", T_FILES, key_recursive },
	{ "consistency", T_FILES | T_VOLUME, key_nothing },
	{ "relabel", T_SOURCE, key_relabel },
	{ "z", T_SOURCE, key_label },
	{ "Z", T_SOURCE, key_label },
	{ "U", T_SOURCE | T_MEMORY, key_chown },
	{ "chown", T_SOURCE | T_MEMORY, key_chown },
	{ "idmap", T_FILES | T_VOLUME, key_idmap },
	{ "no-dereference", T_FILES, key_nofollow },
	{ "copy", T_VOLUME, key_copy },
	{ "nocopy", T_VOLUME, key_copy },
	{ "volume-nocopy", T_VOLUME, key_copy },
	{ "volume-opt", T_VOLUME, key_later },
	{ "volume-driver", T_VOLUME, key_driver },
	{ "volume-label", T_VOLUME, key_later },
	{ "tmpfs-size", T_TMPFS, key_tmpfs },
	{ "tmpfs-mode", T_MEMORY, key_tmpfs },
	{ "size", T_TMPFS, key_tmpfs },
	{ "mode", T_MEMORY, key_tmpfs },
	{ "uid", T_MEMORY, key_tmpfs },
	{ "gid", T_MEMORY, key_tmpfs },
	{ "tmpcopyup", T_MEMORY, key_tmpfs },
	{ "notmpcopyup", T_MEMORY, key_tmpfs },
	{ "noswap", T_MEMORY, key_tmpfs },
	{ "uid", T_DEVPTS, key_devpts },
	{ "gid", T_DEVPTS, key_devpts },
	{ "mode", T_DEVPTS, key_devpts },
	{ "max", T_DEVPTS, key_devpts },
};

static int set_key(struct spec *s, const char *key, const char *value,
		   struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (streq(key, keys[i].key) && (keys[i].types & s->type))
			return keys[i].set(s, key, value, err);
	if (!value && mount_word(key, s->m))
		return 0;
	return mount_unknown(key, err);
}

static int set_type(struct spec *s, const char *name, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (!streq(name, types[i].name))
			continue;
		s->type = types[i].bit;
		s->m->type = types[i].type;
		return 0;
	}
	if (streq(name, "artifact"))
		return err_set(err, ERR_UNSUPPORTED, ENOTSUP,
			       "mount type \"%s\" is not supported yet", name);
	return err_set(err, ERR_INVALID, EINVAL,
		       "invalid filesystem type \"%s\"", name);
}

/* ---- the whole --------------------------------------------------------- */

static int need_source(const struct spec *s, const char *what,
		       struct err *err)
{
	if (!str_is_empty(s->m->source))
		return 0;
	return err_set(err, ERR_INVALID, EINVAL, "must set source for %s",
		       what);
}

static int finish_bind(struct spec *s, struct err *err)
{
	autofree char *source = NULL;
	int r = need_source(s, "a bind mount", err);

	if (r == 0)
		r = path_absolute(s->m->source, &source, err);
	if (r < 0)
		return r;
	free(s->m->source);
	s->m->source = take_ptr(source);
	return 0;
}

static int finish(struct spec *s, struct err *err)
{
	int r;

	if (!s->m->target && s->type != T_GLOB)
		return err_set(err, ERR_INVALID, EINVAL,
			       "must set volume destination");
	switch (s->type) {
	case T_BIND:
	case T_GLOB:
		return finish_bind(s, err);
	case T_IMAGE:
		r = need_source(s, "an image mount", err);
		s->m->ro = !s->rw;
		return r;
	case T_VOLUME:
		if (s->m->source)
			return mount_volume_name(s->m->source, err);
		mount_anonymous(s->m);
		return 0;
	default:
		return 0;
	}
}

static int set_word(struct spec *s, char *word, struct err *err)
{
	char *eq = strchr(word, '=');

	if (eq)
		*eq = '\0';
	return set_key(s, word, eq ? eq + 1 : NULL, err);
}

int mount_parse_mount(const char *text, struct ctr_mount *m, char **ret_glob,
		      struct err *err)
{
	struct spec s = { .m = m, .type = T_VOLUME };
	autostrv char **words = NULL;
	const char *type;
	int r = 0;

	*m = (struct ctr_mount){ .type = MNT_VOLUME };
	*ret_glob = NULL;
	opt_csv(text, &words);
	type = strv_env_get(words, "type");
	if (type)
		r = set_type(&s, type, err);
	for (char **w = words; r == 0 && w && *w; w++)
		r = set_word(&s, *w, err);
	if (r == 0)
		r = finish(&s, err);
	if (r == 0 && s.type == T_BIND && !strv_contains(words, "nodev"))
		m->dev |= mount_has_devices(m->source);
	if (r == 0 && s.type == T_GLOB)
		*ret_glob = take_ptr(m->source);
	return r;
}
